//! JSON Schemas of what policies are told and of what they may answer, made from the code that makes and
//! reads both: `cargo run --example policy_schema`. Draft 7, which OPA's type checker understands.

use serde_json::{Map, Value, json};

use crate::policy::input::facts::{FACTS, MemberRow, Shape};

/// Makes a schema.
type Schema = fn() -> String;

/// Where a schema is kept, and what makes it.
pub const FILES: [(&str, Schema); 2] = [
    ("policy/schema/input.schema.json", input),
    ("policy/schema/decision.schema.json", decision),
];

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema of the document that rules read as `input`.
pub fn input() -> String {
    let facts = FACTS.iter();
    let properties = facts
        .clone()
        .map(|row| (row.name, described(schema_of(row.shape), row.about)));
    let given = facts.filter(|row| row.is_given).map(|row| row.name);
    let mut schema = object(properties, given);
    name(
        &mut schema,
        "What a policy is told about a request.",
        "What is absent is undefined in rules. Amounts are US dollars.",
    );
    print(&schema)
}

/// The schema of what the rule `decision` may be.
pub fn decision() -> String {
    let properties = [
        (
            "allow",
            described(
                json!({"type": "boolean"}),
                "Whether the request may be sent.",
            ),
        ),
        (
            "reason",
            described(
                json!({"type": "string"}),
                "What the caller of a refused request is told.",
            ),
        ),
        (
            "max_output_tokens",
            described(
                json!({"type": "integer", "minimum": 1}),
                "The most output tokens of its answer, over all choices; of each line of a batch. A \
                 request that may answer with more gets a cap, or is refused where there can be none.",
            ),
        ),
        (
            "model",
            described(
                json!({"type": "string", "minLength": 1}),
                "The model that is asked instead. It must have a price and serve such requests, or the \
                 request is refused.",
            ),
        ),
        (
            "tags_required",
            described(
                json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
                "Names of tags without which it is refused. One of a tag below counts.",
            ),
        ),
    ];
    let mut schema = object(properties, ["allow"]);
    name(
        &mut schema,
        "What a policy may decide on a request.",
        "`data.budgetguard.policy.decision`. Anything else is an error, which refuses.",
    );
    print(&schema)
}

fn object<'a>(
    properties: impl IntoIterator<Item = (&'a str, Value)>,
    required: impl IntoIterator<Item = &'a str>,
) -> Map<String, Value> {
    let properties = properties.into_iter();
    let properties: Map<String, Value> = properties
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    let required: Vec<&str> = required.into_iter().collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.insert("required".to_owned(), json!(required));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema
}

fn name(schema: &mut Map<String, Value>, title: &str, about: &str) {
    schema.insert("$schema".to_owned(), json!(DRAFT));
    schema.insert("title".to_owned(), json!(title));
    schema.insert("description".to_owned(), json!(about));
}

fn described(mut schema: Value, about: &str) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(about));
    }
    schema
}

fn schema_of(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::Date => json!({"type": "string", "format": "date"}),
        Shape::Instant => json!({"type": "string", "format": "date-time"}),
        Shape::Integer(least, Some(most)) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Shape::Integer(least, None) => json!({"type": "integer", "minimum": least}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Amount => json!({"type": "number"}),
        Shape::List(members) => json!({"type": "array", "items": object_of(members)}),
    }
}

fn object_of(members: &'static [MemberRow]) -> Value {
    let properties = members
        .iter()
        .map(|row| (row.name, described(schema_of(row.shape), row.about)));
    let given = members.iter().filter(|row| row.is_given);
    Value::Object(object(properties, given.map(|row| row.name)))
}

fn print(schema: &Map<String, Value>) -> String {
    // Texts and numbers only: this cannot fail.
    let text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text + "\n"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use jsonschema::Validator;

    use super::*;
    use crate::policy::input::PolicyInput;
    use crate::policy::input::tests::Sample;

    #[test]
    fn the_files_are_those_of_this_version() {
        for (path, made) in FILES {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            let kept = fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(
                kept,
                made(),
                "make {path} anew: cargo run --example policy_schema"
            );
        }
    }

    fn validator(schema: &str) -> Validator {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let options = jsonschema::options().should_validate_formats(true);
        options.build(&schema).unwrap()
    }

    #[test]
    fn what_policies_are_told_is_as_the_schema_says() {
        let validator = validator(&input());
        let (sample, budgets) = (Sample::new(), Sample::budgets());
        let with_everything = sample.input(Some("chat-1"), &budgets);
        let bare = PolicyInput {
            estimate: None,
            worst_case: None,
            ..sample.input(None, &[])
        };
        for input in [with_everything.clone(), bare] {
            let document: Value = serde_json::from_str(&input.to_json()).unwrap();
            let errors: Vec<_> = validator.iter_errors(&document).collect();
            assert!(errors.is_empty(), "{errors:?} in {document}");
        }
        // One that has everything has each fact of the list.
        let document: Value = serde_json::from_str(&with_everything.to_json()).unwrap();
        let names: Vec<&str> = FACTS.iter().map(|row| row.name).collect();
        let missing = names.iter().filter(|name| document.get(name).is_none());
        assert_eq!(missing.count(), 0, "{document}");
    }

    #[test]
    fn the_schema_refuses_what_policies_are_never_told() {
        let validator = validator(&input());
        let sample = Sample::new();
        let text = sample.input(None, &[]).to_json();
        let document: Value = serde_json::from_str(&text).unwrap();
        for (name, value) in [
            ("time", json!(24)),
            ("weekday", json!("Monday")),
            ("colour", json!("red")),
            ("tags", json!([{"name": "x"}])),
            ("date", json!("30.11.2026")),
            ("estimate", json!("0.5")),
        ] {
            let mut other = document.clone();
            other[name] = value;
            assert!(!validator.is_valid(&other), "{name}");
        }
    }

    #[test]
    fn decisions_are_told_from_what_is_none() {
        let validator = validator(&decision());
        let valid = json!({"allow": true, "max_output_tokens": 100, "model": "gpt-5-mini",
            "tags_required": ["team"]});
        assert!(validator.is_valid(&valid));
        for wrong in [
            json!({}),
            json!({"allow": "true"}),
            json!({"allow": true, "max_output_tokens": -1}),
            json!({"allow": true, "max_output_tokens": 1.5}),
            json!({"allow": true, "modell": "gpt-5-mini"}),
            json!({"allow": true, "tags_required": "team"}),
        ] {
            assert!(!validator.is_valid(&wrong), "{wrong}");
        }
    }
}
