//! Tenants and their keys, as the data plane knows them.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::money::Usd;
use crate::domain::rate::RateLimits;

/// A customer account.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// The account.
    pub id: TenantId,
    /// Its unique name; may change.
    pub name: String,
    /// Requests a minute: its own, or `None` for the installation's default; 0 is unlimited.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute; 0 is unlimited.
    pub tokens_per_minute: Option<u32>,
    /// Requests at once; 0 is unlimited.
    pub concurrent_requests: Option<u32>,
    /// What a session may spend that neither has a budget of its own nor gets one from a tag.
    pub default_session_budget: Option<Usd>,
    /// The calendar its budgets follow.
    pub time_zone: TimeZone,
    /// Closed tenants keep their history and may not call.
    pub is_closed: bool,
}

impl Tenant {
    /// What it may ask for, where so many requests a minute are usual.
    pub fn rate_limits(&self, usual_requests: u32) -> RateLimits {
        let requests = self.requests_per_minute.unwrap_or(usual_requests);
        RateLimits::from_kept(
            Some(requests),
            self.tokens_per_minute,
            self.concurrent_requests,
        )
    }
}

/// A key that a tenant calls with. The secret itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's row.
    pub id: ApiKeyId,
    /// Who pays.
    pub tenant: TenantId,
    /// The public part that finds the key.
    pub lookup: KeyLookup,
    /// What its tenant calls it.
    pub name: Arc<str>,
    /// What the whole key hashes to.
    pub hash: KeyHash,
    /// Revoked keys stay listed and may not call.
    pub is_active: bool,
    /// What it may ask for, beside what its tenant may.
    pub limits: RateLimits,
}

/// A key that was made by the TypeScript BudgetGuard and not used here yet: nobody can make our hash of it
/// before its caller shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyKey {
    /// The key's row.
    pub id: ApiKeyId,
    /// Who pays.
    pub tenant: TenantId,
    /// Its first [`LEGACY_PREFIX_LENGTH`] characters, by which it is found.
    pub prefix: String,
    /// What its tenant calls it.
    pub name: Arc<str>,
    /// What the whole key hashes to by bcrypt.
    pub hash: String,
    /// What it may ask for, beside what its tenant may.
    pub limits: RateLimits,
}

/// As much of a key as the TypeScript BudgetGuard kept in clear.
pub const LEGACY_PREFIX_LENGTH: usize = 8;

/// The public part of a key, by which it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyLookup(pub u64);

/// HMAC-SHA-256 of a key under the installation's pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);
