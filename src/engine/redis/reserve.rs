//! Holding money: in one step on the books of the tenant and, where it has budgets, in another on those of
//! the installation.

use std::sync::atomic::Ordering;

use smallvec::SmallVec;
use tokio::time::Instant;

use crate::domain::budget::{Balance, Charge, Exhausted, Hold, Reservation, Scope};
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateStandings};
use crate::engine::Refusal;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Unreachable;
use crate::engine::redis::record::{Body, Record, State};
use crate::engine::redis::reply::Reply;
use crate::engine::redis::settle::{ReleaseUnlessKept, Unanswered};
use crate::engine::redis::step::Step;
use crate::engine::redis::{RedisEngine, UnderWay};

/// How often a reservation that may be smaller is tried with what fits.
const FITTING_MAX: usize = 8;
/// What reserving on the books of one owner came to.
struct Held {
    remaining: Option<Usd>,
    record: Record,
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
        for _ in 0..FITTING_MAX {
            let Some(session) = self.link.session() else {
                return (standings, Err(Refusal::Unavailable));
            };
            let record = Record::held(wish, charges, amount);
            let step = Step::hold(owner, wish.request, &record, charges, &session).at_rate(rate);
            let unanswered = Unanswered::new(self, owner, wish.request, &record);
            let reply = self.take(&step).await;
            if reply.is_ok() {
                unanswered.answered();
            }
            let (told, taken) = outcome(reply, wish, charges, record);
            // What was counted is not counted again.
            if let Some(told) = told {
                (standings, rate) = (Some(told), None);
            }
            match taken {
                Taken::Held(held) => return (standings, Ok(*held)),
                Taken::Refused(refusal) => return (standings, Err(refusal)),
                Taken::Fits(less) => amount = less,
            }
        }
        (standings, Err(Refusal::Unavailable))
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
            Err(refusal) => return (standings, Err(refusal)),
        };
        // A hold is never more than the smaller of both; the larger one is put right at its end.
        both.amount = both.amount.min(held.record.body.amount);
        both.remaining = [both.remaining, held.remaining].into_iter().flatten().min();
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
        Ok(Reply::Taken(told, balances)) => (
            told,
            Taken::Held(Box::new(Held {
                remaining: tightest(charges, &balances).map(|(room, ..)| room),
                record,
            })),
        ),
        Ok(Reply::Changed(told, balances, known)) => match Record::read(&known) {
            Some(known) if known.state == State::Held => (
                told,
                Taken::Held(Box::new(Held {
                    remaining: tightest(charges, &balances).map(|(room, ..)| room),
                    record: known,
                })),
            ),
            Some(_) | None => (told, Taken::Refused(Refusal::Unavailable)),
        },
        Ok(Reply::Full(told, balances)) => (told, fit(wish, charges, &balances)),
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
    balances: &[Option<Balance>],
) -> Option<(Usd, &'a Charge, Balance)> {
    let rooms = charges
        .iter()
        .zip(balances)
        .filter_map(|(charge, balance)| {
            let balance = balance.unwrap_or_default();
            Some((charge.room(balance)?, *charge, balance))
        });
    rooms.min_by_key(|(room, ..)| *room)
}

fn fit(wish: &Reservation, charges: &[&Charge], balances: &[Option<Balance>]) -> Taken {
    match tightest(charges, balances) {
        Some((room, charge, balance)) if room < wish.at_least => {
            let exhausted = Exhausted::new(charge, balance, wish.at_least);
            Taken::Refused(Refusal::Exhausted(Box::new(exhausted)))
        }
        Some((room, ..)) => Taken::Fits(room.min(wish.wanted)),
        None => Taken::Refused(Refusal::Unavailable),
    }
}

impl Record {
    fn held(wish: &Reservation, charges: &[&Charge], amount: Usd) -> Self {
        Self {
            state: State::Held,
            body: Body {
                amount,
                at: wish.at,
                origin: wish.origin.clone(),
                booked: charges.iter().map(|charge| (*charge).into()).collect(),
            },
        }
    }
}
