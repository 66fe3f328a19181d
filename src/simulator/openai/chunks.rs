//! The chunks in which a completion is streamed.

use std::fmt::Write;

use axum::body::Bytes;

use super::{Completion, Shape, usage};
use crate::simulator::exchange::{Frame, quoted};

/// A streamed answer while it is written: every event repeats the same fields.
pub(super) struct Script {
    prefix: String,
    suffix: &'static str,
    choices: u64,
    pub(super) frames: Vec<Frame>,
    pub(super) output: u64,
}

impl Script {
    pub(super) fn new(completion: &Completion) -> Self {
        let object = match completion.shape {
            Shape::Chat(_) => "chat.completion.chunk",
            Shape::Text => "text_completion",
        };
        Self {
            prefix: format!(
                r#"data: {{"id":"{}","object":"{object}",{},"choices":["#,
                completion.id, completion.fields
            ),
            suffix: if completion.usage_asked {
                "],\"usage\":null}\n\n"
            } else {
                "]}\n\n"
            },
            choices: completion.plan.choices,
            frames: Vec::new(),
            output: 0,
        }
    }

    pub(super) fn event(&self, index: u64, part: &str, finish: Option<&str>) -> String {
        let mut event = String::with_capacity(self.prefix.len() + part.len() + 96);
        event.push_str(&self.prefix);
        let finish = finish.map_or_else(|| "null".to_owned(), quoted);
        // Writing to a string cannot fail.
        let _ = write!(
            event,
            r#"{{"index":{index},{part},"logprobs":null,"finish_reason":{finish}}}"#
        );
        event.push_str(self.suffix);
        event
    }

    pub(super) fn push(&mut self, index: u64, part: &str, finish: Option<&str>) {
        let bytes = self.event(index, part, finish).into();
        self.frames.push(Frame {
            bytes,
            output: self.output,
        });
    }

    pub(super) fn each_choice(&mut self, part: &str, finish: Option<&str>) {
        for index in 0..self.choices {
            self.push(index, part, finish);
        }
    }

    pub(super) fn end(mut self, completion: &Completion) -> Vec<Frame> {
        if completion.usage_asked && completion.plan.usage {
            let usage = usage(completion.plan.billed);
            let event = format!("{}],\"usage\":{usage}}}\n\n", self.prefix);
            self.frames.push(Frame {
                bytes: event.into(),
                output: self.output,
            });
        }
        let done = Bytes::from_static(b"data: [DONE]\n\n");
        self.frames.push(Frame {
            bytes: done,
            output: self.output,
        });
        self.frames
    }
}
