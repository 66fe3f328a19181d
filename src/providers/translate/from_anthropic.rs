//! Reads an answer of Anthropic, a stream of events or a whole message, into pieces.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::anthropic::answer::{Counts, usage_after};
use crate::providers::json::{Member, Text};
use crate::providers::translate::failure::{ErrorDetails, Failure};
use crate::providers::translate::piece::{Finish, Piece};

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    counts: Counts,
    block: Option<Open>,
}

/// The block that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Thought,
    /// A call, and whether any of its arguments came.
    Call(bool),
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default, borrow)]
    message: Option<Message<'a>>,
    #[serde(default, borrow)]
    content_block: Option<Block<'a>>,
    #[serde(default, borrow)]
    delta: Option<Delta<'a>>,
    #[serde(default, borrow)]
    usage: Member<'a>,
    #[serde(default, borrow)]
    error: Option<ErrorDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Message<'a> {
    #[serde(default, borrow)]
    id: Option<Text<'a>>,
    #[serde(default, borrow)]
    model: Option<Text<'a>>,
    #[serde(default, borrow)]
    content: Vec<Block<'a>>,
    #[serde(default, borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(default, borrow)]
    usage: Member<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    thinking: Text<'a>,
    #[serde(borrow)]
    signature: Text<'a>,
    #[serde(borrow)]
    data: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Delta<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    thinking: Text<'a>,
    #[serde(borrow)]
    signature: Text<'a>,
    #[serde(borrow)]
    partial_json: Text<'a>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
}

impl Reader {
    /// Reads the data of an event.
    pub(super) fn event(&mut self, data: &[u8], take: &mut impl FnMut(Piece<'_>)) {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
            take(Piece::Failed(Failure::unreadable("could not be read")));
            return;
        };
        if let Some(message) = &event.message {
            self.begin(message, take);
        }
        if let Some(block) = &event.content_block {
            self.open(block, take);
        }
        if let Some(delta) = &event.delta {
            self.delta(delta, take);
        }
        self.usage(event.usage, take);
        match &*event.kind {
            "content_block_stop" => self.close(take),
            "message_stop" => take(Piece::End),
            "error" => {
                let details = event.error.unwrap_or_default();
                take(Piece::Failed(Failure::of_details(&details, 500)));
            }
            _ => {}
        }
    }

    /// Reads a whole message.
    pub(super) fn document(&mut self, body: &[u8], take: &mut impl FnMut(Piece<'_>)) {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else {
            take(Piece::Failed(Failure::unreadable("could not be read")));
            return;
        };
        self.begin(&message, take);
        for block in &message.content {
            self.open(block, take);
            self.close(take);
        }
        if let Some(reason) = &message.stop_reason {
            let reason = finish(reason);
            take(Piece::Finish { choice: 0, reason });
        }
        take(Piece::End);
    }

    fn begin(&mut self, message: &Message<'_>, take: &mut impl FnMut(Piece<'_>)) {
        take(Piece::Begin {
            id: message.id.as_deref(),
            model: message.model.as_deref(),
        });
        self.usage(message.usage, take);
    }

    fn usage(&mut self, usage: Member<'_>, take: &mut impl FnMut(Piece<'_>)) {
        if let Some(reported) = usage_after(&mut self.counts, usage) {
            take(Piece::Usage(reported.usage));
        }
    }

    fn open(&mut self, block: &Block<'_>, take: &mut impl FnMut(Piece<'_>)) {
        match &*block.kind {
            "text" => say(&block.text, take),
            "thinking" => {
                self.block = Some(Open::Thought);
                think(&block.thinking, take);
                sign(&block.signature, take);
            }
            "redacted_thinking" => take(Piece::Redacted(&block.data)),
            "tool_use" => {
                take(Piece::Call {
                    choice: 0,
                    id: Cow::Borrowed(&block.id),
                    name: &block.name,
                    signature: None,
                });
                // A stream begins with empty arguments and brings them later.
                let input = block.input.map_or("{}", RawValue::get);
                let has_arguments = input.trim() != "{}";
                if has_arguments {
                    argue(input, take);
                }
                self.block = Some(Open::Call(has_arguments));
            }
            _ => {}
        }
    }

    fn delta(&mut self, delta: &Delta<'_>, take: &mut impl FnMut(Piece<'_>)) {
        say(&delta.text, take);
        think(&delta.thinking, take);
        sign(&delta.signature, take);
        if !delta.partial_json.is_empty() {
            self.block = Some(Open::Call(true));
            argue(&delta.partial_json, take);
        }
        if let Some(reason) = &delta.stop_reason {
            let reason = finish(reason);
            take(Piece::Finish { choice: 0, reason });
        }
    }

    fn close(&mut self, take: &mut impl FnMut(Piece<'_>)) {
        match self.block.take() {
            Some(Open::Call(false)) => {
                argue("{}", take);
                take(Piece::Close);
            }
            Some(Open::Call(true) | Open::Thought) => take(Piece::Close),
            None => {}
        }
    }
}

fn say(text: &str, take: &mut impl FnMut(Piece<'_>)) {
    if !text.is_empty() {
        let text = Cow::Borrowed(text);
        take(Piece::Text { choice: 0, text });
    }
}

fn think(text: &str, take: &mut impl FnMut(Piece<'_>)) {
    if !text.is_empty() {
        let text = Cow::Borrowed(text);
        take(Piece::Thought { choice: 0, text });
    }
}

fn sign(signature: &str, take: &mut impl FnMut(Piece<'_>)) {
    if !signature.is_empty() {
        take(Piece::Signature(signature));
    }
}

fn argue(json: &str, take: &mut impl FnMut(Piece<'_>)) {
    take(Piece::Arguments { choice: 0, json });
}

fn finish(reason: &str) -> Finish {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::Calls,
        "refusal" => Finish::Filtered,
        // `end_turn`, `stop_sequence`, and what there may be one day.
        _ => Finish::Stop,
    }
}
