//! Opens accounts: at what the ledger and the spool say was spent, and what is held by requests that
//! are under way. Meanwhile the recorder stands still, so that no row is counted twice or missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use dashmap::DashMap;
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

/// See the module.
#[derive(Debug)]
pub struct AccountOpener {
    store: Store,
    engine: Arc<dyn BudgetEngine>,
    spool: Arc<Spool>,
    recorder: Arc<Recorder>,
    /// What sessions were tagged with when they began.
    first_tags: DashMap<SessionKey, Arc<[TagId]>>,
    /// One session at a time: of many requests that open the same, the first does it.
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
        let key = SessionKey::new(tenant, &session.id);
        let account = Account::of_session(key);
        let _turn = self.session.lock().await;
        let known = self.engine.balances(tenant, &[account]).await;
        if known.iter().any(Option::is_some) {
            return Ok(());
        }
        let _still = self.recorder.stand_still().await;
        let opening = Opening {
            account,
            coverage: Coverage::all_of(Scope::Session(key)),
            in_ledger: self.store.spent_in_session(tenant, &session.id).await?,
        };
        let unrecorded = || self.unrecorded();
        self.engine
            .open(Some(tenant), &[opening], &unrecorded)
            .await?;
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

fn spending(row: &LedgerRow) -> Spending {
    Spending {
        request: row.request,
        origin: row.origin(),
        at: row.at,
        cost: row.cost,
    }
}
