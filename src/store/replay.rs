//! What the ledger had at an instant, for whoever replays what came after it.

use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::store::error::StoreError;
use crate::store::value::params;
use crate::store::{Store, deferred};

impl Store {
    /// What each of some sessions had cost before an instant, all at one moment.
    pub async fn spent_in_sessions_before(
        &self,
        sessions: &[(TenantId, String)],
        before: UtcMicros,
    ) -> Result<Vec<Usd>, StoreError> {
        const SUM: &str = "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS spent \
             FROM usage_ledger WHERE tenant_id = $1 AND session = $2 AND at < $3";
        let mut read = self.driver.begin_read().await?;
        let deferred = deferred::counting(read.as_mut(), &[]).await?;
        let mut sums = Vec::with_capacity(sessions.len());
        for (tenant, id) in sessions {
            let params = params![*tenant, id.as_str(), before];
            let rows = read.query(SUM, params).await?;
            let row = rows.first().ok_or_else(|| StoreError::corrupt("spent"))?;
            let later = deferred.iter().filter(|row| {
                let session = row.session.as_ref();
                row.tenant == *tenant
                    && row.at < before
                    && session.is_some_and(|session| session.id == *id)
            });
            let later = later.map(|row| row.cost);
            sums.push(later.fold(row.usd("spent")?, Usd::saturating_add));
        }
        read.commit().await?;
        Ok(sums)
    }
}
