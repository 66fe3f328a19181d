//! Whose the objects are that providers keep behind a key that tenants share.

use crate::domain::id::TenantId;
use crate::domain::ledger::LedgerRow;
use crate::domain::object::{ObjectChange, ObjectKind, ObjectRef};
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::driver::{BulkInsert, Transaction};
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params, row_params};

/// An object of a tenant, as a list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRecord {
    /// The provider's id.
    pub id: String,
    /// When it was made.
    pub created_at: UtcMicros,
}

/// Which objects of a tenant are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsAsked<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// Who keeps them.
    pub provider: &'a str,
    /// What they are.
    pub kind: ObjectKind,
    /// Those that follow this one; from the first on without it.
    pub after: Option<&'a ObjectRecord>,
    /// From the oldest on, instead of from the newest.
    pub oldest_first: bool,
    /// The most of them.
    pub limit: u32,
}

macro_rules! listed {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT object_id, created_at FROM provider_object WHERE tenant_id = $1 AND provider = $2 \
             AND kind = $3 AND deleted_at IS NULL AND (created_at, object_id) ",
            $beyond,
            " ($4, $5) ORDER BY created_at ",
            $order,
            ", object_id ",
            $order,
            " LIMIT $6"
        )
    };
}

impl Store {
    /// An object, if it is this tenant's and still there.
    pub async fn object_of(
        &self,
        tenant: TenantId,
        object: &ObjectRef,
    ) -> Result<Option<ObjectRecord>, StoreError> {
        const GET: &str = "SELECT object_id, created_at FROM provider_object WHERE provider = $1 \
             AND kind = $2 AND object_id = $3 AND tenant_id = $4 AND deleted_at IS NULL";
        let params = params![
            &object.provider,
            object.kind.as_str(),
            object.id.as_str(),
            tenant
        ];
        let rows = self.driver.query(GET, params).await?;
        rows.first().map(record).transpose()
    }

    /// A part of a tenant's objects.
    pub async fn list_objects(
        &self,
        asked: &ObjectsAsked<'_>,
    ) -> Result<Vec<ObjectRecord>, StoreError> {
        const NEWEST: &str = listed!("<", "DESC");
        const OLDEST: &str = listed!(">", "ASC");
        let (sql, first) = if asked.oldest_first {
            (OLDEST, UtcMicros::new(i64::MIN))
        } else {
            (NEWEST, UtcMicros::MAX)
        };
        let (at, id) = asked
            .after
            .map_or((first, ""), |after| (after.created_at, after.id.as_str()));
        let params = params![
            asked.tenant,
            asked.provider,
            asked.kind.as_str(),
            at,
            id,
            asked.limit
        ];
        let rows = self.driver.query(sql, params).await?;
        rows.iter().map(record).collect()
    }

    /// The provider does not have it any more.
    pub async fn object_gone(&self, object: &ObjectRef, at: UtcMicros) -> Result<(), StoreError> {
        let mut change = self.driver.begin().await?;
        mark_gone(change.as_mut(), object, at).await?;
        change.commit().await
    }

    /// Deletes what nobody can ask for any more: objects that were deleted before an instant, and
    /// responses that were made before another, which their provider keeps for a month. Tells how many.
    pub async fn forget_objects(
        &self,
        deleted_before: UtcMicros,
        responses_before: UtcMicros,
    ) -> Result<u64, StoreError> {
        const FORGET: &str = "DELETE FROM provider_object WHERE deleted_at < $1 \
             OR (kind = 'response' AND created_at < $2)";
        let params = params![deleted_before, responses_before];
        self.driver.execute(FORGET, params).await
    }
}

/// The order of `provider_object`'s columns. One that is known already keeps its maker.
const MADE: BulkInsert = BulkInsert {
    row: "INSERT INTO provider_object (provider, kind, object_id, tenant_id, key_id, request_id, \
          created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    arrays: "INSERT INTO provider_object (provider, kind, object_id, tenant_id, key_id, request_id, \
             created_at) SELECT * FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], \
             $5::BIGINT[], $6::BYTEA[], $7::BIGINT[]) ON CONFLICT DO NOTHING",
};

/// Notes what requests did to objects. Ids are not used again, so what is gone comes after what is made.
pub(super) async fn note(
    change: &mut dyn Transaction,
    rows: &[&LedgerRow],
) -> Result<(), StoreError> {
    let changed = || rows.iter().filter(|row| !row.objects.changes.is_empty());
    let made = changed()
        .flat_map(|row| made_values(row))
        .collect::<Vec<_>>();
    if !made.is_empty() {
        change.insert_many(&MADE, made).await?;
    }
    for row in changed() {
        for (object, what) in &row.objects.changes {
            if *what == ObjectChange::Gone {
                mark_gone(change, object, row.at).await?;
            }
        }
    }
    Ok(())
}

fn made_values(row: &LedgerRow) -> impl Iterator<Item = Vec<Value>> {
    let changes = row.objects.changes.iter();
    let made = changes.filter(|(_, what)| *what == ObjectChange::Made);
    made.map(|(object, _)| {
        row_params![
            &object.provider,
            object.kind.as_str(),
            object.id.as_str(),
            row.tenant,
            row.key,
            &row.request.as_bytes()[..],
            row.at,
        ]
    })
}

async fn mark_gone(
    change: &mut dyn Transaction,
    object: &ObjectRef,
    at: UtcMicros,
) -> Result<(), StoreError> {
    const GONE: &str = "UPDATE provider_object SET deleted_at = $4 \
         WHERE provider = $1 AND kind = $2 AND object_id = $3 AND deleted_at IS NULL";
    let params = params![
        &object.provider,
        object.kind.as_str(),
        object.id.as_str(),
        at
    ];
    change.execute(GONE, params).await.map(drop)
}

fn record(row: &Row) -> Result<ObjectRecord, StoreError> {
    Ok(ObjectRecord {
        id: row.text("object_id")?.to_owned(),
        created_at: row.instant("created_at")?,
    })
}
