//! Anthropic's batches of messages.

use std::collections::HashSet;

use axum::http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::exchange::{Answer, Exchange, quoted};
use super::gemini;
use super::jobs::{Job, LINES_MAX, Line, Outcome};
use super::refusal::Refusal;
use super::route::Dialect;
use super::shelf::Page;
use super::store::{id_list, timestamp};

const EXPIRY_SECONDS: u64 = 24 * 3_600;

#[derive(Deserialize)]
struct Creation<'a> {
    #[serde(borrow, default)]
    requests: Vec<Request<'a>>,
}

#[derive(Deserialize)]
struct Request<'a> {
    custom_id: String,
    #[serde(borrow)]
    params: &'a RawValue,
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    let segments = target.segments();
    let Some(rest) = segments.strip_prefix(&["v1", "messages", "batches"]) else {
        return Err(target.refusal());
    };
    match (&target.method, rest) {
        (&Method::POST, []) => create(exchange),
        (&Method::GET, []) => Ok(list(exchange)),
        (&Method::GET, [id]) => {
            exchange.poll(Dialect::Anthropic, id);
            with(exchange, id, |job| Ok(Answer::free(&object(exchange, job))))
        }
        (&Method::POST, [id, "cancel"]) => with(exchange, id, |job| {
            job.cancel();
            Ok(Answer::free(&object(exchange, job)))
        }),
        (&Method::GET, [id, "results"]) => with(exchange, id, results),
        (&Method::DELETE, [id]) => delete(exchange, id),
        _ => Err(target.refusal()),
    }
}

fn with(
    exchange: &Exchange<'_>,
    id: &str,
    answer: impl FnOnce(&mut Job) -> Result<Answer, Refusal>,
) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let job = state.jobs(Dialect::Anthropic).get_mut(id);
    answer(job.ok_or_else(|| Refusal::no_such("message batch", id))?)
}

fn create(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let asked: Creation<'_> = gemini::parse(exchange.body)?;
    let mut names = HashSet::new();
    let unique = asked
        .requests
        .iter()
        .all(|request| names.insert(request.custom_id.as_str()));
    if asked.requests.is_empty() || asked.requests.len() > LINES_MAX || !unique {
        return Err(Refusal::bad_request(
            "requests: there must be some, not too many, and no custom_id twice",
        ));
    }
    let lines = asked
        .requests
        .iter()
        .map(|request| Line {
            name: request.custom_id.clone(),
            path: "/v1/messages".to_owned(),
            body: request.params.get().to_owned(),
        })
        .collect();
    let course = exchange.directives.course;
    let mut state = exchange.shared.store.lock();
    let job = state.begin(Dialect::Anthropic, lines, course, Value::Null)?;
    Ok(Answer::free(&object(exchange, job)))
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let page = Page {
        limit: target.page("limit"),
        after: target.query("after_id"),
        before: target.query("before_id"),
        oldest_first: false,
    };
    let mut state = exchange.shared.store.lock();
    let (found, more) = state.jobs(Dialect::Anthropic).page(&page, |_| true);
    let objects: Vec<Value> = found.iter().map(|(_, job)| object(exchange, job)).collect();
    Answer::free(&id_list(&objects, more))
}

fn object(exchange: &Exchange<'_>, job: &Job) -> Value {
    let status = match (job.has_ended(), job.canceled) {
        (true, _) => "ended",
        (false, true) => "canceling",
        (false, false) => "in_progress",
    };
    let count = |wanted: fn(&Outcome) -> bool| {
        let outcomes = job.outcomes.iter();
        outcomes.filter(|outcome| wanted(outcome)).count()
    };
    // The SDKs read the results at the address that is named here.
    let results = job.has_ended().then(|| {
        let id = &job.id;
        exchange
            .target
            .url(&format!("/v1/messages/batches/{id}/results"))
    });
    json!({
        "id": job.id, "type": "message_batch", "processing_status": status,
        "request_counts": {
            "processing": job.lines.len() - job.outcomes.len(),
            "succeeded": job.succeeded(),
            "errored": job.errored(),
            "canceled": count(|outcome| matches!(outcome, Outcome::Canceled)),
            "expired": count(|outcome| matches!(outcome, Outcome::Expired)),
        },
        "created_at": timestamp(job.created),
        "expires_at": timestamp(job.created + EXPIRY_SECONDS),
        "ended_at": job.ended.map(timestamp),
        "cancel_initiated_at": job.canceled_at.map(timestamp),
        "archived_at": null, "results_url": results,
    })
}

fn results(job: &mut Job) -> Result<Answer, Refusal> {
    if !job.has_ended() {
        return Err(Refusal::bad_request(
            "The batch has not ended: there are no results yet.",
        ));
    }
    let lines: Vec<String> = job
        .lines
        .iter()
        .zip(&job.outcomes)
        .map(|(line, outcome)| {
            let result = match outcome {
                Outcome::Answered {
                    status: 200, body, ..
                } => {
                    format!(r#"{{"type":"succeeded","message":{body}}}"#)
                }
                Outcome::Answered { body, .. } => {
                    format!(r#"{{"type":"errored","error":{body}}}"#)
                }
                Outcome::Canceled => r#"{"type":"canceled"}"#.to_owned(),
                Outcome::Expired => r#"{"type":"expired"}"#.to_owned(),
            };
            format!(
                "{{\"custom_id\":{},\"result\":{result}}}\n",
                quoted(&line.name)
            )
        })
        .collect();
    Ok(Answer::bytes("application/x-jsonl", lines.concat()))
}

fn delete(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    with(exchange, id, |job| {
        if job.has_ended() {
            Ok(Answer::free(
                &json!({"id": id, "type": "message_batch_deleted"}),
            ))
        } else {
            Err(Refusal::bad_request(
                "The batch is in progress: cancel it before it is deleted.",
            ))
        }
    })
    .inspect(|_| {
        let mut state = exchange.shared.store.lock();
        state.jobs(Dialect::Anthropic).remove(id);
    })
}
