//! One question on its way to an answer: reads the rows in batches, within bounds, and replays them in the
//! order in which they were admitted.

use std::sync::Arc;
use std::time::Instant;

use crate::catalog::Snapshot;
use crate::catalog::refresh::DefaultBudgets;
use crate::domain::id::TenantId;
use crate::domain::ledger::LedgerRow;
use crate::engine::BudgetEngine;
use crate::policy::PolicyEngine;
use crate::policy::rego::RegoPolicy;
use crate::store::Store;
use crate::store::ledger_rows::ExactRow;
use crate::store::usage::LedgerFilter;
use crate::whatif::change::{BudgetChange, Changes, Trial};
use crate::whatif::figures::Answer;
use crate::whatif::replay::{Replay, ReplayParts};
use crate::whatif::{Bounds, Question, WhatIfError};

/// After how many rows the clock is looked at.
const LOOK_ROWS: usize = 64;
/// What errors call the rules that are asked about.
const POLICY_NAME: &str = "policy";

/// See the module.
pub(super) struct Job {
    pub(super) store: Store,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) defaults: Arc<dyn DefaultBudgets>,
    pub(super) policy: Arc<dyn PolicyEngine>,
    pub(super) default_requests_per_minute: u32,
    pub(super) new_engine: fn() -> Arc<dyn BudgetEngine>,
    pub(super) bounds: Bounds,
    pub(super) question: Question,
}

impl Job {
    /// Answers the question, unless it is given up meanwhile.
    pub(super) async fn run(self, is_given_up: impl Fn() -> bool) -> Result<Answer, WhatIfError> {
        let started = Instant::now();
        let look = || {
            if is_given_up() {
                return Err(WhatIfError::GivenUp);
            }
            let is_late = started.elapsed() > self.bounds.time_max;
            (!is_late)
                .then_some(())
                .ok_or(WhatIfError::TooLong(self.bounds.time_max))
        };
        let mut both = self.both()?;
        let mut rows = 0_u64;
        let mut reader = self.store.ledger_reader(LedgerFilter {
            tenant: self.tenant_that_is_enough(&both),
            window: self.question.window,
            ..LedgerFilter::default()
        });
        loop {
            look()?;
            let batch = reader.next().await?;
            if batch.is_empty() {
                break;
            }
            rows = rows.saturating_add(u64::try_from(batch.len()).unwrap_or(u64::MAX));
            if rows > self.bounds.rows_max {
                return Err(WhatIfError::TooManyRows(self.bounds.rows_max));
            }
            take_all(&mut both, &batch, &look).await?;
        }
        Ok(both.finish())
    }

    fn both(&self) -> Result<Both, WhatIfError> {
        let changes = &self.question.changes;
        let asked: Arc<dyn PolicyEngine> = match &changes.policy {
            Some(text) => Arc::new(RegoPolicy::of_text(POLICY_NAME, text.clone())?),
            None => Arc::clone(&self.policy),
        };
        let mut other = self.replay(changes, &asked);
        for change in &changes.budgets {
            if let BudgetChange::Put(budget) = change {
                other.tell_of(budget);
            }
        }
        Ok(Both {
            in_force: self.replay(&Changes::default(), &self.policy),
            changed: other,
        })
    }

    fn replay(&self, changes: &Changes, policy: &Arc<dyn PolicyEngine>) -> Replay {
        let since = self.question.window.start;
        Replay::new(ReplayParts {
            store: self.store.clone(),
            since,
            trial: Trial::new(&self.snapshot, &*self.defaults, changes, since),
            policy: Arc::clone(policy),
            default_requests_per_minute: self.default_requests_per_minute,
            engine: (self.new_engine)(),
            told: (self.question.tenant, self.question.key),
        })
    }

    /// The tenant whose rows alone decide on those that are told of; nothing where others count on the
    /// same budgets.
    fn tenant_that_is_enough(&self, both: &Both) -> Option<TenantId> {
        let of_key = || self.snapshot.owner_of_key(self.question.key?);
        let asked = self.question.tenant.or_else(of_key);
        let is_shared = [&both.in_force, &both.changed]
            .into_iter()
            .any(Replay::has_budget_of_installation);
        asked.filter(|_| !is_shared)
    }
}

/// The same requests by what is in force, and by what is asked about.
struct Both {
    in_force: Replay,
    changed: Replay,
}

impl Both {
    async fn take(&mut self, row: &LedgerRow) -> Result<(), WhatIfError> {
        let need = self.in_force.need(row).await?;
        self.in_force.take(row, need).await?;
        self.changed.take(row, need).await
    }

    fn finish(self) -> Answer {
        Answer {
            in_force: self.in_force.finish(),
            changed: self.changed.finish(),
        }
    }
}

async fn take_all(
    both: &mut Both,
    rows: &[ExactRow],
    look: &impl Fn() -> Result<(), WhatIfError>,
) -> Result<(), WhatIfError> {
    for (number, exact) in rows.iter().enumerate() {
        if number.is_multiple_of(LOOK_ROWS) {
            look()?;
        }
        both.take(&exact.row).await?;
    }
    Ok(())
}
