//! The decision on a request in the course of a connection that was opened before.

use std::sync::Arc;

use bytes::Bytes;
use pingora::http::RequestHeader;

use crate::domain::denial::Denial;
use crate::domain::id::RequestId;
use crate::domain::window::UtcMicros;
use crate::gateway::admit::enter::enter;
use crate::gateway::admit::{Admitted, Understood, judge};
use crate::gateway::aim::Source;
use crate::gateway::rates::Counted;
use crate::gateway::{Gateway, rates};
use crate::metrics::Phase;
use crate::metrics::tally::Timings;
use crate::providers::call::Call;
use crate::providers::endpoints::Endpoint;

/// A request in a connection. Its caller is who the connection's head says, as of now.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) request: RequestId,
    pub(crate) at: UtcMicros,
    pub(crate) endpoint: &'static Endpoint,
    /// The head with which the connection was opened.
    pub(crate) head: &'a RequestHeader,
    pub(crate) call: Call,
    /// What is sent.
    pub(crate) body: Bytes,
}

/// Decides on a turn as on a request of its own.
pub(crate) async fn admit_turn(
    gateway: &Gateway,
    turn: Turn<'_>,
    timings: &mut Timings,
) -> Result<Box<Admitted>, Denial> {
    let snapshot = gateway.catalog.snapshot();
    let arrival = (turn.request, turn.at);
    let (caller, labels) = enter(gateway, &snapshot, (turn.head, turn.endpoint)).await?;
    let rate = rates::take(gateway, &caller, arrival, Counted::Turn).await?;
    timings.end(Phase::Auth);
    let source = Source {
        endpoint: turn.endpoint,
        uri: turn.head.uri.clone(),
        call: Arc::new(turn.call),
        body: turn.body,
        named: None,
    };
    let understood = Understood {
        source,
        caller,
        labels,
        rate,
    };
    let headers = &turn.head.headers;
    judge(gateway, &snapshot, headers, understood, (arrival, timings)).await
}
