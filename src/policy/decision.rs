//! What the entry point `decision` may say, read strictly: a typo in it must not let money through.

use std::collections::BTreeSet;

use regorus::Value;

use crate::domain::id::ModelName;
use crate::policy::{Effects, PolicyError, Verdict};

/// How long texts of a decision may be, in bytes.
const REASON_BYTES_MAX: usize = 1024;
const MODEL_BYTES_MAX: usize = 256;
const TAG_BYTES_MAX: usize = 128;
/// How many tags it may ask for.
const TAGS_MAX: usize = 32;

/// Reads a decision. Undefined is a denial, as with `allow`.
pub(super) fn read(value: &Value) -> Result<Verdict, PolicyError> {
    if *value == Value::Undefined {
        return Ok(Verdict::Deny { reason: None });
    }
    let Ok(members) = value.as_object() else {
        return Err(wrong("it is not an object"));
    };
    let mut allow = None;
    let mut reason = None;
    let mut effects = Effects::default();
    for (name, value) in members.iter() {
        match name.as_string().map(AsRef::as_ref) {
            Ok("allow") => allow = Some(flag(value)?),
            Ok("reason") => reason = Some(text(value, "reason", REASON_BYTES_MAX)?),
            Ok("max_output_tokens") => effects.max_output_tokens = Some(tokens(value)?),
            Ok("model") => {
                let name = text(value, "model", MODEL_BYTES_MAX)?;
                effects.model = Some(ModelName::new(&name));
            }
            Ok("tags_required") => effects.tags_required = tags(value)?,
            Ok(_) | Err(_) => return Err(wrong(&format!("it has no member {name}"))),
        }
    }
    match allow {
        Some(true) => Ok(Verdict::Allow(effects)),
        Some(false) => Ok(Verdict::Deny { reason }),
        None => Err(wrong("`allow` is missing")),
    }
}

fn flag(value: &Value) -> Result<bool, PolicyError> {
    let flag = value.as_bool().copied();
    flag.map_err(|_other| wrong("`allow` is neither true nor false"))
}

fn tokens(value: &Value) -> Result<u64, PolicyError> {
    let tokens = value.as_u64().ok().filter(|tokens| *tokens > 0);
    tokens.ok_or_else(|| wrong("`max_output_tokens` is not a whole number above zero"))
}

fn tags(value: &Value) -> Result<Vec<String>, PolicyError> {
    let names: BTreeSet<&Value> = match (value.as_array(), value.as_set()) {
        (Ok(array), _) => array.iter().collect(),
        (_, Ok(set)) => set.iter().collect(),
        _ => return Err(wrong("`tags_required` is neither an array nor a set")),
    };
    if names.len() > TAGS_MAX {
        return Err(wrong(&format!("more than {TAGS_MAX} `tags_required`")));
    }
    let names = names.into_iter();
    names
        .map(|name| text(name, "tags_required", TAG_BYTES_MAX))
        .collect()
}

fn text(value: &Value, member: &str, bytes_max: usize) -> Result<String, PolicyError> {
    let Ok(text) = value.as_string() else {
        return Err(wrong(&format!("`{member}` is not a text")));
    };
    if text.is_empty() || text.len() > bytes_max {
        let problem = format!("`{member}` is empty or longer than {bytes_max} bytes");
        return Err(wrong(&problem));
    }
    Ok(text.to_string())
}

fn wrong(problem: &str) -> PolicyError {
    PolicyError::Decision(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(text: &str) -> Result<Verdict, PolicyError> {
        read(&Value::from_json_str(text).unwrap())
    }

    #[test]
    fn a_decision_has_effects() {
        let verdict = read_json(
            r#"{"allow": true, "max_output_tokens": 256, "model": "gpt-5-mini", "tags_required": ["team", "app", "team"]}"#,
        );
        let expected = Effects {
            max_output_tokens: Some(256),
            model: Some(ModelName::new("gpt-5-mini")),
            tags_required: vec!["app".to_owned(), "team".to_owned()],
        };
        assert_eq!(verdict.unwrap(), Verdict::Allow(expected));
        let bare = read_json(r#"{"allow": true}"#).unwrap();
        assert_eq!(bare, Verdict::ALLOWED);
    }

    #[test]
    fn a_set_of_tags_is_as_good_as_an_array() {
        let tags = Value::from(BTreeSet::from([Value::from("team")]));
        let members = [("allow", Value::Bool(true)), ("tags_required", tags)];
        let members = members.map(|(name, value)| (Value::from(name), value));
        let verdict = read(&Value::from(std::collections::BTreeMap::from(members))).unwrap();
        let Verdict::Allow(effects) = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(effects.tags_required, ["team"]);
    }

    #[test]
    fn a_denial_has_its_reason() {
        let verdict = read_json(r#"{"allow": false, "reason": "too late", "model": "gpt-5"}"#);
        let reason = Some("too late".to_owned());
        assert_eq!(verdict.unwrap(), Verdict::Deny { reason });
        let undefined = read(&Value::Undefined).unwrap();
        assert_eq!(undefined, Verdict::Deny { reason: None });
    }

    #[test]
    fn what_is_no_decision_is_an_error() {
        let long = "x".repeat(REASON_BYTES_MAX + 1);
        let many: Vec<String> = (0..=TAGS_MAX).map(|tag| tag.to_string()).collect();
        for text in [
            "true",
            "null",
            "[]",
            "{}",
            r#"{"alow": true}"#,
            r#"{"allow": "true"}"#,
            r#"{"allow": 1}"#,
            r#"{"allow": null}"#,
            r#"{"allow": true, "max_tokens": 5}"#,
            r#"{"allow": true, "max_output_tokens": -1}"#,
            r#"{"allow": true, "max_output_tokens": 0}"#,
            r#"{"allow": true, "max_output_tokens": 1.5}"#,
            r#"{"allow": true, "max_output_tokens": "256"}"#,
            r#"{"allow": true, "max_output_tokens": 1e30}"#,
            r#"{"allow": true, "model": ""}"#,
            r#"{"allow": true, "model": 5}"#,
            r#"{"allow": true, "tags_required": "team"}"#,
            r#"{"allow": true, "tags_required": [5]}"#,
            r#"{"allow": true, "tags_required": [""]}"#,
            r#"{"allow": false, "reason": 5}"#,
            r#"{"allow": false, "reason": ["a"]}"#,
            r#"{"allow": false, "tags_required": {"a": 1}}"#,
            &format!(r#"{{"allow": false, "reason": "{long}"}}"#),
            &format!(r#"{{"allow": true, "model": "{long}"}}"#),
            &format!(r#"{{"allow": true, "tags_required": ["{long}"]}}"#),
            &format!(r#"{{"allow": true, "tags_required": {many:?}}}"#),
        ] {
            let read = read_json(text);
            assert!(
                matches!(read, Err(PolicyError::Decision(_))),
                "{text}: {read:?}"
            );
        }
    }
}
