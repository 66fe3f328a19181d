//! What a provider keeps for callers: files, batches, responses. Behind a key that tenants share, the
//! provider does not know whose they are; here each belongs to the tenant that made it.

use serde::{Deserialize, Serialize};

use crate::domain::id::ProviderName;

/// What sort of thing it is. The spool's files have the variants in the order in which they stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ObjectKind {
    /// A file.
    File,
    /// A file that comes in parts.
    Upload,
    /// A batch of requests.
    Batch,
    /// A response.
    Response,
    /// A part of a prompt that is kept ready.
    CachedContent,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::File,
        Self::Upload,
        Self::Batch,
        Self::Response,
        Self::CachedContent,
    ];

    /// The name in the store and in refusals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Upload => "upload",
            Self::Batch => "batch",
            Self::Response => "response",
            Self::CachedContent => "cached content",
        }
    }

    /// Reads what [`ObjectKind::as_str`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One of them. Ids are the provider's; no two objects of a kind have the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Who keeps it.
    pub provider: ProviderName,
    /// What it is.
    pub kind: ObjectKind,
    /// Its id, without what Google puts before it.
    pub id: String,
}

/// What a request did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectChange {
    /// It is there since.
    Made,
    /// It is gone.
    Gone,
}

/// What a request changed among the objects of its provider, as its outcome tells the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectNotes {
    /// What became of which.
    pub changes: Vec<(ObjectRef, ObjectChange)>,
    /// The object that the request's cost is learnt from later. Until then it counts at what was held.
    pub settles_with: Option<ObjectRef>,
}
