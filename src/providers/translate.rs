//! Says a request to one of `OpenAI`'s APIs in the words of another provider, and that provider's
//! answer in `OpenAI`'s. What cannot be said is refused by name; nothing is left out in silence.

use bytes::Bytes;

use crate::domain::denial::BadRequest;
use crate::providers::Dialect;
use crate::providers::endpoints::{Operation, check_model};
use crate::providers::translate::answer::Shape;
use crate::providers::translate::given::Given;
use crate::providers::translate::prompt::{At, Prompt};

pub use crate::providers::translate::answer::{AnswerFacts, AnswerTranslator};
pub use crate::providers::translate::failure::status_for_openai;

// The request.
mod given;
mod prompt;
mod chat_request;
mod responses_request;
mod settings;
mod parts;
mod tools;
mod to_anthropic;
mod to_google;
mod node;
// The answer.
mod answer;
mod from_anthropic;
mod from_google;
mod piece;
mod failure;
mod chat_stream;
mod chat_document;
mod responses_answer;
mod response_items;
mod script;
mod head;
mod usage;

/// The model that is to answer.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Whose words it understands.
    pub dialect: Dialect,
    /// Its name at its provider.
    pub model: &'a str,
    /// The most that it can answer, where that is known: the cap of a request without one, where
    /// the provider asks for one.
    pub output_tokens_max: Option<u64>,
    /// A cap of ours: the answer gets no longer than this, whatever the caller allows. What a model
    /// may think depends on the cap, so a request whose cap must be lowered is translated anew.
    pub cap: Option<u64>,
}

/// A request in the words of its target.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The body.
    pub body: Bytes,
    /// The path to ask for.
    pub path: String,
    /// Its query.
    pub query: Option<&'static str>,
    /// What is asked, in the target's words.
    pub operation: Operation,
    /// Whether the answer is to be a stream.
    pub streamed: bool,
    /// The caller's cap. Without one, a cap in the body is not the caller's, and may be lowered.
    pub caller_cap: Option<u64>,
    dialect: Dialect,
    shape: Shape,
}

impl Translated {
    /// Translates the answer to the request.
    pub fn answer(&self, facts: &AnswerFacts<'_>) -> AnswerTranslator {
        AnswerTranslator::new(self.dialect, self.shape.clone(), self.streamed, facts)
    }
}

/// Translates a request to `from`, one of `OpenAI`'s two APIs for answers.
pub fn translate_request(
    from: Operation,
    target: &Target<'_>,
    body: &[u8],
) -> Result<Translated, BadRequest> {
    let members = Given::body(body)?;
    let is_responses = from == Operation::Responses;
    let mut prompt = if is_responses {
        responses_request::read(members)?
    } else {
        chat_request::read(members)?
    };
    let shape = if is_responses {
        let echo = responses_request::echo(body);
        Shape::Responses { echo }
    } else {
        let shows_usage = prompt.shows_usage;
        Shape::Chat { shows_usage }
    };
    let caller_cap = prompt.output_cap.as_ref().map(|cap| cap.value);
    if let Some(cap) = target.cap {
        let place = if is_responses {
            "max_output_tokens"
        } else {
            "max_completion_tokens"
        };
        let own = prompt.output_cap.take().filter(|own| own.value <= cap);
        prompt.output_cap = own.or_else(|| Some(At::new(cap, place)));
    }
    let translated = write(&prompt, target, shape)?;
    Ok(Translated {
        caller_cap,
        ..translated
    })
}

fn write(prompt: &Prompt<'_>, target: &Target<'_>, shape: Shape) -> Result<Translated, BadRequest> {
    let (body, operation, path, query) = match target.dialect {
        Dialect::Anthropic => {
            let body = to_anthropic::write(prompt, target)?;
            let path = "/v1/messages".to_owned();
            (body, Operation::Messages, path, None)
        }
        Dialect::Google => {
            let body = to_google::write(prompt, target)?;
            let (operation, method, query) = if prompt.streamed {
                let operation = Operation::StreamGenerateContent;
                (operation, "streamGenerateContent", Some("alt=sse"))
            } else {
                (Operation::GenerateContent, "generateContent", None)
            };
            check_model(target.model)?;
            let path = format!("/v1beta/models/{}:{method}", target.model);
            (body, operation, path, query)
        }
        // Its words are the caller's own.
        Dialect::OpenAi => {
            return Err(BadRequest::new("This model needs no translation."));
        }
    };
    Ok(Translated {
        body: body.to_json().into(),
        path,
        query,
        operation,
        streamed: prompt.streamed,
        caller_cap: None,
        dialect: target.dialect,
        shape,
    })
}

#[cfg(test)]
mod tests;
