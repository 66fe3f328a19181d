//! The types of an answer, as the table tells them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

const TIME_LENGTH: usize = "2026-01-31T12:00:00.000Z".len();

/// Compares an answer with what is expected of it.
pub(super) fn assert_is(expected: &Value, actual: &Value, place: &str) {
    match expected {
        Value::String(kinds) => {
            let fits = kinds.split('|').any(|kind| is_a(kind, actual));
            assert!(fits, "{place} is no {kinds}: {actual}");
        }
        Value::Array(items) => {
            let may_be_empty = items[0] == "maybe";
            let item = items.last().unwrap();
            let actual = actual.as_array();
            let actual = actual.unwrap_or_else(|| panic!("{place} is no list"));
            assert!(may_be_empty || !actual.is_empty(), "{place} is empty");
            for (at, actual) in actual.iter().enumerate() {
                assert_is(item, actual, &format!("{place}/{at}"));
            }
        }
        Value::Object(fields) => {
            for (name, expected) in fields {
                let optional = name.strip_suffix('?');
                let place = format!("{place}/{name}");
                match actual.get(optional.unwrap_or(name)) {
                    Some(actual) => assert_is(expected, actual, &place),
                    None => assert!(optional.is_some(), "{place} is missing in {actual}"),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            panic!("the table does not know what {expected} is")
        }
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    let text = value.as_str();
    match kind {
        "int" => value.is_i64() || value.is_u64(),
        "num" => value.is_number(),
        "str" => value.is_string(),
        "bool" => value.is_boolean(),
        "null" => value.is_null(),
        "obj" => value.is_object(),
        "list" => value.is_array(),
        "any" => true,
        "time" => text.is_some_and(|text| {
            text.len() == TIME_LENGTH && text.ends_with('Z') && text.parse::<Timestamp>().is_ok()
        }),
        "date" => text.is_some_and(|text| text.parse::<Date>().is_ok()),
        "dec" => text.is_some_and(is_decimal),
        other => panic!("the table does not know what {other} is"),
    }
}

/// Without blanks at the end that mean nothing.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "1"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole.trim_start_matches('-')) && digits(fraction) && !fraction.ends_with('0')
}

#[test]
fn zeros_at_the_end_of_a_decimal_are_noticed() {
    for (text, is_one) in [
        ("10", true),
        ("-0.5", true),
        ("1.50", false),
        ("1.", false),
        ("", false),
    ] {
        assert_eq!(is_decimal(text), is_one, "{text}");
    }
}
