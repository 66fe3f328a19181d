//! One row of the ledger, by its request.

use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::ledger::{ledger_columns, ledger_row_of};
use crate::store::value::params;

/// An id tells the millisecond in which its request was admitted, and so the one partition.
const ROW: &str = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM usage_ledger WHERE request_id = $1 AND tenant_id = $2 AND at >= $3 AND at < $4"
);
const MICROS_PER_MILLI: i64 = 1_000;

impl Store {
    /// The row of a tenant's request.
    pub async fn row(
        &self,
        tenant: TenantId,
        request: RequestId,
    ) -> Result<Option<LedgerRow>, StoreError> {
        let from = request.millis().saturating_mul(MICROS_PER_MILLI);
        let to = from.saturating_add(MICROS_PER_MILLI);
        let wanted = params![&request.as_bytes()[..], tenant, from, to];
        let mut read = self.driver.begin_read().await?;
        let rows = read.query(ROW, wanted).await?;
        read.commit().await?;
        rows.first().map(ledger_row_of).transpose()
    }
}
