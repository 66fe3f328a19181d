//! Policy: rules in the operator's words that decide, beyond budgets, which requests may be sent.
//! Budgets are not enforced here; the engine does that, exactly, whatever a rule says.

pub mod layers;
pub mod installed;
pub mod watch;
pub mod source;
pub mod hash;
pub mod input;
pub mod rego;
pub mod testing;
pub mod trials;

mod message;

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use crate::domain::id::ModelName;
use crate::policy::hash::PolicyHash;
use crate::policy::input::PolicyInput;

/// Decides on requests by the operator's rules. Called on the request's path: it may neither block
/// nor wait.
pub trait PolicyEngine: Send + Sync + fmt::Debug {
    /// Decides on one request. An error is no decision: the caller must refuse.
    fn decide(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError>;

    /// Tells these rules from all others.
    fn hash(&self) -> PolicyHash;

    /// Whether a rule may look at the budgets' figures. If none does, they need not be gathered.
    fn reads_budgets(&self) -> bool;

    /// Decides on an input document that somebody wrote, as JSON. Nothing of it is remembered.
    fn decide_on(&self, document: &str) -> Result<Verdict, PolicyError>;

    /// What those who write rules want to know of them.
    fn facts(&self) -> PolicyFacts;
}

/// What can be told of rules without asking them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyFacts {
    /// What is asked of them.
    pub entry_points: Vec<String>,
    /// The members of the input that they may read; nothing where it cannot be told.
    pub reads: Option<Vec<String>>,
    /// The builtins that they may call.
    pub builtins: Vec<String>,
    /// Whether the same input is decided once: they read no figures that change, and nothing but the input.
    pub remembers: bool,
}

/// What the rules say about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be sent, changed like this, if its budgets have room.
    Allow(Effects),
    /// It may not be sent.
    Deny {
        /// What the rule says to the caller, if it says something.
        reason: Option<String>,
    },
}

/// What the rules change in a request that they allow. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The most output tokens that it may ask for.
    pub max_output_tokens: Option<u64>,
    /// The model that is asked instead.
    pub model: Option<ModelName>,
    /// Names of tags that it must carry: without one of them it is refused.
    pub tags_required: Vec<String>,
}

impl Verdict {
    /// The request may be sent as it is.
    pub const ALLOWED: Self = Self::Allow(Effects {
        max_output_tokens: None,
        model: None,
        tags_required: Vec::new(),
    });
}

/// Why there is no policy, or no decision of it.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// A file of the policy cannot be read.
    #[error("could not read the policy `{}`: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder was named and no policy is in it.
    #[error("the policy folder `{}` has no .rego file", .0.display())]
    NoFiles(PathBuf),
    /// The rules are not valid; the text names file and line.
    #[error("could not compile the policy: {0}")]
    Compile(String),
    /// A rule failed, or cost more than a rule may.
    #[error("could not evaluate the policy: {0}")]
    Evaluate(String),
    /// What it was asked about is no JSON document.
    #[error("the input is not JSON: {0}")]
    Input(String),
}
