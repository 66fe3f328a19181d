//! `GET /v1/receipts/{request-id}`: what one request cost and how that came about, for the tenant whose
//! key asks. Not on the way of a request: it may ask the ledger.

use std::time::Duration;

use pingora::http::RequestHeader;

use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::ledger::receipt::Receipt;
use crate::domain::window::UtcMicros;
use crate::gateway::admit::enter::enter_own;
use crate::gateway::rates::Counted;
use crate::gateway::reserve::UNDECIDED_RETRY;
use crate::gateway::{Gateway, rates};

/// What the path of a receipt begins with.
const PATH: &str = "/v1/receipts/";
/// How often a row is looked for that is on its way to the ledger, and the pause between.
const LOOKS_MAX: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The id of the request whose receipt a path asks for.
pub(crate) fn asked_for(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)
}

/// Answers the caller, or says why not.
pub(crate) async fn describe(
    gateway: &Gateway,
    head: &RequestHeader,
    (request, at): (RequestId, UtcMicros),
) -> Result<Vec<u8>, Denial> {
    let snapshot = gateway.catalog.snapshot();
    let caller = enter_own(gateway, &snapshot, head).await?;
    let mut rate = rates::take(gateway, &caller, (request, at), Counted::Request).await?;
    rate.take_due().await?;
    let wanted = asked_for(head.uri.path()).and_then(RequestId::parse);
    let wanted = wanted.ok_or(Denial::NoReceipt)?;
    let row = gateway.row_of(caller.tenant().tenant.id, wanted).await?;
    // Texts and numbers only: this cannot fail.
    Ok(serde_json::to_vec(&Receipt::new(&row)).unwrap_or_default())
}

impl Gateway {
    /// The row of a tenant's request. One that ended a moment ago is waited for.
    async fn row_of(&self, tenant: TenantId, request: RequestId) -> Result<LedgerRow, Denial> {
        let unavailable = || Denial::Unavailable {
            what: Dependency::Ledger,
            retry_after: UNDECIDED_RETRY,
        };
        for _ in 0..LOOKS_MAX {
            let is_on_its_way = self.settler.spool.has_outcome(request);
            match self.ledger.row(tenant, request).await {
                Ok(Some(row)) => return Ok(row),
                Ok(None) if is_on_its_way => {}
                Ok(None) => return Err(Denial::NoReceipt),
                Err(error) => {
                    tracing::warn!(%error, "a receipt could not be read");
                    return Err(unavailable());
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(unavailable())
    }
}
