//! What a caller sends. An event that is not known here does not pass: it might start a response.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::denial::BadRequest;
use crate::providers::json::{Text, parse_object};
use crate::providers::openai::realtime::content::{self, Heard};
use crate::providers::openai::realtime::response::{self, ResponseAsked};
use crate::providers::openai::realtime::{TURN_DETECTION, length, member, member_mut};

/// The longest `event_id` of a caller that is repeated to it.
const EVENT_ID_BYTES_MAX: usize = 512;

/// An event of the caller.
#[derive(Debug, PartialEq)]
pub enum CallerEvent {
    /// It passes as it is.
    Plain(Heard),
    /// The session is to change.
    Session(SessionUpdate),
    /// A response is to begin.
    Response(Box<ResponseAsked>),
}

/// An event that does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What its caller calls it.
    pub event_id: Option<String>,
    /// What is wrong with it.
    pub problem: BadRequest,
}

/// A change of the session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionUpdate {
    /// What is sent: responses never begin by themselves.
    pub message: String,
    /// What its caller calls it.
    pub event_id: Option<String>,
    /// Whether a response is to begin when the caller has spoken, if that is told.
    pub wants_responses: Option<bool>,
    /// What the caller says is to be written down by another model.
    pub transcribes: bool,
    /// What it adds to the input.
    pub heard: Heard,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default, borrow, rename = "event_id")]
    name: Option<Text<'a>>,
    #[serde(default, borrow)]
    audio: Option<&'a RawValue>,
    #[serde(default, borrow)]
    item: Option<&'a RawValue>,
    #[serde(default, borrow)]
    session: Option<&'a RawValue>,
    #[serde(default, borrow)]
    response: Option<&'a RawValue>,
}

/// Reads an event.
pub fn read_caller_event(text: &[u8]) -> Result<CallerEvent, Misfit> {
    let misfit = |event_id, problem| Misfit { event_id, problem };
    let event: Event<'_> = parse_object(text).map_err(|problem| misfit(None, problem))?;
    let event_id = event.name.as_ref().map(|id| id.to_string());
    if event_id
        .as_ref()
        .is_some_and(|id| id.len() > EVENT_ID_BYTES_MAX)
    {
        let problem = BadRequest::field("event_id", "`event_id` is too long");
        return Err(misfit(None, problem));
    }
    read(&event, event_id.as_deref()).map_err(|problem| misfit(event_id, problem))
}

fn read(event: &Event<'_>, event_id: Option<&str>) -> Result<CallerEvent, BadRequest> {
    let heard = match &*event.kind {
        "input_audio_buffer.append" => event.audio.map(Heard::audio).unwrap_or_default(),
        "conversation.item.create" => {
            let missing = || BadRequest::field("item", "an `item` is missing");
            content::of_item(event.item.ok_or_else(missing)?)?
        }
        "input_audio_buffer.commit"
        | "input_audio_buffer.clear"
        | "output_audio_buffer.clear"
        | "conversation.item.retrieve"
        | "conversation.item.truncate"
        | "conversation.item.delete"
        | "response.cancel" => Heard::default(),
        "session.update" => return session(event, event_id).map(CallerEvent::Session),
        "response.create" => {
            let asked = response::asked(event.response, event_id)?;
            return Ok(CallerEvent::Response(Box::new(asked)));
        }
        kind => {
            let message = format!("events of type `{kind}` are not possible here");
            return Err(BadRequest::field("type", message));
        }
    };
    Ok(CallerEvent::Plain(heard))
}

/// What the interface before this one called things: a session that has them is not understood.
const OLD_MEMBERS: [&str; 3] = [
    "turn_detection",
    "input_audio_transcription",
    "max_response_output_tokens",
];

fn session(event: &Event<'_>, event_id: Option<&str>) -> Result<SessionUpdate, BadRequest> {
    let missing = || BadRequest::field("session", "a `session` is missing");
    let written = event.session.ok_or_else(missing)?;
    let mut session: Value = serde_json::from_str(written.get())
        .map_err(|error| BadRequest::field("session", format!("it is not valid: {error}")))?;
    if !session.is_object() {
        return Err(BadRequest::field("session", "`session` must be an object"));
    }
    check_session(&session)?;
    let wants_responses = take_over(&mut session)?;
    let transcription = member(&session, &["audio", "input", "transcription"]);
    let transcribes = transcription.is_some_and(|it| !it.is_null());
    let mut message = json!({"type": "session.update", "session": session});
    if let (Some(message), Some(id)) = (message.as_object_mut(), event_id) {
        message.insert("event_id".to_owned(), id.into());
    }
    Ok(SessionUpdate {
        message: message.to_string(),
        event_id: event_id.map(str::to_owned),
        wants_responses,
        transcribes,
        heard: Heard::tokens(length(written)),
    })
}

fn check_session(session: &Value) -> Result<(), BadRequest> {
    let kind = session.get("type").filter(|kind| !kind.is_null());
    if kind.is_some_and(|kind| kind != "realtime") {
        let message = "only sessions of type `realtime` are possible here";
        return Err(BadRequest::field("session.type", message));
    }
    for name in OLD_MEMBERS {
        if session.get(name).is_some() {
            let message = format!("`{name}` is of the beta interface, which is not possible here");
            return Err(BadRequest::field("session", message));
        }
    }
    if session.get("model").is_some_and(|model| !model.is_null()) {
        let message = "the model is chosen when connecting, and cannot be changed";
        return Err(BadRequest::field("session.model", message));
    }
    for (path, name) in [
        (&["audio"][..], "session.audio"),
        (&["audio", "input"], "session.audio.input"),
    ] {
        // What is reset would have the provider's own way of starting responses.
        if member(session, path).is_some_and(|part| !part.is_object()) {
            return Err(BadRequest::field(name, "it must be an object"));
        }
    }
    response::check_shared(session)
}

/// Has the provider leave the start of responses to us; says whether the caller wanted it to do so.
fn take_over(session: &mut Value) -> Result<Option<bool>, BadRequest> {
    let Some(detection) = member_mut(session, &TURN_DETECTION) else {
        return Ok(None);
    };
    let Some(detection) = detection.as_object_mut() else {
        return if detection.is_null() {
            Ok(Some(false))
        } else {
            let message = "`turn_detection` must be an object or null";
            Err(BadRequest::field(
                "session.audio.input.turn_detection",
                message,
            ))
        };
    };
    let idles = detection.get("idle_timeout_ms");
    if idles.is_some_and(|idles| !idles.is_null()) {
        let message =
            "`idle_timeout_ms` is not possible here: it lets responses begin by themselves";
        return Err(BadRequest::field(
            "session.audio.input.turn_detection",
            message,
        ));
    }
    let wanted = detection.insert("create_response".to_owned(), false.into());
    match wanted {
        None | Some(Value::Null | Value::Bool(true)) => Ok(Some(true)),
        Some(Value::Bool(false)) => Ok(Some(false)),
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            let message = "`create_response` must be true or false";
            Err(BadRequest::field(
                "session.audio.input.turn_detection",
                message,
            ))
        }
    }
}
