//! Reading single members of a JSON body: borrowed, with their place in it, and with errors that
//! name the member.

use std::borrow::Cow;
use std::ops::{Deref, Range};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;

/// The largest count that a caller may write: the APIs have 32-bit integers.
const COUNT_MAX: u64 = 2_147_483_647;

/// A member of a body as it was written, `null` included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Member<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

impl<'a> Member<'a> {
    /// The text of the value, unless it is missing or `null`.
    pub(crate) fn written(self) -> Option<&'a str> {
        self.0.map(RawValue::get).filter(|text| *text != "null")
    }

    /// The text of the value, `null` included.
    pub(crate) fn raw(self) -> Option<&'a str> {
        self.0.map(RawValue::get)
    }

    /// Whether there is a value other than `null`.
    pub(crate) fn is_set(self) -> bool {
        self.written().is_some()
    }

    /// Where the value is, `null` included.
    pub(crate) fn place(self, body: &[u8]) -> Option<Range<usize>> {
        place_in(body, self.raw()?.as_bytes())
    }

    /// The value as a type of ours.
    pub(crate) fn parsed<T: Deserialize<'a>>(
        self,
        name: &'static str,
    ) -> Result<Option<T>, BadRequest> {
        let Some(text) = self.written() else {
            return Ok(None);
        };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|error| BadRequest::field(name, format!("`{name}` is not valid: {error}")))
    }

    /// The value as text.
    pub(crate) fn text(self, name: &'static str) -> Result<Option<Cow<'a, str>>, BadRequest> {
        let Some(text) = self.written() else {
            return Ok(None);
        };
        if !text.starts_with('"') {
            return Err(BadRequest::field(
                name,
                format!("`{name}` must be a string."),
            ));
        }
        let parsed: Option<Text<'a>> = self.parsed(name)?;
        Ok(parsed.map(|Text(text)| text))
    }

    /// The value as `true` or `false`; missing is `false`.
    pub(crate) fn flag(self, name: &'static str) -> Result<bool, BadRequest> {
        match self.written() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(BadRequest::field(
                name,
                format!("`{name}` must be true or false."),
            )),
        }
    }

    /// The value as a count of at least one.
    pub(crate) fn count(self, name: &'static str) -> Result<Option<u64>, BadRequest> {
        let Some(text) = self.written() else {
            return Ok(None);
        };
        match read_count(text) {
            Some(count) => Ok(Some(count)),
            None => Err(BadRequest::field(
                name,
                format!("`{name}` must be a whole number from 1 to {COUNT_MAX}."),
            )),
        }
    }
}

/// Where a part of a body is in it.
pub(crate) fn place_in(body: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= body.len()).then_some(start..end)
}

/// A JSON string that is borrowed if it has no escapes, also inside an `Option` or a list, where
/// a bare `Cow` is always copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Reads a JSON number that is a count of at least one.
pub(crate) fn read_count(text: &str) -> Option<u64> {
    whole_number(text).filter(|count| (1..=COUNT_MAX).contains(count))
}

/// Reads a JSON number that is whole, also one that is written `1e3` or `10.0`.
fn whole_number(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    if number.fract() > 0.0 {
        return None;
    }
    format!("{number:.0}").parse().ok()
}

/// Reads a body that must be an object.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadRequest> {
    if opening(body).is_none() {
        return Err(
            match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
                Ok(_) => BadRequest::new("The body must be a JSON object."),
                Err(error) => not_json(&error),
            },
        );
    }
    serde_json::from_slice(body).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> BadRequest {
    BadRequest::new(format!("The body could not be read as JSON: {error}."))
}

/// The place just after the opening brace of an object, and whether the object has no member.
pub(crate) fn opening(object: &[u8]) -> Option<(usize, bool)> {
    let is_text = |byte: &u8| !byte.is_ascii_whitespace();
    let brace = object.iter().position(is_text)?;
    let after = brace.checked_add(1)?;
    if object.get(brace) != Some(&b'{') {
        return None;
    }
    let next = object.get(after..)?.iter().find(|byte| is_text(byte));
    Some((after, next == Some(&b'}')))
}
