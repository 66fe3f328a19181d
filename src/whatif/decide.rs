//! The decision on one recorded request, in the order in which the gateway makes it: the rates, the price, the
//! rules, the money.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::catalog::TenantEntry;
use crate::domain::budget::{Account, Charge, Charges, Hold, Origin, Reservation};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::rate::{RateLimits, RateWish};
use crate::engine::Refusal;
use crate::policy::Verdict;
use crate::policy::input::{BudgetFigures, PolicyInput, TagsOfInput};
use crate::providers::endpoints;
use crate::whatif::WhatIfError;
use crate::whatif::figures::Refused;
use crate::whatif::replay::Replay;

/// The words of the ledger's `reason`, and one more.
const RATE_LIMITED: &str = "rate_limited";
const UNPRICED_MODEL: &str = "unpriced_model";
const UNPRICED: &str = "unpriced";
const POLICY_DENIED: &str = "policy_denied";
const TAGS_REQUIRED: &str = "tags_required";
const BUDGET_EXCEEDED: &str = "budget_exceeded";
const UNAVAILABLE: &str = "unavailable";
/// Its first try would have been refused, so this one would not have been made.
const FIRST_TRY_REFUSED: &str = "first_try_refused";

/// What a request needs that was refused: nobody knows how much, but not nothing.
const UNKNOWN_AMOUNT: Usd = Usd::from_nanos(1);

/// A request that would have been admitted.
#[derive(Default)]
pub(super) struct Admitted {
    pub(super) hold: Option<Hold>,
    pub(super) charges: Charges,
    /// What it is counted on, with its tokens.
    pub(super) rate: Option<(RateWish, u32)>,
}

/// What a request would have been charged to.
struct Charged {
    origin: Origin,
    charges: Charges,
}

impl Refused {
    fn for_reason(code: &'static str) -> Self {
        Self { code, by: None }
    }
}

impl Replay {
    /// How much a row's request needs. Of one that a budget refused only this is known: more than there was
    /// room for.
    pub(super) async fn needed(&mut self, row: &LedgerRow) -> Result<Usd, WhatIfError> {
        match row.status {
            Status::Success | Status::Failed | Status::Aborted | Status::Interrupted => {
                return Ok(row.held);
            }
            Status::Blocked if row.reason.as_deref() != Some(BUDGET_EXCEEDED) => {
                return Ok(UNKNOWN_AMOUNT);
            }
            Status::Blocked => {}
        }
        self.end_before((row.at, row.request)).await;
        let snapshot = &self.parts.trial.snapshot;
        let Some(entry) = snapshot.tenants.get(&row.tenant).cloned() else {
            return Ok(UNKNOWN_AMOUNT);
        };
        let is_billed = endpoints::is_billed(&row.route);
        let charges = self.charges(row, &entry, is_billed).await?.charges;
        self.open(row, &charges).await?;
        let accounts: SmallVec<[Account; 4]> = charges.iter().map(|it| it.account).collect();
        let balances = self.parts.engine.balances(row.tenant, &accounts).await;
        let both = charges.iter().zip(balances);
        let room = both
            .filter_map(|(charge, balance)| charge.room(balance.unwrap_or_default()))
            .min();
        Ok(room.map_or(UNKNOWN_AMOUNT, |room| {
            room.saturating_add(UNKNOWN_AMOUNT).max(UNKNOWN_AMOUNT)
        }))
    }

    /// Decides on a row whose request needs so much.
    pub(super) async fn decide(
        &mut self,
        row: &LedgerRow,
        needed: Usd,
    ) -> Result<Result<Admitted, Refused>, WhatIfError> {
        let first = row.attempt_of.filter(|first| self.refused.contains(first));
        if first.is_some() {
            return Ok(Err(Refused::for_reason(FIRST_TRY_REFUSED)));
        }
        let snapshot = &self.parts.trial.snapshot;
        let Some(entry) = snapshot.tenants.get(&row.tenant).cloned() else {
            return Ok(Ok(Admitted::default()));
        };
        let rate = match self.take_rate(row, &entry).await {
            Ok(rate) => rate,
            Err(refused) => return Ok(Err(refused)),
        };
        let decided = self.decide_on_money((row, needed), &entry).await?;
        if let (Err(_), Some((wish, tokens))) = (&decided, &rate) {
            self.parts.engine.end_rate(wish, *tokens, 0);
        }
        Ok(decided.map(|admitted| Admitted { rate, ..admitted }))
    }

    /// Counts it where it is limited. A later try was counted with its first; of tokens, those count that
    /// were used.
    async fn take_rate(
        &self,
        row: &LedgerRow,
        entry: &TenantEntry,
    ) -> Result<Option<(RateWish, u32)>, Refused> {
        let tenant = &entry.tenant;
        let usual = self.parts.default_requests_per_minute;
        let requests = tenant.requests_per_minute.unwrap_or(usual);
        let of_key = self.parts.trial.keys.get(&row.key).copied();
        let wish = RateWish {
            request: row.request,
            tenant: row.tenant,
            key: row.key,
            at: row.at,
            of_tenant: RateLimits::from_kept(
                Some(requests),
                tenant.tokens_per_minute,
                tenant.concurrent_requests,
            ),
            of_key: of_key.unwrap_or_default(),
        };
        let is_unlimited = wish.of_tenant.is_unlimited() && wish.of_key.is_unlimited();
        if is_unlimited || row.attempt_of.is_some() {
            return Ok(None);
        }
        let engine = &self.parts.engine;
        let refused = |_| Refused::for_reason(RATE_LIMITED);
        engine.take_rate(&wish).await.map_err(refused)?;
        let usage = &row.usage;
        let tokens = usage.input_total().saturating_add(usage.output_total());
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        if engine.take_tokens(&wish, tokens).await.is_err() {
            engine.end_rate(&wish, 0, 0);
            return Err(Refused::for_reason(RATE_LIMITED));
        }
        Ok(Some((wish, tokens)))
    }

    async fn decide_on_money(
        &mut self,
        (row, needed): (&LedgerRow, Usd),
        entry: &TenantEntry,
    ) -> Result<Result<Admitted, Refused>, WhatIfError> {
        let is_billed = endpoints::is_billed(&row.route);
        let charged = self.charges(row, entry, is_billed).await?;
        let is_limited = charged.charges.iter().any(|charge| !charge.is_shadow());
        if is_limited && let Some(code) = unpriced(row) {
            return Ok(Err(Refused::for_reason(code)));
        }
        self.open(row, &charged.charges).await?;
        if let Some(refused) = self
            .ask_policy((row, needed), entry, &charged.charges)
            .await
        {
            return Ok(Err(refused));
        }
        // Without a price nothing was held, and nothing limits it here.
        if !is_billed || unpriced(row).is_some() {
            return Ok(Ok(Admitted::default()));
        }
        self.hold((row, needed), charged).await
    }

    async fn charges(
        &mut self,
        row: &LedgerRow,
        entry: &TenantEntry,
        is_billed: bool,
    ) -> Result<Charged, WhatIfError> {
        let origin = row.origin();
        let mut charges = Charges::new();
        if is_billed {
            charges = self.parts.trial.snapshot.charges(entry, &origin, row.at);
        }
        if let Some(session) = origin.session.filter(|_| is_billed) {
            let first = if entry.tags.limits_sessions() {
                self.first_tags(row).await?
            } else {
                Arc::default()
            };
            let own = row.tags.iter().filter(|share| !share.is_inherited);
            let tags = own.map(|share| share.tag).chain(first.iter().copied());
            let snapshot = &self.parts.trial.snapshot;
            let limit = snapshot.session_budget(session, entry, tags);
            charges.extend(limit.map(|limit| Charge::of_session(session, limit)));
        }
        Ok(Charged { origin, charges })
    }

    /// What the rules say about it, with the budgets' figures of that instant.
    async fn ask_policy(
        &self,
        (row, estimate): (&LedgerRow, Usd),
        entry: &TenantEntry,
        charges: &Charges,
    ) -> Option<Refused> {
        let mut figures: SmallVec<[BudgetFigures; 4]> = SmallVec::new();
        if self.parts.policy.reads_budgets() {
            let charges = charges.iter().filter(|charge| !charge.is_shadow());
            let charges: SmallVec<[&Charge; 4]> = charges.collect();
            let accounts: SmallVec<[Account; 4]> = charges.iter().map(|it| it.account).collect();
            let balances = self.parts.engine.balances(row.tenant, &accounts).await;
            let both = charges.iter().zip(balances);
            figures.extend(both.map(|(charge, balance)| BudgetFigures {
                scope: charge.scope,
                period: charge.period,
                window: charge.account.window,
                limit: charge.limit,
                balance: balance.unwrap_or_default(),
            }));
        }
        let asked = row.model_asked.as_ref().unwrap_or(&row.model);
        let ruling = row.ruling.as_ref();
        let was_chosen = ruling.is_some_and(|ruling| ruling.effects.model.is_some());
        let key_name = self.parts.trial.key_names.get(&row.key);
        let input = PolicyInput {
            tenant: &entry.tenant.name,
            key: row.key,
            key_name: key_name.map_or("", |name| name),
            route: &row.route,
            // What the policy chose is not what it was asked about.
            model: if was_chosen { asked } else { &row.model }.as_str(),
            model_asked: asked.as_str(),
            provider: row.provider.as_str(),
            streamed: row.streamed,
            tags: TagsOfInput {
                shares: &row.tags,
                tree: &entry.tags,
            },
            session: row.session.as_ref().map(|session| session.id.as_str()),
            at: row.at,
            time_zone: &entry.tenant.time_zone,
            estimate: Some(estimate),
            worst_case: Some(estimate),
            budgets: &figures,
        };
        match self.parts.policy.decide(&input) {
            Ok(Verdict::Allow(effects)) => {
                let has = |name: &String| has_tag(row, entry, name);
                let is_tagged = effects.tags_required.iter().all(has);
                (!is_tagged).then(|| Refused::for_reason(TAGS_REQUIRED))
            }
            Ok(Verdict::Deny { .. }) => Some(Refused::for_reason(POLICY_DENIED)),
            Err(_failed) => Some(Refused::for_reason(UNAVAILABLE)),
        }
    }

    async fn hold(
        &mut self,
        (row, needed): (&LedgerRow, Usd),
        charged: Charged,
    ) -> Result<Result<Admitted, Refused>, WhatIfError> {
        let wish = Reservation {
            request: row.request,
            at: row.at,
            origin: charged.origin,
            charges: charged.charges,
            wanted: needed,
            at_least: needed,
        };
        let mut reserved = self.parts.engine.reserve(&wish).await;
        if let Err(Refusal::Unknown(account)) = reserved {
            // A session that was idle makes room for others, and comes back.
            self.open_one(row, account).await?;
            reserved = self.parts.engine.reserve(&wish).await;
        }
        Ok(match reserved {
            Ok(hold) => Ok(Admitted {
                hold: Some(hold),
                charges: wish.charges,
                rate: None,
            }),
            Err(Refusal::Exhausted(by)) => Err(Refused {
                code: BUDGET_EXCEEDED,
                by: Some(by),
            }),
            Err(Refusal::Unknown(_) | Refusal::TooMany(_) | Refusal::Unavailable) => {
                Err(Refused::for_reason(UNAVAILABLE))
            }
        })
    }
}

fn has_tag(row: &LedgerRow, entry: &TenantEntry, name: &str) -> bool {
    let mut tags = row
        .tags
        .iter()
        .filter_map(|share| entry.tags.get(share.tag));
    tags.any(|tag| tag.name == name)
}

/// Why a budget would refuse it whatever it costs: it has no price.
fn unpriced(row: &LedgerRow) -> Option<&'static str> {
    match (row.status, row.reason.as_deref()) {
        (Status::Blocked, Some(UNPRICED_MODEL)) => Some(UNPRICED_MODEL),
        (Status::Blocked, Some(UNPRICED)) => Some(UNPRICED),
        (Status::Blocked, _) => None,
        (Status::Success | Status::Failed | Status::Aborted | Status::Interrupted, _) => {
            row.price.is_none().then_some(UNPRICED_MODEL)
        }
    }
}
