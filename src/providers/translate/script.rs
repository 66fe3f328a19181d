//! The events of a response while they are written: each has a number.

use serde_json::{Value, json};

use crate::providers::ending::named_event;

/// The events.
#[derive(Debug)]
pub(super) struct Script {
    number: u64,
    /// Otherwise only the last word is of interest.
    streamed: bool,
}

impl Script {
    pub(super) fn new(streamed: bool) -> Self {
        Self {
            number: 0,
            streamed,
        }
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.streamed
    }

    /// Writes the next event.
    pub(super) fn say(&mut self, kind: &str, mut fields: Value, out: &mut String) {
        if !self.streamed {
            return;
        }
        if let Some(members) = fields.as_object_mut() {
            members.insert("type".to_owned(), kind.into());
            members.insert("sequence_number".to_owned(), json!(self.number));
        }
        self.number = self.number.saturating_add(1);
        out.push_str(&named_event(kind, &fields));
    }
}
