//! Holding money: in one step on the books of the tenant and, where it has budgets, in another on those of
//! the installation.

use std::sync::atomic::Ordering;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::time::{Instant, sleep};

use crate::domain::budget::{Charge, Exhausted, Hold, Reservation, Scope};
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateStandings, RateWish};
use crate::engine::Refusal;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Unreachable;
use crate::engine::redis::record::{Body, Record, State};
use crate::engine::redis::reply::{Reply, Standing};
use crate::engine::redis::settle::{ReleaseUnlessKept, Unanswered};
use crate::engine::redis::step::Step;
use crate::engine::redis::{RedisEngine, UnderWay};

/// How often a reservation that may be smaller is tried with what fits.
const FITTING_MAX: usize = 8;
/// After so many tries that came too late, only what is of use is asked for.
const EASED_MAX: i64 = 6;
/// How long a request waits for what other replicas may spend and do not need.
const GIVEN_BACK_WITHIN: Duration = Duration::from_millis(400);
const GIVEN_BACK_RETRY: Duration = Duration::from_millis(25);

/// What reserving on the books of one owner came to.
struct Held {
    remaining: Option<Usd>,
    /// What the budgets say that only count for now and would have refused.
    shadows: Vec<Exhausted>,
    record: Record,
    standings: Vec<Option<Standing>>,
}

impl RedisEngine {
    /// Holds on the books of one owner: as much as fits, but not less than is of use.
    async fn hold(
        &self,
        owner: Owner,
        wish: &Reservation,
        charges: &[&Charge],
        rate: Option<&RateClaim>,
    ) -> (Option<RateStandings>, Result<Held, Refusal>) {
        let (mut amount, mut rate, mut standings) = (wish.wanted, rate, None);
        let (mut fits, deadline) = (0, Instant::now() + GIVEN_BACK_WITHIN);
        while fits < FITTING_MAX {
            let Some(session) = self.link.session() else {
                return (standings, Err(Refusal::Unavailable));
            };
            let record = Record::held(wish, charges, amount, &self.replica);
            let step =
                Step::hold(owner, wish.request, &record, charges, &session).at_rate(rate.copied());
            let unanswered = Unanswered {
                engine: self,
                owner,
                request: wish.request,
                record: Some(&record),
            };
            let reply = self.take(step).await;
            match &reply {
                Ok(_) => unanswered.answered(),
                Err(Unreachable) => drop(unanswered),
            }
            let (told, taken) = outcome(reply, wish, charges, record);
            // What was counted is not counted again.
            if let Some(told) = told {
                (standings, rate) = (Some(told), None);
            }
            match taken {
                Taken::Held(held) => {
                    self.note_for_leases(wish, charges, &held);
                    return (standings, Ok(*held));
                }
                Taken::Leased(_) if Instant::now() < deadline => sleep(GIVEN_BACK_RETRY).await,
                Taken::Refused(refusal) | Taken::Leased(refusal) => {
                    return (standings, Err(refusal));
                }
                Taken::Fits(room) => (amount, fits) = (next_try(room, wish, fits), fits + 1),
            }
        }
        (standings, Err(Refusal::Unavailable))
    }

    /// Holds from slices, as long as Redis was heard of lately. What Redis knows to be held is not held again.
    pub(super) fn reserve_leased(
        &self,
        wish: &Reservation,
        rate: Option<&RateWish>,
    ) -> Option<(Option<RateStandings>, Hold)> {
        let may_be_taken = self.leases_are_taken
            && !self.leases.is_closed()
            && self.link.was_heard_lately()
            && !self.under_way.contains_key(&wish.request);
        let reserve = || self.leases.reserve(wish, rate, &self.replica);
        may_be_taken.then(reserve).flatten()
    }

    fn note_for_leases(&self, wish: &Reservation, charges: &[&Charge], held: &Held) {
        let is_everybodys = |charge: &&Charge| charge.scope == Scope::Installation;
        if self.leases_are_taken && !charges.iter().any(is_everybodys) {
            let (amount, standings) = (held.record.body.amount, &held.standings);
            self.leases.note(wish, amount, charges, standings);
        }
    }

    /// Holds on the books of the tenant and, where those are charged, of the installation.
    pub(super) async fn reserve_on_both(
        &self,
        wish: &Reservation,
        rate: Option<&RateClaim>,
    ) -> (Option<RateStandings>, Result<Hold, Refusal>) {
        let is_everybodys = |charge: &&Charge| charge.scope == Scope::Installation;
        let (everybodys, own): (Vec<&Charge>, Vec<&Charge>) =
            wish.charges.iter().partition(is_everybodys);
        let tenant = wish.origin.tenant;
        let (standings, held) = self.hold(Owner::Tenant(tenant), wish, &own, rate).await;
        let held = match held {
            Ok(held) => held,
            Err(refusal) => return (standings, Err(refusal)),
        };
        let mut under_way = UnderWay {
            since: Instant::now(),
            records: SmallVec::new(),
        };
        let mut both = Hold {
            request: wish.request,
            tenant,
            amount: held.record.body.amount,
            remaining: held.remaining,
            shadows: held.shadows,
        };
        under_way.records.push((Owner::Tenant(tenant), held.record));
        // Whatever becomes of this future, what it holds is known from here on.
        self.under_way.insert(wish.request, under_way);
        if everybodys.is_empty() {
            return (standings, Ok(both));
        }
        let releasing = ReleaseUnlessKept::new(self, &both);
        self.installation_counts.store(true, Ordering::Relaxed);
        let less = Reservation {
            wanted: both.amount,
            ..wish.clone()
        };
        let held = self.hold(Owner::Installation, &less, &everybodys, None);
        let held = match held.await.1 {
            Ok(held) => held,
            Err(refusal) => {
                releasing.release_now().await;
                return (standings, Err(refusal));
            }
        };
        // A hold is never more than the smaller of both; the larger one is put right at its end.
        both.amount = both.amount.min(held.record.body.amount);
        both.remaining = [both.remaining, held.remaining].into_iter().flatten().min();
        both.shadows.extend(held.shadows);
        if let Some(mut known) = self.under_way.get_mut(&wish.request) {
            known.records.push((Owner::Installation, held.record));
        }
        releasing.keep();
        (standings, Ok(both))
    }
}

/// How an attempt to hold ended.
enum Taken {
    Held(Box<Held>),
    Refused(Refusal),
    /// There would be room if replicas did not have slices that they may give back.
    Leased(Refusal),
    /// It did not, but so much would fit.
    Fits(Usd),
}

fn outcome(
    reply: Result<Reply, Unreachable>,
    wish: &Reservation,
    charges: &[&Charge],
    record: Record,
) -> (Option<RateStandings>, Taken) {
    match reply {
        Ok(Reply::Taken(told, mut standings)) => {
            let shadows = shadows(wish, charges, &standings);
            for (charge, standing) in charges.iter().zip(&mut standings) {
                let standing = standing.get_or_insert_default();
                let held = charge.weight.of(record.body.amount);
                standing.used = standing.used.saturating_add(held);
            }
            let held = Held {
                shadows,
                ..Held::new(record, charges, standings)
            };
            (told, Taken::Held(Box::new(held)))
        }
        Ok(Reply::Changed(told, standings, known)) => match Record::read(&known) {
            Some(known) if known.state == State::Held => (
                told,
                Taken::Held(Box::new(Held::new(known, charges, standings))),
            ),
            Some(_) | None => (told, Taken::Refused(Refusal::Unavailable)),
        },
        Ok(Reply::Full(told, standings)) => (told, fit(wish, charges, &standings)),
        Ok(Reply::Unknown(told, index)) => {
            let unknown = charges.get(index).map(|charge| charge.account);
            let refusal = unknown.map_or(Refusal::Unavailable, Refusal::Unknown);
            (told, Taken::Refused(refusal))
        }
        Ok(Reply::TooMany(too_many)) => (None, Taken::Refused(Refusal::TooMany(too_many))),
        Ok(Reply::Frozen | Reply::Lost) | Err(Unreachable) => {
            (None, Taken::Refused(Refusal::Unavailable))
        }
    }
}

/// The account with the least room, and that room.
fn tightest<'a>(
    charges: &[&'a Charge],
    standings: &[Option<Standing>],
) -> Option<(Usd, &'a Charge, Standing)> {
    let both = charges.iter().zip(standings);
    let rooms = both.filter_map(|(charge, standing)| {
        let standing = standing.unwrap_or_default();
        Some((charge.room(standing.decisive())?, *charge, standing))
    });
    rooms.min_by_key(|(room, ..)| *room)
}

/// What the budgets say that only count for now, by what they stood at before.
fn shadows(
    wish: &Reservation,
    charges: &[&Charge],
    standings: &[Option<Standing>],
) -> Vec<Exhausted> {
    let both = charges.iter().zip(standings);
    let refused = both.filter_map(|(charge, standing)| {
        charge.would_refuse(standing.unwrap_or_default().decisive(), wish.at_least)
    });
    refused.collect()
}

/// What to try next where so much would fit: all of it at first, and then less and less, for others take
/// of it meanwhile. In the end what is of use has to do.
fn next_try(room: Usd, wish: &Reservation, fits: usize) -> Usd {
    let beyond = room.saturating_sub(wish.at_least).nanos();
    let steps = i64::try_from(fits).unwrap_or(i64::MAX);
    let left_out = (beyond / EASED_MAX).saturating_add(1).saturating_mul(steps);
    let eased = room.saturating_sub(Usd::from_nanos(left_out));
    eased.max(wish.at_least)
}

fn fit(wish: &Reservation, charges: &[&Charge], standings: &[Option<Standing>]) -> Taken {
    match tightest(charges, standings) {
        Some((room, charge, standing)) if room < wish.at_least => {
            let exhausted = Exhausted::new(charge, standing.decisive(), wish.at_least);
            let refusal = Refusal::Exhausted(Box::new(exhausted));
            if standing.leased > Usd::ZERO {
                Taken::Leased(refusal)
            } else {
                Taken::Refused(refusal)
            }
        }
        Some((room, ..)) => Taken::Fits(room.min(wish.wanted)),
        None => Taken::Refused(Refusal::Unavailable),
    }
}

impl Held {
    fn new(record: Record, charges: &[&Charge], standings: Vec<Option<Standing>>) -> Self {
        Self {
            remaining: tightest(charges, &standings).map(|(room, ..)| room),
            shadows: Vec::new(),
            record,
            standings,
        }
    }
}

impl Record {
    pub(super) fn held(
        wish: &Reservation,
        charges: &[&Charge],
        amount: Usd,
        replica: &str,
    ) -> Self {
        Self {
            state: State::Held,
            body: Body {
                amount,
                at: wish.at,
                origin: wish.origin.clone(),
                replica: replica.to_owned(),
                booked: charges.iter().map(|charge| (*charge).into()).collect(),
            },
        }
    }
}
