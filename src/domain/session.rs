//! Sessions: requests that belong together, by the name that their caller gives them.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::id::TenantId;

/// The longest id, name or path of a session.
pub const SESSION_TEXT_MAX: usize = 200;

/// A session in counters and maps: the same for the same tenant and id, and different for others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey([u8; 16]);

impl SessionKey {
    /// The key of a tenant's session: half of a SHA-256, so that no two sessions share one.
    pub fn new(tenant: TenantId, id: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(tenant.0.to_be_bytes());
        hasher.update(id.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SessionKey({self})")
    }
}

/// A session as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// What tells it from the tenant's others.
    pub id: String,
    /// What people call it; only its first request says so.
    pub name: Option<String>,
    /// Where it belongs, as its caller sees it; only its first request says so.
    pub path: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_tenants_session_of_the_same_id_is_another_session() {
        let key = SessionKey::new(TenantId(1), "agent-7");
        assert_eq!(key, SessionKey::new(TenantId(1), "agent-7"));
        assert_ne!(key, SessionKey::new(TenantId(2), "agent-7"));
        assert_ne!(key, SessionKey::new(TenantId(1), "agent-8"));
    }
}
