//! Asks, and measures how long an answer takes.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tower::ServiceExt;

use crate::questions::Question;
use crate::serve::ADMIN_KEY;
use crate::{Outcome, say};

pub(crate) const MEDIAN_MAX: Duration = Duration::from_millis(50);
const CALLS: usize = 21;

fn request(path: &str) -> Outcome<Request<Body>> {
    let request = Request::builder()
        .uri(path)
        .header("x-admin-key", ADMIN_KEY);
    Ok(request.body(Body::empty())?)
}

/// The whole answer, and how long it took.
pub(crate) async fn ask(router: &Router, path: &str) -> Outcome<(Duration, Json)> {
    let started = Instant::now();
    let response = router.clone().oneshot(request(path)?).await?;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await?;
    let took = started.elapsed();
    if parts.status != StatusCode::OK {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok((took, serde_json::from_slice(&body)?))
}

async fn first_bytes(router: &Router, path: &str) -> Outcome<Duration> {
    let started = Instant::now();
    let mut response = router.clone().oneshot(request(path)?).await?;
    let first = response.body_mut().frame().await;
    let took = started.elapsed();
    if response.status() != StatusCode::OK || first.is_none() || response.body().is_end_stream() {
        return Err(format!("{path}: {}", response.status()).into());
    }
    Ok(took)
}

/// Prints the figures of a question, and tells whether it is answered fast enough.
pub(crate) async fn measure(router: &Router, question: &Question) -> Outcome<bool> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        times.push(if question.is_streamed {
            first_bytes(router, &question.path).await?
        } else {
            ask(router, &question.path).await?.0
        });
    }
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or(Duration::MAX);
    let (middle, high) = (at(CALLS / 2), at(CALLS * 95 / 100));
    let is_fast = middle <= MEDIAN_MAX;
    let mark = if is_fast { "" } else { "  too slow" };
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    say(&format!(
        "{:<66} {:>6.1} ms {:>6.1} ms{mark}",
        question.shown(),
        ms(middle),
        ms(high)
    ));
    Ok(is_fast)
}
