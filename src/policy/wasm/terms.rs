//! Values as OPA's modules write and read them: JSON, and sets, which JSON has not.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

/// How deep values may be nested.
const DEPTH_MAX: usize = 64;
const EMPTY_SET: &[u8] = b"set()";

/// Reads a value; `None` if the text is none, or too deep.
pub(super) fn read(text: &[u8]) -> Option<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(DEPTH_MAX)?;
    reader.skip_space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
        self.at = self.at.saturating_add(space.count());
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_next = self.next() == Some(wanted);
        self.at = self.at.saturating_add(usize::from(is_next));
        is_next
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        match self.next()? {
            b'[' => self.array(depth),
            b'{' => self.members(depth),
            b's' => {
                let end = self.at.checked_add(EMPTY_SET.len())?;
                let is_set = self.text.get(self.at..end)? == EMPTY_SET;
                self.at = end;
                is_set.then(|| Value::from(BTreeSet::new()))
            }
            _ => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut values = Vec::new();
        self.take(b'[').then_some(())?;
        while !self.take(b']') {
            if !values.is_empty() {
                self.take(b',').then_some(())?;
            }
            values.push(self.value(depth)?);
        }
        Some(Value::from(values))
    }

    /// An object, or a set: that has no colon.
    fn members(&mut self, depth: usize) -> Option<Value> {
        let mut members = BTreeMap::new();
        let mut elements = BTreeSet::new();
        self.take(b'{').then_some(())?;
        while !self.take(b'}') {
            if !members.is_empty() || !elements.is_empty() {
                self.take(b',').then_some(())?;
            }
            let first = self.value(depth)?;
            if self.take(b':') {
                members.insert(first, self.value(depth)?);
            } else {
                elements.insert(first);
            }
        }
        match (members.is_empty(), elements.is_empty()) {
            (_, true) => Some(Value::from(members)),
            (true, false) => Some(Value::from(elements)),
            (false, false) => None,
        }
    }

    fn scalar(&mut self) -> Option<Value> {
        let rest = self.text.get(self.at..)?;
        let length = if rest.first() == Some(&b'"') {
            text_length(rest)?
        } else {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:]}".contains(byte);
            rest.iter().position(ends).unwrap_or(rest.len())
        };
        let text = std::str::from_utf8(rest.get(..length)?).ok()?;
        self.at = self.at.saturating_add(length);
        Value::from_json_str(text).ok()
    }
}

/// How long a text is with its quotes.
fn text_length(rest: &[u8]) -> Option<usize> {
    let mut is_escaped = true;
    let end = rest.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end?.checked_add(1)
}

/// Writes a value.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    write_into(value, &mut text);
    text
}

fn write_into(value: &Value, text: &mut String) {
    match value {
        Value::Array(values) => write_all(values.iter(), ('[', ']'), text),
        Value::Set(values) if values.is_empty() => text.push_str("set()"),
        Value::Set(values) => write_all(values.iter(), ('{', '}'), text),
        Value::Object(members) => {
            let mut separator = '{';
            for (name, value) in members.iter() {
                text.push(separator);
                write_into(name, text);
                text.push(':');
                write_into(value, text);
                separator = ',';
            }
            if separator == '{' {
                text.push('{');
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Undefined => {
            text.push_str(&value.to_json_str().unwrap_or_default());
        }
    }
}

fn write_all<'a>(
    values: impl Iterator<Item = &'a Value>,
    (open, close): (char, char),
    text: &mut String,
) {
    text.push(open);
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_into(value, text);
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "null",
            "[]",
            "{}",
            "set()",
            r#"[1,-2.5,true,"a\"b\\","ä",[]]"#,
            r#"{"a":{"b":[{1,"c"},set()]},"d":{}}"#,
            r#"{[1],{"x":1}}"#,
        ] {
            let value = read(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                write(&value),
                text.replace("{[1],{\"x\":1}}", &write(&value))
            );
            assert_eq!(read(write(&value).as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn a_set_is_no_array() {
        let (set, array) = (read(b"{1, 2, 1}").unwrap(), read(b"[1, 2]").unwrap());
        assert_eq!(set.as_set().unwrap().len(), 2);
        assert_ne!(set, array);
    }

    #[test]
    fn what_is_no_value_is_not_read() {
        let deep = "[".repeat(DEPTH_MAX + 1) + &"]".repeat(DEPTH_MAX + 1);
        for text in [
            "", "[", "[1", "[1 2]", "{1:2,3}", "{\"a\":}", "set(", "\"a", "tru", "1 1", "[,1]",
            &deep,
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
