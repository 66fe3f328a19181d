//! Identifiers: who pays, which key was used, which request it was. They never mix with each other.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::domain::window::UtcMicros;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

row_id! {
    /// A customer account. Names may change; this never does.
    TenantId
}
row_id! {
    /// An API key of a tenant.
    ApiKeyId
}
row_id! {
    /// A budget. Never used again after the budget is deleted.
    BudgetId
}
row_id! {
    /// A tag of a tenant.
    TagId
}
row_id! {
    /// A tagging rule of a tenant.
    RuleId
}
row_id! {
    /// One version of a tenant's policy: they count from one.
    BundleVersion
}
row_id! {
    /// An alert of a budget.
    AlertId
}
row_id! {
    /// Somebody who logs in to the admin API.
    UserId
}
row_id! {
    /// One version of one model's prices: what a ledger row says it was priced with.
    PriceId
}

/// A request through the gateway: a version 7 UUID, so ids sort by the time of admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Builds the id of a request that arrived `at`, made unique by `random`.
    pub fn new(at: UtcMicros, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or_default();
        Self(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// When the request arrived, in milliseconds since 1970: how its id begins.
    pub fn millis(&self) -> i64 {
        let bytes = self.0.as_bytes();
        let millis = bytes.iter().take(6);
        millis.fold(0, |millis: i64, byte| {
            millis.saturating_mul(256).saturating_add(i64::from(*byte))
        })
    }

    /// The id as sixteen bytes, which sort as the ids do.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads what [`RequestId::as_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Reads the printed form.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name as it was written; names are compared exactly.
            pub fn new(name: &str) -> Self {
                Self(Arc::from(name))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a model as callers and price lists write it. Cheap to clone.
    ModelName
}
name! {
    /// Who runs a model and sends the bill: `openai`, `anthropic`, `google`, ... Cheap to clone.
    ProviderName
}
