//! Policy: rules in the operator's words that decide, beyond budgets, which requests may be sent.
//! Budgets are not enforced here; the engine does that, exactly, whatever a rule says.

pub mod input;
pub mod rego;

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::policy::input::PolicyInput;

/// Decides on requests by the operator's rules. Called on the request's path: it may neither block
/// nor wait.
pub trait PolicyEngine: Send + Sync + fmt::Debug {
    /// Decides on one request. An error is no decision: the caller must refuse.
    fn decide(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError>;

    /// Whether a rule may look at the budgets' figures. If none does, they need not be gathered.
    fn reads_budgets(&self) -> bool;
}

/// What the rules say about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be sent, if its budgets have room.
    Allow,
    /// It may not be sent.
    Deny {
        /// What the rule says to the caller, if it says something.
        reason: Option<String>,
    },
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
}
