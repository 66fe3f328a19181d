//! The connection to the provider: made as Pingora makes its own, with our credential.

use bytes::Bytes;
use http::Uri;
use http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use pingora::http::RequestHeader;
use pingora::protocols::Stream;
use pingora::{Error, ErrorType, Result};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, http as ws_http};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::domain::denial::Denial;
use crate::domain::id::RequestId;
use crate::gateway::Gateway;
use crate::gateway::admit::enter::enter;
use crate::gateway::failures::failure_of;
use crate::gateway::reply::UpstreamFailure;
use crate::gateway::routing::UpstreamId;
use crate::gateway::upstream::Asker;
use crate::providers::endpoints::Endpoint;

/// A WebSocket to the provider.
pub(super) type Provider = WebSocketStream<Stream>;

/// Why there is none.
pub(super) enum DialFailure {
    /// We do not make one.
    Denied(Denial),
    /// The provider could not be reached.
    Failed(UpstreamFailure),
    /// The provider does not make one: its status and what it says.
    Refused(u16, Bytes),
}

/// What belongs to the caller's own connection.
const HOP_HEADERS: [HeaderName; 5] = [
    CONNECTION,
    UPGRADE,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION,
    SEC_WEBSOCKET_EXTENSIONS,
];

fn without_hops(head: &RequestHeader) -> RequestHeader {
    let mut head = head.clone();
    for name in HOP_HEADERS {
        head.remove_header(&name);
    }
    head
}

/// Connects to the provider in the name of the caller.
pub(super) async fn dial(
    gateway: &Gateway,
    head: &RequestHeader,
    endpoint: &'static Endpoint,
    config: WebSocketConfig,
) -> Result<Provider, DialFailure> {
    let snapshot = gateway.catalog.snapshot();
    let entered = enter(gateway, &snapshot, (head, endpoint)).await;
    let (caller, _labels) = entered.map_err(DialFailure::Denied)?;
    let mut head = without_hops(head);
    let upstream = UpstreamId::from(endpoint.home);
    let now = gateway.clock.now();
    let random = RequestId::new(now, rand::random());
    let asker = Asker {
        upstream,
        dialect: endpoint.dialect,
        caller: &caller,
        key: gateway
            .upstreams
            .choose_key(upstream, &caller, (random, now)),
        path: None,
    };
    let checked = gateway.upstreams.check(upstream, &caller, now);
    checked.map_err(DialFailure::Denied)?;
    let readdressed = gateway.upstreams.readdress(&asker, &mut head);
    let request = readdressed
        .and_then(|()| request(&head))
        .map_err(|error| failed(&error))?;
    let stream = Box::pin(connect(gateway, endpoint))
        .await
        .map_err(|error| failed(&error))?;
    let handshake = client_async_with_config(request, stream, Some(config));
    let answered = tokio::time::timeout(gateway.upstreams.silence_max(), Box::pin(handshake)).await;
    match answered {
        Ok(Ok((provider, _answer))) => Ok(provider),
        Ok(Err(tungstenite::Error::Http(answer))) => {
            let (parts, body) = answer.into_parts();
            let body = Bytes::from(body.unwrap_or_default());
            Err(DialFailure::Refused(parts.status.as_u16(), body))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the provider does not speak WebSocket");
            Err(DialFailure::Failed(UpstreamFailure::Unreachable))
        }
        Err(_elapsed) => Err(DialFailure::Failed(UpstreamFailure::TimedOut)),
    }
}

fn failed(error: &Error) -> DialFailure {
    tracing::warn!(%error, "the provider failed");
    DialFailure::Failed(failure_of(error))
}

async fn connect(gateway: &Gateway, endpoint: &Endpoint) -> Result<Stream> {
    let peer = gateway.upstreams.address(endpoint.home.into())?;
    let missing = || Error::explain(ErrorType::InternalError, "the gateway does not run");
    let transport = gateway.transport.as_ref().ok_or_else(missing)?;
    transport.new_stream(&peer).await
}

fn request(head: &RequestHeader) -> Result<ws_http::Request<()>> {
    let unusable = |error| Error::because(ErrorType::InternalError, "provider path", error);
    let host = head.headers.get("host").and_then(|host| host.to_str().ok());
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri = ["ws://", host.unwrap_or_default(), path].concat();
    let mut request = ws_http::Request::new(());
    *request.uri_mut() = Uri::try_from(uri).map_err(unusable)?;
    *request.headers_mut() = head.headers.clone();
    let key = HeaderValue::from_str(&generate_key());
    let key = key.map_err(|error| Error::because(ErrorType::InternalError, "a key", error))?;
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, key);
    Ok(request)
}
