//! The input document as JSON text, for engines that have values of their own. It says what
//! [`InputBuilder::document`] says.

use regorus::Value;
use serde::Serialize;

use crate::policy::input::{Fact, InputBuilder, PolicyInput, fractional_dollars, whole_dollars};

/// How long most inputs are as JSON, with a few budgets.
const BYTES_USUAL: usize = 1024;

impl InputBuilder {
    /// The document as JSON text.
    pub(in crate::policy) fn json(&self, input: &PolicyInput<'_>) -> Vec<u8> {
        let mut text = Vec::with_capacity(BYTES_USUAL);
        write_members(self.facts(input), &mut text);
        if let Some(name) = &self.budgets {
            // In place of the bracket that ends the object.
            text.pop();
            let is_first = text.last() == Some(&b'{');
            text.extend_from_slice(if is_first { b"" } else { b"," });
            write_name(name, &mut text);
            text.push(b'[');
            for (place, budget) in input.budgets.iter().enumerate() {
                text.extend_from_slice(if place == 0 { b"" } else { b"," });
                write_members(self.figures(budget), &mut text);
            }
            text.extend_from_slice(b"]}");
        }
        text
    }
}

fn write_members<'a>(facts: impl Iterator<Item = (&'a Value, Fact<'a>)>, text: &mut Vec<u8>) {
    text.push(b'{');
    for (place, (name, fact)) in facts.enumerate() {
        text.extend_from_slice(if place == 0 { b"" } else { b"," });
        write_name(name, text);
        match fact {
            Fact::Text(words) => write(words, text),
            Fact::Number(number) => write(&number, text),
            Fact::Flag(flag) => write(&flag, text),
            Fact::Amount(amount) => match whole_dollars(amount) {
                Some(dollars) => write(&dollars, text),
                None => write(&fractional_dollars(amount), text),
            },
            Fact::Instant(at) => write(&at.to_string(), text),
            Fact::Absent => write(&(), text),
        }
    }
    text.push(b'}');
}

fn write_name(name: &Value, text: &mut Vec<u8>) {
    let name = name.as_string().map(AsRef::as_ref);
    write(name.unwrap_or_default(), text);
    text.push(b':');
}

fn write(value: &(impl Serialize + ?Sized), text: &mut Vec<u8>) {
    let written = serde_json::to_writer(text, value);
    debug_assert!(written.is_ok(), "texts and numbers have a form in JSON");
}
