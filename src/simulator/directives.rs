//! The `[[sim ...]]` directive: reads what a test asks the simulated provider to do.

use std::time::Duration;

use axum::http::StatusCode;

const OPENING: &str = "[[sim";
const CLOSING: &str = "]]";
/// Bounds that keep one directive from exhausting memory or hanging a test run.
const TOKENS_MAX: u64 = 1_000_000;
const CHUNKS_MAX: u64 = 100_000;
const DELAY_MAX: Duration = Duration::from_mins(10);

/// A directive that needs no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    NoUsage,
    NoTools,
    Hang,
    IgnoreCap,
    IgnoreUsageOption,
}

/// What the newest directive in a request asks for; the default asks for nothing unusual.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: u64,
    pub(super) cache_write: u64,
    pub(super) reasoning: u64,
    pub(super) chunks: Option<u64>,
    pub(super) first_byte: Option<Duration>,
    pub(super) chunk_delay: Option<Duration>,
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<u64>,
    pub(super) cut_after: Option<u64>,
    pub(super) error_after: Option<u64>,
    pub(super) tier: Option<String>,
    flags: Vec<Flag>,
}

impl Directives {
    /// Reads the last directive in the raw body: neither its brackets nor its words are ever
    /// escaped in JSON, and the last one belongs to the newest message. The error names the word
    /// that could not be read.
    pub(super) fn read(body: &str) -> Result<Self, String> {
        let mut directives = Self::default();
        let Some((_, rest)) = body.rsplit_once(OPENING) else {
            return Ok(directives);
        };
        let Some((words, _)) = rest.split_once(CLOSING) else {
            return Ok(directives);
        };
        for word in words.split_ascii_whitespace() {
            directives
                .apply(word)
                .ok_or_else(|| format!("could not read simulator directive `{word}`"))?;
        }
        Ok(directives)
    }

    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    fn apply(&mut self, word: &str) -> Option<()> {
        let Some((name, value)) = word.split_once('=') else {
            self.flags.push(flag(word)?);
            return Some(());
        };
        match name {
            "tier" => self.tier = Some(tier(value)?),
            "status" => self.status = Some(error_status(value)?),
            "first_byte_ms" => self.first_byte = Some(delay(value)?),
            "delay_ms" => self.chunk_delay = Some(delay(value)?),
            "chunks" => self.chunks = Some(number(value, CHUNKS_MAX)?),
            "retry_after" => self.retry_after = Some(number(value, u64::MAX)?),
            "cut_after" => self.cut_after = Some(number(value, u64::MAX)?),
            "error_after" => self.error_after = Some(number(value, u64::MAX)?),
            "input" => self.input = Some(number(value, TOKENS_MAX)?),
            "output" => self.output = Some(number(value, TOKENS_MAX)?),
            "cached" => self.cached = number(value, TOKENS_MAX)?,
            "cache_write" => self.cache_write = number(value, TOKENS_MAX)?,
            "reasoning" => self.reasoning = number(value, TOKENS_MAX)?,
            _ => return None,
        }
        Some(())
    }
}

fn flag(word: &str) -> Option<Flag> {
    match word {
        "no_usage" => Some(Flag::NoUsage),
        "no_tools" => Some(Flag::NoTools),
        "hang" => Some(Flag::Hang),
        "ignore_cap" => Some(Flag::IgnoreCap),
        "ignore_usage_option" => Some(Flag::IgnoreUsageOption),
        _ => None,
    }
}

fn number(value: &str, max: u64) -> Option<u64> {
    value.parse().ok().filter(|number| *number <= max)
}

fn delay(value: &str) -> Option<Duration> {
    value
        .parse()
        .ok()
        .map(Duration::from_millis)
        .filter(|delay| *delay <= DELAY_MAX)
}

fn error_status(value: &str) -> Option<StatusCode> {
    let status: StatusCode = value.parse().ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

/// A tier goes into JSON and headers as it is, so only plain words are taken.
fn tier(value: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (!value.is_empty() && value.bytes().all(plain)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Directives, Flag};

    #[test]
    fn reads_every_word_of_the_last_directive() {
        let body =
            r#"{"a":"[[sim output=1]]","b":"x [[sim output=200 status=529 hang tier=flex]] y"}"#;
        let directives = Directives::read(body).unwrap();
        assert_eq!(directives.output, Some(200));
        assert_eq!(directives.status.unwrap().as_u16(), 529);
        assert_eq!(directives.tier.as_deref(), Some("flex"));
        assert!(directives.has(Flag::Hang) && !directives.has(Flag::NoUsage));
    }

    #[test]
    fn a_body_without_a_directive_asks_for_nothing() {
        assert_eq!(
            Directives::read("[[simple]").unwrap(),
            Directives::default()
        );
    }

    #[test]
    fn names_the_word_it_could_not_read() {
        for word in [
            "outptu=1",
            "output=-1",
            "output=2000000",
            "status=200",
            "tier=a\"b",
            "wait",
        ] {
            let error = Directives::read(&format!("[[sim {word}]]")).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
