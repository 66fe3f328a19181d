//! Steps of several requests on the same books, added up to one: so Redis reads and writes once what they have in
//! common. If that one cannot be taken, `step.lua` takes each of them in their order.

use std::fmt::Write as _;
use std::sync::Arc;

use indexmap::IndexMap;
use redis::{Cmd, Value};

use crate::domain::budget::{Account, AccountOwner};
use crate::domain::id::ApiKeyId;
use crate::domain::money::Usd;
use crate::domain::rate::{RateLimits, RateUnit};
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Session;
use crate::engine::redis::opening::millis;
use crate::engine::redis::reply::{
    Limits, Minutes, Reply, Standing, Unreadable, array, balances, bytes, subjects,
};
use crate::engine::redis::scripts::{Call, Scripts};
use crate::engine::redis::step::{Change, IfMissing, Step, lifetime_of};

/// The most steps of one call: Redis serves nobody else meanwhile.
const STEPS_MAX: usize = 32;
/// Marker, frozen, requests, expiry.
const STEP_KEYS: usize = 4;
/// Requests, tokens, at once.
const KEYS_OF_SUBJECT: usize = 3;
/// What a usual call takes, and each of its steps.
const ARGS_USUAL: usize = 56;
const ARGS_OF_STEP: usize = 5;
const BYTES_USUAL: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Group {
    owner: Owner,
    steps: Vec<Arc<Step>>,
    /// A step has each account at most once.
    accounts: IndexMap<Account, Sum>,
    /// Whose minutes: the tenant's, and those of keys.
    subjects: IndexMap<Option<ApiKeyId>, Counted>,
}

/// What the changes of steps to one account come to.
#[derive(Clone, Copy, Debug)]
struct Sum {
    used_max: Option<Usd>,
    spent_max: Option<Usd>,
    used: Usd,
    spent: Usd,
    /// Nothing where steps differ.
    if_missing: Option<IfMissing>,
}

/// What steps count on one subject of rates.
#[derive(Clone, Copy, Debug)]
struct Counted {
    limits: RateLimits,
    requests: u32,
    tokens: u32,
}

impl Group {
    pub(super) fn new(step: Arc<Step>) -> Self {
        let mut group = Self {
            owner: step.owner,
            steps: Vec::new(),
            accounts: IndexMap::new(),
            subjects: IndexMap::new(),
        };
        group.push(step);
        group
    }

    /// Adds a step, if it can be told together with the others.
    pub(super) fn add(&mut self, step: Arc<Step>) -> Result<(), Arc<Step>> {
        if !self.may_join(&step) {
            return Err(step);
        }
        self.push(step);
        Ok(())
    }

    fn may_join(&self, step: &Step) -> bool {
        let others = |it: &Arc<Step>| !it.comes_alone() && it.request != step.request;
        self.steps.len() < STEPS_MAX
            && !step.comes_alone()
            && self.steps.iter().all(others)
            && self.has_limits_of(step)
    }

    /// Whether nobody had other limits in mind, as after they were changed.
    fn has_limits_of(&self, step: &Step) -> bool {
        let mut own = step.wish().into_iter().flat_map(|wish| {
            let named = subjects(wish).into_iter();
            named.map(|(subject, limits)| (subject.key_of(wish), limits))
        });
        own.all(|(key, limits)| self.subjects.get(&key).is_none_or(|it| it.limits == limits))
    }

    fn push(&mut self, step: Arc<Step>) {
        for change in &step.changes {
            let sum = match self.accounts.get(&change.account) {
                Some(sum) => sum.and(change).unwrap_or(Sum::NEVER),
                None => Sum::of(change),
            };
            self.accounts.insert(change.account, sum);
        }
        if let Some(rate) = &step.rate {
            for (subject, limits) in subjects(&rate.wish) {
                let key = subject.key_of(&rate.wish);
                let counted = self.subjects.entry(key).or_insert(Counted::none(limits));
                counted.requests = counted.requests.saturating_add(1);
                counted.tokens = counted.tokens.saturating_add(rate.tokens);
            }
        }
        self.steps.push(step);
    }

    /// What Redis is told.
    pub(super) fn command(&self, scripts: &Scripts, session: &Session) -> Cmd {
        let books = self.owner.keys(&session.keys);
        let args = self.steps.len().saturating_mul(ARGS_OF_STEP);
        let bytes = self.steps.len().saturating_mul(BYTES_USUAL);
        let mut command = Cmd::with_capacity(args.saturating_add(ARGS_USUAL), bytes);
        command.arg("EVALSHA");
        let of_subjects = self.subjects.len().saturating_mul(KEYS_OF_SUBJECT);
        let keys = STEP_KEYS.saturating_add(self.accounts.len());
        scripts.begin(&mut command, Call::Step, keys.saturating_add(of_subjects));
        books.push_step(&mut command, self.accounts.keys().copied());
        for key in self.subjects.keys() {
            command.arg(&books.rates(*key));
        }
        command.arg(millis(session.hold_lifetime));
        self.push_accounts(&mut command, session);
        self.push_subjects(&mut command);
        for step in &self.steps {
            command.arg(step.request.as_bytes());
            command.arg(&step.expected).arg(&step.record);
            command.arg(millis(step.lifetime(session)));
            command.arg(if self.steps.len() > 1 {
                self.own_of(step)
            } else {
                String::new()
            });
        }
        command
    }

    fn push_accounts(&self, command: &mut Cmd, session: &Session) {
        command.arg(self.accounts.len());
        for (account, sum) in &self.accounts {
            for limit in [sum.used_max, sum.spent_max] {
                match limit {
                    Some(limit) => command.arg(limit.nanos()),
                    None => command.arg("?"),
                };
            }
            command.arg(sum.used.nanos()).arg(sum.spent.nanos());
            command.arg(sum.if_missing.map_or("apart", IfMissing::word));
            match lifetime_of(account, session.time()) {
                Some(lifetime) => command.arg(millis(lifetime)),
                None => command.arg(""),
            };
            let is_session = matches!(account.owner, AccountOwner::Session(_));
            command.arg(if is_session { "again" } else { "" });
        }
    }

    fn push_subjects(&self, command: &mut Cmd) {
        command.arg(self.subjects.len());
        for counted in self.subjects.values() {
            command.arg(counted.requests).arg(counted.tokens);
            let limits = counted.limits;
            for limit in [limits.requests, limits.tokens, limits.concurrent] {
                match limit {
                    Some(limit) => command.arg(limit.get()),
                    None => command.arg(""),
                };
            }
        }
    }

    /// What of the call is one step's own: its changes, a bar, and what it counts.
    fn own_of(&self, step: &Step) -> String {
        let mut own = String::new();
        for change in &step.changes {
            let place = lua_index(self.accounts.get_index_of(&change.account));
            // Writing into a string does not fail.
            let _ = write!(own, "{place} ");
            for limit in [change.used_max, change.spent_max] {
                let _ = match limit {
                    Some(limit) => write!(own, "{} ", limit.nanos()),
                    None => write!(own, "? "),
                };
            }
            let (used, spent) = (change.used.nanos(), change.spent.nanos());
            let _ = write!(own, "{used} {spent} {} ", change.if_missing.word());
        }
        own.push('|');
        if let Some(rate) = &step.rate {
            for (index, ..) in self.limits_of(step) {
                let place = lua_index(Some(index));
                let _ = write!(own, "{place} 1 {} ", rate.tokens);
            }
        }
        own
    }

    fn limits_of(&self, step: &Step) -> Limits {
        let Some(wish) = step.wish() else {
            return Limits::new();
        };
        let named = subjects(wish).into_iter().filter_map(|(subject, limits)| {
            let index = self.subjects.get_index_of(&subject.key_of(wish))?;
            Some((index, subject, limits))
        });
        named.collect()
    }

    /// What became of each step.
    pub(super) fn replies(&self, answer: &Value) -> Result<Vec<Reply>, Unreadable> {
        let parts = array(answer)?;
        let (word, parts) = parts.split_first().ok_or(Unreadable)?;
        match bytes(word)? {
            b"each" if parts.len() == self.steps.len() => {
                let both = self.steps.iter().zip(parts);
                both.map(|(step, part)| Reply::read(part, &self.limits_of(step)))
                    .collect()
            }
            b"ok" if self.steps.len() > 1 => self.taken(parts),
            _same_for_all => {
                let read = |step: &Arc<Step>| Reply::read(answer, &self.limits_of(step));
                self.steps.iter().map(read).collect()
            }
        }
    }

    /// All of them were taken, one after the other.
    fn taken(&self, told: &[Value]) -> Result<Vec<Reply>, Unreadable> {
        let [minutes, standings] = told else {
            return Err(Unreadable);
        };
        let minutes = Minutes::read(minutes)?;
        let mut standings = balances(standings)?;
        if standings.len() != self.accounts.len() {
            return Err(Unreadable);
        }
        // What comes after the step that is looked at.
        let mut later: Vec<Counted> = self.subjects.values().copied().collect();
        let mut replies = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let limits = self.limits_of(step);
            for (index, ..) in &limits {
                if let (Some(counted), Some(rate)) = (later.get_mut(*index), &step.rate) {
                    counted.requests = counted.requests.saturating_sub(1);
                    counted.tokens = counted.tokens.saturating_sub(rate.tokens);
                }
            }
            let after = |subject: usize, unit| later.get(subject).map_or(0, |it| it.of(unit));
            let told = minutes.as_ref().filter(|_| !limits.is_empty());
            let told = told.map(|minutes| minutes.standings(&limits, after));
            let stood_at = self.change_all(step, &mut standings);
            replies.push(Reply::Taken(told.transpose()?, stood_at));
        }
        Ok(replies)
    }

    /// What the accounts of a step stood at before it.
    fn change_all(&self, step: &Step, standings: &mut [Option<Standing>]) -> Vec<Option<Standing>> {
        let mut before = Vec::with_capacity(step.changes.len());
        for change in &step.changes {
            let index = self.accounts.get_index_of(&change.account);
            let standing = index.and_then(|index| standings.get_mut(index));
            let Some(standing) = standing else { continue };
            before.push(*standing);
            if matches!(change.if_missing, IfMissing::Create) {
                standing.get_or_insert_default();
            }
            if let Some(standing) = standing {
                standing.used = standing.used.saturating_add(change.used);
                standing.spent = standing.spent.saturating_add(change.spent);
            }
        }
        before
    }
}

impl Sum {
    /// What no account fits: then each step is asked for by itself.
    const NEVER: Self = Self {
        used_max: Some(Usd::from_nanos(i64::MIN)),
        spent_max: None,
        used: Usd::ZERO,
        spent: Usd::ZERO,
        if_missing: None,
    };

    fn of(change: &Change) -> Self {
        Self {
            used_max: change.used_max,
            spent_max: change.spent_max,
            used: change.used,
            spent: change.spent,
            if_missing: Some(change.if_missing),
        }
    }

    /// With a change that comes after these; nothing where that cannot be represented. What it must find at
    /// most, it must find before these less what they add.
    fn and(self, change: &Change) -> Option<Self> {
        let before = |max: Option<Usd>, added: Usd| max.map(|max| max.saturating_sub(added));
        let tighter = |one: Option<Usd>, other| one.into_iter().chain(other).min();
        Some(Self {
            used_max: tighter(self.used_max, before(change.used_max, self.used)),
            spent_max: tighter(self.spent_max, before(change.spent_max, self.spent)),
            used: self.used.checked_add(change.used)?,
            spent: self.spent.checked_add(change.spent)?,
            if_missing: self.if_missing.filter(|it| *it == change.if_missing),
        })
    }
}

impl Counted {
    fn none(limits: RateLimits) -> Self {
        Self {
            limits,
            requests: 0,
            tokens: 0,
        }
    }

    fn of(&self, unit: RateUnit) -> i64 {
        i64::from(match unit {
            RateUnit::Requests => self.requests,
            RateUnit::Tokens => self.tokens,
            RateUnit::Concurrent => 0,
        })
    }
}

/// As Lua counts.
fn lua_index(index: Option<usize>) -> usize {
    index.map_or(0, |index| index.saturating_add(1))
}
