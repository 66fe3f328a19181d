//! Steps on the books of one owner, as `step.lua` takes them.

use std::time::Duration;

use crate::domain::budget::{Account, AccountOwner, Charge, Enforcement};
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateWish};
use crate::domain::window::UtcMicros;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Session;
use crate::engine::redis::record::{Booked, Record, State};

/// A record that no request has.
const IMPOSSIBLE: &[u8] = b"?";
/// A charge is kept so long for a ledger that does not have it.
const CHARGE_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// An account is kept so long after its window, for requests that end late.
const ENDED_WINDOW_KEPT: Duration = Duration::from_hours(48);
/// A session that nobody uses any more is kept so long; then it is opened again.
const IDLE_SESSION_KEPT: Duration = Duration::from_hours(7 * 24);

/// What happens to an account that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    Create,
    Unknown,
    Skip,
}

impl IfMissing {
    /// As `step.lua` knows it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Unknown => "unknown",
            Self::Skip => "skip",
        }
    }
}

/// What happens to one account.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) account: Account,
    pub(super) used_max: Option<Usd>,
    pub(super) spent_max: Option<Usd>,
    pub(super) used: Usd,
    pub(super) spent: Usd,
    pub(super) if_missing: IfMissing,
}

/// One step: a record takes the place of another.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) owner: Owner,
    pub(super) request: RequestId,
    pub(super) expected: Vec<u8>,
    /// Empty where the request has none afterwards.
    pub(super) record: Vec<u8>,
    pub(super) changes: Vec<Change>,
    pub(super) rate: Option<RateClaim>,
}

impl Step {
    /// Holds money for a request that has none yet.
    pub(super) fn hold(
        owner: Owner,
        request: RequestId,
        record: &Record,
        charges: &[&Charge],
        session: &Session,
    ) -> Self {
        let amount = record.body.amount;
        let held = charges
            .iter()
            .map(|charge| Change::hold(charge, amount, session));
        Self {
            owner,
            request,
            expected: Vec::new(),
            record: record.pack(),
            changes: held.collect(),
            rate: None,
        }
    }

    /// Takes places in the minute as well.
    pub(super) fn at_rate(self, rate: Option<RateClaim>) -> Self {
        Self { rate, ..self }
    }

    /// Only takes places in the minute.
    pub(super) fn rate_only(rate: RateClaim) -> Self {
        Self {
            owner: Owner::Tenant(rate.wish.tenant),
            request: rate.wish.request,
            expected: Vec::new(),
            record: Vec::new(),
            changes: Vec::new(),
            rate: Some(rate),
        }
    }

    /// Tells of a request that Redis does not know, and counts it on the accounts that are open.
    pub(super) fn tell(owner: Owner, request: RequestId, record: &Record) -> Self {
        let amount = record.body.amount;
        let changes = record
            .body
            .booked
            .iter()
            .map(|booked| Change::of(booked, booked.weight.of(amount), Usd::ZERO));
        Self {
            owner,
            request,
            expected: Vec::new(),
            record: record.pack(),
            changes: changes.collect(),
            rate: None,
        }
    }

    /// Replaces a record by one of another amount; `spent` tells what comes to what was spent.
    pub(super) fn replace(
        owner: Owner,
        request: RequestId,
        (before, expected): (&Record, Vec<u8>),
        after: Option<&Record>,
        amounts: [Usd; 2],
    ) -> Self {
        let [amount, spent] = amounts;
        let changes = before.body.booked.iter().map(|booked| {
            let used = booked.weight.of(amount);
            let used = used.saturating_sub(booked.weight.of(before.body.amount));
            let already = before.spent();
            let spent = booked.weight.of(spent);
            Change::of(
                booked,
                used,
                spent.saturating_sub(booked.weight.of(already)),
            )
        });
        Self {
            owner,
            request,
            expected,
            record: after.map(Record::pack).unwrap_or_default(),
            changes: changes.collect(),
            rate: None,
        }
    }

    /// Asks what record there is, by expecting one that cannot be.
    pub(super) fn probe(owner: Owner, request: RequestId) -> Self {
        Self {
            owner,
            request,
            expected: IMPOSSIBLE.to_vec(),
            record: Vec::new(),
            changes: Vec::new(),
            rate: None,
        }
    }

    pub(super) fn wish(&self) -> Option<&RateWish> {
        self.rate.as_ref().map(|rate| &rate.wish)
    }

    /// Whether it cannot be told together with others: it is not expected to be taken, or needs a place of its own.
    pub(super) fn comes_alone(&self) -> bool {
        let limits = self.wish().map(|wish| [wish.of_tenant, wish.of_key]);
        let mut limits = limits.into_iter().flatten();
        self.expected == IMPOSSIBLE || limits.any(|limits| limits.concurrent.is_some())
    }

    pub(super) fn lifetime(&self, session: &Session) -> Duration {
        let state = State::of_record(&self.record).unwrap_or(State::Charged);
        record_lifetime(state, session)
    }
}

impl Change {
    fn hold(charge: &Charge, amount: Usd, session: &Session) -> Self {
        let weighted = charge.weight.of(amount);
        let (used_max, spent_max) = match charge.enforcement {
            // What weighs nothing passes no ceiling, not even one that is passed already.
            Enforcement::Ceiling if charge.weight.of(Usd::MAX) == Usd::ZERO => (None, None),
            Enforcement::Ceiling => (Some(charge.limit.saturating_sub(weighted)), None),
            // Nothing always fits below a limit that was reached.
            Enforcement::Settled if amount == Usd::ZERO => (None, None),
            Enforcement::Settled => {
                let below = charge.limit.saturating_sub(Usd::from_nanos(1));
                (None, Some(below))
            }
            Enforcement::Counted | Enforcement::Shadow(_) => (None, None),
        };
        let has_seen_all = session.has_seen_all_since(charge.account.window.start);
        Self {
            account: charge.account,
            used_max,
            spent_max,
            used: weighted,
            spent: Usd::ZERO,
            if_missing: if charge.starts_empty && has_seen_all {
                IfMissing::Create
            } else {
                IfMissing::Unknown
            },
        }
    }

    fn of(booked: &Booked, used: Usd, spent: Usd) -> Self {
        Self {
            account: booked.account,
            used_max: None,
            spent_max: None,
            used,
            spent,
            if_missing: IfMissing::Skip,
        }
    }
}

/// How long a record in this state is kept if nobody tells of it again.
pub(super) fn record_lifetime(state: State, session: &Session) -> Duration {
    match state {
        State::Held => session.hold_lifetime,
        State::Charged | State::Swept => CHARGE_LIFETIME,
    }
}

/// How long an account is kept from now on; nothing where that is for ever.
pub(super) fn lifetime_of(account: &Account, now: UtcMicros) -> Option<Duration> {
    match account.owner {
        AccountOwner::Session(_) => Some(IDLE_SESSION_KEPT),
        AccountOwner::Budget(_) if account.window.end == UtcMicros::MAX => None,
        AccountOwner::Budget(_) => {
            let left = account.window.end.since(now);
            Some(left.saturating_add(ENDED_WINDOW_KEPT))
        }
    }
}
