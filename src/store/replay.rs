//! What the ledger had at an instant, for whoever replays what came after it.

use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::store::error::StoreError;
use crate::store::ledger::costs;
use crate::store::value::params;
use crate::store::{Store, deferred};

impl Store {
    /// What a session had cost before an instant.
    pub async fn spent_in_session_before(
        &self,
        session: &(TenantId, String),
        before: UtcMicros,
    ) -> Result<Usd, StoreError> {
        const SUM: &str = "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS spent \
             FROM usage_ledger WHERE tenant_id = $1 AND session = $2 AND at < $3";
        let (tenant, id) = session;
        let mut read = self.driver.begin_read().await?;
        let params = params![*tenant, id.as_str(), before];
        let rows = read.query(SUM, params).await?;
        let mut deferred = deferred::counting(read.as_mut(), &[]).await?;
        read.commit().await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("spent"))?;
        deferred.retain(|row| row.at < before);
        Ok(costs(&deferred, session).fold(row.usd("spent")?, Usd::saturating_add))
    }
}
