//! Opens accounts: at what the ledger and the spool say was spent, and what is held by requests that
//! are under way. Meanwhile the recorder stands still, so that no row is counted twice or missed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex as ShortMutex;
use tokio::sync::Mutex;

use crate::catalog::refresh::RefreshError;
use crate::domain::budget::{Account, Budget, Coverage, Scope};
use crate::domain::id::{TagId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::session::{SessionKey, SessionRef};
use crate::domain::window::Window;
use crate::engine::{BudgetEngine, Opening, Spending, UnknownSpending};
use crate::recorder::Recorder;
use crate::spool::Spool;
use crate::store::Store;

/// Of how many sessions it is remembered what they were tagged with; the store knows the others.
const SESSIONS_REMEMBERED_MAX: usize = 100_000;
/// How many sessions are opened at once, one query each: nobody waits for more than these.
const SESSIONS_TOGETHER_MAX: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct AccountOpener {
    store: Store,
    engine: Arc<dyn BudgetEngine>,
    spool: Arc<Spool>,
    recorder: Arc<Recorder>,
    /// What sessions were tagged with when they began.
    first_tags: DashMap<SessionKey, Arc<[TagId]>>,
    /// Sessions whose requests wait until their accounts are open.
    waiting: WaitingSessions,
    /// One request at a time opens sessions, for all that wait: so the recorder is waited for once.
    session: Mutex<()>,
}

impl AccountOpener {
    /// An opener of an engine's accounts.
    pub fn new(
        store: Store,
        engine: Arc<dyn BudgetEngine>,
        spool: Arc<Spool>,
        recorder: Arc<Recorder>,
    ) -> Self {
        Self {
            store,
            engine,
            spool,
            recorder,
            first_tags: DashMap::new(),
            waiting: WaitingSessions::default(),
            session: Mutex::new(()),
        }
    }

    /// Opens accounts of budgets.
    pub(crate) async fn open_budgets(
        &self,
        wanted: &[(&Budget, Account)],
    ) -> Result<(), RefreshError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let _still = self.recorder.stand_still().await;
        let asked: Vec<(&Coverage, Window)> = wanted
            .iter()
            .map(|(budget, account)| (&budget.coverage, account.window))
            .collect();
        let sums = self.store.spent(&asked).await?;
        let mut openings: BTreeMap<Option<TenantId>, Vec<Opening>> = BTreeMap::new();
        for ((budget, account), in_ledger) in wanted.iter().zip(sums) {
            let opening = Opening {
                account: *account,
                coverage: budget.coverage.clone(),
                in_ledger,
            };
            openings.entry(budget.tenant).or_default().push(opening);
        }
        let unrecorded = || self.unrecorded();
        for (tenant, openings) in openings {
            self.engine.open(tenant, &openings, &unrecorded).await?;
        }
        Ok(())
    }

    /// Opens the account of a session that is used for the first time since the start.
    pub(crate) async fn open_session(
        &self,
        tenant: TenantId,
        session: &SessionRef,
    ) -> Result<(), RefreshError> {
        let waiting = Waiting::enter(&self.waiting, (tenant, session.id.clone()));
        let _turn = self.session.lock().await;
        let account = Account::of_session(SessionKey::new(tenant, &session.id));
        let known = self.engine.balances(tenant, &[account]).await;
        if known.iter().any(Option::is_some) {
            return Ok(());
        }
        let mut sessions = self.some_that_wait();
        sessions.insert(waiting.session.clone());
        self.open_sessions(sessions).await
    }

    fn some_that_wait(&self) -> BTreeSet<(TenantId, String)> {
        let mut waiting = self.waiting.lock();
        let next = std::iter::from_fn(|| waiting.pop_first());
        next.take(SESSIONS_TOGETHER_MAX).collect()
    }

    async fn open_sessions(
        &self,
        sessions: BTreeSet<(TenantId, String)>,
    ) -> Result<(), RefreshError> {
        let _still = self.recorder.stand_still().await;
        let mut openings: BTreeMap<TenantId, Vec<Opening>> = BTreeMap::new();
        for ((tenant, id), in_ledger) in self.store.spent_in_sessions(sessions).await? {
            let session = SessionKey::new(tenant, &id);
            openings.entry(tenant).or_default().push(Opening {
                account: Account::of_session(session),
                coverage: Coverage::all_of(Scope::Session(session)),
                in_ledger,
            });
        }
        let unrecorded = || self.unrecorded();
        for (tenant, openings) in openings {
            self.engine
                .open(Some(tenant), &openings, &unrecorded)
                .await?;
        }
        Ok(())
    }

    /// The tags of a session's first request: those of this one, if it is that.
    pub(crate) async fn first_tags(
        &self,
        tenant: TenantId,
        session: &SessionRef,
        own: &[TagId],
    ) -> Result<Arc<[TagId]>, RefreshError> {
        let key = SessionKey::new(tenant, &session.id);
        if let Some(known) = self.first_tags.get(&key) {
            return Ok(Arc::clone(&known));
        }
        let known = self.store.session(tenant, &session.id).await?;
        let first: Arc<[TagId]> = match known {
            Some(record) => {
                let own = record.tags.iter().filter(|share| !share.is_inherited);
                own.map(|share| share.tag).collect()
            }
            None => own.into(),
        };
        if self.first_tags.len() >= SESSIONS_REMEMBERED_MAX {
            self.first_tags.clear();
        }
        let kept = self.first_tags.entry(key).or_insert(first);
        Ok(Arc::clone(&kept))
    }

    /// The charges in the spool. The recorder keeps the backlog short whenever the store can be
    /// read, and only then is this asked for.
    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        let rows = self
            .spool
            .outcomes()
            .map(|row| row.map(|row| spending(&row)));
        rows.collect::<Result<_, _>>().map_err(|error| {
            tracing::error!(%error, "the spool cannot be read");
            UnknownSpending
        })
    }
}

type WaitingSessions = ShortMutex<BTreeSet<(TenantId, String)>>;

/// A request that waits for its session. One that gives up does not leave its session behind, so there
/// are never more than requests under way.
struct Waiting<'a> {
    all: &'a WaitingSessions,
    session: (TenantId, String),
}

impl<'a> Waiting<'a> {
    fn enter(all: &'a WaitingSessions, session: (TenantId, String)) -> Self {
        all.lock().insert(session.clone());
        Self { all, session }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.session);
    }
}

fn spending(row: &LedgerRow) -> Spending {
    Spending {
        request: row.request,
        origin: row.origin(),
        at: row.at,
        cost: row.cost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_gives_up_leaves_no_session_behind() {
        let all = WaitingSessions::default();
        let waiting = Waiting::enter(&all, (TenantId(1), "agent-7".to_owned()));
        assert_eq!(all.lock().len(), 1);
        drop(waiting);
        assert!(all.lock().is_empty());
    }
}
