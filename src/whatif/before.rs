//! What accounts stood at when the time that is asked about began, and what the replay has added.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::domain::budget::{Account, AccountOwner};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::engine::{Opening, Spending, Spendings, UnknownSpending};
use crate::store::Store;
use crate::store::error::StoreError;

/// A session as the replay knows it.
#[derive(Debug)]
pub(super) struct ReplayedSession {
    /// Its tenant's, and its name there.
    pub(super) name: (TenantId, String),
    /// What the replay has charged to it: its account may be closed and opened again.
    pub(super) spent: Usd,
}

/// See the module.
pub(super) struct Before<'a> {
    pub(super) store: &'a Store,
    pub(super) since: UtcMicros,
    pub(super) sessions: &'a HashMap<Account, ReplayedSession>,
}

#[async_trait]
impl Spendings for Before<'_> {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        _without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        let mut sums = Vec::with_capacity(openings.len());
        for opening in openings {
            let sum = match opening.account.owner {
                AccountOwner::Budget(_) => self.of_budget(opening).await,
                AccountOwner::Session(_) => self.of_session(&opening.account).await,
            };
            sums.push(sum.map_err(|error| {
                tracing::warn!(%error, "the ledger cannot be read");
                UnknownSpending::Ledger
            })?);
        }
        Ok(sums)
    }

    /// Everything that is asked about is in the ledger.
    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(Vec::new())
    }
}

impl Before<'_> {
    async fn of_budget(&self, opening: &Opening) -> Result<Usd, StoreError> {
        let window = Window {
            end: opening.account.window.end.min(self.since),
            ..opening.account.window
        };
        let sums = self
            .store
            .spent(&[(&opening.coverage, window)], &[])
            .await?;
        Ok(sums.first().copied().unwrap_or_default())
    }

    async fn of_session(&self, account: &Account) -> Result<Usd, StoreError> {
        let Some(session) = self.sessions.get(account) else {
            return Ok(Usd::ZERO);
        };
        let store = self.store;
        let before = store.spent_in_session_before(&session.name, self.since);
        Ok(before.await?.saturating_add(session.spent))
    }
}
