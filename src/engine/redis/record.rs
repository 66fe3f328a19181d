//! What Redis keeps of a request: a word for its state, then what only replicas read.

use serde::{Deserialize, Serialize};

use crate::domain::budget::{Account, Charge, Origin, Share};
use crate::domain::money::Usd;
use crate::domain::tag::Weight;
use crate::domain::window::UtcMicros;
use crate::engine::{Opening, Spending};

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its money is held.
    Held,
    /// It was charged, and the ledger may not have it yet.
    Charged,
    /// Nobody renewed its hold: it was charged in full, until its replica comes back and tells.
    Swept,
}

/// An account that a request counts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Booked {
    pub(super) account: Account,
    pub(super) weight: Weight,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) state: State,
    pub(super) body: Body,
}

/// What only replicas read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    /// What is held, or was charged.
    pub(super) amount: Usd,
    pub(super) at: UtcMicros,
    pub(super) origin: Origin,
    /// Whose request it is, as long as it is under way.
    pub(super) replica: String,
    pub(super) booked: Vec<Booked>,
}

impl State {
    fn word(self) -> u8 {
        match self {
            Self::Held => b'H',
            Self::Charged => b'C',
            Self::Swept => b'S',
        }
    }

    /// That of a packed record.
    pub(super) fn of_record(bytes: &[u8]) -> Option<Self> {
        bytes.first().and_then(|word| Self::of(*word))
    }

    fn of(word: u8) -> Option<Self> {
        let all = [Self::Held, Self::Charged, Self::Swept];
        all.into_iter().find(|state| state.word() == word)
    }
}

impl Record {
    /// A charge that nobody holds money for any more.
    pub(super) fn charged(spending: Spending) -> Self {
        Self {
            state: State::Charged,
            body: Body {
                amount: spending.cost,
                at: spending.at,
                origin: spending.origin,
                replica: String::new(),
                booked: Vec::new(),
            },
        }
    }

    /// What of it counts as spent.
    pub(super) fn spent(&self) -> Usd {
        match self.state {
            State::Held => Usd::ZERO,
            State::Charged | State::Swept => self.body.amount,
        }
    }

    /// The bytes that Redis keeps. Every value of a record can be packed, so this does not fail.
    pub(super) fn pack(&self) -> Vec<u8> {
        let word = vec![self.state.word()];
        postcard::to_extend(&self.body, word).unwrap_or_default()
    }

    /// The record in some bytes; nothing where there is none that this version can read.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (word, body) = bytes.split_first()?;
        Some(Self {
            state: State::of(*word)?,
            body: postcard::from_bytes(body).ok()?,
        })
    }

    /// What it comes to on an account that is opened, and the record as it is booked there.
    pub(super) fn counted_on(&self, opening: &Opening) -> Option<Usd> {
        let weight = self.weight_on(opening)?;
        Some(weight.of(self.body.amount))
    }

    /// Books the request on an account, if that counts it.
    pub(super) fn join(&mut self, opening: &Opening) {
        let account = opening.account;
        self.body.booked.retain(|booked| booked.account != account);
        if let Some(weight) = self.weight_on(opening) {
            self.body.booked.push(Booked { account, weight });
        }
    }

    fn weight_on(&self, opening: &Opening) -> Option<Weight> {
        let is_inside = opening.account.window.contains(self.body.at);
        let share: Option<Share> = opening.coverage.share_of(&self.body.origin);
        share.filter(|_| is_inside).map(|share| share.weight)
    }
}

impl From<&Charge> for Booked {
    fn from(charge: &Charge) -> Self {
        Self {
            account: charge.account,
            weight: charge.weight,
        }
    }
}
