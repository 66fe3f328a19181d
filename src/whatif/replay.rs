//! The replay: requests begin and end at the instants of their rows, on books that nobody else uses. A request
//! holds what it held, or what there is room for if that is enough, and is charged what it cost, or would have cost
//! had the rules had their way.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::budget::{Account, AccountOwner, Budget, Charges, Coverage, Hold, Scope};
use crate::domain::id::{ApiKeyId, BudgetId, RequestId, TagId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::rate::RateClaim;
use crate::domain::session::SessionKey;
use crate::domain::window::UtcMicros;
use crate::engine::{BudgetEngine, OpenMode, Opening};
use crate::policy::PolicyEngine;
use crate::store::Store;
use crate::whatif::WhatIfError;
use crate::whatif::before::{Before, ReplayedSession};
use crate::whatif::change::{Trial, stands_for};
use crate::whatif::decide::{Admitted, Need};
use crate::whatif::figures::Figures;

/// What a replay works with.
pub(super) struct ReplayParts {
    pub(super) store: Store,
    pub(super) since: UtcMicros,
    pub(super) trial: Trial,
    pub(super) policy: Arc<dyn PolicyEngine>,
    pub(super) default_requests_per_minute: u32,
    pub(super) engine: Arc<dyn BudgetEngine>,
    /// Whose requests are told of: a tenant's, a key's, or everybody's.
    pub(super) told: (Option<TenantId>, Option<ApiKeyId>),
}

/// See the module.
pub(super) struct Replay {
    pub(super) parts: ReplayParts,
    /// Requests under way, by when they end. Of two at one instant the one of the lower id is first.
    ending: BTreeMap<(UtcMicros, RequestId), Ending>,
    /// First tries that would have been refused: no later one would have been made.
    pub(super) refused: HashSet<RequestId>,
    opened: HashSet<Account>,
    sessions: HashMap<Account, ReplayedSession>,
    first_tags: HashMap<SessionKey, Arc<[TagId]>>,
    figures: Figures,
}

/// A request that ends.
struct Ending {
    tenant: TenantId,
    hold: Option<Hold>,
    charges: Charges,
    cost: Usd,
    rate: Option<RateClaim>,
}

impl Replay {
    pub(super) fn new(parts: ReplayParts) -> Self {
        Self {
            parts,
            ending: BTreeMap::new(),
            refused: HashSet::new(),
            opened: HashSet::new(),
            sessions: HashMap::new(),
            first_tags: HashMap::new(),
            figures: Figures::default(),
        }
    }

    pub(super) fn has_budget_of_installation(&self) -> bool {
        self.parts.trial.snapshot.installation().next().is_some()
    }

    /// The answer has this budget also if nothing is charged to it.
    pub(super) fn tell_of(&mut self, asked: &Budget) {
        // It may have taken the place of another one, with that one's id.
        let snapshot = &self.parts.trial.snapshot;
        let of_tenant = asked.tenant.and_then(|id| snapshot.tenants.get(&id));
        let own = of_tenant.into_iter().flat_map(|entry| entry.budgets());
        let mut every = own.chain(snapshot.installation());
        if let Some(entry) = every.find(|entry| stands_for(&entry.budget, asked)) {
            self.figures.tell_of(&entry.budget);
        }
    }

    /// Decides on the next request, which needs so much, after everything that ended before it.
    pub(super) async fn take(&mut self, row: &LedgerRow, need: Need) -> Result<(), WhatIfError> {
        self.end_before((row.at, row.request)).await;
        let decided = self.decide(row, need).await?;
        let (tenant, key) = self.parts.told;
        let is_told =
            tenant.is_none_or(|id| id == row.tenant) && key.is_none_or(|id| id == row.key);
        match decided {
            Ok(admitted) => {
                let cost = admitted.cost.unwrap_or(row.cost);
                self.figures.note(row, Ok(cost), is_told);
                self.begin(row, (admitted, cost)).await;
            }
            Err(refused) => {
                self.refused.insert(row.request);
                if let Some(by) = &refused.by {
                    self.know(row.tenant, &by.account);
                }
                self.figures.note(row, Err(&refused), is_told);
            }
        }
        Ok(())
    }

    /// The answer, once all requests have ended.
    pub(super) fn finish(self) -> Figures {
        self.figures
    }

    async fn begin(&mut self, row: &LedgerRow, (admitted, cost): (Admitted, Usd)) {
        let shadows = admitted.hold.as_ref().map(|hold| &*hold.shadows);
        for charge in &admitted.charges {
            self.know(row.tenant, &charge.account);
            let shadows = shadows.unwrap_or_default();
            self.figures.charged(&charge.account, shadows, row.at);
        }
        self.look_at(row.tenant, &admitted.charges).await;
        let end = row.at.get().saturating_add_unsigned(row.latency_us);
        let ending = Ending {
            tenant: row.tenant,
            hold: admitted.hold,
            charges: admitted.charges,
            cost,
            rate: admitted.rate,
        };
        self.ending
            .insert((UtcMicros::new(end), row.request), ending);
    }

    /// A request has no price or no bound: budgets that only count would have refused it.
    pub(super) fn note_unpriced(&mut self, row: &LedgerRow, charges: &Charges) {
        for charge in charges.iter().filter(|charge| charge.is_shadow()) {
            self.know(row.tenant, &charge.account);
            self.figures.would_have_refused(&charge.account, row.at);
        }
    }

    /// Ends what ends before a request begins.
    pub(super) async fn end_before(&mut self, next: (UtcMicros, RequestId)) {
        while let Some(first) = self.ending.first_entry() {
            if *first.key() >= next {
                return;
            }
            let ending = first.remove();
            self.end(ending).await;
        }
    }

    async fn end(&mut self, ending: Ending) {
        if let Some(RateClaim { wish, tokens }) = &ending.rate {
            self.parts.engine.end_rate(wish, *tokens, *tokens);
        }
        let Some(hold) = &ending.hold else { return };
        self.parts.engine.settle(hold, ending.cost);
        for charge in &ending.charges {
            if let Some(session) = self.sessions.get_mut(&charge.account) {
                session.spent = session.spent.saturating_add(ending.cost);
            }
        }
        self.look_at(ending.tenant, &ending.charges).await;
    }

    /// Takes down what accounts stand at.
    async fn look_at(&mut self, tenant: TenantId, charges: &Charges) {
        let accounts: Vec<Account> = charges.iter().map(|charge| charge.account).collect();
        let balances = self.parts.engine.balances(tenant, &accounts).await;
        for (account, balance) in accounts.iter().zip(balances) {
            if let Some(balance) = balance {
                self.figures.stood(account, balance);
            }
        }
    }

    /// Has the answer tell of an account's budget.
    fn know(&mut self, tenant: TenantId, account: &Account) {
        if let AccountOwner::Budget(id) = account.owner
            && !self.figures.budgets.contains_key(&id)
            && let Some(budget) = self.budget(tenant, id).cloned()
        {
            self.figures.tell_of(&budget);
        }
    }

    /// A budget that counts requests of a tenant.
    fn budget(&self, tenant: TenantId, id: BudgetId) -> Option<&Budget> {
        let snapshot = &self.parts.trial.snapshot;
        let own = snapshot.tenants.get(&tenant).into_iter();
        let own = own.flat_map(|entry| entry.budgets());
        let mut every = own.chain(snapshot.installation());
        let found = every.find(|entry| entry.budget.id == id);
        found.map(|entry| &entry.budget)
    }

    /// Opens the accounts that a request is charged to, at what the ledger had when the replay begins.
    pub(super) async fn open(
        &mut self,
        row: &LedgerRow,
        charges: &Charges,
    ) -> Result<(), WhatIfError> {
        for charge in charges.iter().filter(|charge| !charge.starts_empty) {
            if !self.opened.contains(&charge.account) {
                self.open_one(row, charge.account).await?;
                self.opened.insert(charge.account);
            }
        }
        Ok(())
    }

    /// Opens one account, also again.
    pub(super) async fn open_one(
        &mut self,
        row: &LedgerRow,
        account: Account,
    ) -> Result<(), WhatIfError> {
        let (tenant, coverage) = match account.owner {
            AccountOwner::Budget(id) => match self.budget(row.tenant, id) {
                Some(budget) => (budget.tenant, budget.coverage.clone()),
                None => return Ok(()),
            },
            AccountOwner::Session(session) => {
                self.remember(row, account);
                let all = Coverage::all_of(Scope::Session(session));
                (Some(row.tenant), all)
            }
        };
        let opening = Opening {
            tenant,
            account,
            coverage,
        };
        let before = Before {
            store: &self.parts.store,
            since: self.parts.since,
            sessions: &self.sessions,
        };
        let engine = &self.parts.engine;
        engine.open(&[opening], OpenMode::Missing, &before).await?;
        Ok(())
    }

    fn remember(&mut self, row: &LedgerRow, account: Account) {
        let Some(session) = &row.session else { return };
        let known = self.sessions.entry(account);
        known.or_insert_with(|| ReplayedSession {
            name: (row.tenant, session.id.clone()),
            spent: Usd::ZERO,
        });
    }

    /// The tags that a row's session began with.
    pub(super) async fn first_tags(
        &mut self,
        row: &LedgerRow,
    ) -> Result<Arc<[TagId]>, WhatIfError> {
        let Some(session) = &row.session else {
            return Ok(Arc::default());
        };
        let key = SessionKey::new(row.tenant, &session.id);
        if let Some(known) = self.first_tags.get(&key) {
            return Ok(Arc::clone(known));
        }
        let record = self.parts.store.session(row.tenant, &session.id).await?;
        let shares = record.map(|record| record.tags).unwrap_or_default();
        let own = shares.iter().filter(|share| !share.is_inherited);
        let tags: Arc<[TagId]> = own.map(|share| share.tag).collect();
        self.first_tags.insert(key, Arc::clone(&tags));
        Ok(tags)
    }
}
