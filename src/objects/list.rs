//! A tenant's own objects. The provider's list would show everybody's, so each object that the tenant
//! made is asked for by itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http::HeaderMap;
use thiserror::Error;

use crate::domain::id::TenantId;
use crate::domain::object::{ObjectKind, ObjectRef};
use crate::domain::window::{Clock, UtcMicros};
use crate::objects::client::{ProviderClient, Question, Unheard};
use crate::providers::Dialect;
use crate::providers::listing::{ListQuery, is_asked_for, page};
use crate::recorder::{Recorder, RecorderError};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::objects::{ObjectRecord, ObjectsAsked};

/// How many objects are asked for at once.
const AT_ONCE: usize = 8;
/// How often a page is filled up in place of objects that are gone or not asked for.
const ROUNDS_MAX: usize = 10;
/// The longest description of an object.
const OBJECT_BYTES_MAX: usize = 1024 * 1024;
/// A provider may not show at once what it has just made.
const SHOWN_AFTER: Duration = Duration::from_mins(5);
/// How long a list waits for the ledger to have what was made before it.
const RECORDED_MAX: Duration = Duration::from_secs(2);

/// Which list is wanted.
#[derive(Clone, Debug)]
pub struct ListAsked {
    /// Whose objects.
    pub tenant: TenantId,
    /// The words of the answer.
    pub dialect: Dialect,
    /// Who keeps them.
    pub home: Dialect,
    /// What they are.
    pub kind: ObjectKind,
    /// The path of the list. Each object is below it.
    pub path: &'static str,
    /// Which part.
    pub query: ListQuery,
    /// What the provider is told beside the path.
    pub headers: HeaderMap,
}

/// Why there is no list.
#[derive(Debug, Error)]
pub enum Unlisted {
    /// The cursor is no object of the tenant.
    #[error("there is no such object")]
    UnknownCursor(String),
    /// The store cannot be asked.
    #[error("the store cannot be asked: {0}")]
    Store(#[from] StoreError),
    /// What was made before is not recorded yet.
    #[error("what was made before is not recorded: {0}")]
    Recorder(#[from] RecorderError),
    /// The same, for too long.
    #[error("what was made before is not recorded in time")]
    NotRecorded,
    /// The provider cannot be asked.
    #[error("the provider cannot be asked: {0}")]
    Provider(#[from] Unheard),
    /// It says neither what the object is nor that it is gone.
    #[error("the provider answered {0}")]
    Answered(u16),
}

/// Makes lists.
#[derive(Debug)]
pub struct Lists {
    /// Whose what is.
    pub store: Store,
    /// What the store does not have yet.
    pub recorder: Arc<Recorder>,
    /// Who has the objects.
    pub client: Arc<ProviderClient>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Objects with their ids.
type Objects = Vec<(String, Bytes)>;

impl Lists {
    /// A page of the list, as its dialect has it.
    pub async fn list(&self, asked: &ListAsked) -> Result<Vec<u8>, Unlisted> {
        // What a caller made just before is on its list.
        let recorded = tokio::time::timeout(RECORDED_MAX, self.recorder.catch_up());
        recorded.await.map_err(|_elapsed| Unlisted::NotRecorded)??;
        let mut after = self.cursor(asked).await?;
        let mut objects = Objects::new();
        let mut has_more = false;
        for _ in 0..ROUNDS_MAX {
            let found = u32::try_from(objects.len()).unwrap_or(u32::MAX);
            let wanted = asked.query.limit.saturating_sub(found);
            let mut records = self
                .records(asked, after.as_ref(), wanted.saturating_add(1))
                .await?;
            has_more = records.len() > usize::try_from(wanted).unwrap_or(usize::MAX);
            records.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            after = records.last().cloned().or(after);
            objects.extend(self.fetch(asked, records).await?);
            let is_full = objects.len() >= usize::try_from(asked.query.limit).unwrap_or(usize::MAX);
            if is_full || !has_more {
                break;
            }
        }
        if asked.query.is_before {
            objects.reverse();
        }
        Ok(page(asked.dialect, asked.kind, &objects, has_more))
    }

    async fn cursor(&self, asked: &ListAsked) -> Result<Option<ObjectRecord>, Unlisted> {
        let Some(id) = &asked.query.cursor else {
            return Ok(None);
        };
        let object = asked.object(id);
        let found = self.store.object_of(asked.tenant, &object).await?;
        found.map_or_else(
            || Err(Unlisted::UnknownCursor(id.clone())),
            |it| Ok(Some(it)),
        )
    }

    async fn records(
        &self,
        asked: &ListAsked,
        after: Option<&ObjectRecord>,
        limit: u32,
    ) -> Result<Vec<ObjectRecord>, StoreError> {
        let wanted = ObjectsAsked {
            tenant: asked.tenant,
            provider: asked.home.as_str(),
            kind: asked.kind,
            after,
            // What is before the cursor is found from the cursor on.
            oldest_first: asked.query.oldest_first != asked.query.is_before,
            limit,
        };
        self.store.list_objects(&wanted).await
    }

    /// What the provider says of them; those that it no longer has are left out for good.
    async fn fetch(
        &self,
        asked: &ListAsked,
        records: Vec<ObjectRecord>,
    ) -> Result<Objects, Unlisted> {
        let fetched = stream::iter(records).map(|record| self.fetch_one(asked, record));
        let fetched: Vec<_> = fetched.buffered(AT_ONCE).collect().await;
        let mut objects = Objects::new();
        for object in fetched {
            objects.extend(object?);
        }
        Ok(objects)
    }

    async fn fetch_one(
        &self,
        asked: &ListAsked,
        record: ObjectRecord,
    ) -> Result<Option<(String, Bytes)>, Unlisted> {
        let path = format!("{}/{}", asked.path, record.id);
        let question = Question {
            home: asked.home,
            path: &path,
            headers: asked.headers.clone(),
            bytes_max: OBJECT_BYTES_MAX,
        };
        let heard = self.client.ask(&question).await?;
        match heard.status {
            200 => {
                let is_wanted = is_asked_for(&asked.query, &heard.body);
                Ok(is_wanted.then_some((record.id, heard.body)))
            }
            404 => {
                let now = self.clock.now();
                if is_long_ago(record.created_at, now) {
                    let object = asked.object(&record.id);
                    self.store.object_gone(&object, now).await?;
                }
                Ok(None)
            }
            other => Err(Unlisted::Answered(other)),
        }
    }
}

fn is_long_ago(at: UtcMicros, now: UtcMicros) -> bool {
    now > at.plus(SHOWN_AFTER)
}

impl ListAsked {
    fn object(&self, id: &str) -> ObjectRef {
        ObjectRef {
            provider: self.home.provider(),
            kind: self.kind,
            id: id.to_owned(),
        }
    }
}
