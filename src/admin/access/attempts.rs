//! How often it may be tried to log in with a password: by name, by address, and in all. A try under
//! way counts as if it had failed, so that many at once are not more.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::rate::SlidingMinute;
use crate::domain::window::UtcMicros;

/// Failed logins in a minute for one name.
const OF_NAME_MAX: u32 = 10;
/// From one address.
const FROM_ADDRESS_MAX: u32 = 20;
/// In all.
const IN_ALL_MAX: u32 = 60;
/// Names and addresses that are remembered before those are forgotten that do not count any more. No
/// more than `IN_ALL_MAX` of each can count.
const REMEMBERED_MAX: usize = 1_000;

/// Counts the logins that failed lately.
#[derive(Default)]
pub(in crate::admin) struct Attempts(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: Count,
    names: HashMap<String, Count>,
    addresses: HashMap<IpAddr, Count>,
}

#[derive(Default)]
struct Count {
    failed: SlidingMinute,
    under_way: u32,
}

impl Count {
    fn check(&mut self, now: UtcMicros, most: u32) -> Result<(), Duration> {
        let count = self.under_way.saturating_add(1);
        let room = self.failed.check(now, most, count);
        room.map_err(|full| full.retry_after)
    }

    fn end(&mut self, at: UtcMicros, has_failed: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        if has_failed {
            self.failed.add(at, 1);
        }
    }

    fn counts(&mut self, now: UtcMicros) -> bool {
        self.under_way > 0 || self.failed.check(now, 0, 0).is_err()
    }
}

/// A login under way. Dropped without having succeeded, it has failed.
pub(in crate::admin) struct Attempt {
    attempts: Arc<Attempts>,
    name: String,
    address: Option<IpAddr>,
    at: UtcMicros,
    has_failed: bool,
}

impl Attempt {
    /// Begins a login, or tells after which time one may be tried again.
    pub(in crate::admin) fn begin(
        attempts: &Arc<Attempts>,
        name: &str,
        address: Option<IpAddr>,
        at: UtcMicros,
    ) -> Result<Self, Duration> {
        let name = name.to_lowercase();
        let mut counts = attempts.0.lock();
        counts.all.check(at, IN_ALL_MAX)?;
        forget(&mut counts.names, at);
        forget(&mut counts.addresses, at);
        counts
            .names
            .entry(name.clone())
            .or_default()
            .check(at, OF_NAME_MAX)?;
        if let Some(address) = address {
            let count = counts.addresses.entry(address).or_default();
            count.check(at, FROM_ADDRESS_MAX)?;
        }
        counts.each(&name, address, |count| {
            count.under_way = count.under_way.saturating_add(1);
        });
        drop(counts);
        Ok(Self {
            attempts: Arc::clone(attempts),
            name,
            address,
            at,
            has_failed: true,
        })
    }

    /// It was the right password.
    pub(in crate::admin) fn succeeded(mut self) {
        self.has_failed = false;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut counts = self.attempts.0.lock();
        let (at, has_failed) = (self.at, self.has_failed);
        counts.each(&self.name, self.address, |count| count.end(at, has_failed));
    }
}

impl Counts {
    fn each(&mut self, name: &str, address: Option<IpAddr>, change: impl Fn(&mut Count)) {
        change(&mut self.all);
        if let Some(count) = self.names.get_mut(name) {
            change(count);
        }
        if let Some(count) = address.and_then(|address| self.addresses.get_mut(&address)) {
            change(count);
        }
    }
}

fn forget<K: Eq + Hash>(counts: &mut HashMap<K, Count>, now: UtcMicros) {
    if counts.len() >= REMEMBERED_MAX {
        counts.retain(|_, count| count.counts(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UtcMicros = UtcMicros::new(1_000_000_000);
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn begin(attempts: &Arc<Attempts>, name: &str, address: Option<IpAddr>) -> Option<Attempt> {
        Attempt::begin(attempts, name, address, AT).ok()
    }

    #[test]
    fn tries_under_way_count_and_those_that_succeed_do_not() {
        let attempts = Arc::default();
        let under_way: Vec<_> = (0..OF_NAME_MAX)
            .map(|_| begin(&attempts, "Ann", None).unwrap())
            .collect();
        assert!(begin(&attempts, "ann", None).is_none());
        assert!(begin(&attempts, "bob", None).is_some());
        under_way.into_iter().for_each(Attempt::succeeded);
        for _ in 0..OF_NAME_MAX {
            drop(begin(&attempts, "ann", None).unwrap());
        }
        assert!(begin(&attempts, "ANN", None).is_none());
        let later = AT.plus(Duration::from_secs(62));
        assert!(Attempt::begin(&attempts, "ann", None, later).is_ok());
    }

    #[test]
    fn an_address_and_all_together_are_limited() {
        let attempts = Arc::default();
        for number in 0..FROM_ADDRESS_MAX {
            drop(begin(&attempts, &number.to_string(), Some(HERE)).unwrap());
        }
        assert!(begin(&attempts, "other", Some(HERE)).is_none());
        for number in FROM_ADDRESS_MAX..IN_ALL_MAX {
            drop(begin(&attempts, &number.to_string(), None).unwrap());
        }
        assert!(begin(&attempts, "another", None).is_none());
    }

    #[test]
    fn what_does_not_count_any_more_is_forgotten() {
        let attempts: Arc<Attempts> = Arc::default();
        for number in 0..3 * REMEMBERED_MAX {
            let at = AT.plus(Duration::from_secs(2 * u64::try_from(number).unwrap()));
            drop(Attempt::begin(&attempts, &number.to_string(), None, at).unwrap());
        }
        assert!(attempts.0.lock().names.len() <= REMEMBERED_MAX);
    }
}
