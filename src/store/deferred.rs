//! Requests whose cost is learnt later: until then they count at what was held for them.

use crate::domain::id::{ProviderName, RequestId};
use crate::domain::ledger::LedgerRow;
use crate::domain::object::{ObjectKind, ObjectRef};
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::ledger::chain::Assumed;
use crate::store::ledger::{RACES_MAX, is_raced};
use crate::store::value::{Row, params};

/// A request that somebody has to look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeferredCall {
    /// What it is that its provider works on.
    pub object: ObjectRef,
    /// The row as it counts now, at what was held.
    pub row: LedgerRow,
    /// How often the provider was asked, this time included.
    pub polls: u32,
    /// Its real row is written; the budgets are to be counted anew.
    pub is_settled: bool,
}

impl Store {
    /// Takes the call that has been due the longest, for as long as `until`: nobody else gets it before.
    pub async fn claim_deferred(
        &self,
        now: UtcMicros,
        until: UtcMicros,
    ) -> Result<Option<DeferredCall>, StoreError> {
        // Of two that choose the same row, the second finds it taken and goes without.
        const CLAIM: &str = "UPDATE deferred_call SET polls = polls + 1, next_poll_at = $2 \
             WHERE request_id = (SELECT request_id FROM deferred_call WHERE next_poll_at <= $1 \
             ORDER BY next_poll_at, request_id LIMIT 1) AND next_poll_at <= $1 \
             RETURNING provider, kind, object_id, ledger_row, is_settled, polls";
        let mut change = self.driver.begin().await?;
        let rows = change.query(CLAIM, params![now, until]).await?;
        let claimed = rows.first().map(call).transpose()?;
        change.commit().await?;
        Ok(claimed)
    }

    /// The provider is not done with it: it is due again at an instant.
    pub async fn put_off_deferred(
        &self,
        request: RequestId,
        again_at: UtcMicros,
    ) -> Result<(), StoreError> {
        const AGAIN: &str = "UPDATE deferred_call SET next_poll_at = $2 WHERE request_id = $1";
        let params = params![&request.as_bytes()[..], again_at];
        self.driver.execute(AGAIN, params).await.map(drop)
    }

    /// Writes the real row in the place of what was held, in one step. What that means for budgets is
    /// still to be counted: until [`Store::forget_deferred`], whoever comes next finds it to do.
    pub async fn settle_deferred(&self, row: &LedgerRow) -> Result<(), StoreError> {
        for _race in 0..RACES_MAX {
            let tried = self.try_settle_deferred(row).await;
            if !is_raced(&tried) {
                return tried;
            }
        }
        self.try_settle_deferred(row).await
    }

    async fn try_settle_deferred(&self, row: &LedgerRow) -> Result<(), StoreError> {
        const SETTLED: &str = "UPDATE deferred_call SET is_settled = 1 WHERE request_id = $1";
        let mut change = self.driver.begin().await?;
        let params = params![&row.request.as_bytes()[..]];
        if change.execute(SETTLED, params).await? > 0 {
            let (writer, assumed) = (&self.writer, Assumed::Unknown);
            super::ledger::insert(change.as_mut(), writer, &[row], assumed).await?;
            super::objects::note(change.as_mut(), &[row]).await?;
        }
        change.commit().await
    }

    /// Budgets count what the ledger has of it.
    pub async fn forget_deferred(&self, request: RequestId) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM deferred_call WHERE request_id = $1 AND is_settled = 1";
        let params = params![&request.as_bytes()[..]];
        self.driver.execute(FORGET, params).await.map(drop)
    }

    /// How many requests count at what was held for them.
    pub async fn deferred_count(&self) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) AS total FROM deferred_call WHERE is_settled = 0";
        let rows = self.driver.query(COUNT, &[]).await?;
        rows.first().map_or(Ok(0), |row| row.number("total"))
    }
}

/// Keeps a row apart from the ledger. One that the ledger has is over: its outcome came again from a
/// spool whose last removal a crash undid.
pub(super) async fn defer(
    change: &mut dyn Transaction,
    row: &LedgerRow,
    object: &ObjectRef,
) -> Result<(), StoreError> {
    const IS_OVER: &str = "SELECT request_id FROM usage_ledger WHERE request_id = $1 AND at = $2";
    const DEFER: &str = "INSERT INTO deferred_call (request_id, at, provider, kind, object_id, \
         ledger_row, next_poll_at) VALUES ($1, $2, $3, $4, $5, $6, $2) ON CONFLICT DO NOTHING";
    let id = &row.request.as_bytes()[..];
    if !change.query(IS_OVER, params![id, row.at]).await?.is_empty() {
        return Ok(());
    }
    let packed = serde_json::to_string(row).map_err(|_error| StoreError::corrupt("ledger_row"))?;
    let params = params![
        id,
        row.at,
        &object.provider,
        object.kind.as_str(),
        object.id.as_str(),
        &packed
    ];
    change.execute(DEFER, params).await.map(drop)
}

/// All rows that count at what was held, but for those of some requests.
pub(super) async fn counting(
    read: &mut dyn Transaction,
    without: &[RequestId],
) -> Result<Vec<LedgerRow>, StoreError> {
    const ALL: &str = "SELECT ledger_row FROM deferred_call WHERE is_settled = 0";
    let mut rows = Vec::new();
    for found in read.query(ALL, &[]).await? {
        let row = unpack(&found)?;
        if !without.contains(&row.request) {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn unpack(row: &Row) -> Result<LedgerRow, StoreError> {
    serde_json::from_str(row.text("ledger_row")?)
        .map_err(|_error| StoreError::corrupt("ledger_row"))
}

fn call(row: &Row) -> Result<DeferredCall, StoreError> {
    Ok(DeferredCall {
        object: ObjectRef {
            provider: ProviderName::new(row.text("provider")?),
            kind: row.named("kind", ObjectKind::parse)?,
            id: row.text("object_id")?.to_owned(),
        },
        row: unpack(row)?,
        polls: row.number("polls")?,
        is_settled: row.flag("is_settled")?,
    })
}
