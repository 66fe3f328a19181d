//! The way of a call: read it, check its key, make its answer, wait as asked, and send.

use std::error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::LengthLimitError;
use serde::Serialize;
use tokio::sync::watch;

use super::directives::{Directives, Flag};
use super::exchange::{Answer, Exchange, JSON};
use super::form::{self, Form};
use super::record::{CallRecord, OpenCall, Recorder, Totals};
use super::refusal::Refusal;
use super::reply::{self, Pace};
use super::route::{Dialect, Operation, Route};
use super::store::Store;
use super::target::Target;
use super::{ProviderKeys, SimulatorOptions, dispatch, gemini_files, jobs, realtime};

/// More than any gateway in front of it lets through.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What all calls of one server share.
pub(super) struct Shared {
    pub(super) options: SimulatorOptions,
    pub(super) recorder: Arc<Recorder>,
    pub(super) store: Store,
    /// Becomes true when the server stops.
    pub(super) stopped: watch::Receiver<bool>,
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    // Bodies are bounded by `read`.
    Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    // What is over by now has happened before this request.
    advance(&shared);
    if let Some(response) = books(&shared.recorder, &parts) {
        return response;
    }
    let target = Target::of(&parts);
    let route = Route::of(&target);
    if route.operation == Operation::Realtime {
        return realtime::open(shared, parts, &route).await;
    }
    let mut call = shared
        .recorder
        .begin(&target.path, route.provider, route.operation);
    match prepare(&shared, &parts, (&target, &route), body, &mut call).await {
        Ok((answer, pace)) => match answer.background {
            Some(number) => {
                let (response, call) = reply::send_unended(answer, route.dialect, call);
                shared.store.lock().attach(number, call);
                response
            }
            None => reply::send(answer, route.dialect, call, &pace),
        },
        Err(refusal) => reply::refuse(&refusal, route.dialect, call),
    }
}

/// Ends what is due: batches and answers in the background.
pub(super) fn advance(shared: &Shared) {
    jobs::advance(shared);
    shared.store.lock().advance_responses();
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
    (target, route): (&Target, &Route),
    body: Body,
    call: &mut OpenCall,
) -> Result<(Answer, Pace), Refusal> {
    let body = read(body).await?;
    authenticate(shared.options.require_keys.as_ref(), target, route)?;
    if route.dialect == Dialect::Anthropic && target.header("anthropic-version").is_none() {
        return Err(Refusal::bad_request(
            "anthropic-version: header is required",
        ));
    }
    let body_bytes = body.len() as u64;
    let form = text_and_files(parts, route.operation, body).await?;
    let mut directives = Directives::read(&form.text).map_err(Refusal::bad_request)?;
    let is_batch = matches!(
        route.operation,
        Operation::Batches | Operation::EmbeddingBatches
    );
    if is_batch && route.dialect != Dialect::OpenAi {
        directives = directives.of_batch();
    }
    let exchange = Exchange {
        shared,
        target,
        body: &form.text,
        body_bytes,
        files: &form.files,
        directives: &directives,
        batched: false,
        sequence: call.sequence(),
        created: unix_seconds(),
    };
    let answer = dispatch::answer(&exchange, route)?;
    call.accept(&answer);
    wait(shared, &directives).await;
    match directives.status {
        Some(status) => Err(Refusal::simulated(status, directives.retry_after)),
        None => Ok((answer, Pace::new(&directives, shared.options.chunk_delay))),
    }
}

async fn text_and_files(parts: &Parts, operation: Operation, body: Bytes) -> Result<Form, Refusal> {
    if form::is_multipart(parts) {
        return form::read(parts, body).await;
    }
    if operation == Operation::Files && parts.uri.path().starts_with("/upload/") {
        return Ok(gemini_files::form(parts, body));
    }
    let text = String::from_utf8(body.into())
        .map_err(|error| Refusal::bad_request(format!("the body is not UTF-8: {error}")))?;
    Ok(Form {
        text,
        files: Vec::new(),
    })
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

pub(super) fn authenticate(
    keys: Option<&ProviderKeys>,
    target: &Target,
    route: &Route,
) -> Result<(), Refusal> {
    let Some(keys) = keys else { return Ok(()) };
    let expected = match route.provider {
        Dialect::OpenAi => &keys.openai,
        Dialect::Anthropic => &keys.anthropic,
        Dialect::Gemini => &keys.gemini,
    };
    let bearer = target
        .header(AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Bearer "));
    let presented = match route.dialect {
        Dialect::OpenAi => bearer.or_else(|| realtime::key(target)),
        Dialect::Anthropic => target.header("x-api-key").or(bearer),
        Dialect::Gemini => target
            .header("x-goog-api-key")
            .or_else(|| target.query("key")),
    };
    if presented == Some(expected) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNAUTHORIZED,
        "Incorrect API key provided.",
    ))
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
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
