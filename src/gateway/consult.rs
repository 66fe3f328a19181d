//! Asks the rules of the installation and of the tenant about a request, with what its budgets stand at.

use std::time::Duration;

use smallvec::SmallVec;

use crate::domain::budget::{Account, Charges};
use crate::domain::denial::{Denial, Dependency};
use crate::domain::money::Usd;
use crate::gateway::Gateway;
use crate::gateway::admit::Asked;
use crate::policy::Verdict;
use crate::policy::input::{BudgetFigures, PolicyInput};
use crate::policy::layers::Layers;

/// When to try again after the policy failed.
const FAILED_RETRY: Duration = Duration::from_secs(1);

/// Refuses what the rules deny; rules that fail deny.
pub(crate) async fn policy(
    gateway: &Gateway,
    asked: &Asked<'_>,
    charges: &Charges,
    estimate: Usd,
) -> Result<(), Denial> {
    let installed = gateway.policy.current();
    let of_tenant = asked.caller.tenant().policy.as_deref();
    let rules = Layers::of_request(&installed, of_tenant);
    let figures = figures(gateway, &rules, asked, charges).await;
    let input = asked.policy_input(estimate, &figures);
    match rules.decide(&input).await {
        Ok(Verdict::Allow(_)) => Ok(()),
        Ok(Verdict::Deny { reason }) => Err(Denial::Policy { reason }),
        Err(error) => {
            tracing::error!(%error, "the policy failed");
            Err(Denial::Unavailable {
                what: Dependency::Policy,
                retry_after: FAILED_RETRY,
            })
        }
    }
}

async fn figures(
    gateway: &Gateway,
    rules: &Layers<'_>,
    asked: &Asked<'_>,
    charges: &Charges,
) -> SmallVec<[BudgetFigures; 4]> {
    if !rules.reads_budgets() {
        return SmallVec::new();
    }
    // What only counts must not refuse by way of a rule either.
    let charges = || charges.iter().filter(|charge| !charge.is_shadow());
    let accounts: SmallVec<[Account; 4]> = charges().map(|charge| charge.account).collect();
    if accounts.is_empty() {
        return SmallVec::new();
    }
    let tenant = asked.caller.tenant().tenant.id;
    let balances = gateway.engine.balances(tenant, &accounts).await;
    let both = charges().zip(balances);
    both.map(|(charge, balance)| BudgetFigures::new(charge, balance))
        .collect()
}

impl Asked<'_> {
    fn policy_input<'a>(&'a self, estimate: Usd, budgets: &'a [BudgetFigures]) -> PolicyInput<'a> {
        let tenant = &self.caller.tenant().tenant;
        PolicyInput {
            tenant: &tenant.name,
            key: self.caller.key(),
            route: self.endpoint.label,
            model: self.call.model.as_str(),
            provider: self.provider.as_str(),
            streamed: self.call.streamed,
            session: self
                .labels
                .session
                .as_ref()
                .map(|session| session.id.as_str()),
            hour: self.at.hour_in(&tenant.time_zone),
            estimate,
            budgets,
        }
    }
}
