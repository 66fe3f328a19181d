//! What can be decided before anything is read: who calls, with which labels, and for what.

use pingora::http::RequestHeader;

use crate::catalog::Snapshot;
use crate::domain::denial::Denial;
use crate::gateway::Gateway;
use crate::gateway::authenticate::{Authenticated, Shown};
use crate::gateway::labels::Labels;
use crate::providers::endpoints::{Billing, Endpoint};

/// Who calls, with which labels, and whether there is anything for it behind the endpoint.
pub(crate) async fn enter(
    gateway: &Gateway,
    snapshot: &Snapshot,
    (head, endpoint): (&RequestHeader, &'static Endpoint),
) -> Result<(Authenticated, Labels), Denial> {
    gateway.limits.check_headers(&head.headers)?;
    let caller = gateway.caller(Shown::in_head(head), snapshot).await?;
    gateway.check_metered(endpoint)?;
    let labels = Labels::read(&head.headers, caller.tenant())?;
    Ok((caller, labels))
}

/// Who asks for what we tell of ourselves.
pub(crate) async fn enter_own(
    gateway: &Gateway,
    snapshot: &Snapshot,
    head: &RequestHeader,
) -> Result<Authenticated, Denial> {
    if !matches!(head.method, http::Method::GET | http::Method::HEAD) {
        return Err(Denial::MethodNotAllowed { allowed: "GET" });
    }
    gateway.limits.check_headers(&head.headers)?;
    gateway.caller(Shown::in_head(head), snapshot).await
}

impl Gateway {
    /// What is not metered passes only where the installation says so.
    fn check_metered(&self, endpoint: &Endpoint) -> Result<(), Denial> {
        match endpoint.billing {
            Billing::Free | Billing::Metered => Ok(()),
            Billing::Refused(feature) if self.unmetered.contains(&feature) => Ok(()),
            Billing::Refused(feature) => Err(Denial::Unmetered { feature }),
            Billing::Never => Err(Denial::HandsOutCredentials),
        }
    }
}
