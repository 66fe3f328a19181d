//! A row of any table as the audit log shows it: in the names of the admin API, amounts as exact
//! decimals, instants as dates. Columns that hold secrets are never shown.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::money::Usd;
use crate::domain::tag::Weight;
use crate::domain::window::UtcMicros;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value};

/// What an entry says elsewhere, what is no setting, and what must not be told.
const HIDDEN: [&str; 6] = [
    "id",
    "tenant_id",
    "updated_at",
    "last_used_at",
    "last_login_at",
    "lookup",
];
/// How the names of columns end that hold what secrets are known by.
const OF_SECRETS: &str = "hash";

/// How a column's values are shown.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Amount,
    Flag,
    Instant,
    Json,
    Millionths,
}

/// Columns whose name in the API does not follow from theirs, or whose form does not.
const COLUMNS: [(&str, &str, Form); 12] = [
    ("amount", "amountUsd", Form::Amount),
    (
        "default_session_budget",
        "defaultSessionBudgetUsd",
        Form::Amount,
    ),
    ("session_budget", "sessionBudgetUsd", Form::Amount),
    ("own_budget", "budgetUsd", Form::Amount),
    ("requests_per_minute", "rateLimitPerMin", Form::Plain),
    ("tokens_per_minute", "tokensPerMin", Form::Plain),
    ("concurrent_requests", "maxConcurrent", Form::Plain),
    ("weight", "weight", Form::Millionths),
    ("thresholds", "alertThresholds", Form::Json),
    ("metadata", "metadata", Form::Json),
    ("inheritance", "inheritanceMode", Form::Plain),
    ("key_ids", "apiKeyIds", Form::Plain),
];

#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Nothing,
    Flag(bool),
    Number(i64),
    Text(String),
    Json(Box<RawValue>),
}

struct Columns(Vec<(String, Shown)>);

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A row as a JSON object.
pub(in crate::store) fn state(row: &Row) -> Result<String, StoreError> {
    let told = row
        .named_values()
        .filter(|(column, _)| !HIDDEN.contains(column) && !column.ends_with(OF_SECRETS));
    let columns = told.map(|(column, value)| {
        let (name, form) = named(column);
        (name, shown(value, form))
    });
    let columns = Columns(columns.collect());
    serde_json::to_string(&columns).map_err(|_error| StoreError::corrupt("audited state"))
}

/// The number in a column, if the row has it.
pub(super) fn number_of(row: &Row, column: &str) -> Option<i64> {
    let mut columns = row.named_values();
    let (_, value) = columns.find(|(name, _)| *name == column)?;
    match value {
        Value::Int(number) => Some(*number),
        Value::Null | Value::Text(_) | Value::Bytes(_) => None,
    }
}

fn named(column: &str) -> (String, Form) {
    let known = COLUMNS.iter().find(|(known, ..)| *known == column);
    if let Some((_, name, form)) = known {
        return ((*name).to_owned(), *form);
    }
    let form = if column.starts_with("is_") {
        Form::Flag
    } else if column.ends_with("_at") || column.ends_with("_from") {
        Form::Instant
    } else {
        Form::Plain
    };
    (camel(column), form)
}

fn camel(column: &str) -> String {
    let mut words = column.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

fn shown(value: &Value, form: Form) -> Shown {
    match value {
        // No column that may be shown holds bytes.
        Value::Null | Value::Bytes(_) => Shown::Nothing,
        Value::Int(number) => shown_number(*number, form),
        Value::Text(text) => match form {
            Form::Json => RawValue::from_string(text.clone().into_owned())
                .map_or_else(|_error| Shown::Text(text.clone().into_owned()), Shown::Json),
            Form::Plain | Form::Amount | Form::Flag | Form::Instant | Form::Millionths => {
                Shown::Text(text.clone().into_owned())
            }
        },
    }
}

fn shown_number(number: i64, form: Form) -> Shown {
    match form {
        Form::Amount => Shown::Text(Usd::from_nanos(number).to_string()),
        Form::Flag => Shown::Flag(number != 0),
        Form::Instant => Shown::Text(UtcMicros::new(number).to_string()),
        Form::Millionths => {
            let weight = u32::try_from(number).ok().and_then(Weight::from_millionths);
            weight.map_or(Shown::Nothing, |weight| Shown::Text(weight.to_string()))
        }
        Form::Plain | Form::Json => Shown::Number(number),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_row_is_shown_in_the_words_of_the_api_and_without_secrets() {
        let columns = [
            ("id", Value::from(7_i64)),
            ("name", Value::from("acme")),
            ("amount", Value::from(1_500_000_000_i64)),
            ("is_active", Value::from(true)),
            ("weight", Value::from(250_000_i64)),
            ("thresholds", Value::from("[50]")),
            ("created_at", Value::from(0_i64)),
            ("key_ids", Value::from("1,2")),
            ("scope_kind", Value::Null),
            ("password_hash", Value::from("$argon2id$")),
            ("legacy_hash", Value::from("$2b$12$")),
            ("hash", Value::from(&[1_u8][..])),
        ];
        let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let values = columns.map(|(_, value)| value).to_vec();
        let row = Row::new(Arc::from(names), values);
        assert_eq!(
            state(&row).unwrap(),
            r#"{"name":"acme","amountUsd":"1.5","isActive":true,"weight":"0.25","alertThresholds":[50],"createdAt":"1970-01-01T00:00:00.000Z","apiKeyIds":"1,2","scopeKind":null}"#
        );
        assert_eq!(number_of(&row, "id"), Some(7));
        assert_eq!(number_of(&row, "tenant_id"), None);
    }
}
