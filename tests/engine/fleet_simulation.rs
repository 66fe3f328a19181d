//! Any sequence of steps of a fleet on a real Redis, beside books that are kept in the simplest way.
//!
//! Some replicas take leases and some do not, several things happen at once, and replicas die and come
//! back. No ceiling is ever passed by what is really held and charged, and when nothing is under way any
//! more, every account stands at exactly what was charged.

mod members;
mod steps;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use budgetguard::domain::budget::{Balance, Charge, Hold, Reservation};
use budgetguard::domain::money::Usd;
use budgetguard::engine::{OpenMode, Refusal, Spending};
use futures::future::join_all;
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::books::{BUDGETS, budgets_of, charge_on, counted, share_on, tag_of, tags_of};
use crate::fleet::Fleet;
use crate::fleet_simulation::members::{Member, SharedLedger};
use crate::fleet_simulation::steps::{Deed, Step, step, step_or_loss};
use crate::redis_server::RedisServer;
use crate::{NOW, balance, reservation, usd};

/// Of each replica, whether it takes leases.
const LEASES: [bool; 3] = [true, true, false];
/// So much larger are the limits than those of a single process: slices are parts of what is left, and
/// not worth having if they are small.
const LIMITS_TIMES: i64 = 8;
/// How many sequences of steps are tried, and how many in which Redis loses its data.
const SCHEDULES: u32 = 8;
const SCHEDULES_WITH_LOSS: u32 = 3;
const STEPS_MAX: usize = 60;
/// How long it may take until all is told, and slices that nobody uses are given back.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);
/// A hold that a dead replica does not renew is charged meanwhile.
const HOLD_LIFETIME: Duration = Duration::from_secs(1);

/// A request that holds money.
struct Held {
    hold: Hold,
    tags: u8,
    member: usize,
}

impl Held {
    /// What it comes to if it costs so many percent.
    fn charged(&self, share: i64) -> Spending {
        Spending {
            request: self.hold.request,
            origin: tags_of(self.tags),
            at: NOW,
            cost: usd(self.hold.amount.nanos() * share / 100),
        }
    }
}

/// What really happened.
#[derive(Default)]
struct Books {
    held: BTreeMap<u32, Held>,
    charged: Vec<Spending>,
}

struct Simulation {
    fleet: Fleet,
    members: Vec<Member>,
    ledger: SharedLedger,
    books: Mutex<Books>,
    requests: AtomicU32,
    /// What can lose its data, because nobody else uses it.
    server: Option<RedisServer>,
}

/// A charge on a budget that was there before.
fn charge_in_fleet(bit: usize) -> Charge {
    let charge = charge_on(bit);
    Charge {
        limit: usd(charge.limit.nanos() * LIMITS_TIMES),
        starts_empty: false,
        ..charge
    }
}

impl Simulation {
    async fn start(mut fleet: Fleet, server: Option<RedisServer>) -> Self {
        fleet.hold_lifetime = HOLD_LIFETIME;
        let ledger = SharedLedger::default();
        let mut members = Vec::new();
        for (number, has_leases) in LEASES.into_iter().enumerate() {
            let mut member = Member::new(format!("replica-{number}"), has_leases);
            member.come_back(&mut fleet, &ledger).await;
            members.push(member);
        }
        Self {
            fleet,
            members,
            ledger,
            books: Mutex::default(),
            requests: AtomicU32::new(0),
            server,
        }
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Together(deeds) => {
                let done = join_all(deeds.iter().map(|deed| self.perform(deed))).await;
                done.into_iter().collect::<Result<(), _>>()?;
            }
            Step::Compare => self.compare().await,
            Step::Kill {
                member,
                unsent,
                written,
            } => self.kill(*member, *unsent, *written).await,
            Step::ComeBack => self.come_back().await,
            Step::Flush => self.go_on_after_loss().await,
        }
        Ok(())
    }

    /// The replica, or another one if it is dead.
    fn living(&self, member: usize) -> Option<(usize, &Member)> {
        let all = self.members.len();
        let mut from = (member..member + all).map(|member| member % all);
        let alive = from.find(|member| self.members[*member].replica.is_some())?;
        Some((alive, &self.members[alive]))
    }

    async fn perform(&self, deed: &Deed) -> Result<(), TestCaseError> {
        match *deed {
            Deed::Settle { which, share } => self.settle(which, share),
            Deed::Release { which } => self.release(which),
            Deed::Record { member, rows } => {
                if let Some((_, member)) = self.living(member) {
                    member.record(rows, &self.ledger).await;
                }
            }
            Deed::Reopen { member, budgets } => self.reopen(member, budgets).await?,
            Deed::Reserve {
                member,
                tags,
                wanted,
                at_least,
                patience,
            } => {
                let reserving = self.reserve(member, tags, (wanted, at_least));
                let patience = patience.map_or(Duration::MAX, Duration::from_micros);
                if let Ok(reserved) = tokio::time::timeout(patience, reserving).await {
                    reserved?;
                }
            }
            Deed::Spend {
                member,
                tags,
                amount,
                share,
                times,
            } => self.spend(member, tags, (amount, share), times).await?,
        }
        Ok(())
    }

    async fn reopen(&self, member: usize, budgets: u8) -> Result<(), TestCaseError> {
        if let Some((_, member)) = self.living(member) {
            let bits = budgets_of(budgets);
            let opened = member.open(bits, OpenMode::Anew, &self.ledger).await;
            prop_assert!(opened.is_ok(), "{opened:?}");
        }
        Ok(())
    }

    async fn spend(
        &self,
        member: usize,
        tags: u8,
        (amount, share): (i64, i64),
        times: u8,
    ) -> Result<(), TestCaseError> {
        for _ in 0..times {
            let Some(number) = self.reserve(member, tags, (amount, amount)).await? else {
                break;
            };
            self.settle_request(number, share);
        }
        Ok(())
    }

    /// The number of the request, if it holds money now.
    async fn reserve(
        &self,
        member: usize,
        tags: u8,
        (wanted, at_least): (i64, i64),
    ) -> Result<Option<u32>, TestCaseError> {
        let Some((index, member)) = self.living(member) else {
            return Ok(None);
        };
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let charges: Vec<Charge> = budgets_of(tags).map(charge_in_fleet).collect();
        let wish = Reservation {
            origin: tags_of(tags),
            at_least: usd(at_least),
            ..reservation(number, &charges, wanted)
        };
        let hold = match member.engine().reserve(&wish).await {
            Ok(hold) => hold,
            Err(Refusal::Exhausted(_)) => return Ok(None),
            Err(refusal) => return Err(TestCaseError::fail(format!("refused: {refusal:?}"))),
        };
        prop_assert!(hold.amount >= usd(at_least) && hold.amount <= usd(wanted));
        let request = Held {
            hold,
            tags,
            member: index,
        };
        self.books.lock().held.insert(number, request);
        Ok(Some(number))
    }

    fn pick(&self, which: usize) -> Option<u32> {
        let books = self.books.lock();
        let count = books.held.len();
        books.held.keys().nth(which.checked_rem(count)?).copied()
    }

    fn settle(&self, which: usize, share: i64) {
        if let Some(number) = self.pick(which) {
            self.settle_request(number, share);
        }
    }

    /// Charges a part of what the request holds.
    fn settle_request(&self, number: u32, share: i64) {
        let mut books = self.books.lock();
        let Some(held) = books.held.remove(&number) else {
            return;
        };
        let spending = held.charged(share);
        self.members[held.member].settle(&held.hold, &spending);
        books.charged.push(spending);
    }

    fn release(&self, which: usize) {
        let Some(number) = self.pick(which) else {
            return;
        };
        if let Some(held) = self.books.lock().held.remove(&number) {
            self.members[held.member].engine().release(&held.hold);
        }
    }

    /// What the replica held is charged in full from here on, unless it was not sent.
    async fn kill(&mut self, member: usize, unsent: u8, written: usize) {
        let held: Vec<Held> = {
            let mut books = self.books.lock();
            let of_it = books.held.extract_if(.., |_, held| held.member == member);
            of_it.map(|(_, held)| held).collect()
        };
        let is_sent = |(number, _): &(usize, Held)| unsent & (1 << (number % 8)) == 0;
        let sent = held.into_iter().enumerate().filter(is_sent);
        let interrupted: Vec<Spending> = sent.map(|(_, held)| held.charged(100)).collect();
        self.books.lock().charged.extend_from_slice(&interrupted);
        let killed = &mut self.members[member];
        killed.kill(interrupted, written, &self.ledger).await;
    }

    async fn come_back(&mut self) {
        for member in &mut self.members {
            member.come_back(&mut self.fleet, &self.ledger).await;
        }
    }

    /// What only dead replicas know is not known to anybody, so all are alive.
    async fn go_on_after_loss(&mut self) {
        self.come_back().await;
        if let Some(server) = &self.server {
            assert_eq!(server.run(&["FLUSHALL"]), "OK");
        }
        let going_on = self.members.iter().map(|member| {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            member.go_on(number, &self.ledger)
        });
        join_all(going_on).await;
    }

    /// What is really charged and held on a budget.
    fn balance(&self, bit: usize) -> Balance {
        let books = self.books.lock();
        let held = books.held.values();
        let held = held.map(|it| share_on(bit, &tags_of(it.tags), it.hold.amount).nanos());
        Balance {
            spent: counted(bit, &books.charged),
            held: usd(held.sum()),
        }
    }

    /// No ceiling is passed.
    fn check(&self) -> Result<(), TestCaseError> {
        for bit in 0..BUDGETS.len() {
            let (balance, charge) = (self.balance(bit), charge_in_fleet(bit));
            let is_kept = !charge.is_ceiling() || balance.headroom(charge.limit) >= Usd::ZERO;
            prop_assert!(is_kept, "budget {}: {:?}", bit, balance);
        }
        Ok(())
    }

    /// Everybody comes to see what was charged. What is held is seen as far as it is not of a slice.
    async fn compare(&self) {
        if self.members.iter().any(|member| member.replica.is_none()) {
            return;
        }
        for member in &self.members {
            let engine = member.engine();
            for bit in 0..BUDGETS.len() {
                let expected = self.balance(bit);
                let seen = async || {
                    let seen = balance(&*engine, tag_of(bit).0).await;
                    let is_it = seen.spent == expected.spent && seen.held <= expected.held;
                    (is_it, seen)
                };
                comes_true(seen, (bit, expected)).await;
            }
        }
    }

    /// Nobody holds anything, and there is room for exactly what is left.
    async fn compare_room(&self) {
        for member in &self.members {
            let engine = member.engine();
            for bit in 0..BUDGETS.len() {
                let charge = charge_in_fleet(bit);
                let expected = charge.room(self.balance(bit));
                let seen = async || {
                    let number = self.requests.fetch_add(1, Ordering::Relaxed);
                    let wish = reservation(number, &[charge], 0);
                    let hold = engine.reserve(&wish).await.unwrap();
                    engine.release(&hold);
                    (hold.remaining == expected, hold.remaining)
                };
                comes_true(seen, (bit, expected)).await;
            }
            comes_true(async || (engine.holds_open() == 0, engine.holds_open()), 0).await;
        }
    }

    /// Ends what is under way, and compares: as it is, and counted anew.
    async fn end(mut self) {
        self.come_back().await;
        while let Some(number) = self.pick(0) {
            self.settle_request(number, 50);
        }
        self.compare().await;
        for member in &self.members {
            member.record(usize::MAX, &self.ledger).await;
        }
        self.compare().await;
        self.compare_room().await;
        self.members[1].open_all(OpenMode::Anew, &self.ledger).await;
        self.compare().await;
        self.compare_room().await;
    }
}

async fn comes_true<T: Debug>(seen: impl AsyncFn() -> (bool, T), expected: impl Debug) {
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let (is_it, seen) = seen().await;
        if is_it {
            return;
        }
        assert!(Instant::now() < deadline, "{seen:?} for {expected:?}");
        tokio::time::sleep(POLL).await;
    }
}

async fn simulate(
    fleet: Fleet,
    server: Option<RedisServer>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let mut simulation = Simulation::start(fleet, server).await;
    for step in steps {
        simulation.take(step).await?;
        simulation.check()?;
    }
    simulation.end().await;
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        // Each of them takes a second.
        max_shrink_iters: 100,
        ..ProptestConfig::with_cases(cases)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(config(SCHEDULES))]

    #[test]
    fn a_fleet_keeps_every_limit_and_loses_nothing(
        steps in proptest::collection::vec(step(), 1..STEPS_MAX)
    ) {
        if let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") {
            runtime().block_on(simulate(fleet, None, &steps))?;
        }
    }
}

proptest! {
    #![proptest_config(config(SCHEDULES_WITH_LOSS))]

    #[test]
    fn a_fleet_keeps_every_limit_also_when_redis_loses_its_data(
        steps in proptest::collection::vec(step_or_loss(), 1..STEPS_MAX)
    ) {
        runtime().block_on(async {
            let Some(server) = RedisServer::start().await else {
                return Ok(());
            };
            simulate(Fleet::at(server.url()), Some(server), &steps).await
        })?;
    }
}
