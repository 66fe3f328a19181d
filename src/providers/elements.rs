//! Finds the elements of a JSON array that arrives in pieces of any size: Google's other form of
//! a stream.

use memchr::memchr2;

use crate::providers::sse::EVENT_BYTES_MAX;

/// Follows the nesting of JSON without reading it.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    /// The beginning of an element whose end has not come yet.
    held: Vec<u8>,
    /// How many brackets are open.
    depth: usize,
    /// The depth at which an element begins; known once the outermost bracket is.
    element_depth: Option<usize>,
    in_string: bool,
    after_backslash: bool,
    is_too_long: bool,
}

impl Elements {
    /// Takes the next bytes and hands out the elements that they complete, with the place in `bytes`
    /// where each ends. An object that is not in an array is an element by itself.
    pub(crate) fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8], usize)) {
        let mut start = self.is_inside().then_some(0);
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.in_string {
                at = at.saturating_add(self.string_length(rest));
                continue;
            }
            let was_inside = self.is_inside();
            self.step(rest.first().copied().unwrap_or_default());
            if !was_inside && self.is_inside() {
                start = Some(at);
            }
            at = at.saturating_add(1);
            if was_inside && !self.is_inside() {
                let element = start.and_then(|start| bytes.get(start..at));
                self.complete(element.unwrap_or_default(), |element| take(element, at));
                start = None;
            }
        }
        if let Some(rest) = start.and_then(|start| bytes.get(start..)) {
            self.hold(rest);
        }
    }

    fn is_inside(&self) -> bool {
        self.element_depth.is_some_and(|depth| self.depth > depth)
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                let element_depth = usize::from(byte == b'[');
                self.element_depth.get_or_insert(element_depth);
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// How much of `bytes` belongs to the string that is open.
    fn string_length(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.after_backslash) {
            return 1;
        }
        let Some(found) = memchr2(b'"', b'\\', bytes) else {
            return bytes.len();
        };
        if bytes.get(found) == Some(&b'"') {
            self.in_string = false;
        } else {
            self.after_backslash = true;
        }
        found.saturating_add(1)
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.held.len().saturating_add(bytes.len()) > EVENT_BYTES_MAX {
            self.is_too_long = true;
            self.held = Vec::new();
        }
        if !self.is_too_long {
            self.held.extend_from_slice(bytes);
        }
    }

    fn complete(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) {
        let is_too_long = std::mem::take(&mut self.is_too_long);
        if !is_too_long && self.held.is_empty() {
            take(bytes);
        } else if !is_too_long {
            self.held.extend_from_slice(bytes);
            take(&self.held);
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_wherever_the_array_is_split() {
        let array = br#" [{"a":"}\"]\\"}
,
{"b":[{"c":"{"}]},{}
] "#;
        let expected = [r#"{"a":"}\"]\\"}"#, r#"{"b":[{"c":"{"}]}"#, "{}"];
        for first in 0..array.len() {
            for second in first..array.len() {
                let mut elements = Elements::default();
                let mut found = Vec::new();
                for piece in [&array[..first], &array[first..second], &array[second..]] {
                    elements.push(piece, |element, _| {
                        found.push(String::from_utf8(element.to_vec()).unwrap());
                    });
                }
                assert_eq!(found, expected, "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn an_object_without_an_array_is_one_element() {
        let mut elements = Elements::default();
        let mut found = 0;
        elements.push(br#"{"error":{"code":400}}"#, |_, _| found += 1);
        assert_eq!(found, 1);
    }
}
