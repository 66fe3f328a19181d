//! The request's body: read once, bounded, kept for the upstream request and for its retries.
//!
//! Pingora replays at most 64 KiB of a body that was read in `request_filter`, and asks for the rest
//! from a connection that has none left. So its replay buffer is armed only for the last 64 KiB, as
//! a signal to send *something*, and `request_body_filter` swaps that tail for the whole body. A
//! longer body without a content-length cannot be armed in time: its session is replaced by one that
//! replays from memory (`gateway/replay.rs`).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header;
use pingora::http::ResponseHeader;
use pingora_proxy::Session;

use crate::domain::denial::{BadRequest, Denial};
use crate::gateway::limits::RequestLimits;
use crate::gateway::replay;
use crate::providers::call::{Call, read_request};
use crate::providers::endpoints::Route;

/// What Pingora's own replay buffer holds (its private `BODY_BUF_LIMIT`).
const REPLAY_BYTES_MAX: usize = 64 * 1024;
/// A body that is kept for as long as its request takes would keep the buffer of 64 KiB that it was
/// read into; up to this length it is moved into memory of its own.
const COPIED_BYTES_MAX: usize = 16 * 1024;
/// The longest silence within a body.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Reads the whole body. On return the session is ready to be proxied with any body.
pub(crate) async fn capture(
    session: &mut Session,
    limits: &RequestLimits,
) -> Result<Bytes, Denial> {
    let whole = read_whole(session, limits.body_bytes_max);
    let read = tokio::time::timeout(limits.body_time_max, whole).await;
    read.unwrap_or(Err(Denial::BodyTimeout))
}

async fn read_whole(session: &mut Session, bytes_max: usize) -> Result<Bytes, Denial> {
    let expected = content_length(session)?;
    if expected.is_some_and(|length| length > bytes_max) {
        return Err(Denial::BodyTooLarge { bytes_max });
    }
    continue_if_asked(session).await?;
    let mut body = Collected::default();
    let mut is_armed = false;
    loop {
        let rest = expected.map(|length| length.saturating_sub(body.len()));
        if !is_armed && rest.is_none_or(|rest| rest <= REPLAY_BYTES_MAX) {
            session.enable_retry_buffering();
            is_armed = true;
        }
        let Some(chunk) = read(session).await? else {
            break;
        };
        body.push(chunk);
        if body.len() > bytes_max {
            return Err(Denial::BodyTooLarge { bytes_max });
        }
    }
    let body = body.into_bytes();
    if !body.is_empty() && session.get_retry_buffer().is_none() {
        replay::install(session, body.clone());
    }
    Ok(body)
}

/// What the body asks for, read as its type says.
pub(crate) fn understood(
    session: &Session,
    route: &Route<'_>,
    body: &Bytes,
) -> Result<Call, Denial> {
    let kind = session.get_header(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    read_request(route, kind, body).map_err(Denial::BadRequest)
}

/// Hands the captured body to the upstream request, whatever part of it Pingora replayed.
pub(crate) fn forward(captured: &Bytes, body: &mut Option<Bytes>) {
    if !captured.is_empty() {
        *body = Some(captured.clone());
    }
}

async fn read(session: &mut Session) -> Result<Option<Bytes>, Denial> {
    match tokio::time::timeout(READ_TIMEOUT, session.read_request_body()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => {
            tracing::debug!(%error, "could not read the request body");
            // Nobody knows where the body ends: what follows is no request.
            session.set_keepalive(None);
            Err(Denial::BadRequest(BadRequest::new(
                "the request body could not be read",
            )))
        }
        Err(_elapsed) => Err(Denial::BodyTimeout),
    }
}

fn content_length(session: &Session) -> Result<Option<usize>, Denial> {
    let Some(value) = session.get_header(header::CONTENT_LENGTH) else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    let bad = || Denial::BadRequest(BadRequest::new("the content-length header is not a number"));
    length.map(Some).ok_or_else(bad)
}

/// A caller that waits for permission to send its body is given it; Pingora would wait as well.
async fn continue_if_asked(session: &mut Session) -> Result<(), Denial> {
    let waits = session
        .get_header(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !waits {
        return Ok(());
    }
    if !session.is_http2() {
        tell_to_go_on(session).await?;
    }
    // Not before: without it, what is said before an answer is left out.
    session.req_header_mut().remove_header(&header::EXPECT);
    Ok(())
}

async fn tell_to_go_on(session: &mut Session) -> Result<(), Denial> {
    let gone = |error: Box<pingora::Error>| {
        tracing::debug!(%error, "could not ask for the request body");
        Denial::BadRequest(BadRequest::new("the request body could not be asked for"))
    };
    let go_on = ResponseHeader::build(100, Some(0)).map_err(gone)?;
    session
        .downstream_session
        .write_response_header(Box::new(go_on))
        .await
        .map_err(gone)
}

/// Chunks of a body. A long body of a single chunk is not copied.
#[derive(Default)]
struct Collected {
    first: Bytes,
    all: BytesMut,
}

impl Collected {
    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() && self.first.len() <= COPIED_BYTES_MAX {
            Bytes::copy_from_slice(&self.first)
        } else if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}
