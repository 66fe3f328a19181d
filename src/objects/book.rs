//! Whose an object is: from memory if this process has seen it, else from the store.

use std::time::Duration;

use dashmap::DashMap;

use crate::domain::id::TenantId;
use crate::domain::object::{ObjectChange, ObjectNotes, ObjectRef};
use crate::store::Store;
use crate::store::error::StoreError;

/// Of how many objects it is remembered whose they are; the store knows the others.
const REMEMBERED_MAX: usize = 100_000;
/// What another replica has just made is in the store a moment later: how often that is waited for,
/// and for how long each time.
const LOOKS: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(300),
];

/// See the module.
#[derive(Debug)]
pub struct OwnerBook {
    store: Store,
    known: DashMap<ObjectRef, TenantId>,
}

impl OwnerBook {
    /// A book that has nothing in it yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: DashMap::new(),
        }
    }

    /// Remembers what a request of a tenant changed.
    pub fn note(&self, tenant: TenantId, notes: &ObjectNotes) {
        for (object, change) in &notes.changes {
            match change {
                ObjectChange::Made => self.remember(object.clone(), tenant),
                ObjectChange::Gone => {
                    self.known.remove(object);
                }
            }
        }
    }

    /// Whether an object is a tenant's. One of another tenant takes as long to be denied as one that
    /// nobody has.
    pub async fn is_of(&self, tenant: TenantId, object: &ObjectRef) -> Result<bool, StoreError> {
        let known = self.known.get(object).map(|owner| *owner);
        if known == Some(tenant) {
            return Ok(true);
        }
        if self.store.object_of(tenant, object).await?.is_some() {
            self.remember(object.clone(), tenant);
            return Ok(true);
        }
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            if self.store.object_of(tenant, object).await?.is_some() {
                self.remember(object.clone(), tenant);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn remember(&self, object: ObjectRef, tenant: TenantId) {
        if self.known.len() >= REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.insert(object, tenant);
    }
}
