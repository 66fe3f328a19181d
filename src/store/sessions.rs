//! Sessions: what callers and operators said of them, and what the ledger has for them.

use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::session::SessionKey;
use crate::domain::stamp::Stamp;
use crate::domain::tag::{TagShares, parse_shares};
use crate::domain::window::{UtcMicros, Window};
use crate::store::audit::{self, AuditEntry};
use crate::store::error::StoreError;
use crate::store::value::{Row, params};
use crate::store::{Listed, Page, Store, containing};

/// A session as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Whose it is.
    pub tenant: TenantId,
    /// What its callers name it.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Where it belongs.
    pub path: Option<String>,
    /// The tags that its first request counted on.
    pub tags: TagShares,
    /// What it may spend, if that was set for itself.
    pub own_budget: Option<Usd>,
    /// What its ledger rows cost.
    pub cost: Usd,
    /// How many there are.
    pub requests: u64,
    /// When it was used first.
    pub created_at: UtcMicros,
    /// When it was used last.
    pub last_active_at: UtcMicros,
}

/// Which sessions of a tenant are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFilter {
    /// Whose.
    pub tenant: TenantId,
    /// Whose id or name contains this, in any case.
    pub search: Option<String>,
    /// Used first in this time.
    pub created: Window,
}

macro_rules! columns {
    () => {
        "session.tenant_id, session.session_id, session.name, session.path, session.tags, session.own_budget, \
         session.created_at, session.last_active_at, \
         COALESCE(session_sum.cost, 0) AS cost, COALESCE(session_sum.requests, 0) AS requests"
    };
}

/// A session with the sums of its rows.
macro_rules! summed {
    () => {
        "session LEFT JOIN session_sum ON session_sum.tenant_id = session.tenant_id \
         AND session_sum.session_id = session.session_id"
    };
}

macro_rules! matching {
    () => {
        "FROM session WHERE session.tenant_id = $1 AND created_at >= $2 AND created_at < $3 \
         AND ($4 = '%' OR LOWER(session.session_id) LIKE LOWER($4) ESCAPE '\\' \
         OR LOWER(COALESCE(session.name, '')) LIKE LOWER($4) ESCAPE '\\')"
    };
}

impl Store {
    /// A tenant's sessions, those that were used last first.
    pub async fn list_sessions(
        &self,
        filter: &SessionFilter,
        page: Page,
    ) -> Result<Listed<SessionRecord>, StoreError> {
        const COUNT: &str = concat!("SELECT COUNT(*) AS total ", matching!());
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT tenant_id, session_id ",
            matching!(),
            " ORDER BY last_active_at DESC, session_id LIMIT $5 OFFSET $6) AS page \
             JOIN session ON session.tenant_id = page.tenant_id AND session.session_id = page.session_id \
             LEFT JOIN session_sum ON session_sum.tenant_id = session.tenant_id \
             AND session_sum.session_id = session.session_id \
             ORDER BY session.last_active_at DESC, session.session_id"
        );
        let SessionFilter {
            tenant, created, ..
        } = *filter;
        let search = containing(filter.search.as_deref());
        let mut read = self.driver.begin_read().await?;
        let total = read
            .query(COUNT, params![tenant, created.start, created.end, &search])
            .await?;
        let rows = read
            .query(
                LIST,
                params![
                    tenant,
                    created.start,
                    created.end,
                    &search,
                    page.limit,
                    page.offset
                ],
            )
            .await?;
        read.commit().await?;
        Ok(Listed {
            rows: rows.iter().map(record).collect::<Result<_, _>>()?,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// A tenant's session.
    pub async fn session(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<SessionRecord>, StoreError> {
        const GET: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            summed!(),
            " WHERE session.tenant_id = $1 AND session.session_id = $2"
        );
        let rows = self.driver.query(GET, params![tenant, id]).await?;
        rows.first().map(record).transpose()
    }

    /// The sessions of all tenants that have this id.
    pub async fn sessions_named(&self, id: &str) -> Result<Vec<SessionRecord>, StoreError> {
        const NAMED: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            summed!(),
            " WHERE session.session_id = $1 ORDER BY session.tenant_id LIMIT 2"
        );
        let rows = self.driver.query(NAMED, params![id]).await?;
        rows.iter().map(record).collect()
    }

    /// The sessions of a tenant, or of all, that have a budget of their own, those that were used last
    /// first.
    pub async fn limited_sessions(
        &self,
        tenant: Option<TenantId>,
        sessions_max: u32,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        const LIMITED: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            summed!(),
            " WHERE own_budget IS NOT NULL \
             AND (CAST($1 AS BIGINT) IS NULL OR session.tenant_id = $1) \
             ORDER BY session.last_active_at DESC, session.tenant_id, session.session_id LIMIT $2"
        );
        let rows = self.read(LIMITED, params![tenant, sessions_max]).await?;
        rows.iter().map(record).collect()
    }

    /// How many sessions a tenant has.
    pub async fn session_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) AS total FROM session WHERE tenant_id = $1";
        let rows = self.driver.query(COUNT, params![tenant]).await?;
        rows.first().map_or(Ok(0), |row| row.number("total"))
    }

    /// Sets what a session may spend for itself; `None` leaves it to its tags and its tenant. False
    /// when there is no such session.
    pub async fn set_session_budget(
        &self,
        tenant: TenantId,
        id: &str,
        budget: Option<Usd>,
        stamp: &Stamp,
    ) -> Result<bool, StoreError> {
        const BEFORE: &str =
            "SELECT own_budget FROM session WHERE tenant_id = $1 AND session_id = $2";
        const UPDATE: &str = "UPDATE session SET own_budget = $3 \
             WHERE tenant_id = $1 AND session_id = $2 RETURNING own_budget";
        let mut change = self.change_catalog().await?;
        let before = change.query(BEFORE, params![tenant, id]).await?;
        let rows = change.query(UPDATE, params![tenant, id, budget]).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let states = (before.first(), rows.first());
        let entry = AuditEntry {
            target: Some(id.to_owned()),
            tenant: Some(tenant),
            ..AuditEntry::of_row("session", "set_budget", states)?
        };
        audit::write(change.as_mut(), stamp, &entry).await?;
        change.commit().await?;
        Ok(true)
    }
}

fn record(row: &Row) -> Result<SessionRecord, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.maybe_text(column)?.map(str::to_owned));
    Ok(SessionRecord {
        tenant: TenantId(row.int("tenant_id")?),
        id: row.text("session_id")?.to_owned(),
        name: text("name")?,
        path: text("path")?,
        tags: match row.maybe_text("tags")? {
            Some(text) => parse_shares(text).ok_or_else(|| StoreError::corrupt("tags"))?,
            None => TagShares::new(),
        },
        own_budget: row.maybe_int("own_budget")?.map(Usd::from_nanos),
        cost: row.usd("cost")?,
        requests: row.number("requests")?,
        created_at: row.instant("created_at")?,
        last_active_at: row.instant("last_active_at")?,
    })
}

/// The session of a row that has a budget of its own, and that budget.
pub(in crate::store) fn own_budget_of(row: &Row) -> Result<(SessionKey, Usd), StoreError> {
    let tenant = TenantId(row.int("tenant_id")?);
    let key = SessionKey::new(tenant, row.text("session_id")?);
    Ok((key, row.usd("own_budget")?))
}
