//! `GET /v1/budget`: what the holder of a key may know of the limits that its requests are under.
//! With `X-Tags` and `X-Session-Id`, those of a request with these labels.

use jiff::tz::TimeZone;
use pingora::http::RequestHeader;
use serde::Serialize;

use crate::catalog::{BudgetEntry, Snapshot, TenantEntry};
use crate::domain::budget::shadow::Mode;
use crate::domain::budget::{AccountOwner, Balance, Charge, Scope};
use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::window::{Period, UtcMicros, Window};
use crate::gateway::admit::enter::enter_own;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::context::RequestContext;
use crate::gateway::labels::Labels;
use crate::gateway::rates::Counted;
use crate::gateway::reserve::UNDECIDED_RETRY;
use crate::gateway::{Gateway, rates, receipts};

/// The path that is answered here.
const PATH: &str = "/v1/budget";

impl Gateway {
    /// What we tell of ourselves, where a path asks for it.
    pub(super) async fn describe_own(
        &self,
        head: &RequestHeader,
        context: &RequestContext,
    ) -> Option<Result<Vec<u8>, Denial>> {
        let arrived = (context.request, context.at);
        let path = head.uri.path();
        if path == PATH {
            Some(Box::pin(describe(self, head, arrived)).await)
        } else if receipts::asked_for(path).is_some() {
            Some(Box::pin(receipts::describe(self, head, arrived)).await)
        } else {
            None
        }
    }
}

/// The limits, in the form that providers have for lists.
#[derive(Debug, Serialize)]
struct LimitsBody {
    object: &'static str,
    data: Vec<LimitBody>,
}

#[derive(Debug, Serialize)]
struct LimitBody {
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    period: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    providers: Vec<String>,
    /// Only where it is `shadow`: it counts and refuses nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<&'static str>,
    #[serde(flatten)]
    amounts: Option<AmountsBody>,
    starts_at: Option<String>,
    resets_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct AmountsBody {
    #[serde(rename = "limit_usd")]
    limit: String,
    #[serde(rename = "spent_usd")]
    spent: String,
    #[serde(rename = "held_usd")]
    held: String,
    #[serde(rename = "remaining_usd")]
    remaining: String,
}

/// A limit before its balance is known.
struct Limit {
    charge: Charge,
    name: Option<String>,
    models: Vec<String>,
    providers: Vec<String>,
}

/// Answers the caller, or says why not.
pub(crate) async fn describe(
    gateway: &Gateway,
    head: &RequestHeader,
    (request, at): (RequestId, UtcMicros),
) -> Result<Vec<u8>, Denial> {
    let snapshot = gateway.catalog.snapshot();
    let caller = enter_own(gateway, &snapshot, head).await?;
    let mut labels = Labels::read(&head.headers, caller.tenant())?;
    gateway.recall_session(&mut labels, &caller).await?;
    let mut rate = rates::take(gateway, &caller, (request, at), Counted::Request).await?;
    rate.take_due().await?;
    let limits = limits(&snapshot, &caller, &labels, at);
    let balances = balances(gateway, &caller, &labels, &limits).await?;
    let data = limits.into_iter().zip(balances);
    let body = LimitsBody {
        object: "list",
        data: data
            .map(|(limit, balance)| limit.body(balance, gateway.wording.hides_amounts))
            .collect(),
    };
    // Texts and lists only: this cannot fail.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn limits(
    snapshot: &Snapshot,
    caller: &Authenticated,
    labels: &Labels,
    at: UtcMicros,
) -> Vec<Limit> {
    let entry = caller.tenant();
    let (zone, utc) = (&entry.tenant.time_zone, TimeZone::UTC);
    let concerns = |budget: &&BudgetEntry| match budget.budget.coverage.scope {
        Scope::Installation | Scope::Tenant(_) => true,
        Scope::Key(key) => key == caller.key(),
        Scope::Tag(tag) => labels.shares.iter().any(|share| share.tag == tag),
        Scope::Session(_) => false,
    };
    let own = entry.budgets().map(|budget| (budget, zone));
    let everybodys = snapshot.installation();
    let everybodys = everybodys.map(|budget| (budget, &utc));
    let budgets = own.chain(everybodys).filter(|(budget, _)| concerns(budget));
    let mut limits: Vec<Limit> = budgets
        .filter_map(|(budget, zone)| {
            let charge = budget.own_charge_at(at, zone)?;
            let calls = &budget.budget.coverage.calls;
            Some(Limit {
                name: name_of(charge.scope, entry),
                models: calls.models.texts(),
                providers: calls.providers.texts(),
                charge,
            })
        })
        .collect();
    if let Some(session) = labels.session_key(entry)
        && let Some(limit) = labels.session_budget(session, entry, snapshot)
    {
        limits.push(Limit {
            charge: Charge::of_session(session, limit),
            name: labels.session.as_ref().map(|session| session.id.clone()),
            models: Vec::new(),
            providers: Vec::new(),
        });
    }
    limits
}

fn name_of(scope: Scope, entry: &TenantEntry) -> Option<String> {
    match scope {
        Scope::Tag(tag) => entry.tags.path(tag),
        Scope::Installation | Scope::Tenant(_) | Scope::Key(_) | Scope::Session(_) => None,
    }
}

/// What the accounts stand at. One that is not known is opened if it is a session's.
async fn balances(
    gateway: &Gateway,
    caller: &Authenticated,
    labels: &Labels,
    limits: &[Limit],
) -> Result<Vec<Balance>, Denial> {
    let tenant = caller.tenant().tenant.id;
    let accounts: Vec<_> = limits.iter().map(|limit| limit.charge.account).collect();
    let mut known = gateway.engine.balances(tenant, &accounts).await;
    let session_is_unknown = accounts.iter().zip(&known).any(|(account, balance)| {
        balance.is_none() && matches!(account.owner, AccountOwner::Session(_))
    });
    if let Some(session) = labels.session.as_ref().filter(|_| session_is_unknown)
        && gateway.open_session(tenant, session).await
    {
        known = gateway.engine.balances(tenant, &accounts).await;
    }
    let balances = limits
        .iter()
        .zip(known)
        .map(|(limit, balance)| balance.or(limit.charge.starts_empty.then(Balance::default)));
    balances
        .collect::<Option<Vec<Balance>>>()
        .ok_or(Denial::Unavailable {
            what: Dependency::Budgets,
            retry_after: UNDECIDED_RETRY,
        })
}

impl Limit {
    fn body(self, balance: Balance, hides_amounts: bool) -> LimitBody {
        let Charge { account, limit, .. } = self.charge;
        let amounts = AmountsBody {
            limit: limit.to_string(),
            spent: balance.spent.to_string(),
            held: balance.held.to_string(),
            remaining: balance.headroom(limit).max(Usd::ZERO).to_string(),
        };
        let (starts_at, resets_at) = match self.charge.period {
            Period::Total => (None, None),
            Period::Hourly
            | Period::Daily
            | Period::Weekly
            | Period::Monthly
            | Period::Custom(_) => {
                let Window { start, end } = account.window;
                (Some(start.to_string()), Some(end.to_string()))
            }
        };
        LimitBody {
            scope: self.charge.scope.kind(),
            name: self.name,
            period: self.charge.period.name(),
            models: self.models,
            providers: self.providers,
            enforcement: self.charge.is_shadow().then(|| Mode::Shadow.as_str()),
            amounts: (!hides_amounts).then_some(amounts),
            starts_at,
            resets_at,
        }
    }
}
