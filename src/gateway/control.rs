//! The control plane on the same port: hands a request to the admin router and streams its answer.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use bytes::BytesMut;
use http::header;
use http_body_util::BodyExt;
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora_proxy::Session;
use tower::ServiceExt;

use crate::domain::peer::Peer;

/// Bodies of the control plane are settings, not prompts. The router refuses a body of this length.
const BODY_BYTES_MAX: usize = 1024 * 1024 + 1;
/// The longest silence within such a body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// What is below these is not for providers.
const PREFIXES: [&str; 5] = ["/admin", "/health", "/metrics", "/docs", "/dashboard"];

/// Whether a path belongs to the control plane.
pub(crate) fn owns(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The admin API as a service in this process.
#[derive(Clone, Debug)]
pub struct ControlPlane(Router);

impl ControlPlane {
    /// Wraps the admin API's router.
    pub fn new(router: Router) -> Self {
        Self(router)
    }
}

/// Answers a request of the control plane.
pub(crate) async fn serve(control: &ControlPlane, session: &mut Session) -> Result<()> {
    let request = read(session).await?;
    // A router never fails: its error type has no values.
    let answer = control
        .0
        .clone()
        .oneshot(request)
        .await
        .unwrap_or_else(|never| match never {});
    let (parts, body) = answer.into_parts();
    let is_head = session.req_header().method == http::Method::HEAD;
    let exact = body.size_hint().exact();
    let mut head = ResponseHeader::from(parts);
    match exact {
        Some(length) if !is_head => head.insert_header(header::CONTENT_LENGTH, length)?,
        Some(_) => {}
        None if session.is_http2() => {}
        None => head.insert_header(header::TRANSFER_ENCODING, "chunked")?,
    }
    let is_bodyless = is_head || exact == Some(0) || matches!(head.status.as_u16(), 204 | 304);
    session
        .write_response_header(Box::new(head), is_bodyless)
        .await?;
    if is_bodyless {
        Ok(())
    } else {
        stream(session, body).await
    }
}

async fn stream(session: &mut Session, mut body: Body) -> Result<()> {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            session.shutdown().await;
            return Ok(());
        };
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            session.write_response_body(Some(data), false).await?;
        }
    }
    session.write_response_body(None, true).await
}

fn peer_of(session: &Session) -> Peer {
    let address = session.client_addr().and_then(|address| address.as_inet());
    let digest = session.digest();
    Peer {
        address: address.map(SocketAddr::ip),
        is_tls: digest.is_some_and(|digest| digest.ssl_digest.is_some()),
    }
}

/// The request as the router takes it; of a body that is too long only as much as shows it.
async fn read(session: &mut Session) -> Result<http::Request<Body>> {
    let mut body = BytesMut::new();
    while body.len() < BODY_BYTES_MAX {
        match tokio::time::timeout(READ_TIMEOUT, session.read_request_body()).await {
            Ok(chunk) => match chunk? {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            },
            Err(_elapsed) => {
                session.set_keepalive(None);
                break;
            }
        }
    }
    if body.len() >= BODY_BYTES_MAX {
        session.set_keepalive(None);
    }
    let head = session.req_header();
    let mut request = http::Request::new(Body::from(body.freeze()));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    request.extensions_mut().insert(peer_of(session));
    Ok(request)
}
