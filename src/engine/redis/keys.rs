//! The names of keys: a prefix, the epoch, whose books, what of them. Everything of one tenant has one hash tag, so that a Cluster keeps it together;
//! the epoch is part of each name, so that what is left of an older one is never read.

use std::fmt::Write as _;

use redis::Cmd;

use crate::domain::budget::{Account, AccountOwner};
use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::window::Window;

/// Longer than what comes after the prefix of most names.
const NAME_ROOM: usize = 64;

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

/// Where a replica has slices.
pub(super) fn leased(epoch: &str, replica: &str) -> String {
    format!("{epoch}:{{epoch}}:leased:{replica}")
}

/// When replicas were last seen.
pub(super) fn replicas(epoch: &str) -> String {
    format!("{epoch}:{{epoch}}:replicas")
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

    /// The last report of each replica.
    pub(super) fn reports(&self) -> String {
        self.with("reports")
    }

    /// What a replica may spend without asking, by account.
    pub(super) fn slices(&self, replica: &str) -> String {
        self.with(&format!("slices:{replica}"))
    }

    /// Marker, frozen, requests, expiry: what each step needs.
    pub(super) fn of_step(&self) -> [String; 4] {
        let marker = self.marker().to_owned();
        [marker, self.frozen(), self.requests(), self.expiry()]
    }

    pub(super) fn account(&self, account: &Account) -> String {
        self.slice(&account_name(account))
    }

    /// The account of a slice.
    pub(super) fn slice(&self, name: &str) -> String {
        self.with(&format!("account:{name}"))
    }

    /// Requests, tokens and places of a tenant, or of one of its keys.
    pub(super) fn rates(&self, key: Option<ApiKeyId>) -> [String; 3] {
        let whose = key.map_or_else(|| "rate".to_owned(), |key| format!("rate:{key}"));
        ["requests", "tokens", "at-once"].map(|what| self.with(&format!("{whose}:{what}")))
    }

    /// Adds what each step needs, and accounts, to a command: without a string for each.
    pub(super) fn push_step(&self, command: &mut Cmd, accounts: impl Iterator<Item = Account>) {
        let mut name = String::with_capacity(self.0.len().saturating_add(NAME_ROOM));
        name.push_str(&self.0);
        command.arg(name.as_str());
        for what in [":frozen", ":requests", ":expiry"] {
            name.truncate(self.0.len());
            name.push_str(what);
            command.arg(name.as_str());
        }
        for account in accounts {
            name.truncate(self.0.len());
            name.push_str(":account:");
            push_account(&mut name, &account);
            command.arg(name.as_str());
        }
    }

    fn with(&self, what: &str) -> String {
        format!("{}:{what}", self.0)
    }
}

/// What an account is called among those of its owner.
pub(super) fn account_name(account: &Account) -> String {
    let mut name = String::new();
    push_account(&mut name, account);
    name
}

fn push_account(name: &mut String, account: &Account) {
    // Writing into a string does not fail.
    let _ = match account.owner {
        AccountOwner::Budget(budget) => {
            let Window { start, end } = account.window;
            write!(name, "{budget}:{}-{}", start.get(), end.get())
        }
        AccountOwner::Session(session) => write!(name, "session:{session}"),
    };
}
