//! What would have happened: recorded requests are decided on anew under other budgets, limits or rules, by
//! the code that decides on live ones. Nothing is written, and no live figure is touched.

mod before;
pub mod change;
mod decide;
pub mod figures;
mod instead;
mod job;
mod replay;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use crate::catalog::Catalog;
use crate::catalog::refresh::DefaultBudgets;
use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::window::Window;
use crate::engine::{BudgetEngine, UnknownSpending};
use crate::policy::PolicyError;
use crate::policy::installed::InstalledPolicy;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::whatif::change::Changes;
use crate::whatif::figures::Answer;
use crate::whatif::job::Job;

/// The longest time that one question is about.
pub const RANGE_MAX: Duration = Duration::from_hours(366 * 24);
/// The most rows that one question reads.
pub const ROWS_MAX: u64 = 1_000_000;
/// How long one question may take.
pub const TIME_MAX: Duration = Duration::from_secs(45);

/// What one question may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most rows that it reads.
    pub rows_max: u64,
    /// How long it may take.
    pub time_max: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            rows_max: ROWS_MAX,
            time_max: TIME_MAX,
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Requests of this time.
    pub window: Window,
    /// Only this tenant's are told of.
    pub tenant: Option<TenantId>,
    /// Only this key's are told of.
    pub key: Option<ApiKeyId>,
    /// What would have been different.
    pub changes: Changes,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum WhatIfError {
    /// Another question is being answered.
    #[error("another question is being answered; one at a time")]
    Busy,
    /// There are too many rows.
    #[error("the time has more than {0} recorded requests: ask for less of it, or for one tenant")]
    TooManyRows(u64),
    /// It takes too long.
    #[error("the answer takes longer than {} s: ask for less time, or for one tenant", .0.as_secs())]
    TooLong(Duration),
    /// The rules that are asked about are not valid.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was spent before cannot be learned.
    #[error(transparent)]
    Spending(#[from] UnknownSpending),
    /// A fault of ours, or nobody waits for the answer any more.
    #[error("the question was given up")]
    GivenUp,
}

/// Answers such questions, one at a time.
#[derive(Debug)]
pub struct WhatIf {
    /// Where the recorded requests are.
    pub store: Store,
    /// What is in force.
    pub catalog: Arc<Catalog>,
    /// Budgets from the settings.
    pub defaults: Arc<dyn DefaultBudgets>,
    /// The rules in force.
    pub policy: Arc<InstalledPolicy>,
    /// The requests a minute of tenants that have no limit of their own; 0 is unlimited.
    pub default_requests_per_minute: u32,
    /// Makes an engine that knows nothing yet.
    pub new_engine: fn() -> Arc<dyn BudgetEngine>,
    /// What one question may cost.
    pub bounds: Bounds,
    /// One at a time.
    pub turn: Arc<Semaphore>,
}

impl WhatIf {
    /// Whose turn it is.
    pub fn one_at_a_time() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    /// Answers a question, on a thread that no request waits for. It is given up when its asker is gone.
    pub async fn ask(&self, question: Question) -> Result<Answer, WhatIfError> {
        let turn = Arc::clone(&self.turn).try_acquire_owned();
        let turn = turn.map_err(|_taken| WhatIfError::Busy)?;
        let job = Job {
            store: self.store.clone(),
            snapshot: Arc::clone(&self.catalog.snapshot()),
            defaults: Arc::clone(&self.defaults),
            policy: Arc::clone(self.policy.current().engine()),
            default_requests_per_minute: self.default_requests_per_minute,
            new_engine: self.new_engine,
            bounds: self.bounds,
            question,
        };
        let (tell, told) = oneshot::channel();
        let runtime = Handle::current();
        let running = tokio::task::spawn_blocking(move || {
            let answer = runtime.block_on(job.run(|| tell.is_closed()));
            // The next one may be asked before this answer has been read.
            drop(turn);
            let _ = tell.send(answer);
        });
        // Detached: it ends by its bounds, or soon after nobody waits for it.
        drop(running);
        told.await.unwrap_or(Err(WhatIfError::GivenUp))
    }
}
