//! What budgets say that only count for now: which requests they would have refused. Nothing here refuses.

use crate::domain::budget::{Account, Charge, Exhausted, Scope};
use crate::gateway::Gateway;
use crate::gateway::admit::Asked;
use crate::gateway::quote::Quote;
use crate::gateway::reserve::count;

/// Notes what would have refused a request for which money is held. One that would have fitted once its
/// input was counted would not have been refused.
pub(crate) async fn note(
    gateway: &Gateway,
    asked: &Asked<'_>,
    quote: &Quote<'_>,
    shadows: &[Exhausted],
) {
    let most = shadows.iter().map(|exhausted| exhausted.room).max();
    let Some(most) = most else { return };
    // For the widest: a count may help it where no count could help the others.
    let counted = count(asked, quote, most).await;
    let needed = counted.map_or(quote.at_least(), |counted| counted.at_least());
    for exhausted in shadows.iter().filter(|shadow| shadow.room < needed) {
        note_one(gateway, asked, exhausted.scope, exhausted.account);
    }
}

/// Notes what would have refused a request whose input was counted already.
pub(crate) fn tell(gateway: &Gateway, asked: &Asked<'_>, shadows: &[Exhausted]) {
    for exhausted in shadows {
        note_one(gateway, asked, exhausted.scope, exhausted.account);
    }
}

/// Notes that nobody knows what a request can cost: each of these budgets would have refused it.
pub(crate) fn note_unpriced(gateway: &Gateway, asked: &Asked<'_>, charges: &[Charge]) {
    for charge in charges {
        note_one(gateway, asked, charge.scope, charge.account);
    }
}

fn note_one(gateway: &Gateway, asked: &Asked<'_>, scope: Scope, account: Account) {
    let tenant = &asked.caller.tenant().tenant.name;
    tracing::debug!(request = %asked.request, scope = scope.kind(), "a shadow budget would have refused");
    gateway.metrics.shadow_refused(scope, tenant, account);
}
