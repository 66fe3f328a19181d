//! What the provider sends: how the session is, which responses begin, and what each has used.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::usage::{Basis, TokenUsage};
use crate::providers::answer::{Count, Division};
use crate::providers::json::Text;
use crate::providers::meter::Metered;
use crate::providers::openai::realtime::{TURN_DETECTION, length, member, member_mut};

/// An event of the provider.
#[derive(Debug, PartialEq)]
pub enum ProviderEvent {
    /// How the session is: at its start, and after each change.
    Session(Box<SessionState>),
    /// The caller has spoken.
    SpeechEnded,
    /// What it said is in the conversation.
    Committed,
    /// A response has begun; its id.
    ResponseBegun(String),
    /// A response has ended.
    ResponseEnded(Box<ResponseEnd>),
    /// Something went wrong; the caller's event that it is about, if it is about one.
    Failed(Option<String>),
    /// Anything else.
    Other,
}

/// How the session is.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionState {
    /// Responses, not transcripts only.
    pub is_conversation: bool,
    /// The cap on each response that has none of its own.
    pub cap: Option<u64>,
    /// Responses begin when the caller has spoken.
    pub starts_responses: bool,
    /// What the caller says is written down by another model.
    pub transcribes: bool,
    /// How long its description is: each response reads it.
    pub bytes: u64,
    event: Value,
}

impl SessionState {
    /// Asks the provider to leave the start of responses to us, all else as it is.
    pub fn take_over(&self) -> String {
        let mut detection = member(&self.event, &["session"])
            .and_then(|session| member(session, &TURN_DETECTION))
            .cloned()
            .unwrap_or_default();
        if let Some(detection) = detection.as_object_mut() {
            detection.insert("create_response".to_owned(), false.into());
            detection.remove("idle_timeout_ms");
        }
        let input = json!({"turn_detection": detection});
        let session = json!({"type": "realtime", "audio": {"input": input}});
        json!({"type": "session.update", "session": session}).to_string()
    }

    /// The event as the caller expects it: who starts responses is nothing that it has to know.
    pub fn shown(&self, starts_responses: bool) -> String {
        let mut event = self.event.clone();
        let detection = member_mut(&mut event, &["session"])
            .and_then(|session| member_mut(session, &TURN_DETECTION))
            .and_then(Value::as_object_mut);
        if let Some(detection) = detection {
            detection.insert("create_response".to_owned(), starts_responses.into());
        }
        event.to_string()
    }
}

/// How a response ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseEnd {
    /// Its id.
    pub id: String,
    /// What it used.
    pub metered: Metered,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default, borrow)]
    response: Option<&'a RawValue>,
    #[serde(default, borrow)]
    session: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Error<'a> {
    #[serde(default, borrow)]
    event_id: Option<Text<'a>>,
}

/// Reads an event; nothing if it is none.
pub fn read_provider_event(text: &[u8]) -> Option<ProviderEvent> {
    let event: Event<'_> = serde_json::from_slice(text).ok()?;
    Some(match &*event.kind {
        "session.created" | "session.updated" => {
            let bytes = length(event.session?);
            ProviderEvent::Session(Box::new(session(bytes, text)?))
        }
        "input_audio_buffer.speech_stopped" => ProviderEvent::SpeechEnded,
        "input_audio_buffer.committed" => ProviderEvent::Committed,
        "response.created" => {
            let response: Response<'_> = serde_json::from_str(event.response?.get()).ok()?;
            ProviderEvent::ResponseBegun(response.id.to_string())
        }
        "response.done" => {
            let response: Response<'_> = serde_json::from_str(event.response?.get()).ok()?;
            ProviderEvent::ResponseEnded(Box::new(ResponseEnd {
                id: response.id.to_string(),
                metered: response.metered(),
            }))
        }
        "error" => {
            let error = event
                .error
                .and_then(|error| serde_json::from_str::<Error<'_>>(error.get()).ok());
            let about = error.and_then(|error| error.event_id);
            ProviderEvent::Failed(about.map(|id| id.to_string()))
        }
        _ => ProviderEvent::Other,
    })
}

fn session(bytes: u64, text: &[u8]) -> Option<SessionState> {
    let event: Value = serde_json::from_slice(text).ok()?;
    let session = event.get("session")?;
    let detection = member(session, &TURN_DETECTION).filter(|it| !it.is_null());
    let starts = |detection: &Value| detection.get("create_response") != Some(&json!(false));
    let idles = |detection: &Value| {
        detection
            .get("idle_timeout_ms")
            .is_some_and(|it| !it.is_null())
    };
    let transcription = member(session, &["audio", "input", "transcription"]);
    Some(SessionState {
        is_conversation: session.get("type").is_none_or(|kind| kind == "realtime"),
        cap: session.get("max_output_tokens").and_then(Value::as_u64),
        starts_responses: detection.is_some_and(|it| starts(it) || idles(it)),
        transcribes: transcription.is_some_and(|it| !it.is_null()),
        bytes,
        event,
    })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Response<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(default, borrow)]
    status: Option<Text<'a>>,
    #[serde(default, borrow)]
    status_details: Option<&'a RawValue>,
    #[serde(default, borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StatusDetails<'a> {
    #[serde(default, borrow)]
    error: Option<StatusError<'a>>,
}

#[derive(Deserialize)]
struct StatusError<'a> {
    #[serde(default, borrow)]
    code: Option<Text<'a>>,
}

/// The longest error code that is kept.
const ERROR_CODE_BYTES_MAX: usize = 100;

impl Response<'_> {
    fn metered(&self) -> Metered {
        let has_failed = self.status.as_deref() == Some("failed");
        let usage = self.usage.and_then(|usage| reported(usage.get()));
        // Of its own failures a provider bills what it tells of, which may be nothing.
        let untold = match self.usage {
            None if has_failed => Basis::Measured,
            None | Some(_) => Basis::Unknown,
        };
        let (usage, basis) = usage.unwrap_or((TokenUsage::default(), untold));
        Metered {
            usage,
            basis,
            tier_served: None,
            model_served: None,
            is_complete: true,
            is_cut_off: false,
            output_reported: usage.output_total(),
            provider_error: has_failed.then(|| self.error_code()),
        }
    }

    fn error_code(&self) -> String {
        let details = self
            .status_details
            .and_then(|details| serde_json::from_str::<StatusDetails<'_>>(details.get()).ok());
        let code = details.and_then(|details| details.error?.code);
        let code = code.filter(|code| code.len() <= ERROR_CODE_BYTES_MAX);
        code.map_or_else(|| "failed".to_owned(), |code| code.to_string())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Usage {
    input_tokens: Count,
    output_tokens: Count,
    input_token_details: Option<InputDetails>,
    output_token_details: Option<Kinds>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct InputDetails {
    audio_tokens: Count,
    image_tokens: Count,
    cached_tokens: Count,
    cached_tokens_details: Option<Kinds>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
struct Kinds {
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
}

/// What a response used; nothing if it does not say. Cached tokens are inside those of their kind.
/// Where it is not told of which kind they are, they are taken for the cheapest, text.
fn reported(usage: &str) -> Option<(TokenUsage, Basis)> {
    let usage: Usage = serde_json::from_str(usage).ok()?;
    let is_known = |count| matches!(count, Count::Known(_));
    if !is_known(usage.input_tokens) || !is_known(usage.output_tokens) {
        return None;
    }
    let details = usage.input_token_details.unwrap_or_default();
    let cached = details.cached_tokens_details.unwrap_or_default();
    let mut input = Division::of(usage.input_tokens);
    let mut audio = Division::of(Count::Known(input.take(details.audio_tokens)));
    let mut image = Division::of(Count::Known(input.take(details.image_tokens)));
    let cached_elsewhere = audio
        .take(cached.audio_tokens)
        .saturating_add(image.take(cached.image_tokens));
    let rest = details.cached_tokens.or_zero();
    let cached_text = input.take(match details.cached_tokens {
        Count::Impossible => Count::Impossible,
        Count::Missing | Count::Known(_) => Count::Known(rest.saturating_sub(cached_elsewhere)),
    });
    let (parts, wholes) = ((audio.rest(), image.rest()), input.rest());
    let kinds = usage.output_token_details.unwrap_or_default();
    let mut output = Division::of(usage.output_tokens);
    let audio_output = output.take(kinds.audio_tokens);
    let image_output = output.take(kinds.image_tokens);
    let reasoning_output = output.take(kinds.reasoning_tokens);
    let (plain_output, is_output_exact) = output.rest();
    let ((audio_input, is_audio_exact), (image_input, is_image_exact)) = parts;
    let (plain_input, is_input_exact) = wholes;
    let is_exact = is_audio_exact && is_image_exact && is_input_exact && is_output_exact;
    let usage = TokenUsage {
        input: plain_input,
        cached_input: cached_text.saturating_add(cached_elsewhere),
        output: plain_output,
        reasoning_output,
        audio_input,
        audio_output,
        image_input,
        image_output,
        ..TokenUsage::default()
    };
    Some((
        usage,
        if is_exact {
            Basis::Measured
        } else {
            Basis::Estimated
        },
    ))
}
