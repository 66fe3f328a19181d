//! Budgets that count and never refuse: how a limit is tried before it is enforced.

use crate::domain::budget::{Balance, Charge, Enforcement, Exhausted};
use crate::domain::money::Usd;

/// Whether a budget refuses. `enforcement` in the API and the stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does.
    #[default]
    Enforced,
    /// It counts, and tells what it would have refused.
    Shadow,
}

impl Mode {
    /// The name in the API and the stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforce",
            Self::Shadow => "shadow",
        }
    }

    /// Reads what [`Mode::as_str`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "enforce" => Some(Self::Enforced),
            "shadow" => Some(Self::Shadow),
            _ => None,
        }
    }
}

/// What a limit would do that only counts for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadowed {
    /// See [`Enforcement::Ceiling`].
    Ceiling,
    /// See [`Enforcement::Settled`].
    Settled,
    /// See [`Enforcement::Counted`].
    Counted,
}

impl Enforcement {
    /// The same of a limit that only counts for now.
    pub(super) fn shadow(self) -> Self {
        match self {
            Self::Ceiling => Self::Shadow(Shadowed::Ceiling),
            Self::Settled => Self::Shadow(Shadowed::Settled),
            Self::Counted | Self::Shadow(_) => Self::Shadow(Shadowed::Counted),
        }
    }
}

impl Charge {
    /// Whether it counts for now and would refuse otherwise.
    pub fn is_shadow(&self) -> bool {
        matches!(self.enforcement, Enforcement::Shadow(_))
    }

    /// The same charge as it will be once its limit is enforced; nothing where it is already.
    pub fn once_enforced(&self) -> Option<Self> {
        let enforcement = match self.enforcement {
            Enforcement::Shadow(Shadowed::Ceiling) => Enforcement::Ceiling,
            Enforcement::Shadow(Shadowed::Settled) => Enforcement::Settled,
            Enforcement::Shadow(Shadowed::Counted) => Enforcement::Counted,
            Enforcement::Ceiling | Enforcement::Settled | Enforcement::Counted => return None,
        };
        Some(Self {
            enforcement,
            ..*self
        })
    }

    /// What it would have said to a request that needs so much, if it only counts for now.
    pub fn would_refuse(&self, balance: Balance, needed: Usd) -> Option<Exhausted> {
        let enforced = self.once_enforced()?;
        let room = enforced.room(balance)?;
        (room < needed).then(|| Exhausted::new(&enforced, balance, needed))
    }
}
