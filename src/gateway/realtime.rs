//! Conversations over a WebSocket: both connections end here, and every message goes through
//! `relay.rs`. Each response of the model is a turn, decided, held for, metered and recorded like a
//! request of its own (`turns.rs`).

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use pingora::Result;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora_proxy::Session;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::domain::denial::{BadRequest, Denial};
use crate::gateway::admit::enter::enter;
use crate::gateway::context::RequestContext;
use crate::gateway::rates::Counted;
use crate::gateway::realtime::dial::{DialFailure, dial};
use crate::gateway::realtime::relay::Relay;
use crate::gateway::realtime::turns::Turns;
use crate::gateway::revoked::KeyWatch;
use crate::gateway::{Gateway, admit, rates, reply, standing};
use crate::providers::endpoints::Endpoint;
use crate::providers::openai::realtime::model_of;

mod dial;
mod pipe;
mod relay;
mod turns;

/// Where conversations are.
const PATH: &str = "/v1/realtime";
/// The subprotocol that callers and we agree on.
const SUBPROTOCOL: &str = "realtime";
/// How a browser, which cannot set headers, shows its key: as a subprotocol.
const KEY_SUBPROTOCOL: &str = "openai-insecure-api-key.";
/// How the beta interface is asked for, whose events are others.
const BETA_SUBPROTOCOL: &str = "openai-beta.realtime-v1";
/// What may wait between the caller's connection and us, in bytes each way.
const PIPE_BYTES: usize = 64 * 1024;

/// Whether a request is for a conversation.
pub(crate) fn owns(head: &RequestHeader) -> bool {
    head.method == http::Method::GET && head.uri.path() == PATH
}

/// Holds a conversation from its first byte to its last.
pub(crate) async fn serve(
    gateway: &Gateway,
    session: &mut Session,
    context: &mut RequestContext,
) -> Result<bool> {
    let opening = match Box::pin(open(gateway, session.req_header(), context)).await {
        Ok(opening) => opening,
        Err(denial) => return gateway.refuse(session, context, &denial).await,
    };
    let config = config(gateway);
    let dialled = dial(gateway, &opening.head, opening.endpoint, config).await;
    let provider = match dialled {
        Ok(provider) => provider,
        Err(failure) => return fail(gateway, session, context, failure).await,
    };
    session.set_keepalive(None);
    let greeting = Box::new(opening.greeting);
    session.write_response_header(greeting, false).await?;
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let caller = WebSocketStream::from_raw_socket(ours, Role::Server, Some(config)).await;
    let relay = Relay::new(gateway, opening.turns, (caller, opening.key), provider);
    let caller = &mut session.downstream_session;
    tokio::join!(Box::pin(relay.run()), Box::pin(pipe::pump(caller, theirs)));
    Ok(true)
}

/// A conversation that may begin.
struct Opening<'a> {
    /// The caller's head, its key where other requests have theirs.
    head: RequestHeader,
    endpoint: &'static Endpoint,
    greeting: ResponseHeader,
    /// Whether the caller's key may still be used.
    key: KeyWatch,
    turns: Turns<'a>,
}

async fn open<'a>(
    gateway: &'a Gateway,
    head: &RequestHeader,
    context: &mut RequestContext,
) -> Result<Opening<'a>, Denial> {
    let uri = head.uri.clone();
    let route = admit::find_route(head, &uri, context)?;
    let mut greeting = greeting(head).map_err(Denial::BadRequest)?;
    let head = with_key(head)?;
    let snapshot = gateway.catalog.snapshot();
    let (caller, _labels) = enter(gateway, &snapshot, (&head, route.endpoint)).await?;
    let model = model_of(uri.query()).map_err(Denial::BadRequest)?;
    let arrival = (context.request, context.at);
    let mut rate = rates::take(gateway, &caller, arrival, Counted::Connection).await?;
    rate.take_due().await?;
    let told = standing::add_standing(&mut greeting, context.request, None, &rate.standings, None);
    told.map_err(|error| unusable(&error))?;
    let turns = Turns::new(gateway, (route.endpoint, model), head.clone(), rate.taken);
    Ok(Opening {
        key: KeyWatch::of(&gateway.catalog, &caller),
        head,
        endpoint: route.endpoint,
        greeting,
        turns,
    })
}

/// Bounds what one message may take, on either side.
fn config(gateway: &Gateway) -> WebSocketConfig {
    let bytes_max = gateway.limits.body_bytes_max;
    WebSocketConfig::default()
        .max_message_size(Some(bytes_max))
        .max_frame_size(Some(bytes_max))
        // Messages leave at once.
        .write_buffer_size(0)
        .max_write_buffer_size(bytes_max.saturating_mul(2))
}

async fn fail(
    gateway: &Gateway,
    session: &mut Session,
    context: &mut RequestContext,
    failure: DialFailure,
) -> Result<bool> {
    match failure {
        DialFailure::Denied(denial) => return gateway.refuse(session, context, &denial).await,
        DialFailure::Failed(failure) => {
            reply::upstream_failure(session, context, failure).await?;
        }
        DialFailure::Refused(status, body) => reply::json(session, context, status, body).await?,
    }
    Ok(true)
}

/// The head without subprotocols: a key among them is in the header of keys, unless there is one.
fn with_key(head: &RequestHeader) -> Result<RequestHeader, Denial> {
    let mut head = head.clone();
    let offered = subprotocols(&head.headers);
    let beta = head.headers.get("openai-beta");
    let is_beta = beta.is_some_and(|beta| beta.as_bytes().starts_with(b"realtime="));
    if is_beta || offered.iter().any(|it| it == BETA_SUBPROTOCOL) {
        let message = "the beta interface is not possible here; leave `OpenAI-Beta` out";
        return Err(Denial::BadRequest(BadRequest::new(message)));
    }
    let key = offered
        .iter()
        .find_map(|it| it.strip_prefix(KEY_SUBPROTOCOL));
    if let Some(key) = key
        && !head.headers.contains_key(AUTHORIZATION)
    {
        let bearer = HeaderValue::from_str(&["Bearer ", key].concat());
        let mut bearer = bearer.map_err(|_invalid| Denial::InvalidKey)?;
        bearer.set_sensitive(true);
        let put = head.insert_header(AUTHORIZATION, bearer);
        put.map_err(|error| unusable(&error))?;
    }
    head.remove_header(&SEC_WEBSOCKET_PROTOCOL);
    Ok(head)
}

fn subprotocols(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let names = lists.filter_map(|list| list.to_str().ok());
    let names = names.flat_map(|list| list.split(','));
    names.map(|name| name.trim().to_owned()).collect()
}

/// The answer with which the caller's connection becomes a WebSocket.
fn greeting(head: &RequestHeader) -> Result<ResponseHeader, BadRequest> {
    let mut request = http::Request::new(());
    *request.method_mut() = head.method.clone();
    *request.version_mut() = head.version;
    *request.headers_mut() = head.headers.clone();
    let mut response = create_response(&request)
        .map_err(|error| BadRequest::new(format!("this is a WebSocket over HTTP/1.1: {error}")))?;
    if subprotocols(&head.headers)
        .iter()
        .any(|it| it == SUBPROTOCOL)
    {
        let agreed = HeaderValue::from_static(SUBPROTOCOL);
        response
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, agreed);
    }
    let (parts, ()) = response.into_parts();
    Ok(ResponseHeader::from(parts))
}

fn unusable(error: &pingora::Error) -> Denial {
    tracing::debug!(%error, "a header could not be set");
    Denial::BadRequest(BadRequest::new("a header cannot be used"))
}
