//! Attributes: a name and a value.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

pub(super) fn text(name: &str, value: impl Into<String>) -> KeyValue {
    attribute(name, Value::StringValue(value.into()))
}

pub(super) fn whole(name: &str, value: impl TryInto<i64>) -> KeyValue {
    let value = value.try_into().unwrap_or(i64::MAX);
    attribute(name, Value::IntValue(value))
}

pub(super) fn double(name: &str, value: f64) -> KeyValue {
    attribute(name, Value::DoubleValue(value))
}

fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
