//! What a replay comes to: what was, what would have been, and for whom.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::budget::{Account, AccountOwner, Balance, Budget, Exhausted};
use crate::domain::id::{ApiKeyId, BudgetId, ModelName, RequestId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;

/// The most requests of which it is told one by one that they would have been refused.
pub const REFUSALS_MAX: usize = 1_000;

/// What some requests come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many were recorded.
    pub requests: u64,
    /// How many of them were refused.
    pub were_refused: u64,
    /// What they cost.
    pub cost: Usd,
    /// How many would have been admitted.
    pub admitted: u64,
    /// How many would have been refused.
    pub refused: u64,
    /// What those cost that were admitted and would have been refused, and what the others cost more than they would
    /// have: less than nothing where they would have cost more.
    pub saved: Usd,
    /// How many were refused and would have been admitted. Nobody knows what they would have cost.
    pub newly_admitted: u64,
}

impl Sums {
    /// Adds a request that would have cost so much; nothing, if it would have been refused.
    fn add(&mut self, row: &LedgerRow, cost: Option<Usd>) {
        let is_admitted = cost.is_some();
        let was_refused = row.status == Status::Blocked;
        let one = |is_so: bool| u64::from(is_so);
        self.requests = self.requests.saturating_add(1);
        self.were_refused = self.were_refused.saturating_add(one(was_refused));
        self.cost = self.cost.saturating_add(row.cost);
        self.admitted = self.admitted.saturating_add(one(is_admitted));
        self.refused = self.refused.saturating_add(one(!is_admitted));
        let saved = row.cost.saturating_sub(cost.unwrap_or(Usd::ZERO));
        self.saved = self.saved.saturating_add(saved);
        let is_new = was_refused && is_admitted;
        self.newly_admitted = self.newly_admitted.saturating_add(one(is_new));
    }
}

/// What would have become of one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSums {
    /// The budget as it would have been.
    pub budget: Budget,
    /// How many requests it would have counted.
    pub charged: u64,
    /// How many it would have refused.
    pub refused: u64,
    /// How many it would have refused if it did not only count.
    pub would_have_refused: u64,
    /// When it would have refused first, or would have if it did not only count.
    pub first_refused_at: Option<UtcMicros>,
    /// The most that was spent and held in one of its windows.
    pub highest_use: Usd,
}

/// A request would have been refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// For this reason, as a word for programs.
    pub(super) code: &'static str,
    /// By this account, if by one.
    pub(super) by: Option<Box<Exhausted>>,
}

/// A request that was admitted and would have been refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its id.
    pub request: RequestId,
    /// When it was admitted.
    pub at: UtcMicros,
    /// Whose it is.
    pub tenant: TenantId,
    /// By which key.
    pub key: ApiKeyId,
    /// The model that was asked for.
    pub model: ModelName,
    /// What it cost.
    pub cost: Usd,
    /// For this reason, as a word for programs.
    pub code: &'static str,
}

/// The answer to a question: what would have been, and what would have been by what is in force.
#[derive(Debug, Default)]
pub struct Answer {
    /// By what is in force now, which may not be what was in force then.
    pub in_force: Figures,
    /// With the changes.
    pub changed: Figures,
}

/// What a replay comes to.
#[derive(Debug, Default)]
pub struct Figures {
    /// How many rows were decided on, also those that are not told of.
    pub rows: u64,
    /// All that is told of.
    pub total: Sums,
    /// How many would have been refused for which reason.
    pub refused_by: BTreeMap<&'static str, u64>,
    /// By tenant.
    pub tenants: BTreeMap<TenantId, Sums>,
    /// By key.
    pub keys: BTreeMap<ApiKeyId, (TenantId, Sums)>,
    /// By budget, by all requests that it would have counted.
    pub budgets: BTreeMap<BudgetId, BudgetSums>,
    /// The first that were admitted and would have been refused, at most [`REFUSALS_MAX`].
    pub refusals: Vec<Refusal>,
    /// How many there are beside those.
    pub refusals_left_out: usize,
    decisions: Sha256,
}

impl Figures {
    /// A digest of every decision in its order: the same for the same question and ledger.
    pub fn decisions_hash(&self) -> String {
        hex::encode(self.decisions.clone().finalize())
    }

    /// Takes down what was decided on a row, what it would have cost or why not; `is_told` if the question is about it.
    pub(super) fn note(&mut self, row: &LedgerRow, decided: Result<Usd, &Refused>, is_told: bool) {
        let (cost, refused) = (decided.ok(), decided.err());
        self.rows = self.rows.saturating_add(1);
        self.digest(row.request, refused);
        if let Some(other) = cost.filter(|cost| *cost != row.cost) {
            self.decisions.update(format!("for {other}\n"));
        }
        if let Some(by) = refused.and_then(|refused| refused.by.as_deref())
            && let Some(known) = self.of_account(&by.account)
        {
            known.refused = known.refused.saturating_add(1);
            known.first_refused_at.get_or_insert(row.at);
        }
        if !is_told {
            return;
        }
        self.total.add(row, cost);
        let of_tenant = self.tenants.entry(row.tenant).or_default();
        of_tenant.add(row, cost);
        let (_, of_key) = self
            .keys
            .entry(row.key)
            .or_insert((row.tenant, Sums::default()));
        of_key.add(row, cost);
        if let Some(refused) = refused {
            let count = self.refused_by.entry(refused.code).or_default();
            *count = count.saturating_add(1);
            if row.status != Status::Blocked {
                self.refuse(row, refused.code);
            }
        }
    }

    fn refuse(&mut self, row: &LedgerRow, code: &'static str) {
        if self.refusals.len() >= REFUSALS_MAX {
            self.refusals_left_out = self.refusals_left_out.saturating_add(1);
            return;
        }
        self.refusals.push(Refusal {
            request: row.request,
            at: row.at,
            tenant: row.tenant,
            key: row.key,
            model: row.model.clone(),
            cost: row.cost,
            code,
        });
    }

    fn digest(&mut self, request: RequestId, refused: Option<&Refused>) {
        let code = refused.map_or("admitted", |refused| refused.code);
        let by = refused.and_then(|refused| refused.by.as_deref());
        let scope = by.map_or("", |by| by.scope.kind());
        self.decisions.update(request.as_bytes());
        self.decisions.update(format!("{code}:{scope}\n"));
    }

    /// A budget that is told of whether or not it counts anything.
    pub(super) fn tell_of(&mut self, budget: &Budget) -> &mut BudgetSums {
        self.budgets.entry(budget.id).or_insert_with(|| BudgetSums {
            budget: budget.clone(),
            charged: 0,
            refused: 0,
            would_have_refused: 0,
            first_refused_at: None,
            highest_use: Usd::ZERO,
        })
    }

    /// A request at this instant was charged to an account.
    pub(super) fn charged(&mut self, account: &Account, shadows: &[Exhausted], at: UtcMicros) {
        let Some(known) = self.of_account(account) else {
            return;
        };
        known.charged = known.charged.saturating_add(1);
        if shadows.iter().any(|shadow| shadow.account == *account) {
            self.would_have_refused(account, at);
        }
    }

    /// A request at this instant would have been refused by an account that only counts.
    pub(super) fn would_have_refused(&mut self, account: &Account, at: UtcMicros) {
        if let Some(known) = self.of_account(account) {
            known.would_have_refused = known.would_have_refused.saturating_add(1);
            known.first_refused_at.get_or_insert(at);
        }
    }

    /// An account stood at this.
    pub(super) fn stood(&mut self, account: &Account, balance: Balance) {
        if let Some(known) = self.of_account(account) {
            let used = balance.spent.saturating_add(balance.held);
            known.highest_use = known.highest_use.max(used);
        }
    }

    fn of_account(&mut self, account: &Account) -> Option<&mut BudgetSums> {
        match account.owner {
            AccountOwner::Budget(id) => self.budgets.get_mut(&id),
            AccountOwner::Session(_) => None,
        }
    }
}
