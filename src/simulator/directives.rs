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

/// How work that goes on after its answer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ending {
    #[default]
    Completed,
    Failed,
    Expired,
}

/// Units that an answer takes, where the default is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) cached: u64,
    pub(super) cache_write: u64,
    pub(super) cache_write_1h: u64,
    pub(super) audio_input: u64,
    pub(super) image_input: u64,
    pub(super) reasoning: u64,
    pub(super) audio_output: u64,
    pub(super) image_output: u64,
    pub(super) searches: u64,
}

/// When batches and answers in the background end, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    /// So long after they were begun; else by the number of polls.
    pub(super) after: Option<Duration>,
    pub(super) polls: Option<u64>,
    pub(super) ending: Ending,
    /// Lines of a batch that are worked off before it is cancelled, fails or expires.
    pub(super) done: u64,
}

/// What the newest directive in a request asks for; the default asks for nothing unusual.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) units: Units,
    /// How long the sound of a request lasts.
    pub(super) seconds: Option<u64>,
    pub(super) course: Course,
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

    /// Of a request that brings a batch's lines with it: all else belongs to the lines.
    pub(super) fn of_batch(self) -> Self {
        Self {
            course: self.course,
            ..Self::default()
        }
    }

    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    fn apply(&mut self, word: &str) -> Option<()> {
        let Some((name, value)) = word.split_once('=') else {
            self.flags.push(flag(word)?);
            return Some(());
        };
        if let Some(units) = self.units.of(name) {
            *units = number(value, TOKENS_MAX)?;
            return Some(());
        }
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
            "seconds" => self.seconds = Some(number(value, TOKENS_MAX)?),
            _ => self.course.apply(name, value)?,
        }
        Some(())
    }
}

impl Units {
    fn of(&mut self, name: &str) -> Option<&mut u64> {
        Some(match name {
            "cached" => &mut self.cached,
            "cache_write" => &mut self.cache_write,
            "cache_write_1h" => &mut self.cache_write_1h,
            "audio_input" => &mut self.audio_input,
            "image_input" => &mut self.image_input,
            "reasoning" => &mut self.reasoning,
            "audio_output" => &mut self.audio_output,
            "image_output" => &mut self.image_output,
            "searches" => &mut self.searches,
            _ => return None,
        })
    }
}

impl Course {
    fn apply(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "after_ms" => self.after = Some(delay(value)?),
            "polls" => self.polls = Some(number(value, TOKENS_MAX)?),
            "done" => self.done = number(value, TOKENS_MAX)?,
            "end" => self.ending = ending(value)?,
            _ => return None,
        }
        Some(())
    }
}

fn ending(value: &str) -> Option<Ending> {
    match value {
        "completed" => Some(Ending::Completed),
        "failed" => Some(Ending::Failed),
        "expired" => Some(Ending::Expired),
        _ => None,
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
