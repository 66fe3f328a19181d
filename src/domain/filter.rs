//! Which models and providers something is limited to: patterns with `*` and `?`.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

/// The most patterns in one list.
pub const PATTERNS_MAX: usize = 32;
/// The longest pattern.
const PATTERN_LENGTH_MAX: usize = 200;

/// A name in which `*` stands for any characters and `?` for one. Case counts.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Empty, too long, or with characters that no name has.
    #[error(
        "a pattern is 1 to 200 printable characters without commas, blanks, brackets and backslashes"
    )]
    Characters,
    /// There are too many.
    #[error("at most 32 patterns are allowed")]
    TooMany,
}

impl Pattern {
    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b",\\[]{}".contains(&byte);
        if text.is_empty() || text.len() > PATTERN_LENGTH_MAX || !text.bytes().all(allowed) {
            return Err(PatternError::Characters);
        }
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        let glob = glob.map_err(|_error| PatternError::Characters)?;
        Ok(Self {
            text: text.to_owned(),
            matcher: glob.compile_matcher(),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, formatter)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// A list of patterns, one of which has to fit; an empty list fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// A list in which each pattern stands once, in order: equal lists are written equally.
    pub fn new(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, PatternError> {
        let parsed = texts.into_iter().map(|text| text.as_ref().parse());
        let mut patterns: Vec<Pattern> = parsed.collect::<Result<_, _>>()?;
        patterns.sort_by(|one, other| one.text.cmp(&other.text));
        patterns.dedup();
        if patterns.len() > PATTERNS_MAX {
            return Err(PatternError::TooMany);
        }
        Ok(Self(patterns))
    }

    /// Reads what [`Patterns`] prints.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::new(text.split(',').filter(|part| !part.is_empty()))
    }

    /// Whether one of them fits, or there is none.
    pub fn match_any(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether everything fits because there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their texts, in order.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(Pattern::to_string).collect()
    }
}

impl fmt::Display for Patterns {
    /// Their texts with commas between, as stores keep them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.texts().join(","))
    }
}

/// The calls that something is about: those of some models, or of some providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// The models as callers name them.
    pub models: Patterns,
    /// Who runs them.
    pub providers: Patterns,
}

impl CallFilter {
    /// Whether every call fits.
    pub fn is_everything(&self) -> bool {
        self.models.is_empty() && self.providers.is_empty()
    }

    /// Whether a call of this provider's model fits.
    pub fn matches(&self, provider: &str, model: &str) -> bool {
        self.providers.match_any(provider) && self.models.match_any(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_a_question_mark_for_one_character() {
        for (pattern, name, fits) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o*", "gpt-4o-mini", true),
            ("*", "", true),
            ("models/*", "models/gemini/pro", true),
            ("gpt-?", "gpt-5", true),
            ("gpt-?", "gpt-", false),
            ("GPT-4o", "gpt-4o", false),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let long = "x".repeat(PATTERN_LENGTH_MAX + 1);
        for text in ["", "a b", "a,b", "[a", "a{b}", "a\\b", "ä", &long] {
            assert_eq!(
                text.parse::<Pattern>(),
                Err(PatternError::Characters),
                "{text}"
            );
        }
        let many = (0..=PATTERNS_MAX).map(|number| format!("model-{number}"));
        assert_eq!(Patterns::new(many), Err(PatternError::TooMany));
    }

    #[test]
    fn equal_lists_are_written_equally() {
        let one = Patterns::new(["b*", "a", "b*"]).unwrap();
        assert_eq!(one.to_string(), "a,b*");
        assert_eq!(Patterns::parse("a,b*").unwrap(), one);
        assert!(Patterns::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_filter_asks_for_model_and_provider() {
        let filter = CallFilter {
            models: Patterns::new(["gpt-*", "claude-*"]).unwrap(),
            providers: Patterns::new(["openai"]).unwrap(),
        };
        assert!(filter.matches("openai", "gpt-5"));
        assert!(!filter.matches("anthropic", "claude-opus-4"));
        assert!(!filter.matches("openai", "o3"));
        assert!(CallFilter::default().matches("openai", "o3"));
    }
}
