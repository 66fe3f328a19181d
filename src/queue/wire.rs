//! Reads what Redis answers.

use std::time::Duration;

use redis::Value;

use crate::queue::{EntryId, QueueError};

/// An answer that has another form than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OtherForm;

impl From<OtherForm> for QueueError {
    fn from(_: OtherForm) -> Self {
        Self::Unreadable
    }
}

/// The names and values of an entry.
pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// A list; an empty one where there is nothing.
pub(super) fn array(value: &Value) -> Result<&[Value], OtherForm> {
    if let Value::Array(items) = value {
        return Ok(items);
    }
    let is_nothing = *value == Value::Nil;
    is_nothing.then_some(&[][..]).ok_or(OtherForm)
}

pub(super) fn bytes(value: &Value) -> Result<&[u8], OtherForm> {
    if let Value::BulkString(bytes) = value {
        return Ok(bytes);
    }
    if let Value::SimpleString(text) = value {
        return Ok(text.as_bytes());
    }
    Err(OtherForm)
}

/// A number, also one that is written as text.
pub(super) fn integer(value: &Value) -> Result<u64, OtherForm> {
    if let Value::Int(number) = value {
        return u64::try_from(*number).map_err(|_negative| OtherForm);
    }
    let text = std::str::from_utf8(bytes(value)?).map_err(|_not_text| OtherForm)?;
    text.parse().map_err(|_not_a_number| OtherForm)
}

pub(super) fn id(value: &Value) -> Result<EntryId, OtherForm> {
    let text = std::str::from_utf8(bytes(value)?).map_err(|_not_text| OtherForm)?;
    EntryId::parse(text).ok_or(OtherForm)
}

/// Names with their values, one after the other.
pub(super) fn pairs(value: &Value) -> Result<Vec<(&[u8], &Value)>, OtherForm> {
    let (pairs, rest) = array(value)?.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(OtherForm);
    }
    pairs
        .iter()
        .map(|[name, value]| Ok((bytes(name)?, value)))
        .collect()
}

/// Entries of a stream. One that was deleted while it was somebody's comes without fields, and is left out.
pub(super) fn entries(value: &Value) -> Result<Vec<(EntryId, Fields)>, OtherForm> {
    let mut found = Vec::new();
    for entry in array(value)? {
        let [id_text, fields] = array(entry)? else {
            continue;
        };
        if matches!(fields, Value::Nil) {
            continue;
        }
        let owned = |(name, value): (&[u8], &Value)| Ok((name.to_vec(), bytes(value)?.to_vec()));
        let fields: Result<Fields, OtherForm> = pairs(fields)?.into_iter().map(owned).collect();
        found.push((id(id_text)?, fields?));
    }
    Ok(found)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
