//! In which order rows are wanted.

/// What rows are in the order of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// When they were admitted.
    #[default]
    At,
    /// What they cost; those that cost the same, when they were admitted.
    Cost,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::At, Self::Cost];

    /// Its name in questions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Cost => "cost",
        }
    }
}

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The least, or the oldest.
    Asc,
    /// The largest, or the newest.
    #[default]
    Desc,
}

impl Order {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Asc, Self::Desc];

    /// Its name in questions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}
