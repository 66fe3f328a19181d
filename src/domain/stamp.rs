//! Who changed something that an admin sets, and when: what every change in the store carries, and
//! what its row in the audit log says.

use std::sync::Arc;

use crate::domain::id::UserId;
use crate::domain::window::UtcMicros;

/// Who makes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has the admin key.
    AdminKey,
    /// A user who has logged in.
    User {
        /// The user.
        id: UserId,
        /// Their name as it was then.
        name: Arc<str>,
    },
    /// Somebody with a shell where the program runs.
    CommandLine,
    /// The program itself, such as at its first start.
    System,
    /// Somebody who did not show who they are.
    Unknown,
}

impl Actor {
    /// Every answer of [`Actor::kind`].
    pub const KINDS: [&str; 5] = ["admin_key", Self::USER, "command_line", "system", "unknown"];
    /// The answer of [`Actor::kind`] for every user.
    pub const USER: &str = "user";

    /// The name of this kind in the store and the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AdminKey => "admin_key",
            Self::User { .. } => Self::USER,
            Self::CommandLine => "command_line",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }

    /// The user that it is, if it is one.
    pub fn user(&self) -> Option<(UserId, &str)> {
        match self {
            Self::User { id, name } => Some((*id, name)),
            Self::AdminKey | Self::CommandLine | Self::System | Self::Unknown => None,
        }
    }
}

/// Who makes a change, when, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: UtcMicros,
    /// Who.
    pub by: Actor,
    /// The network address that the request came from, where it is known.
    pub address: Option<Arc<str>>,
}

impl Stamp {
    /// A change from no address that is known.
    pub const fn new(at: UtcMicros, by: Actor) -> Self {
        Self {
            at,
            by,
            address: None,
        }
    }

    /// A change by the program itself.
    pub const fn by_system(at: UtcMicros) -> Self {
        Self::new(at, Actor::System)
    }

    /// A change by somebody with a shell.
    pub const fn by_command_line(at: UtcMicros) -> Self {
        Self::new(at, Actor::CommandLine)
    }
}
