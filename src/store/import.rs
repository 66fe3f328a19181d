//! What comes over from another database: rows and marks of what they were there, written together, so that
//! nothing is brought over twice.

pub mod history;

use crate::domain::budget::Scope;
use crate::domain::id::{ApiKeyId, BudgetId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::pricing::ModelPrice;
use crate::domain::stamp::Stamp;
use crate::domain::tenant::{KeyHash, KeyLookup};
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::audit::{self, AuditEntry};
use crate::store::budgets::{self, BudgetSettings};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::prices::{self, PriceChange};
use crate::store::tags::TagSettings;
use crate::store::value::{Value, params};

/// A row of another database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original<'a> {
    /// The database.
    pub source: &'a str,
    /// What it is.
    pub kind: &'static str,
    /// What its own database calls it.
    pub id: &'a str,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its id here.
    pub our_id: i64,
    /// What else is kept of it.
    pub note: Option<String>,
}

/// A tenant that comes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignTenant<'a> {
    /// Its name.
    pub name: &'a str,
    /// Requests a minute.
    pub requests_per_minute: Option<u32>,
    /// What a session may spend that has no budget of its own.
    pub default_session_budget: Option<Usd>,
    /// When it was made.
    pub created_at: UtcMicros,
    /// It only keeps history.
    pub closed_at: Option<UtcMicros>,
}

/// A key that comes over, of which only a bcrypt hash is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Who pays.
    pub tenant: TenantId,
    /// Its first characters.
    pub prefix: String,
    /// Its bcrypt hash.
    pub hash: String,
    /// Whether it may call.
    pub is_active: bool,
    /// When it was made.
    pub created_at: UtcMicros,
    /// What nobody can show, until its own is known.
    pub provisional: (KeyLookup, KeyHash),
}

/// Rows that are brought over together. Without a commit nothing happened.
pub struct Import {
    change: Box<dyn Transaction>,
    /// Whether there is something to be committed.
    is_changed: bool,
}

impl Store {
    /// Begins to bring rows over. No other change of the catalog happens meanwhile.
    pub async fn begin_import(&self) -> Result<Import, StoreError> {
        Ok(Import {
            change: self.change_catalog().await?,
            is_changed: false,
        })
    }

    /// What became of a row of another database.
    pub async fn import_mark(&self, original: Original<'_>) -> Result<Option<Mark>, StoreError> {
        let mut read = self.driver.begin_read().await?;
        let mark = mark_of(read.as_mut(), original).await?;
        read.commit().await?;
        Ok(mark)
    }

    /// Notes what became of rows that the catalog has no part in.
    pub async fn note_import(&self, original: Original<'_>, mark: &Mark) -> Result<(), StoreError> {
        let mut change = self.driver.begin().await?;
        note(change.as_mut(), original, mark).await?;
        change.commit().await
    }
}

impl Import {
    /// Makes what was brought over last, and notes that it was. Nothing is written where nothing was
    /// new.
    pub async fn commit(mut self, stamp: &Stamp) -> Result<(), StoreError> {
        if !self.is_changed {
            return Ok(());
        }
        let entry = AuditEntry::of("import", "bring_over");
        audit::write(self.change.as_mut(), stamp, &entry).await?;
        self.change.commit().await
    }

    /// What became of a row.
    pub async fn mark_of(&mut self, original: Original<'_>) -> Result<Option<Mark>, StoreError> {
        mark_of(self.change.as_mut(), original).await
    }

    /// Notes what became of a row.
    pub async fn mark(&mut self, original: Original<'_>, our_id: i64) -> Result<(), StoreError> {
        self.is_changed = true;
        let mark = Mark { our_id, note: None };
        note(self.change.as_mut(), original, &mark).await
    }

    /// Has all gateways count all budgets anew.
    pub async fn recount(&mut self) -> Result<(), StoreError> {
        const RAISE: &str = "UPDATE catalog_version SET recounts = recounts + 1 WHERE id = 1";
        self.is_changed = true;
        self.change.execute(RAISE, &[]).await.map(drop)
    }

    /// The open tenant of a name.
    pub async fn tenant_named(&mut self, name: &str) -> Result<Option<TenantId>, StoreError> {
        const NAMED: &str = "SELECT id FROM tenant WHERE name = $1 AND closed_at IS NULL";
        let rows = self.change.query(NAMED, params![name]).await?;
        let found = rows.first().map(|row| row.int("id").map(TenantId));
        found.transpose()
    }

    /// Makes a tenant.
    pub async fn add_tenant(&mut self, tenant: &ForeignTenant<'_>) -> Result<TenantId, StoreError> {
        const INSERT: &str = "INSERT INTO tenant (name, requests_per_minute, time_zone, \
             default_session_budget, closed_at, created_at, updated_at) \
             VALUES ($1, $2, 'UTC', $3, $4, $5, $5) RETURNING id";
        let values = params![
            tenant.name,
            tenant.requests_per_minute,
            tenant.default_session_budget,
            tenant.closed_at,
            tenant.created_at
        ];
        self.inserted(INSERT, values).await.map(TenantId)
    }

    /// Sets what is not set of a tenant that was here before.
    pub async fn complete_tenant(
        &mut self,
        id: TenantId,
        tenant: &ForeignTenant<'_>,
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "UPDATE tenant SET \
             requests_per_minute = COALESCE(requests_per_minute, $2), \
             default_session_budget = COALESCE(default_session_budget, $3) WHERE id = $1";
        self.is_changed = true;
        let values = params![
            id,
            tenant.requests_per_minute,
            tenant.default_session_budget
        ];
        self.change.execute(UPDATE, values).await.map(drop)
    }

    /// Keeps a key.
    pub async fn add_key(&mut self, key: &ForeignKey) -> Result<ApiKeyId, StoreError> {
        const INSERT: &str = "INSERT INTO api_key (tenant_id, name, prefix, lookup, hash, \
             legacy_hash, is_active, created_at) \
             VALUES ($1, 'imported', $2, $3, $4, $5, $6, $7) RETURNING id";
        let (lookup, hash) = key.provisional;
        let values = params![
            key.tenant,
            &key.prefix,
            lookup.0.cast_signed(),
            &hash.0[..],
            &key.hash,
            key.is_active,
            key.created_at
        ];
        self.inserted(INSERT, values).await.map(ApiKeyId)
    }

    /// The tag of a name.
    pub async fn tag_named(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<TagId>, StoreError> {
        const NAMED: &str =
            "SELECT id FROM tag WHERE tenant_id = $1 AND name = $2 AND deleted_at IS NULL";
        let rows = self.change.query(NAMED, params![tenant, name]).await?;
        rows.first().map(|row| row.int("id").map(TagId)).transpose()
    }

    /// Makes a tag that stands under none; its parent may come later.
    pub async fn add_tag(
        &mut self,
        tenant: TenantId,
        tag: &TagSettings,
        at: UtcMicros,
    ) -> Result<TagId, StoreError> {
        const INSERT: &str = "INSERT INTO tag (tenant_id, name, description, color, metadata, \
             session_budget, is_active, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id";
        let values = params![
            tenant,
            &tag.name,
            tag.description.as_ref(),
            tag.color.as_ref(),
            tag.metadata.as_ref(),
            tag.session_budget,
            tag.is_active,
            at
        ];
        self.inserted(INSERT, values).await.map(TagId)
    }

    /// Puts a tag under another.
    pub async fn set_parent(&mut self, tag: TagId, parent: TagId) -> Result<(), StoreError> {
        const UPDATE: &str = "UPDATE tag SET parent_id = $2 WHERE id = $1";
        self.is_changed = true;
        self.change
            .execute(UPDATE, params![tag, parent])
            .await
            .map(drop)
    }

    /// Whether a scope has an active budget of a period for all calls.
    pub async fn has_budget(&mut self, scope: Scope, period: &str) -> Result<bool, StoreError> {
        const FIND: &str = "SELECT id FROM budget WHERE scope_kind = $1 AND scope_id = $2 \
             AND period = $3 AND models = '' AND providers = '' AND is_active = 1";
        let values = params![scope.kind(), budgets::scope_id(scope)?, period];
        Ok(!self.change.query(FIND, values).await?.is_empty())
    }

    /// Makes a budget of a tenant or one of its tags.
    pub async fn add_budget(
        &mut self,
        (tenant, scope): (TenantId, Scope),
        budget: &BudgetSettings,
        at: UtcMicros,
    ) -> Result<BudgetId, StoreError> {
        self.is_changed = true;
        budgets::insert(self.change.as_mut(), (tenant, scope), budget, at).await
    }

    /// Adds a version of a price.
    pub async fn add_price(
        &mut self,
        price: &ModelPrice,
        wanted: &PriceChange<'_>,
        at: UtcMicros,
    ) -> Result<i64, StoreError> {
        self.is_changed = true;
        let id = prices::add_version(self.change.as_mut(), price, wanted, at).await?;
        Ok(id.0)
    }

    async fn inserted(
        &mut self,
        insert: &'static str,
        values: &[Value],
    ) -> Result<i64, StoreError> {
        self.is_changed = true;
        let rows = self.change.query(insert, values).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("id"))?;
        row.int("id")
    }
}

async fn mark_of(
    read: &mut dyn Transaction,
    original: Original<'_>,
) -> Result<Option<Mark>, StoreError> {
    const FIND: &str = "SELECT our_id, note FROM import_mark \
         WHERE source = $1 AND kind = $2 AND original_id = $3";
    let values = params![original.source, original.kind, original.id];
    let rows = read.query(FIND, values).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Mark {
        our_id: row.int("our_id")?,
        note: row.maybe_text("note")?.map(str::to_owned),
    }))
}

async fn note(
    change: &mut dyn Transaction,
    original: Original<'_>,
    mark: &Mark,
) -> Result<(), StoreError> {
    const UPSERT: &str = "INSERT INTO import_mark (source, kind, original_id, our_id, note) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (source, kind, original_id) \
         DO UPDATE SET our_id = excluded.our_id, note = excluded.note";
    let values = params![
        original.source,
        original.kind,
        original.id,
        mark.our_id,
        mark.note.as_ref()
    ];
    change.execute(UPSERT, values).await.map(drop)
}
