//! The way of a call: read it, check its key, make its answer, wait as asked, and send.

use std::error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::LengthLimitError;
use serde::Serialize;
use tokio::sync::watch;

use super::directives::{Directives, Flag};
use super::exchange::{Answer, Exchange, JSON};
use super::gemini::{self, Delivery};
use super::record::{CallRecord, OpenCall, Recorder, Totals};
use super::refusal::Refusal;
use super::reply::{self, Pace};
use super::route::{Dialect, Operation, Route};
use super::{ProviderKeys, SimulatorOptions, anthropic, embeddings, models, openai, responses};

/// More than any gateway in front of it lets through.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What all calls of one server share.
pub(super) struct Shared {
    pub(super) options: SimulatorOptions,
    pub(super) recorder: Arc<Recorder>,
    /// Becomes true when the server stops.
    pub(super) stopped: watch::Receiver<bool>,
}

pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(shared))
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(response) = books(&shared.recorder, &parts) {
        return response;
    }
    let route = Route::of(&parts);
    let mut call = shared
        .recorder
        .begin(parts.uri.path(), route.dialect, route.operation);
    match prepare(&shared, &parts, &route, body, &mut call).await {
        Ok((answer, pace)) => reply::send(answer, route.dialect, call, &pace),
        Err(refusal) => reply::refuse(&refusal, route.dialect, call),
    }
}

/// The simulator's own endpoints.
fn books(recorder: &Recorder, parts: &Parts) -> Option<Response> {
    #[derive(Serialize)]
    struct Books {
        totals: Totals,
        calls: Vec<CallRecord>,
    }
    let body = match (parts.method.clone(), parts.uri.path()) {
        (Method::GET, "/__simulator/calls") => {
            let books = Books {
                totals: recorder.totals(),
                calls: recorder.calls(),
            };
            serde_json::to_string(&books).ok()?
        }
        (Method::POST, "/__simulator/reset") => {
            recorder.reset();
            "{}".to_owned()
        }
        _ => return None,
    };
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    Some(response)
}

/// Reads the request, waits as long as it should and makes the answer.
async fn prepare(
    shared: &Shared,
    parts: &Parts,
    route: &Route,
    body: Body,
    call: &mut OpenCall,
) -> Result<(Answer, Pace), Refusal> {
    let body = read(body).await?;
    authenticate(shared.options.require_keys.as_ref(), parts, route.dialect)?;
    let text = std::str::from_utf8(&body)
        .map_err(|error| Refusal::bad_request(format!("the body is not UTF-8: {error}")))?;
    let directives = Directives::read(text).map_err(Refusal::bad_request)?;
    let exchange = Exchange {
        body: text,
        directives: &directives,
        sequence: call.sequence(),
        created: unix_seconds(),
    };
    let answer = answer(&exchange, route, parts)?;
    call.accept(&answer.model, answer.is_stream(), answer.billed);
    wait(shared, &directives).await;
    match directives.status {
        Some(status) => Err(Refusal::simulated(status, directives.retry_after)),
        None => Ok((answer, Pace::new(&directives, shared.options.chunk_delay))),
    }
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|error| {
            let too_large = error
                .source()
                .is_some_and(<dyn Error + 'static>::is::<LengthLimitError>);
            let status = if too_large {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::BAD_REQUEST
            };
            Refusal::new(status, format!("could not read the body: {error}"))
        })
}

fn authenticate(
    keys: Option<&ProviderKeys>,
    parts: &Parts,
    dialect: Dialect,
) -> Result<(), Refusal> {
    let Some(keys) = keys else { return Ok(()) };
    let expected = match dialect {
        Dialect::OpenAi => &keys.openai,
        Dialect::Anthropic => &keys.anthropic,
        Dialect::Gemini => &keys.gemini,
    };
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let query = parts.uri.query().unwrap_or_default();
    let presented = match dialect {
        Dialect::OpenAi => bearer,
        Dialect::Anthropic => header("x-api-key").or(bearer),
        Dialect::Gemini => header("x-goog-api-key")
            .or_else(|| query.split('&').find_map(|pair| pair.strip_prefix("key="))),
    };
    if presented == Some(expected) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNAUTHORIZED,
        "Incorrect API key provided.",
    ))
}

fn answer(exchange: &Exchange<'_>, route: &Route, parts: &Parts) -> Result<Answer, Refusal> {
    let model = route.model.as_deref().unwrap_or_default();
    if route.dialect == Dialect::Anthropic && !parts.headers.contains_key("anthropic-version") {
        return Err(Refusal::bad_request(
            "anthropic-version: header is required",
        ));
    }
    let streamed = if route.sse {
        Delivery::Events
    } else {
        Delivery::Array
    };
    match (route.operation, route.dialect) {
        (Operation::ChatCompletions, _) => openai::chat(exchange),
        (Operation::Completions, _) => openai::completion(exchange),
        (Operation::Responses, _) => responses::answer(exchange),
        (Operation::Embeddings, _) => embeddings::openai(exchange),
        (Operation::Moderations, _) => models::moderation(exchange),
        (Operation::Messages, _) => anthropic::message(exchange),
        (Operation::CountTokens, Dialect::Gemini) => gemini::count_tokens(exchange, model),
        (Operation::CountTokens, Dialect::Anthropic | Dialect::OpenAi) => {
            anthropic::count_tokens(exchange)
        }
        (Operation::GenerateContent, _) => gemini::generate(exchange, model, Delivery::Whole),
        (Operation::StreamGenerateContent, _) => gemini::generate(exchange, model, streamed),
        (Operation::EmbedContent, _) => embeddings::gemini(exchange, model),
        (Operation::BatchEmbedContents, _) => embeddings::gemini_batch(exchange, model),
        (Operation::Models, dialect) => Ok(models::models(dialect, route.model.as_deref())),
        (Operation::WrongMethod, _) => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Not allowed to {} on {}.", parts.method, parts.uri.path()),
        )),
        (Operation::Unknown, _) => Err(Refusal::unknown_path(&format!(
            "{} {}",
            parts.method,
            parts.uri.path()
        ))),
    }
}

async fn wait(shared: &Shared, directives: &Directives) {
    if directives.has(Flag::Hang) {
        let mut stopped = shared.stopped.clone();
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
    let latency = directives.first_byte.unwrap_or(shared.options.latency);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}

/// Providers stamp their answers; nothing is decided by it.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in for a foreign machine has its own clock"
)]
fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
