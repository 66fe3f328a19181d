//! Finds the members of a JSON object and the items of an array without reading what they hold: an
//! answer is looked at while it passes, and most of it is of no interest. It checks no more than it
//! must to find its way; where it loses it, it says so, and a parser has to decide.

use std::borrow::Cow;

use memchr::memchr2;

/// Not followed: broken, or written in a way that only a parser understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// The members of an object, in the order in which they stand there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members<'a>(List<'a>);

/// The items of an array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Items<'a>(List<'a>);

/// What is between two brackets.
#[derive(Clone, Copy, Debug)]
struct List<'a> {
    rest: &'a [u8],
    close: u8,
    is_begun: bool,
}

/// A member as it was written: its name without the quotation marks, and its value.
pub(crate) type Written<'a> = (&'a [u8], &'a [u8]);

impl<'a> Members<'a> {
    /// The members of the object that `text` is.
    pub(crate) fn of(text: &'a [u8]) -> Result<Self, Unclear> {
        List::opened(text, b'{', b'}').map(Self)
    }

    /// The next member, or nothing after the last one. Names with escapes are unclear.
    pub(crate) fn next_member(&mut self) -> Result<Option<Written<'a>>, Unclear> {
        if !self.0.has_next()? {
            return Ok(None);
        }
        let name = self.0.take_name()?;
        self.0.take_byte(b':')?;
        Ok(Some((name, self.0.take_value()?)))
    }
}

impl<'a> Items<'a> {
    /// The items of the array that `text` is.
    pub(crate) fn of(text: &'a [u8]) -> Result<Self, Unclear> {
        List::opened(text, b'[', b']').map(Self)
    }

    /// The next item, or nothing after the last one.
    pub(crate) fn next_item(&mut self) -> Result<Option<&'a [u8]>, Unclear> {
        if !self.0.has_next()? {
            return Ok(None);
        }
        self.0.take_value().map(Some)
    }
}

impl<'a> List<'a> {
    fn opened(text: &'a [u8], open: u8, close: u8) -> Result<Self, Unclear> {
        let mut list = Self {
            rest: text,
            close,
            is_begun: false,
        };
        list.take_byte(open)?;
        Ok(list)
    }

    /// Whether an element follows. After the last one, nothing may.
    fn has_next(&mut self) -> Result<bool, Unclear> {
        let rest = self.rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(&[self.close]) {
            self.rest = &[];
            return after
                .trim_ascii_start()
                .is_empty()
                .then_some(false)
                .ok_or(Unclear);
        }
        self.rest = rest;
        if self.is_begun {
            self.take_byte(b',')?;
        }
        self.is_begun = true;
        Ok(true)
    }

    fn take_byte(&mut self, byte: u8) -> Result<(), Unclear> {
        let rest = self.rest.trim_ascii_start();
        self.rest = rest.strip_prefix(&[byte]).ok_or(Unclear)?;
        Ok(())
    }

    /// A name up to its first escape is not followed by a quotation mark.
    fn take_name(&mut self) -> Result<&'a [u8], Unclear> {
        self.take_byte(b'"')?;
        let end = memchr2(b'"', b'\\', self.rest).ok_or(Unclear)?;
        let (name, rest) = self.rest.split_at_checked(end).ok_or(Unclear)?;
        self.rest = rest.strip_prefix(b"\"").ok_or(Unclear)?;
        Ok(name)
    }

    fn take_value(&mut self) -> Result<&'a [u8], Unclear> {
        let rest = self.rest.trim_ascii_start();
        let length = value_length(rest).ok_or(Unclear)?;
        let (value, rest) = rest.split_at_checked(length).ok_or(Unclear)?;
        self.rest = rest;
        Ok(value)
    }
}

/// How long the value is that `text` starts with.
fn value_length(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'"' => string_length(text),
        b'{' | b'[' => nested_length(text),
        b',' | b':' | b'}' | b']' => None,
        _ => text
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace()),
    }
}

/// The same of a string, with its quotation marks.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1_usize;
    loop {
        let found = memchr2(b'"', b'\\', text.get(at..)?)?;
        at = at.checked_add(found)?;
        if text.get(at) == Some(&b'"') {
            return at.checked_add(1);
        }
        // After a backslash, the next byte is part of the string, whatever it is.
        at = at.checked_add(2)?;
    }
}

/// The same of an object or an array.
fn nested_length(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        let found = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))?;
        let (_, from_mark) = rest.split_at_checked(found)?;
        let (mark, after) = from_mark.split_first()?;
        rest = after;
        match mark {
            b'"' => rest = from_mark.get(string_length(from_mark)?..)?,
            b'{' | b'[' => depth = depth.checked_add(1)?,
            _ => depth = depth.checked_sub(1)?,
        }
        if depth == 0 {
            return text.len().checked_sub(rest.len());
        }
    }
}

/// The text of a value that is a string.
pub(crate) fn text_of(value: &[u8]) -> Result<Cow<'_, str>, Unclear> {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""));
    let inner = inner.ok_or(Unclear)?;
    if inner.contains(&b'\\') {
        let text = serde_json::from_slice(value).map(Cow::Owned);
        return text.map_err(|_broken| Unclear);
    }
    match std::str::from_utf8(inner) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_not_text) => Err(Unclear),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn members(text: &[u8]) -> Result<Vec<Written<'_>>, Unclear> {
        let mut members = Members::of(text)?;
        let mut found = Vec::new();
        while let Some(member) = members.next_member()? {
            found.push(member);
        }
        Ok(found)
    }

    #[test]
    fn members_are_found_however_they_are_spaced_and_nested() {
        let text = br#" { "a" : "x\"}\\" ,"b":{"c":["]"],"d":"{"} , "e":-1.5e3,"f":null } "#;
        let found = members(text).unwrap();
        let expected: [Written<'_>; 4] = [
            (b"a", br#""x\"}\\""#),
            (b"b", br#"{"c":["]"],"d":"{"}"#),
            (b"e", b"-1.5e3"),
            (b"f", b"null"),
        ];
        assert_eq!(found, expected);
        assert_eq!(members(b"{}"), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_followed_is_unclear() {
        let whole = br#"{"a":{"b":[1,"c"]},"d":2}"#;
        for length in 0..whole.len() {
            assert_eq!(members(&whole[..length]), Err(Unclear), "{length}");
        }
        for text in [
            "[]",
            "{\"a\" 1}",
            "{\"a\":1,}",
            "{,\"a\":1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":}",
            "{a:1}",
            "{\"\\u0061\":1}",
            "{\"a\":1}x",
            "{\"a\":1}{}",
        ] {
            assert_eq!(members(text.as_bytes()), Err(Unclear), "{text}");
        }
        assert_eq!(text_of(b"\"\xff\""), Err(Unclear));
        assert_eq!(text_of(b"null"), Err(Unclear));
        assert_eq!(text_of(br#""a\n\u00e9""#).unwrap(), "a\n\u{e9}");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\{}\\[\\],: \u{e9}\n]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z{}\\[\\],:]{0,8}", inner, 0..6)
                    .prop_map(|members| Value::from(Map::from_iter(members))),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser(value in json(), pretty in any::<bool>()) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            match &value {
                Value::Object(object) => {
                    let found = members(text.as_bytes()).unwrap();
                    prop_assert_eq!(found.len(), object.len());
                    for (name, part) in found {
                        let part: Value = serde_json::from_slice(part).unwrap();
                        let name = std::str::from_utf8(name).unwrap();
                        prop_assert_eq!(Some(&part), object.get(name));
                    }
                }
                Value::Array(array) => {
                    let mut items = Items::of(text.as_bytes()).unwrap();
                    for expected in array {
                        let item = items.next_item().unwrap().unwrap();
                        prop_assert_eq!(&serde_json::from_slice::<Value>(item).unwrap(), expected);
                    }
                    prop_assert_eq!(items.next_item(), Ok(None));
                }
                Value::String(string) => {
                    prop_assert_eq!(&text_of(text.as_bytes()).unwrap(), string);
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => {
                    prop_assert!(Members::of(text.as_bytes()).is_err());
                }
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = members(&bytes);
            let _ = text_of(&bytes);
        }
    }
}
