//! Opens accounts: at what the ledger and the spool say was spent, and what is held by requests that
//! are under way. Meanwhile the recorder stands still, so that no row is counted twice or missed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use dashmap::DashMap;
use jiff::tz::TimeZone;
use parking_lot::Mutex as ShortMutex;
use tokio::sync::Mutex;

use crate::catalog::Snapshot;
use crate::catalog::refresh::RefreshError;
use crate::domain::budget::{Account, Budget, Coverage, Scope};
use crate::domain::id::{RequestId, TagId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::session::{SessionKey, SessionRef};
use crate::domain::window::{UtcMicros, Window};
use crate::engine::{
    BudgetEngine, OpenMode, Opening, Spending, Spendings, UnknownSpending, Unrecorded,
};
use crate::recorder::Recorder;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::error::StoreError;

/// Of how many sessions it is remembered what they were tagged with; the store knows the others.
const SESSIONS_REMEMBERED_MAX: usize = 100_000;
/// How many sessions are opened at once, one query each: nobody waits for more than these.
const SESSIONS_TOGETHER_MAX: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct AccountOpener {
    store: Store,
    engine: Arc<dyn BudgetEngine>,
    charges: SpoolCharges,
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
            charges: SpoolCharges(spool),
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
        mode: OpenMode,
    ) -> Result<(), RefreshError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let openings = openings(wanted);
        let of_budgets = BudgetSpendings(self);
        let _still = self.recorder.stand_still().await;
        self.engine.open(&openings, mode, &of_budgets).await?;
        Ok(())
    }

    /// What budgets are counted at, beside what they were charged by the ledger and by what is on its way
    /// there. Those without an account are left out, and those that were charged meanwhile.
    pub(super) async fn compare(
        &self,
        budgets: &[(&Budget, Account)],
    ) -> Result<Vec<(Account, Compared)>, UnknownSpending> {
        let openings = openings(budgets);
        let _still = self.recorder.stand_still().await;
        let before = self.counted(&openings).await;
        let unrecorded = self.charges.unrecorded()?;
        // Where workers write, a row may be in both.
        let without: Vec<RequestId> = unrecorded.iter().map(|it| it.request).collect();
        let in_ledger = BudgetSpendings(self).in_ledger(&openings, &without).await?;
        let after = self.counted(&openings).await;
        let compared = openings.iter().zip(in_ledger).filter_map(|(opening, sum)| {
            let counted = *before.get(&opening.account)?;
            let recorded = opening.charged(sum, &unrecorded);
            let stood_still = after.get(&opening.account) == Some(&counted);
            stood_still.then_some((opening.account, Compared { counted, recorded }))
        });
        Ok(compared.collect())
    }

    /// What accounts have spent, of those that are open.
    async fn counted(&self, openings: &[Opening]) -> HashMap<Account, Usd> {
        let mut by_tenant: BTreeMap<Option<TenantId>, Vec<Account>> = BTreeMap::new();
        for opening in openings {
            let of_tenant = by_tenant.entry(opening.tenant).or_default();
            of_tenant.push(opening.account);
        }
        let mut counted = HashMap::with_capacity(openings.len());
        for (tenant, accounts) in by_tenant {
            // The installation's accounts are found through any tenant.
            let asked = tenant.unwrap_or(TenantId(0));
            let balances = self.engine.balances(asked, &accounts).await;
            let open = accounts.into_iter().zip(balances);
            counted.extend(open.filter_map(|(account, balance)| Some((account, balance?.spent))));
        }
        counted
    }

    /// Has all budgets counted anew that count a row and are in its window still: what they counted
    /// for it is not what the ledger has.
    pub(crate) async fn count_anew(
        &self,
        snapshot: &Snapshot,
        row: &LedgerRow,
        now: UtcMicros,
    ) -> Result<(), RefreshError> {
        let origin = row.origin();
        let tenant = snapshot.tenants.get(&row.tenant);
        let own = tenant.into_iter().flat_map(|entry| {
            let zone = &entry.tenant.time_zone;
            entry.budgets().map(move |budget| (budget, zone.clone()))
        });
        let everybodys = snapshot.installation.iter();
        let everybodys = everybodys.map(|budget| (&**budget, TimeZone::UTC));
        let counted = own.chain(everybodys).filter_map(|(budget, zone)| {
            let charge = budget.charge_at(row.at, &origin, &zone)?;
            let is_open = charge.account.window.contains(now);
            is_open.then_some((&budget.budget, charge.account))
        });
        let counted: Vec<_> = counted.collect();
        self.open_budgets(&counted, OpenMode::Anew).await?;
        let Some((session, key)) = row.session.as_ref().zip(origin.session) else {
            return Ok(());
        };
        let account = Account::of_session(key);
        let known = self.engine.balances(row.tenant, &[account]).await;
        if known.iter().any(Option::is_some) {
            let session = BTreeSet::from([(row.tenant, session.id.clone())]);
            self.open_sessions(session, OpenMode::Anew).await?;
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
        self.open_sessions(sessions, OpenMode::Missing).await
    }

    fn some_that_wait(&self) -> BTreeSet<(TenantId, String)> {
        let mut waiting = self.waiting.lock();
        let next = std::iter::from_fn(|| waiting.pop_first());
        next.take(SESSIONS_TOGETHER_MAX).collect()
    }

    async fn open_sessions(
        &self,
        sessions: BTreeSet<(TenantId, String)>,
        mode: OpenMode,
    ) -> Result<(), RefreshError> {
        let opening = |(tenant, id): &(TenantId, String)| {
            let session = SessionKey::new(*tenant, id);
            Opening {
                tenant: Some(*tenant),
                account: Account::of_session(session),
                coverage: Coverage::all_of(Scope::Session(session)),
            }
        };
        let openings: Vec<Opening> = sessions.iter().map(opening).collect();
        let of_sessions = SessionSpendings {
            opener: self,
            ids: openings.iter().map(|it| it.account).zip(sessions).collect(),
        };
        let _still = self.recorder.stand_still().await;
        let opened = self.engine.open(&openings, mode, &of_sessions);
        opened.await?;
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
}

/// The charges in a spool. The recorder keeps the backlog short whenever the store can be read, and only
/// then are they asked for.
#[derive(Debug)]
pub struct SpoolCharges(pub Arc<Spool>);

impl Unrecorded for SpoolCharges {
    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        let rows = self.0.outcomes().map(|row| row.map(|row| spending(&row)));
        rows.collect::<Result<_, _>>().map_err(|error| {
            tracing::error!(%error, "the spool cannot be read");
            UnknownSpending::Spool
        })
    }
}

/// What a budget has spent, by two counts that should agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// By the engine, which decides.
    pub(super) counted: Usd,
    /// By the ledger, and what is on its way there.
    pub(super) recorded: Usd,
}

impl Compared {
    /// By how much they differ.
    pub(super) fn apart(self) -> Usd {
        let (counted, recorded) = (self.counted, self.recorded);
        counted
            .saturating_sub(recorded)
            .max(recorded.saturating_sub(counted))
    }
}

/// What was spent on budgets.
struct BudgetSpendings<'a>(&'a AccountOpener);

#[async_trait]
impl Spendings for BudgetSpendings<'_> {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        let asked: Vec<(&Coverage, Window)> = openings
            .iter()
            .map(|opening| (&opening.coverage, opening.account.window))
            .collect();
        let sums = self.0.store.spent(&asked, without).await;
        sums.map_err(|error| unreadable(&error))
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        self.0.charges.unrecorded()
    }
}

/// What was spent in sessions, of which accounts do not know the names.
struct SessionSpendings<'a> {
    opener: &'a AccountOpener,
    ids: HashMap<Account, (TenantId, String)>,
}

#[async_trait]
impl Spendings for SessionSpendings<'_> {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        let ids = openings
            .iter()
            .map(|opening| self.ids.get(&opening.account).cloned());
        let ids: Option<Vec<_>> = ids.collect();
        let ids = ids.ok_or(UnknownSpending::Ledger)?;
        let sums = self.opener.store.spent_in_sessions(&ids, without).await;
        sums.map_err(|error| unreadable(&error))
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        self.opener.charges.unrecorded()
    }
}

fn unreadable(error: &StoreError) -> UnknownSpending {
    tracing::warn!(%error, "the ledger cannot be read");
    UnknownSpending::Ledger
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

fn openings(budgets: &[(&Budget, Account)]) -> Vec<Opening> {
    let openings = budgets.iter().map(|(budget, account)| Opening {
        tenant: budget.tenant,
        account: *account,
        coverage: budget.coverage.clone(),
    });
    openings.collect()
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
