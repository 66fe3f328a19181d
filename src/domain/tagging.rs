//! Tagging rules: which requests get which tags without naming them.

use std::collections::BTreeMap;

use crate::domain::filter::{PatternError, Patterns};
use crate::domain::id::{ApiKeyId, TagId};
use crate::domain::tag::Weight;

/// A rule as decisions see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggingRule {
    /// Rules with more are applied first.
    pub priority: i32,
    /// What a request must be like.
    pub conditions: Conditions,
    /// What it gets then.
    pub tags: Vec<(TagId, Weight)>,
}

/// What a request must be like: all of it. What is empty asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Its path, as the ledger names it.
    pub routes: Patterns,
    /// Its model.
    pub models: Patterns,
    /// Its key is one of these.
    pub keys: Vec<ApiKeyId>,
    /// The headers that it has, by names in lower case.
    pub headers: BTreeMap<String, Patterns>,
}

impl Conditions {
    /// Whether a request is like that. `header` gives the value of a header by its name.
    pub fn are_met<'a>(
        &self,
        route: &str,
        model: &str,
        key: ApiKeyId,
        header: impl Fn(&str) -> Option<&'a str>,
    ) -> bool {
        let has = |(name, patterns): (&String, &Patterns)| {
            header(name).is_some_and(|value| patterns.match_any(value))
        };
        self.routes.match_any(route)
            && self.models.match_any(model)
            && (self.keys.is_empty() || self.keys.contains(&key))
            && self.headers.iter().all(has)
    }

    /// The headers as stores keep them: a line for each, `name:patterns`.
    pub fn print_headers(&self) -> String {
        let lines = self.headers.iter();
        let lines: Vec<String> = lines
            .map(|(name, patterns)| format!("{name}:{patterns}"))
            .collect();
        lines.join("\n")
    }

    /// Reads what [`Conditions::print_headers`] writes.
    pub fn parse_headers(text: &str) -> Result<BTreeMap<String, Patterns>, PatternError> {
        let read = |line: &str| {
            let (name, patterns) = line.split_once(':').ok_or(PatternError::Characters)?;
            Ok((name.to_owned(), Patterns::parse(patterns)?))
        };
        text.lines().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions() -> Conditions {
        Conditions {
            routes: Patterns::new(["/v1/*"]).unwrap(),
            models: Patterns::new(["gpt-*", "o3"]).unwrap(),
            keys: vec![ApiKeyId(1), ApiKeyId(2)],
            headers: BTreeMap::from([
                ("x-team".to_owned(), Patterns::new(["a*"]).unwrap()),
                ("x-any".to_owned(), Patterns::default()),
            ]),
        }
    }

    #[test]
    fn a_request_has_to_meet_all_of_them() {
        let meets = |route, model, key, team: Option<&'static str>| {
            let header = move |name: &str| if name == "x-team" { team } else { Some("any") };
            conditions().are_met(route, model, ApiKeyId(key), header)
        };
        assert!(meets("/v1/chat/completions", "gpt-5", 2, Some("alpha")));
        assert!(!meets("/v1beta/models", "gpt-5", 2, Some("alpha")));
        assert!(!meets("/v1/messages", "claude", 2, Some("alpha")));
        assert!(!meets("/v1/messages", "o3", 3, Some("alpha")));
        assert!(!meets("/v1/messages", "o3", 1, Some("beta")));
        assert!(!meets("/v1/messages", "o3", 1, None));
        let nothing = Conditions::default();
        assert!(nothing.are_met("", "", ApiKeyId(9), |_| None));
    }

    #[test]
    fn headers_are_read_as_they_were_written() {
        let written = conditions().print_headers();
        assert_eq!(written, "x-any:\nx-team:a*");
        assert_eq!(
            Conditions::parse_headers(&written).unwrap(),
            conditions().headers
        );
        assert_eq!(Conditions::parse_headers(""), Ok(BTreeMap::new()));
        assert!(Conditions::parse_headers("x").is_err());
    }
}
