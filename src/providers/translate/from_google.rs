//! Reads an answer of Google into pieces. A stream's events and a whole answer have the same form.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::usage::TokenUsage;
use crate::providers::errors::ErrorKind;
use crate::providers::google::answer::usage_in;
use crate::providers::json::{Member, Text};
use crate::providers::translate::failure::{ErrorDetails, Failure};
use crate::providers::translate::piece::{Finish, Piece};

/// What was read so far.
#[derive(Debug)]
pub(super) struct Reader {
    /// Makes the ids of calls that have none unlike those of other answers.
    request_id: String,
    has_begun: bool,
    has_finished: bool,
    calls: u64,
    usage: Option<TokenUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Answer<'a> {
    #[serde(default, borrow)]
    response_id: Option<Text<'a>>,
    #[serde(default, borrow)]
    model_version: Option<Text<'a>>,
    #[serde(default, borrow)]
    candidates: Vec<Candidate<'a>>,
    #[serde(default, borrow)]
    prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(default, borrow)]
    usage_metadata: Member<'a>,
    #[serde(default, borrow)]
    error: Option<ErrorDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct PromptFeedback<'a> {
    #[serde(default, borrow)]
    block_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Candidate<'a> {
    #[serde(default)]
    index: u64,
    #[serde(default, borrow)]
    content: Option<Content<'a>>,
    #[serde(default, borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Content<'a> {
    #[serde(default, borrow)]
    parts: Vec<Part<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    thought: bool,
    #[serde(borrow)]
    thought_signature: Option<Text<'a>>,
    #[serde(borrow)]
    function_call: Option<FunctionCall<'a>>,
    #[serde(borrow)]
    inline_data: Option<Blob<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct FunctionCall<'a> {
    #[serde(default, borrow)]
    id: Option<Text<'a>>,
    #[serde(default, borrow)]
    name: Text<'a>,
    #[serde(default, borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Blob<'a> {
    #[serde(default, borrow)]
    mime_type: Text<'a>,
    #[serde(default, borrow)]
    data: Text<'a>,
}

impl Reader {
    pub(super) fn new(request_id: &str) -> Self {
        Self {
            request_id: request_id.to_owned(),
            has_begun: false,
            has_finished: false,
            calls: 0,
            usage: None,
        }
    }

    /// Reads an event's data or a whole answer.
    pub(super) fn read(&mut self, data: &[u8], take: &mut impl FnMut(Piece<'_>)) {
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(data) else {
            take(Piece::Failed(Failure::unreadable("could not be read")));
            return;
        };
        if let Some(error) = &answer.error {
            take(Piece::Failed(Failure::of_details(error, 500)));
            return;
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            take(Piece::Begin {
                id: answer.response_id.as_deref(),
                model: answer.model_version.as_deref(),
            });
        }
        if let Some(reported) = usage_in(answer.usage_metadata) {
            self.usage = Some(reported.usage);
        }
        for candidate in &answer.candidates {
            self.candidate(candidate, take);
        }
        let feedback = answer.prompt_feedback.as_ref();
        if feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            self.finish(0, Finish::Filtered, take);
        }
    }

    /// Nothing follows. Streams have no mark of their end: it is proper if a choice has ended.
    pub(super) fn end(&mut self, take: &mut impl FnMut(Piece<'_>)) {
        if let Some(usage) = self.usage {
            take(Piece::Usage(usage));
        }
        if self.has_finished {
            take(Piece::End);
        } else {
            take(Piece::Failed(Failure::new(
                ErrorKind::Internal,
                "The provider's answer ended too early.",
            )));
        }
    }

    fn candidate(&mut self, candidate: &Candidate<'_>, take: &mut impl FnMut(Piece<'_>)) {
        let choice = candidate.index;
        let content = candidate.content.as_ref();
        for part in content.map_or(&[][..], |content| &content.parts) {
            self.part(choice, part, take);
        }
        if let Some(reason) = &candidate.finish_reason {
            self.finish(choice, finish(reason), take);
        }
    }

    fn finish(&mut self, choice: u64, reason: Finish, take: &mut impl FnMut(Piece<'_>)) {
        self.has_finished = true;
        take(Piece::Finish { choice, reason });
    }

    fn part(&mut self, choice: u64, part: &Part<'_>, take: &mut impl FnMut(Piece<'_>)) {
        if let Some(call) = &part.function_call {
            self.call(choice, call, part.thought_signature.as_deref(), take);
        }
        if let Some(text) = part.text.as_deref().filter(|text| !text.is_empty()) {
            let text = Cow::Borrowed(text);
            take(if part.thought {
                Piece::Thought { choice, text }
            } else {
                Piece::Text { choice, text }
            });
        }
        if let Some(blob) = &part.inline_data {
            // Models that draw answer with pictures: in Markdown they fit into a text.
            let picture = format!("![](data:{};base64,{})", &*blob.mime_type, &*blob.data);
            let text = Cow::Owned(picture);
            take(Piece::Text { choice, text });
        }
    }

    fn call(
        &mut self,
        choice: u64,
        call: &FunctionCall<'_>,
        signature: Option<&str>,
        take: &mut impl FnMut(Piece<'_>),
    ) {
        let id = match call.id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(format!("call_{}_{}", self.request_id, self.calls)),
        };
        self.calls = self.calls.saturating_add(1);
        take(Piece::Call {
            choice,
            id,
            name: &call.name,
            signature,
        });
        let json = call.args.map_or("{}", RawValue::get);
        take(Piece::Arguments { choice, json });
        take(Piece::Close);
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Finish::Filtered,
        // `OTHER`, `MALFORMED_FUNCTION_CALL`, and what there may be one day.
        _ => Finish::Broken(reason.to_owned()),
    }
}
