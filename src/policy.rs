//! Policy: rules in the operator's words that decide, beyond budgets, which requests may be sent.
//! Budgets are not enforced here; the engine does that, exactly, whatever a rule says.

pub mod source;
pub mod installed;
pub mod watch;
pub mod layers;
pub mod decider;
pub mod threads;
pub mod input;
mod decision;
pub mod rego;
pub mod wasm;
mod memory;
mod pace;
pub mod hash;
mod message;
pub mod schema;
pub mod testing;
pub mod trials;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::domain::id::ModelName;
use crate::domain::ruling::PolicyFailure;
use crate::policy::hash::PolicyHash;
use crate::policy::input::PolicyInput;

/// Decides on requests by the operator's rules. On a request's path it is asked by way of a
/// [`Decider`](decider::Decider), which waits for what may take long.
pub trait PolicyEngine: Send + Sync + fmt::Debug {
    /// Asks about one request. Never takes long: what may is handed back as work.
    fn ask(&self, input: &PolicyInput<'_>) -> Asked;

    /// Decides on one request, on this thread and however long it takes: for what is not on a
    /// request's path. An error is no decision: the caller must refuse.
    fn decide(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError> {
        match self.ask(input) {
            Asked::Decided(decision) => decision,
            Asked::Pending(work) => work.finish(),
        }
    }

    /// Tells these rules from all others.
    fn hash(&self) -> PolicyHash;

    /// Whether a rule may look at the figures of budgets or of the session. If none does, they need not
    /// be gathered.
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
    /// Whether they are sure to decide in so little time that a request's own thread may do it.
    pub is_quick: bool,
}

/// What becomes of a question.
#[derive(Debug)]
pub enum Asked {
    /// It is decided.
    Decided(Result<Verdict, PolicyError>),
    /// Nobody can say how long it takes.
    Pending(Work),
}

/// Decides within a time, as far as it can be stopped.
type Run = Box<dyn FnOnce(Duration) -> Result<Verdict, PolicyError> + Send>;

/// How long a decision may take for which no request waits.
pub(in crate::policy) const PATIENCE: Duration = Duration::from_millis(200);

/// A decision that somebody still has to reach, on a thread that may be kept busy.
pub struct Work {
    run: Run,
    remember: Box<dyn FnOnce(&Verdict) + Send>,
}

impl Work {
    fn finish(self) -> Result<Verdict, PolicyError> {
        let verdict = (self.run)(PATIENCE)?;
        (self.remember)(&verdict);
        Ok(verdict)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Work").finish_non_exhaustive()
    }
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
    /// The most output tokens that it may ask for, over all of its answers.
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
    /// The rules said something that is no decision.
    #[error("the policy's decision is none: {0}")]
    Decision(String),
    /// The rules did not decide in time.
    #[error("the policy did not decide in time")]
    TimedOut,
    /// Too many decisions are under way already, or do not end.
    #[error("the policy is busy")]
    Busy,
}

impl PolicyError {
    /// Which of the ways to fail it is, for those who decide what follows.
    pub fn failure(&self) -> PolicyFailure {
        match self {
            Self::Read { .. }
            | Self::NoFiles(_)
            | Self::Compile(_)
            | Self::Evaluate(_)
            | Self::Input(_)
            | Self::Decision(_) => PolicyFailure::Error,
            Self::TimedOut => PolicyFailure::Timeout,
            Self::Busy => PolicyFailure::Busy,
        }
    }
}
