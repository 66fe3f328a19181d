//! Sends answers: headers as the providers set them, and streams at the pace that was asked for.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use futures::Stream;
use tokio::time::Sleep;

use super::directives::Directives;
use super::exchange::{Answer, Frame, JSON, Payload};
use super::record::OpenCall;
use super::refusal::Refusal;
use super::route::Dialect;

/// Time for what was written to reach the client before its connection is broken off.
const FLUSH: Duration = Duration::from_millis(10);

pub(super) fn refuse(refusal: &Refusal, dialect: Dialect, mut call: OpenCall) -> Response {
    let id = call.request_id().to_owned();
    call.refuse(refusal.status.as_u16());
    let mut response = Response::new(Body::from(refusal.body(dialect, &id)));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    identify(headers, dialect, &id);
    if let Some(seconds) = refusal.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

pub(super) struct Pace {
    chunk_delay: Duration,
    cut_after: Option<u64>,
    error_after: Option<u64>,
}

impl Pace {
    pub(super) fn new(directives: &Directives, usual: Duration) -> Self {
        Self {
            chunk_delay: directives.chunk_delay.unwrap_or(usual),
            cut_after: directives.cut_after,
            error_after: directives.error_after,
        }
    }
}

pub(super) fn send(answer: Answer, dialect: Dialect, call: OpenCall, pace: &Pace) -> Response {
    let id = call.request_id().to_owned();
    let head = Head::of(&answer, dialect, &id);
    let mut response = match answer.payload {
        Payload::Whole(body) => whole(body, answer.billed.output, call, pace),
        Payload::Stream(frames) => {
            let frames = fail_midway(frames, pace, dialect, &id);
            Response::new(Body::from_stream(Playback::new(frames, call, pace)))
        }
    };
    head.write(response.headers_mut());
    response
}

/// The answer of a call that goes on behind it.
pub(super) fn send_unended(
    answer: Answer,
    dialect: Dialect,
    mut call: OpenCall,
) -> (Response, OpenCall) {
    call.answer(200);
    let head = Head::of(&answer, dialect, call.request_id());
    let mut response = match answer.payload {
        Payload::Whole(body) => Response::new(Body::from(body)),
        Payload::Stream(frames) => {
            let frames = frames
                .into_iter()
                .map(|frame| Ok::<_, io::Error>(frame.bytes));
            Response::new(Body::from_stream(futures::stream::iter(frames)))
        }
    };
    head.write(response.headers_mut());
    (response, call)
}

/// The headers of an answer.
struct Head {
    fixed: HeaderMap,
    own: Vec<(HeaderName, String)>,
}

impl Head {
    fn of(answer: &Answer, dialect: Dialect, id: &str) -> Self {
        let mut fixed = HeaderMap::new();
        identify(&mut fixed, dialect, id);
        if let Ok(content_type) = HeaderValue::try_from(&answer.content_type) {
            fixed.insert(CONTENT_TYPE, content_type);
        }
        Self {
            fixed,
            own: answer.headers.clone(),
        }
    }

    fn write(self, headers: &mut HeaderMap) {
        headers.extend(self.fixed);
        for (name, value) in self.own {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

/// A cut JSON answer promises its whole length and delivers half, or nothing at all.
fn whole(body: Bytes, output: u64, mut call: OpenCall, pace: &Pace) -> Response {
    call.answer(200);
    call.produce_all();
    let Some(cut_after) = pace.cut_after else {
        call.finish();
        return Response::new(Body::from(body));
    };
    let length = body.len();
    let half = body.slice(..length / 2);
    let cut = Pace {
        chunk_delay: Duration::ZERO,
        cut_after: Some(cut_after.min(1)),
        error_after: None,
    };
    let frames = vec![Frame {
        bytes: half,
        output,
    }];
    let playback = Playback::new(frames, call, &cut);
    let mut response = Response::new(Body::from_stream(playback));
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// Replaces the rest of a stream by the provider's error event.
fn fail_midway(mut frames: Vec<Frame>, pace: &Pace, dialect: Dialect, id: &str) -> Vec<Frame> {
    let Some(sent) = pace.error_after.and_then(|sent| usize::try_from(sent).ok()) else {
        return frames;
    };
    frames.truncate(sent);
    let refusal = Refusal::simulated(StatusCode::INTERNAL_SERVER_ERROR, None);
    let output = frames.last().map_or(0, |frame| frame.output);
    frames.push(Frame {
        bytes: refusal.event(dialect, id).into(),
        output,
    });
    frames
}

fn identify(headers: &mut HeaderMap, dialect: Dialect, id: &str) {
    let fixed: &[(&'static str, &'static str)] = match dialect {
        Dialect::OpenAi => &[
            ("openai-version", "2020-10-01"),
            ("openai-organization", "simulator"),
            ("openai-processing-ms", "1"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "6ms"),
        ],
        Dialect::Anthropic => &[
            ("anthropic-organization-id", "simulator"),
            ("anthropic-ratelimit-requests-limit", "10000"),
            ("anthropic-ratelimit-requests-remaining", "9999"),
        ],
        Dialect::Gemini => &[
            ("server-timing", "gfet4t7; dur=1"),
            ("x-content-type-options", "nosniff"),
        ],
    };
    for (name, value) in fixed {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let id_name = match dialect {
        Dialect::OpenAi | Dialect::Gemini => "x-request-id",
        Dialect::Anthropic => "request-id",
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(HeaderName::from_static(id_name), id);
    }
}

/// A streamed body that keeps the call's record up to date as it is read.
struct Playback {
    frames: std::vec::IntoIter<Frame>,
    call: OpenCall,
    chunk_delay: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    /// Frames still to be sent before the connection is broken off.
    until_cut: Option<u64>,
}

impl Playback {
    fn new(frames: Vec<Frame>, mut call: OpenCall, pace: &Pace) -> Self {
        call.answer(200);
        Self {
            frames: frames.into_iter(),
            call,
            chunk_delay: pace.chunk_delay,
            pause: None,
            until_cut: pace.cut_after,
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        let frame = self.frames.next()?;
        self.call.produce(frame.output);
        self.until_cut = self.until_cut.map(|left| left.saturating_sub(1));
        let last = self.frames.as_slice().is_empty();
        let delay = if self.until_cut == Some(0) {
            self.chunk_delay.max(FLUSH)
        } else {
            self.chunk_delay
        };
        if last && self.until_cut.is_none() {
            self.call.finish();
        } else if !delay.is_zero() {
            self.pause = Some(Box::pin(tokio::time::sleep(delay)));
        }
        Some(frame.bytes)
    }
}

impl Stream for Playback {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        // Before the first event nothing was flushed: the client sees no answer at all.
        if self.until_cut == Some(0) {
            self.call.cut();
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        let next = self.next();
        if next.is_none() {
            self.call.finish();
        }
        Poll::Ready(next.map(Ok))
    }
}
