//! What the rows of a batch are labelled with: their tags and their sessions.

use std::collections::BTreeMap;

use crate::domain::id::TenantId;
use crate::domain::ledger::LedgerRow;
use crate::domain::tag::print_shares;
use crate::domain::window::UtcMicros;
use crate::store::driver::{BulkInsert, Transaction};
use crate::store::error::StoreError;
use crate::store::value::{Value, row_params};

/// Inserts the tags of new rows, and sees their sessions.
pub(super) async fn insert(
    change: &mut dyn Transaction,
    batch: &[&LedgerRow],
) -> Result<(), StoreError> {
    let tags: Vec<_> = batch.iter().flat_map(|row| tag_values(row)).collect();
    if !tags.is_empty() {
        change.insert_many(&INSERT_TAG, tags).await?;
    }
    let sessions = sessions_of(batch);
    if !sessions.is_empty() {
        change.insert_many(&SEE_SESSION, sessions).await?;
    }
    Ok(())
}

/// The order of `usage_tag`'s columns and of [`tag_values`].
const INSERT_TAG: BulkInsert = BulkInsert {
    row: "INSERT INTO usage_tag (request_id, tag_id, at, weight, is_inherited, cost) \
          VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    arrays: "INSERT INTO usage_tag (request_id, tag_id, at, weight, is_inherited, cost) \
             SELECT * FROM UNNEST($1::BYTEA[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], \
             $5::BIGINT[], $6::BIGINT[]) ON CONFLICT DO NOTHING",
};

/// A session begins with its first row; later ones only move its last activity.
const SEE_SESSION: BulkInsert = BulkInsert {
    row: "INSERT INTO session (tenant_id, session_id, name, path, tags, created_at, last_active_at) \
          VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, session_id) DO UPDATE \
          SET last_active_at = excluded.last_active_at \
          WHERE session.last_active_at < excluded.last_active_at",
    arrays: "INSERT INTO session (tenant_id, session_id, name, path, tags, created_at, last_active_at) \
             SELECT * FROM UNNEST($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], \
             $6::BIGINT[], $7::BIGINT[]) ON CONFLICT (tenant_id, session_id) DO UPDATE \
             SET last_active_at = excluded.last_active_at \
             WHERE session.last_active_at < excluded.last_active_at",
};

fn tag_values(row: &LedgerRow) -> impl Iterator<Item = Vec<Value>> {
    row.tags.iter().map(|share| {
        row_params![
            &row.request.as_bytes()[..],
            share.tag,
            row.at,
            share.weight.millionths(),
            share.is_inherited,
            row.cost,
        ]
    })
}

/// The sessions of some rows, each once and in one order: two writers cannot wait for each other.
fn sessions_of(rows: &[&LedgerRow]) -> Vec<Vec<Value>> {
    let mut seen: BTreeMap<(TenantId, &str), (&LedgerRow, UtcMicros)> = BTreeMap::new();
    for row in rows {
        let Some(session) = &row.session else {
            continue;
        };
        let known = seen.entry((row.tenant, &session.id));
        let (first, last) = known.or_insert((row, row.at));
        if row.at < first.at {
            *first = row;
        }
        *last = row.at.max(*last);
    }
    let sessions = seen.into_iter();
    let values = sessions.map(|((tenant, id), (first, last))| {
        let session = first.session.as_ref();
        let name = session.and_then(|session| session.name.as_ref());
        let path = session.and_then(|session| session.path.as_ref());
        let tags = print_shares(&first.tags);
        row_params![tenant, id, name, path, tags.as_ref(), first.at, last]
    });
    values.collect()
}
