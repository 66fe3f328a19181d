//! What the scripts answer.

use std::num::NonZeroU32;
use std::time::Duration;

use redis::Value;
use smallvec::SmallVec;

use crate::domain::budget::Balance;
use crate::domain::money::Usd;
use crate::domain::rate::{
    RateLimits, RateStanding, RateStandings, RateSubject, RateUnit, RateWish, TooMany,
};
use crate::domain::window::UtcMicros;

const SECONDS: i64 = 61;
/// What `step.lua` tells of an account that is not there.
const MISSING: &str = "?";
const MICROS_PER_SECOND: i64 = 1_000_000;

/// What an account stands at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Spent, held, and given to replicas.
    pub(super) used: Usd,
    pub(super) spent: Usd,
    /// What replicas may spend without asking.
    pub(super) leased: Usd,
}

impl Standing {
    /// As whoever decides has to see it: what others may spend is as good as held.
    pub(super) fn decisive(self) -> Balance {
        Balance {
            spent: self.spent,
            held: self.used.saturating_sub(self.spent),
        }
    }

    /// What is known of it.
    pub(super) fn told(self) -> Balance {
        Balance {
            spent: self.spent,
            held: self
                .used
                .saturating_sub(self.spent)
                .saturating_sub(self.leased),
        }
    }
}

/// What became of a step.
#[derive(Debug)]
pub(super) enum Reply {
    /// It was taken; what the accounts stood at before.
    Taken(Option<RateStandings>, Vec<Option<Standing>>),
    /// The request's record is another than was expected; empty where it has none.
    Changed(Option<RateStandings>, Vec<Option<Standing>>, Vec<u8>),
    /// An account has no room.
    Full(Option<RateStandings>, Vec<Option<Standing>>),
    /// An account is not known.
    Unknown(Option<RateStandings>, usize),
    /// The request came too soon.
    TooMany(TooMany),
    /// Somebody opens accounts of these books.
    Frozen,
    /// There are no such books.
    Lost,
}

/// The answer is none that the scripts give: another version of them, or not Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The limits that a request counts on, by the number of their subject in the call.
pub(super) type Limits = SmallVec<[(usize, RateSubject, RateLimits); 2]>;

/// What is told of minutes.
#[derive(Debug)]
pub(super) struct Minutes {
    at: UtcMicros,
    minutes: Vec<Minute>,
}

#[derive(Debug)]
struct Minute {
    subject: usize,
    unit: RateUnit,
    total: i64,
    oldest: i64,
}

impl Reply {
    /// Reads what `step.lua` answers to a step that counts on these limits.
    pub(super) fn read(value: &Value, limits: &Limits) -> Result<Self, Unreadable> {
        let parts = array(value)?;
        let part = |index: usize| parts.get(index).ok_or(Unreadable);
        let told = || part(1).and_then(|told| told_of_rates(told, limits));
        match bytes(part(0)?)? {
            b"ok" => Ok(Self::Taken(told()?, balances(part(2)?)?)),
            b"full" => Ok(Self::Full(told()?, balances(part(2)?)?)),
            b"changed" => {
                let record = bytes(part(3)?)?.to_vec();
                Ok(Self::Changed(told()?, balances(part(2)?)?, record))
            }
            b"unknown" => {
                let index = usize::try_from(integer(part(2)?)?);
                Ok(Self::Unknown(
                    told()?,
                    index.map_err(|_negative| Unreadable)?,
                ))
            }
            b"busy" => too_many(parts, limits).map(Self::TooMany),
            b"frozen" => Ok(Self::Frozen),
            b"lost" => Ok(Self::Lost),
            _ => Err(Unreadable),
        }
    }
}

pub(super) fn array(value: &Value) -> Result<&[Value], Unreadable> {
    if let Value::Array(parts) = value {
        Ok(parts)
    } else {
        Err(Unreadable)
    }
}

pub(super) fn bytes(value: &Value) -> Result<&[u8], Unreadable> {
    if let Value::BulkString(bytes) = value {
        Ok(bytes)
    } else if let Value::SimpleString(text) = value {
        Ok(text.as_bytes())
    } else {
        Err(Unreadable)
    }
}

pub(super) fn text(value: &Value) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes(value)?).map_err(|_not_text| Unreadable)
}

pub(super) fn integer(value: &Value) -> Result<i64, Unreadable> {
    if let Value::Int(number) = value {
        Ok(*number)
    } else {
        text(value)?.parse().map_err(|_no_number| Unreadable)
    }
}

/// An account's `used`, `spent` and `leased`; nothing where there is no such account.
pub(super) fn standing_of(told: &[Value]) -> Result<Option<Standing>, Unreadable> {
    let [used, spent, leased] = told else {
        return Err(Unreadable);
    };
    let is_missing =
        |value: &Value| *value == Value::Nil || bytes(value).is_ok_and(<[u8]>::is_empty);
    if is_missing(used) || is_missing(spent) {
        return Ok(None);
    }
    let spent = Usd::from_nanos(integer(spent)?);
    let used = Usd::from_nanos(integer(used)?);
    Ok(Some(Standing {
        used,
        spent,
        leased: if *leased == Value::Nil {
            Usd::ZERO
        } else {
            Usd::from_nanos(integer(leased)?)
        },
    }))
}

/// `used`, `spent` and `leased` of accounts, in one text; those that are missing have none.
pub(super) fn balances(value: &Value) -> Result<Vec<Option<Standing>>, Unreadable> {
    let mut words = text(value)?.split_ascii_whitespace();
    let mut all = Vec::new();
    while let Some(used) = words.next() {
        let spent = words.next().ok_or(Unreadable)?;
        let leased = words.next().ok_or(Unreadable)?;
        all.push(if used == MISSING {
            None
        } else {
            Some(Standing {
                used: amount(used)?,
                spent: amount(spent)?,
                leased: amount(leased)?,
            })
        });
    }
    Ok(all)
}

fn amount(word: &str) -> Result<Usd, Unreadable> {
    let nanos = word.parse().map_err(|_no_number| Unreadable)?;
    Ok(Usd::from_nanos(nanos))
}

/// Subjects of rates, in the order in which the step counts them.
pub(super) fn subjects(wish: &RateWish) -> Vec<(RateSubject, RateLimits)> {
    let both = [
        (RateSubject::Tenant, wish.of_tenant),
        (RateSubject::Key, wish.of_key),
    ];
    let limited = both
        .into_iter()
        .filter(|(_, limits)| !limits.is_unlimited());
    limited.collect()
}

fn told_of_rates(value: &Value, limits: &Limits) -> Result<Option<RateStandings>, Unreadable> {
    let minutes = Minutes::read(value)?;
    let standings = minutes.map(|minutes| minutes.standings(limits, |_, _| 0));
    standings.transpose()
}

impl Minutes {
    /// Second and microsecond, then subject, unit, total and oldest second of each minute, in one text; nothing
    /// where nothing was counted.
    pub(super) fn read(value: &Value) -> Result<Option<Self>, Unreadable> {
        let words = text(value)?.split_ascii_whitespace().map(str::parse);
        let numbers: Vec<i64> = words
            .collect::<Result<_, _>>()
            .map_err(|_no_number| Unreadable)?;
        let [second, micros, minutes @ ..] = numbers.as_slice() else {
            return Ok(None);
        };
        let minutes = minutes.chunks_exact(4).map(Minute::read);
        Ok(Some(Self {
            at: instant(*second, *micros),
            minutes: minutes.collect::<Result<_, _>>()?,
        }))
    }

    /// Where one request stands, that counts on these limits; `later` tells how much of a minute was counted
    /// after it.
    pub(super) fn standings(
        &self,
        limits: &Limits,
        later: impl Fn(usize, RateUnit) -> i64,
    ) -> Result<RateStandings, Unreadable> {
        let mut standings = RateStandings::unlimited(self.at);
        for minute in &self.minutes {
            let Some((.., limits)) = limits.iter().find(|(it, ..)| *it == minute.subject) else {
                continue;
            };
            let total = minute.total - later(minute.subject, minute.unit);
            let standing =
                |limit: NonZeroU32| standing(limit.get(), [total, minute.oldest], self.at);
            let mut of_one = RateStandings::unlimited(self.at);
            match (minute.unit, limits.requests, limits.tokens) {
                (RateUnit::Requests, Some(limit), _) => of_one.requests = Some(standing(limit)?),
                (RateUnit::Tokens, _, Some(limit)) => of_one.tokens = Some(standing(limit)?),
                _other => return Err(Unreadable),
            }
            standings = standings.and(of_one);
        }
        Ok(standings)
    }
}

impl Minute {
    fn read(numbers: &[i64]) -> Result<Self, Unreadable> {
        let [subject, unit, total, oldest] = *numbers else {
            return Err(Unreadable);
        };
        Ok(Self {
            subject: usize::try_from(subject).map_err(|_negative| Unreadable)?,
            unit: match unit {
                0 => RateUnit::Requests,
                1 => RateUnit::Tokens,
                _other => return Err(Unreadable),
            },
            total,
            oldest,
        })
    }
}

fn standing(
    limit: u32,
    [total, oldest]: [i64; 2],
    now: UtcMicros,
) -> Result<RateStanding, Unreadable> {
    let total = u32::try_from(total).map_err(|_too_many| Unreadable)?;
    Ok(RateStanding {
        limit,
        remaining: limit.saturating_sub(total),
        resets_in: instant(oldest.saturating_add(SECONDS), 0).since(now),
    })
}

/// After the word: subject, unit, total, oldest second, when there is room, second, microsecond.
fn too_many(parts: &[Value], limits: &Limits) -> Result<TooMany, Unreadable> {
    let [_, subject, unit, total, oldest, free, second, micros] = parts else {
        return Err(Unreadable);
    };
    let now = instant(integer(second)?, integer(micros)?);
    let index = usize::try_from(integer(subject)?).map_err(|_negative| Unreadable)?;
    let its = limits.iter().find(|(it, ..)| *it == index);
    let (_, subject, limits) = *its.ok_or(Unreadable)?;
    let (unit, limit) = match integer(unit)? {
        0 => (RateUnit::Requests, limits.requests),
        1 => (RateUnit::Tokens, limits.tokens),
        2 => (RateUnit::Concurrent, limits.concurrent),
        _other => return Err(Unreadable),
    };
    let limit = limit.ok_or(Unreadable)?.get();
    let retry_after = instant(integer(free)?, 0).since(now);
    let standing = match unit {
        RateUnit::Requests | RateUnit::Tokens => {
            standing(limit, [integer(total)?, integer(oldest)?], now)?
        }
        RateUnit::Concurrent => RateStanding {
            limit,
            remaining: 0,
            resets_in: Duration::from_secs(1),
        },
    };
    Ok(TooMany {
        unit,
        subject,
        standing,
        retry_after,
    })
}

pub(super) fn instant(second: i64, micros: i64) -> UtcMicros {
    let seconds = second.saturating_mul(MICROS_PER_SECOND);
    UtcMicros::new(seconds.saturating_add(micros))
}
