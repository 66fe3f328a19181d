//! Asks the rules of the installation and of the tenant about a request, with what its budgets stand at.

use std::time::Duration;

use smallvec::SmallVec;

use crate::domain::budget::{Account, AccountOwner, Charges};
use crate::domain::denial::{Denial, Dependency};
use crate::domain::money::Usd;
use crate::domain::ruling::{AppliedEffects, PolicyFailure, RulesHash, Ruling};
use crate::gateway::Gateway;
use crate::gateway::admit::Asked;
use crate::policy::input::{BudgetFigures, PolicyInput, TagsOfInput};
use crate::policy::layers::Layers;
use crate::policy::{Effects, Verdict};
use crate::settings::operations::Undecided;

/// When to try again after the policy failed.
const FAILED_RETRY: Duration = Duration::from_secs(1);

/// What the policy decided on a request, and what it wants changed in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ruled {
    /// As the ledger keeps it; nothing where it did not decide.
    pub(crate) ruling: Option<Ruling>,
    pub(crate) effects: Effects,
}

/// What a request can cost; nothing where nobody knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    pub(crate) likely: Option<Usd>,
    pub(crate) worst: Option<Usd>,
}

/// What the policy says, and why the request is refused if it is. One that fails refuses, unless the
/// settings say otherwise.
pub(crate) async fn policy(
    gateway: &Gateway,
    asked: &Asked<'_>,
    charges: &Charges,
    costs: Costs,
) -> (Ruled, Result<(), Denial>) {
    let installed = gateway.policy.current();
    let of_tenant = asked.caller.tenant().policy.as_deref();
    let layers = Layers::of_request(&installed, of_tenant);
    let figures = figures(gateway, &layers, asked, charges).await;
    let input = asked.policy_input(costs, &figures);
    let ruling = Ruling {
        rules: RulesHash::from_bytes(*layers.hash().bytes()),
        decision: asked.request,
        effects: AppliedEffects::default(),
    };
    let mut ruled = Ruled {
        ruling: Some(ruling),
        effects: Effects::default(),
    };
    match layers.decide(&input).await {
        Ok(Verdict::Allow(effects)) => {
            ruled.effects = effects;
            (ruled, Ok(()))
        }
        Ok(Verdict::Deny { reason }) => (ruled, Err(Denial::Policy { reason })),
        Err(error) => {
            tracing::error!(%error, "the policy failed");
            undecided(gateway, ruled, error.failure())
        }
    }
}

/// What becomes of a request on which the policy failed.
fn undecided(
    gateway: &Gateway,
    mut ruled: Ruled,
    failure: PolicyFailure,
) -> (Ruled, Result<(), Denial>) {
    gateway.metrics.policy_failed(failure);
    match gateway.on_policy_failure.after(failure) {
        Undecided::Allow => {
            if let Some(ruling) = &mut ruled.ruling {
                ruling.effects.failed_open = Some(failure);
            }
            (ruled, Ok(()))
        }
        Undecided::Deny => {
            let denial = Denial::Unavailable {
                what: Dependency::Policy,
                retry_after: FAILED_RETRY,
            };
            (Ruled::default(), Err(denial))
        }
    }
}

async fn figures(
    gateway: &Gateway,
    layers: &Layers<'_>,
    asked: &Asked<'_>,
    charges: &Charges,
) -> SmallVec<[BudgetFigures; 4]> {
    if !layers.reads_budgets() {
        return SmallVec::new();
    }
    // What only counts must not refuse by way of a rule either.
    let charges = || charges.iter().filter(|charge| !charge.is_shadow());
    let accounts: SmallVec<[Account; 4]> = charges().map(|charge| charge.account).collect();
    if accounts.is_empty() {
        return SmallVec::new();
    }
    let tenant = asked.caller.tenant().tenant.id;
    let mut balances = gateway.engine.balances(tenant, &accounts).await;
    let is_new_session = accounts.iter().zip(&balances).any(|(account, balance)| {
        balance.is_none() && matches!(account.owner, AccountOwner::Session(_))
    });
    // A session is opened by its first request here; without that its spending would seem to be nothing.
    if let Some(session) = asked.labels.session.as_ref().filter(|_| is_new_session)
        && Box::pin(gateway.open_session(tenant, session)).await
    {
        balances = gateway.engine.balances(tenant, &accounts).await;
    }
    let both = charges().zip(balances);
    both.map(|(charge, balance)| BudgetFigures::new(charge, balance))
        .collect()
}

impl Asked<'_> {
    fn policy_input<'a>(&'a self, costs: Costs, budgets: &'a [BudgetFigures]) -> PolicyInput<'a> {
        let entry = self.caller.tenant();
        let tenant = &entry.tenant;
        let session = self.labels.session.as_ref();
        PolicyInput {
            tenant: &tenant.name,
            key: self.caller.key(),
            key_name: self.caller.key_name(),
            route: self.endpoint.label,
            model: self.call.model.as_str(),
            model_asked: self.named.unwrap_or(&self.call.model).as_str(),
            provider: self.provider.as_str(),
            streamed: self.call.streamed,
            tags: TagsOfInput {
                shares: &self.labels.shares,
                tree: &entry.tags,
            },
            session: session.map(|session| session.id.as_str()),
            at: self.at,
            time_zone: &tenant.time_zone,
            estimate: costs.likely,
            worst_case: costs.worst,
            budgets,
        }
    }
}
