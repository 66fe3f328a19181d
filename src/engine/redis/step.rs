//! A step on the books of one owner, as `step.lua` takes it.

use redis::Cmd;

use crate::domain::budget::{Account, AccountOwner, Charge, Enforcement};
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateWish};
use crate::domain::window::UtcMicros;
use crate::engine::redis::keys::{BookKeys, Owner};
use crate::engine::redis::link::Session;
use crate::engine::redis::record::{Booked, Record, State};
use crate::engine::redis::reply::subjects;
use crate::engine::redis::scripts::{Call, Scripts, number, word};

use std::time::Duration;

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
        let mut keys = books.of_step().to_vec();
        let mut args = vec![
            Vec::new(),
            self.request.as_bytes().to_vec(),
            self.expected.clone(),
            self.record.clone(),
            number(self.lifetime(session).as_millis()),
            number(self.changes.len()),
        ];
        for change in &self.changes {
            keys.push(books.account(&change.account));
            change.push_args(&mut args, session.time());
        }
        self.push_rate((&books, session), &mut keys, &mut args);
        scripts.call(Call::Step, &keys, &args)
    }

    /// How long the record is kept if nobody tells of it again.
    fn lifetime(&self, session: &Session) -> Duration {
        if State::of_record(&self.record) == Some(State::Held) {
            session.hold_lifetime
        } else {
            CHARGE_LIFETIME
        }
    }

    fn push_rate(
        &self,
        (books, session): (&BookKeys, &Session),
        keys: &mut Vec<String>,
        args: &mut Vec<Vec<u8>>,
    ) {
        let Some(rate) = self.rate else {
            args.push(word("0"));
            return;
        };
        let subjects = subjects(&rate.wish);
        args.push(number(subjects.len()));
        args.push(number(rate.tokens));
        args.push(number(session.hold_lifetime.as_millis()));
        for (subject, limits) in subjects {
            keys.extend(books.rates(subject.key_of(&rate.wish)));
            for limit in [limits.requests, limits.tokens, limits.concurrent] {
                args.push(limit.map(number).unwrap_or_default());
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
            Enforcement::Settled => {
                let below = charge.limit.saturating_sub(Usd::from_nanos(1));
                (None, Some(below))
            }
            Enforcement::Counted => (None, None),
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

    fn push_args(&self, args: &mut Vec<Vec<u8>>, now: UtcMicros) {
        let limit = |limit: Option<Usd>| limit.map(|it| number(it.nanos())).unwrap_or_default();
        args.push(limit(self.used_max));
        args.push(limit(self.spent_max));
        args.push(number(self.used.nanos()));
        args.push(number(self.spent.nanos()));
        args.push(word(match self.if_missing {
            IfMissing::Create => "create",
            IfMissing::Unknown => "unknown",
            IfMissing::Skip => "skip",
        }));
        args.push(lifetime_of(&self.account, now));
    }
}

/// How long an account is kept from now on; empty where that is for ever.
pub(super) fn lifetime_of(account: &Account, now: UtcMicros) -> Vec<u8> {
    match account.owner {
        AccountOwner::Session(_) => number(IDLE_SESSION_KEPT.as_millis()),
        AccountOwner::Budget(_) if account.window.end == UtcMicros::MAX => Vec::new(),
        AccountOwner::Budget(_) => {
            let left = account.window.end.since(now);
            number(left.saturating_add(ENDED_WINDOW_KEPT).as_millis())
        }
    }
}
