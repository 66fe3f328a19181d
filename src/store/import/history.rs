//! What was done in another database: sessions, and rows of its audit log. The catalog has no part in it, and goes on
//! changing meanwhile. Of rows that are here already nothing changes.

use serde::Serialize;

use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::session::SessionRef;
use crate::domain::stamp::Actor;
use crate::domain::tag::{TagShares, print_shares};
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::driver::{BulkInsert, Transaction};
use crate::store::error::StoreError;
use crate::store::value::{Value, row_params};

/// A session that comes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignSession {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is called.
    pub session: SessionRef,
    /// The tags of its first request.
    pub tags: TagShares,
    /// What it may spend, if that is not what its tags or its tenant say.
    pub own_budget: Option<Usd>,
    /// When it was used first.
    pub created_at: UtcMicros,
    /// When it was used last.
    pub last_active_at: UtcMicros,
}

/// Something that somebody did, as the audit log of another database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignDeed {
    /// Which row it was, of which database.
    pub original: String,
    /// When.
    pub at: UtcMicros,
    /// Who, in the words of that log.
    pub actor: String,
    /// What, in its words.
    pub event: String,
    /// What else it says.
    pub details: String,
    /// Whose it is.
    pub tenant: TenantId,
}

/// Rows that are brought over together. Without a commit nothing happened.
pub struct History {
    change: Box<dyn Transaction>,
}

impl Store {
    /// Begins to bring over what was done.
    pub async fn begin_history(&self) -> Result<History, StoreError> {
        Ok(History {
            change: self.driver.begin().await?,
        })
    }
}

impl History {
    /// Makes what was brought over last.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.change.commit().await
    }

    /// Adds sessions, and tells how many were new.
    pub async fn add_sessions(&mut self, added: &[ForeignSession]) -> Result<u64, StoreError> {
        const INSERT: BulkInsert = BulkInsert {
            row: "INSERT INTO session (tenant_id, session_id, name, path, tags, own_budget, \
                  created_at, last_active_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                  ON CONFLICT DO NOTHING",
            arrays: "INSERT INTO session (tenant_id, session_id, name, path, tags, own_budget, \
                     created_at, last_active_at) SELECT * FROM UNNEST($1::BIGINT[], $2::TEXT[], \
                     $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::BIGINT[], $7::BIGINT[], \
                     $8::BIGINT[]) ON CONFLICT DO NOTHING",
        };
        let values = added.iter().map(|it| {
            row_params![
                it.tenant,
                &it.session.id,
                it.session.name.as_ref(),
                it.session.path.as_ref(),
                print_shares(&it.tags).as_ref(),
                it.own_budget,
                it.created_at,
                it.last_active_at,
            ]
        });
        self.change.insert_many(&INSERT, values.collect()).await
    }

    /// Adds rows to the audit log, and tells how many were new. Who it was is known there by a name only.
    pub async fn add_deeds(&mut self, added: &[ForeignDeed]) -> Result<u64, StoreError> {
        // The unique index of `original` rows tells which are here already.
        const INSERT: BulkInsert = BulkInsert {
            row: "INSERT INTO audit_log (at, actor_kind, actor_name, action, target_kind, \
                  target_id, tenant_id, state_after) VALUES ($1, $2, $3, $4, 'original', $5, $6, $7) \
                  ON CONFLICT DO NOTHING",
            arrays: "INSERT INTO audit_log (at, actor_kind, actor_name, action, target_kind, \
                     target_id, tenant_id, state_after) SELECT at, kind, actor, event, 'original', \
                     original, tenant, state FROM UNNEST($1::BIGINT[], $2::TEXT[], $3::TEXT[], \
                     $4::TEXT[], $5::TEXT[], $6::BIGINT[], $7::TEXT[]) \
                     AS added (at, kind, actor, event, original, tenant, state) \
                     ON CONFLICT DO NOTHING",
        };
        let values: Result<Vec<Vec<Value>>, StoreError> = added.iter().map(deed_values).collect();
        self.change.insert_many(&INSERT, values?).await
    }
}

/// What the audit log shows of it.
#[derive(Serialize)]
struct Told<'a> {
    details: &'a str,
}

fn deed_values(deed: &ForeignDeed) -> Result<Vec<Value>, StoreError> {
    let told = Told {
        details: &deed.details,
    };
    let told = serde_json::to_string(&told);
    let told = told.map_err(|_error| StoreError::corrupt("audited state"))?;
    Ok(row_params![
        deed.at,
        Actor::Unknown.kind(),
        &deed.actor,
        &deed.event,
        &deed.original,
        deed.tenant,
        &told,
    ])
}
