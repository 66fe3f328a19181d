//! The decision on one recorded request, in the order in which the gateway makes it: the rates, the price, the
//! rules, the money.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::catalog::TenantEntry;
use crate::domain::budget::{Account, Charge, Charges, Hold, Origin, Reservation};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateWish};
use crate::engine::Refusal;
use crate::policy::input::{BudgetFigures, PolicyInput, TagsOfInput};
use crate::policy::layers::Layers;
use crate::policy::{Effects, Verdict};
use crate::providers::endpoints;
use crate::whatif::WhatIfError;
use crate::whatif::figures::Refused;
use crate::whatif::instead::Instead;
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

/// The least that a request needs of which nobody knows how much: not nothing.
const UNKNOWN_AMOUNT: Usd = Usd::from_nanos(1);

/// How much a request needs, as the engine is told.
#[derive(Clone, Copy)]
pub(super) struct Need {
    wanted: Usd,
    at_least: Usd,
}

impl Need {
    /// Exactly so much.
    fn exactly(amount: Usd) -> Self {
        Self {
            wanted: amount,
            at_least: amount,
        }
    }

    /// Of a request that was sent. The gateway would have held less than was held then, where less had fitted:
    /// by an exact count of the input, or with a smaller cap of the output. How much less is not recorded.
    /// What it cost would have done. Of an imported one nothing else is known.
    fn of_sent(row: &LedgerRow) -> Self {
        if row.held == Usd::ZERO {
            return Self::exactly(row.cost);
        }
        Self {
            wanted: row.held,
            at_least: row.cost.max(UNKNOWN_AMOUNT).min(row.held),
        }
    }

    /// The same of a request that the rules would have changed.
    fn of_instead(self, instead: &Instead, row: &LedgerRow) -> Self {
        if instead.cost == row.cost {
            return self;
        }
        Self {
            wanted: instead.scaled(self.wanted, row).max(UNKNOWN_AMOUNT),
            at_least: instead.scaled(self.at_least, row).max(UNKNOWN_AMOUNT),
        }
    }
}

/// A request that would have been admitted.
#[derive(Default)]
pub(super) struct Admitted {
    pub(super) hold: Option<Hold>,
    pub(super) charges: Charges,
    /// What it is counted on, with its tokens.
    pub(super) rate: Option<RateClaim>,
    /// What it would have cost, where that is not what it did.
    pub(super) cost: Option<Usd>,
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
    pub(super) async fn need(&mut self, row: &LedgerRow) -> Result<Need, WhatIfError> {
        match row.status {
            Status::Success | Status::Failed | Status::Aborted | Status::Interrupted => {
                return Ok(Need::of_sent(row));
            }
            Status::Blocked if row.reason.as_deref() != Some(BUDGET_EXCEEDED) => {
                return Ok(Need::exactly(UNKNOWN_AMOUNT));
            }
            Status::Blocked => {}
        }
        self.end_before((row.at, row.request)).await;
        let snapshot = &self.parts.trial.snapshot;
        let Some(entry) = snapshot.tenants.get(&row.tenant).cloned() else {
            return Ok(Need::exactly(UNKNOWN_AMOUNT));
        };
        let is_billed = endpoints::is_billed(&row.route);
        let origin = row.origin();
        let charges = self
            .charges((row, origin), &entry, is_billed)
            .await?
            .charges;
        self.open(row, &charges).await?;
        let accounts: SmallVec<[Account; 4]> = charges.iter().map(|it| it.account).collect();
        let balances = self.parts.engine.balances(row.tenant, &accounts).await;
        let both = charges.iter().zip(balances);
        let room = both
            .filter_map(|(charge, balance)| charge.room(balance.unwrap_or_default()))
            .min();
        let room = room.unwrap_or_default().max(Usd::ZERO);
        Ok(Need::exactly(room.saturating_add(UNKNOWN_AMOUNT)))
    }

    /// Decides on a row whose request needs so much.
    pub(super) async fn decide(
        &mut self,
        row: &LedgerRow,
        need: Need,
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
        let decided = self.decide_on_money((row, need), &entry).await?;
        if let (Err(_), Some(RateClaim { wish, tokens })) = (&decided, &rate) {
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
    ) -> Result<Option<RateClaim>, Refused> {
        let of_key = self.parts.trial.keys.get(&row.key).copied();
        let wish = RateWish {
            request: row.request,
            tenant: row.tenant,
            key: row.key,
            at: row.at,
            of_tenant: (entry.tenant).rate_limits(self.parts.default_requests_per_minute),
            of_key: of_key.unwrap_or_default(),
        };
        let is_unlimited = wish.of_tenant.is_unlimited() && wish.of_key.is_unlimited();
        if is_unlimited || row.attempt_of.is_some() {
            return Ok(None);
        }
        let usage = &row.usage;
        let tokens = usage.input_total().saturating_add(usage.output_total());
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        let claim = RateClaim { wish, tokens };
        let taken = self.parts.engine.take_both(&claim).await;
        taken.map_err(|_refusal| Refused::for_reason(RATE_LIMITED))?;
        Ok(Some(claim))
    }

    async fn decide_on_money(
        &mut self,
        (row, need): (&LedgerRow, Need),
        entry: &TenantEntry,
    ) -> Result<Result<Admitted, Refused>, WhatIfError> {
        let is_billed = endpoints::is_billed(&row.route);
        let mut charged = self.charges((row, row.origin()), entry, is_billed).await?;
        let is_limited = charged.charges.iter().any(|charge| !charge.is_shadow());
        if is_limited && let Some(code) = unpriced(row) {
            return Ok(Err(Refused::for_reason(code)));
        }
        self.open(row, &charged.charges).await?;
        let asked = self.ask_policy((row, need), entry, &charged.charges);
        let effects = match asked.await {
            Ok(effects) => effects,
            Err(refused) => return Ok(Err(refused)),
        };
        if unpriced(row).is_some() {
            // Nothing was held, and nothing limits it here.
            self.note_unpriced(row, &charged.charges);
            return Ok(Ok(Admitted::default()));
        }
        if !is_billed {
            return Ok(Ok(Admitted::default()));
        }
        let prices = &self.parts.trial.snapshot.prices;
        let instead = Instead::of(row, &effects, prices);
        if instead.model != row.model {
            let origin = Origin {
                model: instead.model.clone(),
                ..charged.origin
            };
            charged = self.charges((row, origin), entry, is_billed).await?;
            self.open(row, &charged.charges).await?;
        }
        let need = need.of_instead(&instead, row);
        let held = self.hold((row, need), charged).await?;
        Ok(held.map(|admitted| Admitted {
            cost: Some(instead.cost),
            ..admitted
        }))
    }

    async fn charges(
        &mut self,
        (row, origin): (&LedgerRow, Origin),
        entry: &TenantEntry,
        is_billed: bool,
    ) -> Result<Charged, WhatIfError> {
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
        (row, need): (&LedgerRow, Need),
        entry: &TenantEntry,
        charges: &Charges,
    ) -> Result<Effects, Refused> {
        let mut figures: SmallVec<[BudgetFigures; 4]> = SmallVec::new();
        let rules = Layers::here(&self.parts.policy, entry.policy.as_deref());
        if rules.reads_budgets() {
            let charges = || charges.iter().filter(|charge| !charge.is_shadow());
            let accounts: SmallVec<[Account; 4]> = charges().map(|it| it.account).collect();
            let balances = self.parts.engine.balances(row.tenant, &accounts).await;
            let both = charges().zip(balances);
            figures.extend(both.map(|(charge, balance)| BudgetFigures::new(charge, balance)));
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
            estimate: Some(need.wanted),
            worst_case: Some(need.wanted),
            budgets: &figures,
        };
        match rules.decide(&input).await {
            Ok(Verdict::Allow(effects)) => {
                let has = |name: &String| has_tag(row, entry, name);
                if effects.tags_required.iter().all(has) {
                    Ok(effects)
                } else {
                    Err(Refused::for_reason(TAGS_REQUIRED))
                }
            }
            Ok(Verdict::Deny { .. }) => Err(Refused::for_reason(POLICY_DENIED)),
            Err(_failed) => Err(Refused::for_reason(UNAVAILABLE)),
        }
    }

    async fn hold(
        &mut self,
        (row, need): (&LedgerRow, Need),
        charged: Charged,
    ) -> Result<Result<Admitted, Refused>, WhatIfError> {
        let wish = Reservation {
            request: row.request,
            at: row.at,
            origin: charged.origin,
            charges: charged.charges,
            wanted: need.wanted,
            at_least: need.at_least,
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
                cost: None,
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

/// Why a budget would refuse it whatever it costs: it has no price, or nobody knows what it can cost.
fn unpriced(row: &LedgerRow) -> Option<&'static str> {
    match (row.status, row.reason.as_deref()) {
        (Status::Blocked, Some(UNPRICED_MODEL)) => Some(UNPRICED_MODEL),
        (Status::Blocked, Some(UNPRICED)) => Some(UNPRICED),
        (Status::Blocked, _) => None,
        (Status::Success | Status::Failed | Status::Aborted | Status::Interrupted, _) => {
            let has_cost = row.cost > Usd::ZERO;
            match row.price {
                // What was imported has what it cost, and no price of ours.
                None => (!has_cost).then_some(UNPRICED_MODEL),
                Some(_) => (has_cost && row.held == Usd::ZERO).then_some(UNPRICED),
            }
        }
    }
}
