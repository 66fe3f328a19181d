//! The names that readers of the queue see.

use crate::catalog::Catalog;
use crate::domain::id::{TagId, TenantId};
use crate::queue::Names;

impl Names for Catalog {
    fn tenant(&self, tenant: TenantId) -> Option<String> {
        let snapshot = self.snapshot();
        let entry = snapshot.tenants.get(&tenant)?;
        Some(entry.tenant.name.clone())
    }

    fn tag(&self, tenant: TenantId, tag: TagId) -> Option<String> {
        let snapshot = self.snapshot();
        let tag = snapshot.tenants.get(&tenant)?.tags.get(tag)?;
        Some(tag.name.clone())
    }
}
