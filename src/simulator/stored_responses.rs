//! Responses that OpenAI keeps: read again, deleted, continued, and, if they were asked for in the
//! background, made only after their call was answered.

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::billed::BilledTokens;
use super::directives::{Course, Ending};
use super::exchange::{Answer, Exchange, set};
use super::jobs;
use super::record::{CallOutcome, OpenCall, Recorder};
use super::refusal::Refusal;
use super::responses::Response;
use super::store::id_list;

/// Polls until a response in the background has ended when no directive says otherwise.
const POLLS: u64 = 2;
/// The input of a longer request is not kept: its list of items is empty.
const INPUT_BYTES_MAX: usize = 16 * 1024;

/// A response that can be read again.
pub(super) struct StoredResponse {
    response: Response,
    sequence: u64,
    input: Vec<Value>,
    /// None: it was made while its call was open.
    background: Option<Background>,
    /// The call of a response in the background, which ends with it.
    pub(super) call: Option<OpenCall>,
}

struct Background {
    course: Course,
    due: Option<Instant>,
    polls_left: u64,
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Queued,
    InProgress,
    Ended,
    Canceled,
}

impl StoredResponse {
    /// Ends it, if it is time.
    pub(super) fn advance(&mut self) {
        let Some(background) = &mut self.background else {
            return;
        };
        let over = match background.due {
            Some(due) => Instant::now() >= due,
            None => background.polls_left == 0,
        };
        let waiting = matches!(background.status, Status::Queued | Status::InProgress);
        if !(over && waiting) {
            return;
        }
        background.status = Status::Ended;
        let completed = background.course.ending == Ending::Completed;
        if let Some(call) = &mut self.call {
            if completed {
                call.produce_all();
                call.finish();
            } else {
                call.void();
            }
        }
    }

    /// Whether something is still to come of it.
    pub(super) fn is_open(&self) -> bool {
        self.background.as_ref().is_some_and(|background| {
            matches!(background.status, Status::Queued | Status::InProgress)
        })
    }

    fn poll(&mut self) {
        if let Some(background) = &mut self.background {
            if background.status == Status::Queued {
                background.status = Status::InProgress;
            }
            background.polls_left = background.polls_left.saturating_sub(1);
        }
        self.advance();
    }

    fn object(&self, recorder: &Recorder) -> String {
        let Some(background) = &self.background else {
            // Nobody reads on behind a caller who has left.
            return match recorder.outcome(self.sequence) {
                Some(CallOutcome::InFlight) => self.response.object("in_progress", ""),
                Some(CallOutcome::Aborted | CallOutcome::Cut) => {
                    self.response.object("cancelled", "")
                }
                Some(CallOutcome::Finished | CallOutcome::Refused) | None => self.response.ended(),
            };
        };
        match background.status {
            Status::Queued => self.response.object("queued", ""),
            Status::InProgress => self.response.object("in_progress", ""),
            Status::Canceled => self.response.object("cancelled", ""),
            Status::Ended if background.course.ending == Ending::Completed => self.response.ended(),
            Status::Ended => self.response.object("failed", ""),
        }
    }
}

/// Keeps a response; one in the background with its course, and whether it is streamed.
pub(super) fn keep(exchange: &Exchange<'_>, response: Response, course: Option<(Course, bool)>) {
    let background = course.map(|(course, streamed)| Background {
        course,
        due: jobs::due(course).filter(|_| !streamed),
        polls_left: if streamed {
            0
        } else {
            course.polls.unwrap_or(POLLS)
        },
        status: Status::Queued,
    });
    let stored = StoredResponse {
        response,
        sequence: exchange.sequence,
        input: input_items(exchange),
        background,
        call: None,
    };
    let mut state = exchange.shared.store.lock();
    state.responses.put(exchange.sequence, stored);
}

fn input_items(exchange: &Exchange<'_>) -> Vec<Value> {
    #[derive(Deserialize)]
    struct Input {
        input: Value,
    }
    if exchange.body.len() > INPUT_BYTES_MAX {
        return Vec::new();
    }
    let items = match serde_json::from_str(exchange.body).map(|Input { input }| input) {
        Ok(Value::Array(items)) => items,
        Ok(Value::String(text)) => vec![json!({
            "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_text", "text": text}],
        })],
        Ok(_) | Err(_) => Vec::new(),
    };
    items
        .into_iter()
        .enumerate()
        .map(|(index, mut item)| {
            if let Some(fields) = item.as_object_mut() {
                let id = format!("msg_sim{:018x}{index:02x}i", exchange.sequence);
                fields.entry("id").or_insert_with(|| json!(id));
            }
            item
        })
        .collect()
}

/// The tokens of a response and all before it, as input of the next one.
pub(super) fn context(exchange: &Exchange<'_>, id: &str) -> Result<u64, Refusal> {
    let state = exchange.shared.store.lock();
    let stored = state.responses.get(id).ok_or_else(|| {
        Refusal::bad_request(format!("Previous response with id '{id}' not found."))
    })?;
    let billed = stored.response.plan.billed;
    Ok(billed.input + stored.response.plan.visible)
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    match (&target.method, target.segments().as_slice()) {
        (&Method::GET, [_, _, id]) => with(exchange, id, |stored| Ok(read(exchange, stored))),
        (&Method::GET, [_, _, id, "input_items"]) => {
            with(exchange, id, |stored| Ok(items(exchange, &stored.input)))
        }
        (&Method::POST, [_, _, id, "cancel"]) => {
            with(exchange, id, |stored| cancel(exchange, stored))
        }
        (&Method::DELETE, [_, _, id]) => {
            let gone = exchange.shared.store.lock().responses.remove(id);
            gone.map(|_| Answer::free(&json!({"id": id, "object": "response", "deleted": true})))
                .ok_or_else(|| not_found(id))
        }
        _ => Err(target.refusal()),
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::no_such("Response", id)
}

fn with(
    exchange: &Exchange<'_>,
    id: &str,
    answer: impl FnOnce(&mut StoredResponse) -> Result<Answer, Refusal>,
) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let stored = state.responses.get_mut(id);
    answer(stored.ok_or_else(|| not_found(id))?)
}

/// A stream tells the whole course again, which ends what was under way.
fn read(exchange: &Exchange<'_>, stored: &mut StoredResponse) -> Answer {
    if exchange.target.query("stream") == Some("true") {
        while stored.is_open() {
            if let Some(background) = &mut stored.background {
                background.due = None;
            }
            stored.poll();
        }
        return Answer::events("", BilledTokens::default(), stored.response.stream());
    }
    stored.poll();
    free(stored.object(&exchange.shared.recorder))
}

fn free(body: String) -> Answer {
    Answer::json("", BilledTokens::default(), body)
}

/// What is canceled before it began is not billed; later its input is, as it was read.
fn cancel(exchange: &Exchange<'_>, stored: &mut StoredResponse) -> Result<Answer, Refusal> {
    let Some(background) = &mut stored.background else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "Cannot cancel a synchronous response.",
        ));
    };
    match background.status {
        Status::Queued | Status::InProgress => {
            if let Some(mut call) = stored.call.take()
                && background.status == Status::Queued
            {
                call.void();
            }
            background.status = Status::Canceled;
        }
        Status::Ended | Status::Canceled => {}
    }
    Ok(free(stored.object(&exchange.shared.recorder)))
}

fn items(exchange: &Exchange<'_>, input: &[Value]) -> Answer {
    let target = exchange.target;
    let mut items = input.to_vec();
    if target.query("order") != Some("asc") {
        items.reverse();
    }
    if let Some(after) = target.query("after") {
        let place = items
            .iter()
            .position(|item| item.get("id").is_some_and(|id| id == after));
        items = items.split_off(place.map_or(0, |place| place + 1));
    }
    let limit = target.page("limit");
    let more = items.len() > limit;
    items.truncate(limit);
    let mut list = id_list(&items, more);
    set(&mut list, "object", json!("list"));
    Answer::free(&list)
}
