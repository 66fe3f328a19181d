//! OpenAI's batches: lines of a file, answered in another one.

use std::collections::HashSet;

use axum::http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::directives::Ending;
use super::exchange::{Answer, Exchange, quoted, set};
use super::jobs::{Job, LINES_MAX, Line, Outcome, Stage};
use super::openai::{missing, parse};
use super::refusal::Refusal;
use super::route::Dialect;
use super::shelf::Page;
use super::store::{State, StoredFile, id_list};

const ENDPOINTS: &[&str] = &[
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/completions",
];
const EXPIRY_SECONDS: u64 = 24 * 3_600;
/// Problems of an input file that are told.
const ERRORS_MAX: usize = 20;

#[derive(Deserialize)]
struct Creation {
    input_file_id: Option<String>,
    endpoint: Option<String>,
    completion_window: Option<String>,
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct InputLine<'a> {
    custom_id: Option<String>,
    method: Option<String>,
    url: Option<String>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    match (&target.method, target.segments().as_slice()) {
        (&Method::POST, ["v1", "batches"]) => create(exchange),
        (&Method::GET, ["v1", "batches"]) => Ok(list(exchange)),
        (&Method::GET, ["v1", "batches", id]) => poll(exchange, id),
        (&Method::POST, ["v1", "batches", id, "cancel"]) => cancel(exchange, id),
        _ => Err(target.refusal()),
    }
}

fn create(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let asked: Creation = parse(exchange.body)?;
    let input = asked
        .input_file_id
        .ok_or_else(|| missing("input_file_id"))?;
    let endpoint = asked.endpoint.ok_or_else(|| missing("endpoint"))?;
    if !ENDPOINTS.contains(&endpoint.as_str()) {
        return Err(Refusal::bad_request(format!(
            "Invalid value: '{endpoint}' is not supported by batches."
        )));
    }
    if asked.completion_window.as_deref() != Some("24h") {
        return Err(Refusal::bad_request(
            "Invalid value for 'completion_window': it must be '24h'.",
        ));
    }
    let mut state = exchange.shared.store.lock();
    let file = state
        .openai_files
        .get(&input)
        .ok_or_else(|| Refusal::no_such("File", &input))?;
    if file.purpose != "batch" {
        return Err(Refusal::bad_request(
            "The input file's purpose must be 'batch'.",
        ));
    }
    let (lines, errors) = read_lines(&file.bytes, &endpoint);
    let mut course = exchange.directives.course;
    if !errors.is_empty() {
        course.ending = Ending::Failed;
    }
    let model = lines.first().and_then(|line| model(&line.body));
    let extra = json!({
        "endpoint": endpoint, "input_file_id": input, "completion_window": "24h",
        "metadata": asked.metadata, "model": model, "errors": errors,
        "output_file_id": null, "error_file_id": null,
    });
    let job = state.begin(Dialect::OpenAi, lines, course, extra)?;
    Ok(Answer::free(&object(job)))
}

fn model(body: &str) -> Option<Value> {
    let body: Value = serde_json::from_str(body).ok()?;
    body.get("model").cloned()
}

/// The lines of a file, and what is wrong with them.
fn read_lines(bytes: &[u8], endpoint: &str) -> (Vec<Line>, Vec<Value>) {
    let text = String::from_utf8_lossy(bytes);
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    let mut names = HashSet::new();
    let written = text.lines().enumerate();
    for (index, text) in written.filter(|(_, text)| !text.trim().is_empty()) {
        match read_line(text, endpoint, &mut names) {
            Ok(line) => lines.push(line),
            Err((code, message)) if errors.len() < ERRORS_MAX => errors
                .push(json!({"code": code, "message": message, "param": null, "line": index + 1})),
            Err(_) => {}
        }
    }
    if lines.is_empty() && errors.is_empty() {
        errors.push(
            json!({"code": "empty_file", "message": "The batch is empty.", "param": null, "line": null}),
        );
    }
    if lines.len() > LINES_MAX {
        errors.push(
            json!({"code": "too_many_tasks", "message": "The batch has too many lines.",
                           "param": null, "line": null}),
        );
    }
    (lines, errors)
}

fn read_line(
    text: &str,
    endpoint: &str,
    names: &mut HashSet<String>,
) -> Result<Line, (&'static str, &'static str)> {
    let line: InputLine<'_> = serde_json::from_str(text).map_err(|_error| {
        (
            "invalid_json_line",
            "This line is not parseable as valid JSON.",
        )
    })?;
    let name = line
        .custom_id
        .ok_or(("missing_required_parameter", "'custom_id' is missing."))?;
    let body = line
        .body
        .ok_or(("missing_required_parameter", "'body' is missing."))?;
    if !names.insert(name.clone()) {
        return Err(("duplicate_custom_id", "The custom_id is not unique."));
    }
    if line.method.as_deref() != Some("POST") {
        return Err(("invalid_method", "The method must be POST."));
    }
    if line.url.as_deref() != Some(endpoint) {
        return Err((
            "mismatched_endpoint",
            "The line's url is not the batch's endpoint.",
        ));
    }
    Ok(Line {
        name,
        path: endpoint.to_owned(),
        body: body.get().to_owned(),
    })
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let page = Page {
        limit: target.page("limit"),
        after: target.query("after"),
        before: None,
        oldest_first: false,
    };
    let mut state = exchange.shared.store.lock();
    let (found, more) = state.jobs(Dialect::OpenAi).page(&page, |_| true);
    let objects: Vec<Value> = found.iter().map(|(_, job)| object(job)).collect();
    let mut list = id_list(&objects, more);
    set(&mut list, "object", "list");
    Answer::free(&list)
}

fn poll(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    exchange.poll(Dialect::OpenAi, id);
    let mut state = exchange.shared.store.lock();
    let job = state.jobs(Dialect::OpenAi).get(id);
    job.map(|job| Answer::free(&object(job)))
        .ok_or_else(|| Refusal::no_such("Batch", id))
}

fn cancel(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let job = state
        .jobs(Dialect::OpenAi)
        .get_mut(id)
        .ok_or_else(|| Refusal::no_such("Batch", id))?;
    if job.has_ended() {
        return Err(Refusal::conflict(format!(
            "Cannot cancel a batch with status '{}'.",
            status(job)
        )));
    }
    job.cancel();
    Ok(Answer::free(&object(job)))
}

fn status(job: &Job) -> &'static str {
    match (job.stage, job.canceled, job.ending()) {
        (Stage::Ended, true, _) => "cancelled",
        (Stage::Ended, false, Ending::Failed) => "failed",
        (Stage::Ended, false, Ending::Expired) => "expired",
        (Stage::Ended, false, Ending::Completed) => "completed",
        (_, true, _) => "cancelling",
        (Stage::Made, false, _) => "validating",
        (Stage::Closing, false, _) => "finalizing",
        (Stage::Working, false, _) => "in_progress",
    }
}

fn object(job: &Job) -> Value {
    let status = status(job);
    let ended = |wanted: &str| job.ended.filter(|_| status == wanted);
    let begun = (status != "validating").then_some(job.created);
    let errors = job
        .extra
        .get("errors")
        .filter(|errors| status == "failed" && errors.as_array().is_some_and(|e| !e.is_empty()))
        .map(|errors| json!({"object": "list", "data": errors}));
    let billed = job.billed();
    let extra = |name: &str| job.extra.get(name).cloned();
    json!({
        "id": job.id, "object": "batch", "endpoint": extra("endpoint"), "model": extra("model"),
        "errors": errors, "input_file_id": extra("input_file_id"), "completion_window": "24h",
        "status": status, "output_file_id": extra("output_file_id"),
        "error_file_id": extra("error_file_id"), "created_at": job.created,
        "in_progress_at": begun, "expires_at": job.created + EXPIRY_SECONDS,
        "finalizing_at": job.ended, "completed_at": ended("completed"),
        "failed_at": ended("failed"), "expired_at": ended("expired"),
        "cancelling_at": job.canceled_at, "cancelled_at": ended("cancelled"),
        "request_counts": {
            "total": job.lines.len(), "completed": job.succeeded(), "failed": job.errored(),
        },
        "usage": {
            "input_tokens": billed.input,
            "input_tokens_details": {"cached_tokens": billed.cached_input},
            "output_tokens": billed.output,
            "output_tokens_details": {"reasoning_tokens": billed.reasoning},
            "total_tokens": billed.total(),
        },
        "metadata": extra("metadata"),
    })
}

/// Puts what the lines were answered into two files, as far as there is anything for them.
pub(super) fn write_files(state: &mut State, number: u64) {
    let Some(job) = state.jobs(Dialect::OpenAi).find(number) else {
        return;
    };
    let (mut output, mut errors) = (String::new(), String::new());
    for (index, (line, outcome)) in job.lines.iter().zip(&job.outcomes).enumerate() {
        let id = format!("batch_req_sim{number:012x}{index:08x}");
        let (text, well) = output_line(&id, line, outcome);
        let file = if well { &mut output } else { &mut errors };
        file.push_str(&text);
        file.push('\n');
    }
    let created = job.ended.unwrap_or_default();
    let id = job.id.clone();
    for (name, text) in [("output", output), ("error", errors)] {
        if text.is_empty() {
            continue;
        }
        let file = StoredFile {
            name: format!("{id}_{name}.jsonl"),
            purpose: "batch_output".to_owned(),
            content_type: "application/jsonl".to_owned(),
            bytes: text.into(),
            created,
        };
        let kept = state.keep(Dialect::OpenAi, file).ok();
        if let Some(job) = state.jobs(Dialect::OpenAi).find(number) {
            set(&mut job.extra, &format!("{name}_file_id"), json!(kept));
        }
    }
}

fn output_line(id: &str, line: &Line, outcome: &Outcome) -> (String, bool) {
    let name = quoted(&line.name);
    let unanswered = |code: &str, message: &str| {
        format!(
            r#"{{"id":"{id}","custom_id":{name},"response":null,"error":{{"code":"{code}","message":"{message}"}}}}"#
        )
    };
    match outcome {
        Outcome::Answered {
            status,
            request_id,
            body,
            ..
        } => (
            format!(
                r#"{{"id":"{id}","custom_id":{name},"response":{{"status_code":{status},"request_id":"{request_id}","body":{body}}},"error":null}}"#
            ),
            *status == 200,
        ),
        Outcome::Canceled => (
            unanswered(
                "batch_cancelled",
                "The batch was cancelled before it got to this line.",
            ),
            false,
        ),
        Outcome::Expired => (
            unanswered(
                "batch_expired",
                "The batch expired before it got to this line.",
            ),
            false,
        ),
    }
}
