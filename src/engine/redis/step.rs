//! A step on the books of one owner, as `step.lua` takes it.

use std::time::Duration;

use redis::Cmd;

use crate::domain::budget::{Account, AccountOwner, Charge, Enforcement};
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateLimits, RateSubject, RateWish};
use crate::domain::window::UtcMicros;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Session;
use crate::engine::redis::opening::millis;
use crate::engine::redis::record::{Booked, Record, State};
use crate::engine::redis::reply::subjects;
use crate::engine::redis::scripts::{Call, Scripts};

/// Marker, frozen, requests, expiry.
const STEP_KEYS: usize = 4;
/// Requests, tokens, at once.
const KEYS_OF_SUBJECT: usize = 3;
/// What a usual step takes.
const ARGS_USUAL: usize = 56;
const BYTES_USUAL: usize = 1024;
/// A charge is kept so long for a ledger that does not have it.
const CHARGE_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// An account is kept so long after its window, for requests that end late.
const ENDED_WINDOW_KEPT: Duration = Duration::from_hours(48);
/// A session that nobody uses any more is kept so long; then it is opened again.
const IDLE_SESSION_KEPT: Duration = Duration::from_hours(7 * 24);

/// What happens to an account that is not there.
#[derive(Clone, Copy, Debug)]
enum IfMissing {
    Create,
    Unknown,
    Skip,
}

/// What happens to one account.
#[derive(Clone, Debug)]
struct Change {
    account: Account,
    used_max: Option<Usd>,
    spent_max: Option<Usd>,
    used: Usd,
    spent: Usd,
    if_missing: IfMissing,
}

/// One step: a record takes the place of another.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) owner: Owner,
    request: RequestId,
    expected: Vec<u8>,
    /// Empty where the request has none afterwards.
    record: Vec<u8>,
    changes: Vec<Change>,
    rate: Option<&'a RateClaim>,
}

impl<'a> Step<'a> {
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
    pub(super) fn at_rate(self, rate: Option<&'a RateClaim>) -> Self {
        Self { rate, ..self }
    }

    /// Only takes places in the minute.
    pub(super) fn rate_only(rate: &'a RateClaim) -> Self {
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
            expected: vec![b'?'],
            record: Vec::new(),
            changes: Vec::new(),
            rate: None,
        }
    }

    pub(super) fn wish(&self) -> Option<&'a RateWish> {
        self.rate.map(|rate| &rate.wish)
    }

    /// What Redis is told.
    pub(super) fn command(&self, scripts: &Scripts, session: &Session) -> Cmd {
        let books = self.owner.keys(&session.keys);
        let subjects = self.rate.map(|rate| subjects(&rate.wish));
        let subjects = subjects.unwrap_or_default();
        let mut command = Cmd::with_capacity(ARGS_USUAL, BYTES_USUAL);
        command.arg("EVALSHA");
        let keys = STEP_KEYS + self.changes.len() + subjects.len() * KEYS_OF_SUBJECT;
        scripts.begin(&mut command, Call::Step, keys);
        let accounts = self.changes.iter().map(|change| change.account);
        books.push_step(&mut command, accounts);
        for (subject, _) in &subjects {
            let wish = self.rate.map(|rate| &rate.wish);
            let key = wish.and_then(|wish| subject.key_of(wish));
            command.arg(&books.rates(key));
        }
        command.arg(self.request.as_bytes());
        command.arg(&self.expected).arg(&self.record);
        command.arg(millis(self.lifetime(session)));
        command.arg(self.changes.len());
        for change in &self.changes {
            change.push_args(&mut command, session.time());
        }
        self.push_limits(&mut command, &subjects, session);
        command
    }

    fn lifetime(&self, session: &Session) -> Duration {
        let state = State::of_record(&self.record).unwrap_or(State::Charged);
        record_lifetime(state, session)
    }

    fn push_limits(
        &self,
        command: &mut Cmd,
        subjects: &[(RateSubject, RateLimits)],
        session: &Session,
    ) {
        command.arg(subjects.len());
        let Some(rate) = self.rate else { return };
        command.arg(rate.tokens).arg(millis(session.hold_lifetime));
        for (_, limits) in subjects {
            for limit in [limits.requests, limits.tokens, limits.concurrent] {
                match limit {
                    Some(limit) => command.arg(limit.get()),
                    None => command.arg(""),
                };
            }
        }
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

    fn push_args(&self, command: &mut Cmd, now: UtcMicros) {
        for limit in [self.used_max, self.spent_max] {
            match limit {
                Some(limit) => command.arg(limit.nanos()),
                None => command.arg(""),
            };
        }
        command.arg(self.used.nanos()).arg(self.spent.nanos());
        command.arg(match self.if_missing {
            IfMissing::Create => "create",
            IfMissing::Unknown => "unknown",
            IfMissing::Skip => "skip",
        });
        match lifetime_of(&self.account, now) {
            Some(lifetime) => command.arg(millis(lifetime)),
            None => command.arg(""),
        };
        let is_session = matches!(self.account.owner, AccountOwner::Session(_));
        command.arg(if is_session { "again" } else { "" });
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
