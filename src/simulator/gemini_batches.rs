//! Gemini's batches: requests that come with the call or from a file.

use axum::http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::directives::Ending;
use super::exchange::{Answer, Exchange, quoted, set};
use super::gemini;
use super::jobs::{Job, LINES_MAX, Line, Outcome, Stage};
use super::refusal::Refusal;
use super::route::{Dialect, Operation};
use super::shelf::Page;
use super::store::{State, StoredFile, timestamp, token_list};

const KINDS: &str = "type.googleapis.com/google.ai.generativelanguage.v1main.";

#[derive(Deserialize)]
struct Creation<'a> {
    #[serde(borrow)]
    batch: Asked<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    #[serde(alias = "display_name")]
    display_name: Option<String>,
    #[serde(borrow, alias = "input_config")]
    input_config: Input<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    #[serde(borrow)]
    requests: Option<Inlined<'a>>,
    #[serde(alias = "file_name")]
    file_name: Option<String>,
}

#[derive(Deserialize)]
struct Inlined<'a> {
    #[serde(borrow, default)]
    requests: Vec<InlinedRequest<'a>>,
}

#[derive(Deserialize)]
struct InlinedRequest<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    metadata: Option<Value>,
    key: Option<String>,
}

pub(super) fn answer(
    exchange: &Exchange<'_>,
    made: Operation,
    model: Option<&str>,
) -> Result<Answer, Refusal> {
    if let Some(model) = model {
        return create(exchange, made, model);
    }
    let target = exchange.target;
    let name = |name: &str| format!("batches/{name}");
    match (&target.method, target.segments().as_slice()) {
        (&Method::GET, [_, "batches"]) => Ok(list(exchange)),
        (&Method::GET, [_, "batches", id]) => {
            exchange.poll(Dialect::Gemini, &name(id));
            with(exchange, &name(id), |job| operation(job))
        }
        (&Method::POST, [_, "batches", id]) => match id.strip_suffix(":cancel") {
            Some(id) => with(exchange, &name(id), |job| {
                job.cancel();
                json!({})
            }),
            None => Err(target.refusal()),
        },
        (&Method::DELETE, [_, "batches", id]) => {
            let gone = exchange
                .shared
                .store
                .lock()
                .jobs(Dialect::Gemini)
                .remove(&name(id));
            gone.map(|_| Answer::free(&json!({})))
                .ok_or_else(|| Refusal::no_such("Batch", id))
        }
        _ => Err(target.refusal()),
    }
}

fn with(
    exchange: &Exchange<'_>,
    name: &str,
    answer: impl FnOnce(&mut Job) -> Value,
) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let job = state.jobs(Dialect::Gemini).get_mut(name);
    job.map(|job| Answer::free(&answer(job)))
        .ok_or_else(|| Refusal::no_such("Batch", name))
}

fn create(exchange: &Exchange<'_>, made: Operation, model: &str) -> Result<Answer, Refusal> {
    let asked = gemini::parse::<Creation<'_>>(exchange.body)?.batch;
    let mut state = exchange.shared.store.lock();
    let (action, kind) = if made == Operation::EmbeddingBatches {
        ("embedContent", "EmbedContentBatch")
    } else {
        ("generateContent", "GenerateContentBatch")
    };
    let path = format!("/v1beta/models/{model}:{action}");
    let from_file = asked.input_config.file_name.is_some();
    let (lines, metadata) = match (&asked.input_config.file_name, &asked.input_config.requests) {
        (Some(name), _) => {
            let file = state.gemini_files.get(name);
            let file = file.ok_or_else(|| Refusal::no_such("File", name))?;
            lines_of_file(&String::from_utf8_lossy(&file.bytes), &path)?
        }
        (None, Some(inlined)) => lines(&inlined.requests, &path),
        (None, None) => return Err(Refusal::bad_request("inputConfig is not specified")),
    };
    if lines.is_empty() || lines.len() > LINES_MAX {
        return Err(Refusal::bad_request(
            "the batch has no or too many requests",
        ));
    }
    let course = exchange.directives.course;
    let extra = json!({
        "model": format!("models/{model}"), "displayName": asked.display_name,
        "fromFile": from_file, "metadata": metadata, "kind": kind,
    });
    let job = state.begin(Dialect::Gemini, lines, course, extra)?;
    Ok(Answer::free(&operation(job)))
}

/// Requests as lines, and what the caller said about each.
fn lines(requests: &[InlinedRequest<'_>], path: &str) -> (Vec<Line>, Vec<Value>) {
    let lines = requests
        .iter()
        .map(|request| Line {
            name: request.key.clone().unwrap_or_default(),
            path: path.to_owned(),
            body: request.request.get().to_owned(),
        })
        .collect();
    let metadata = requests
        .iter()
        .map(|request| request.metadata.clone().unwrap_or(Value::Null))
        .collect();
    (lines, metadata)
}

fn lines_of_file(text: &str, path: &str) -> Result<(Vec<Line>, Vec<Value>), Refusal> {
    let written = text.lines().filter(|line| !line.trim().is_empty());
    let requests: Vec<InlinedRequest<'_>> =
        written.map(gemini::parse).collect::<Result<_, Refusal>>()?;
    Ok(lines(&requests, path))
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let page = Page::of_google(target);
    let mut state = exchange.shared.store.lock();
    let (found, more) = state.jobs(Dialect::Gemini).page(&page, |_| true);
    let operations: Vec<Value> = found.iter().map(|(_, job)| operation(job)).collect();
    Answer::free(&token_list("operations", &operations, more))
}

fn operation(job: &Job) -> Value {
    let state = match (job.stage, job.canceled, job.ending()) {
        (Stage::Made, false, _) => "BATCH_STATE_PENDING",
        (Stage::Ended, true, _) => "BATCH_STATE_CANCELLED",
        (Stage::Ended, false, Ending::Completed) => "BATCH_STATE_SUCCEEDED",
        (Stage::Ended, false, Ending::Failed) => "BATCH_STATE_FAILED",
        (Stage::Ended, false, Ending::Expired) => "BATCH_STATE_EXPIRED",
        (_, _, _) => "BATCH_STATE_RUNNING",
    };
    let count = |number: usize| number.to_string();
    let kind = job.extra.get("kind").and_then(Value::as_str);
    let kind = format!("{KINDS}{}", kind.unwrap_or_default());
    let mut metadata = json!({
        "@type": kind, "name": job.id, "model": job.extra.get("model"),
        "displayName": job.extra.get("displayName"), "state": state,
        "createTime": timestamp(job.created), "updateTime": timestamp(job.ended.unwrap_or(job.created)),
        "batchStats": {
            "requestCount": count(job.lines.len()),
            "successfulRequestCount": count(job.succeeded()),
            "failedRequestCount": count(job.errored()),
            "pendingRequestCount": count(job.lines.len() - job.outcomes.len()),
        },
    });
    let mut operation = json!({"name": job.id});
    if job.has_ended() {
        set(&mut metadata, "endTime", json!(job.ended.map(timestamp)));
        set(&mut operation, "done", json!(true));
        if state == "BATCH_STATE_SUCCEEDED" {
            let mut output = output(job);
            set(&mut metadata, "output", output.clone());
            set(&mut output, "@type", json!(format!("{kind}Output")));
            set(&mut operation, "response", output);
        } else {
            set(
                &mut operation,
                "error",
                json!({"code": 13, "message": format!("The batch has ended: {state}.")}),
            );
        }
    }
    set(&mut operation, "metadata", metadata);
    operation
}

fn output(job: &Job) -> Value {
    if let Some(file) = job.extra.get("responsesFile") {
        return json!({"responsesFile": file});
    }
    let metadata = job.extra.get("metadata").and_then(Value::as_array);
    let metadata = metadata.map(Vec::as_slice).unwrap_or_default();
    let responses: Vec<Value> = job
        .outcomes
        .iter()
        .zip(metadata)
        .map(|(outcome, metadata)| {
            let (kind, body) = answered(outcome);
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            json!({kind: body, "metadata": metadata})
        })
        .collect();
    json!({"inlinedResponses": {"inlinedResponses": responses}})
}

/// What a line was answered, and whether that is a response or an error.
fn answered(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Answered {
            status: 200, body, ..
        } => ("response", body.clone()),
        Outcome::Answered { body, .. } => {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let error = body.get("error").cloned().unwrap_or_default();
            ("error", error.to_string())
        }
        Outcome::Canceled => ("error", r#"{"code":1,"message":"Cancelled."}"#.to_owned()),
        Outcome::Expired => ("error", r#"{"code":4,"message":"Expired."}"#.to_owned()),
    }
}

/// The answers to requests that came from a file go into another one.
pub(super) fn write_file(state: &mut State, number: u64) {
    let Some(job) = state.jobs(Dialect::Gemini).find(number) else {
        return;
    };
    if job.extra.get("fromFile") != Some(&json!(true)) {
        return;
    }
    let written: Vec<String> = job
        .lines
        .iter()
        .zip(&job.outcomes)
        .map(|(line, outcome)| {
            let (kind, body) = answered(outcome);
            format!("{{\"key\":{},\"{kind}\":{body}}}\n", quoted(&line.name))
        })
        .collect();
    let file = StoredFile {
        name: String::new(),
        purpose: "batch".to_owned(),
        content_type: "application/jsonl".to_owned(),
        bytes: written.concat().into(),
        created: job.ended.unwrap_or_default(),
    };
    let kept = state.keep(Dialect::Gemini, file).ok();
    if let Some(job) = state.jobs(Dialect::Gemini).find(number) {
        set(&mut job.extra, "responsesFile", json!(kept));
    }
}
