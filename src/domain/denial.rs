//! Every reason for which a request is refused, with what the caller needs to know. No HTTP here.

use std::borrow::Cow;
use std::time::Duration;

use crate::domain::budget::Exhausted;
use crate::domain::feature::Feature;
use crate::domain::id::ModelName;
use crate::domain::rate::TooMany;

/// A refusal. Not an error: deciding so is what we are here for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The path is none that we meter, so it is not passed on.
    UnknownRoute,
    /// It costs something that is not metered here.
    Unmetered {
        /// What.
        feature: Feature,
    },
    /// It names what the tenant did not make: whether anybody else did is nobody's business.
    NoSuchObject {
        /// What it is said to be.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The answer would hold a credential for the provider, with which nothing would be counted.
    HandsOutCredentials,
    /// The path is known, the method is not.
    MethodNotAllowed {
        /// The method that is.
        allowed: &'static str,
    },
    /// No key was given.
    MissingKey,
    /// The key is unknown, revoked or malformed; which of them is nobody's business.
    InvalidKey,
    /// The key's tenant was closed.
    TenantClosed,
    /// Too many requests in the last minute.
    RateLimited(TooMany),
    /// The request cannot be understood.
    BadRequest(BadRequest),
    /// There are too many headers, or too many bytes of them.
    HeadersTooLarge,
    /// The body is larger than this.
    BodyTooLarge {
        /// The largest body that is read.
        bytes_max: usize,
    },
    /// The body did not arrive in time.
    BodyTimeout,
    /// No provider has a model of this name at a price that we know, and a budget applies.
    UnpricedModel {
        /// The name.
        model: String,
    },
    /// The request asks for something whose price is not known, and a budget applies.
    Unpriced {
        /// What it asks for, in words.
        what: String,
    },
    /// The caller has no request of this id.
    NoReceipt,
    /// A rule of the policy says no.
    Policy {
        /// What the rule says, if it does.
        reason: Option<String>,
    },
    /// A rule lets it pass in a form that it does not have and cannot be given.
    Effect(Misfit),
    /// A budget has no room for the request.
    OverBudget(Box<OverBudget>),
    /// No key for the provider is configured.
    ProviderNotConfigured {
        /// The provider.
        provider: String,
    },
    /// Something that we need in order to decide, or to record, is not to be had now.
    Unavailable {
        /// What is missing, as a word for metrics and logs.
        what: Dependency,
        /// When to try again.
        retry_after: Duration,
    },
}

/// What a rule asks of a request in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It lacks these tags.
    Tags(Vec<String>),
    /// It cannot be put to this model.
    Model {
        /// The model.
        model: ModelName,
        /// Why not, in words.
        why: String,
    },
    /// Its answer may have more output tokens than these, and no cap can be put in.
    Output {
        /// The most that it may have.
        most: u64,
    },
}

impl Misfit {
    /// The reason as a word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Tags(_) => "tags_required",
            Self::Model { .. } | Self::Output { .. } => "policy_not_applicable",
        }
    }
}

/// Which budget has no room for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// Which one, and what it stands at.
    pub exhausted: Exhausted,
    /// What callers call its scope, where there are several of the kind: the path of a tag, the id of
    /// a session.
    pub whose: Option<String>,
    /// The largest output cap that would fit; `None` when no cap would help.
    pub affordable_output_tokens: Option<u64>,
}

/// What is wrong with a request that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    /// What is wrong, in words for the caller.
    pub message: String,
    /// The field that is wrong, if one is.
    pub param: Option<Cow<'static, str>>,
}

impl BadRequest {
    /// A request of which no single field is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: None,
        }
    }

    /// A request of which one field is wrong.
    pub fn field(param: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param.into()),
        }
    }
}

/// What a decision needs and can be without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// The state of a budget's account.
    Budgets,
    /// The spool that records requests.
    Spool,
    /// The ledger that receipts are read from.
    Ledger,
    /// The policy engine.
    Policy,
    /// The provider, which failed again and again.
    Provider,
    /// Whose an object of the provider is.
    Objects,
    /// The check of a key that takes long, for others are being checked.
    Keys,
    /// The gateway is stopping.
    Draining,
}

impl Dependency {
    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budgets => "budgets",
            Self::Spool => "spool",
            Self::Ledger => "ledger",
            Self::Policy => "policy",
            Self::Provider => "provider",
            Self::Objects => "objects",
            Self::Keys => "keys",
            Self::Draining => "draining",
        }
    }
}

impl Denial {
    /// The reason as a word for programs: metrics labels and the ledger's `reason`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRoute => "unknown_route",
            Self::Unmetered { .. } => "unmetered",
            Self::NoSuchObject { .. } => "no_such_object",
            Self::HandsOutCredentials => "hands_out_credentials",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::MissingKey => "missing_key",
            Self::InvalidKey => "invalid_key",
            Self::TenantClosed => "tenant_closed",
            Self::RateLimited(_) => "rate_limited",
            Self::BadRequest(_) => "bad_request",
            Self::HeadersTooLarge => "headers_too_large",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::UnpricedModel { .. } => "unpriced_model",
            Self::Unpriced { .. } => "unpriced",
            Self::NoReceipt => "no_receipt",
            Self::Policy { .. } => "policy_denied",
            Self::Effect(misfit) => misfit.code(),
            Self::OverBudget(_) => "budget_exceeded",
            Self::ProviderNotConfigured { .. } => "provider_not_configured",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
