//! The names of keys: a prefix, the epoch, whose books, what of them. Everything of one tenant has one hash tag, so that a Cluster keeps it together;
//! the epoch is part of each name, so that what is left of an older one is never read.

use std::fmt::Write as _;

use crate::domain::budget::{Account, AccountOwner};
use crate::domain::id::{ApiKeyId, TenantId};

/// Where the epoch is kept.
pub(super) fn epoch(prefix: &str) -> String {
    format!("{prefix}:{{epoch}}")
}

/// Whose books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Owner {
    /// Those of the installation's budgets.
    Installation,
    /// Those of a tenant.
    Tenant(TenantId),
}

/// The names of the books of one owner in one epoch.
#[derive(Clone, Debug)]
pub(super) struct BookKeys(String);

impl Owner {
    pub(super) fn keys(self, epoch: &str) -> BookKeys {
        match self {
            Self::Installation => BookKeys(format!("{epoch}:{{all}}")),
            Self::Tenant(tenant) => BookKeys(format!("{epoch}:{{t{tenant}}}")),
        }
    }

    /// Its name in the list of all books.
    pub(super) fn name(self) -> String {
        match self {
            Self::Installation => "all".to_owned(),
            Self::Tenant(tenant) => tenant.to_string(),
        }
    }

    /// Reads what [`Owner::name`] gave.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "all" => Some(Self::Installation),
            tenant => tenant.parse().ok().map(TenantId).map(Self::Tenant),
        }
    }
}

/// The list of all books.
pub(super) fn books(epoch: &str) -> String {
    format!("{epoch}:{{epoch}}:books")
}

/// Held by the replica that looks for holds which expired.
pub(super) fn sweeper(epoch: &str) -> String {
    format!("{epoch}:{{epoch}}:sweeper")
}

/// What all keys of an epoch match.
pub(super) fn all_of(epoch: &str) -> String {
    format!("{epoch}:*")
}

impl BookKeys {
    /// Says that the books exist: what is missing beside it is missing for good.
    pub(super) fn marker(&self) -> &str {
        &self.0
    }

    pub(super) fn frozen(&self) -> String {
        self.with("frozen")
    }

    pub(super) fn requests(&self) -> String {
        self.with("requests")
    }

    pub(super) fn expiry(&self) -> String {
        self.with("expiry")
    }

    /// Marker, frozen, requests, expiry: what each step needs.
    pub(super) fn of_step(&self) -> [String; 4] {
        let marker = self.marker().to_owned();
        [marker, self.frozen(), self.requests(), self.expiry()]
    }

    pub(super) fn account(&self, account: &Account) -> String {
        let mut name = self.with("account:");
        // Writing into a string does not fail.
        let _ = match account.owner {
            AccountOwner::Budget(budget) => write!(
                name,
                "{budget}:{}-{}",
                account.window.start.get(),
                account.window.end.get()
            ),
            AccountOwner::Session(session) => write!(name, "session:{session}"),
        };
        name
    }

    /// Requests, tokens and places of a tenant, or of one of its keys.
    pub(super) fn rates(&self, key: Option<ApiKeyId>) -> [String; 3] {
        let whose = key.map_or_else(|| "rate".to_owned(), |key| format!("rate:{key}"));
        ["requests", "tokens", "at-once"].map(|what| self.with(&format!("{whose}:{what}")))
    }

    fn with(&self, what: &str) -> String {
        format!("{}:{what}", self.0)
    }
}
