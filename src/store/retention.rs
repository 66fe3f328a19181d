//! Months that leave the ledger: what is gone, and whose turn it is to look for more.

use std::time::Duration;

use crate::domain::stamp::Stamp;
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::audit::{self, AuditEntry};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::params;

impl Store {
    /// When the oldest row was admitted.
    pub async fn oldest_row(&self) -> Result<Option<UtcMicros>, StoreError> {
        const OLDEST: &str = "SELECT MIN(at) AS at FROM usage_ledger";
        let rows = self.driver.query(OLDEST, &[]).await?;
        let oldest = rows.first().map(|row| row.maybe_int("at")).transpose()?;
        Ok(oldest.flatten().map(UtcMicros::new))
    }

    /// Removes the rows of a month, and their tags, if there are exactly as many as somebody has kept
    /// elsewhere, and notes who did it. Sums of them stay.
    pub async fn drop_month(
        &self,
        month: Window,
        rows: u64,
        (stamp, entry): (&Stamp, &AuditEntry),
    ) -> Result<(), StoreError> {
        const LEFT: &str = "UPDATE ledger_retention SET left_before = $1 \
             WHERE left_before IS NULL OR left_before < $1";
        let mut change = self.driver.drop_month(month, rows).await?;
        change.execute(LEFT, params![month.end]).await?;
        audit::write(change.as_mut(), stamp, entry).await?;
        change.commit().await
    }

    /// Whether it is time to look for months that are to leave. If so, it is this caller's turn, and nobody's until
    /// so much later.
    pub async fn take_turn_of_retention(
        &self,
        now: UtcMicros,
        pause: Duration,
    ) -> Result<bool, StoreError> {
        const TURN: &str = "UPDATE ledger_retention SET due_at = $2 WHERE due_at <= $1";
        let next = now.plus(pause);
        let taken = self.driver.execute(TURN, params![now, next]).await?;
        Ok(taken > 0)
    }
}

/// Where the time begins of which the ledger has all rows. What comes late, for a month that has left, is before it.
pub(super) async fn stays_from(read: &mut dyn Transaction) -> Result<UtcMicros, StoreError> {
    const LEFT: &str = "SELECT left_before FROM ledger_retention";
    let rows = read.query(LEFT, &[]).await?;
    let left = rows.first().map(|row| row.maybe_int("left_before"));
    let left = left.transpose()?.flatten();
    Ok(left.map_or(UtcMicros::MIN, UtcMicros::new))
}
