//! What a fleet does when parts of it fail: nothing that was held or charged is forgotten, and nothing is
//! admitted on what nobody knows.

use std::sync::Arc;
use std::time::Duration;

use budgetguard::domain::budget::{Charge, Coverage, Hold, Scope};
use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::engine::{OpenMode, Opening, Refusal, Spending, Spendings, UnknownSpending};

use crate::fleet::{Fleet, Replica, row_of};
use crate::redis_server::RedisServer;
use crate::{
    NOW, Spent, TENANT, account, balance, charge, comes_to, open, opening, origin, request,
    reservation, stands, usd,
};

const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// A charge on an account that has to be opened first.
fn known_only(budget: i64, limit: i64) -> Charge {
    Charge {
        starts_empty: false,
        ..charge(budget, limit)
    }
}

pub(crate) fn tenants(budget: i64) -> Opening {
    opening(budget, Coverage::all_of(Scope::Tenant(TENANT)))
}

/// What the ledger has of a request.
pub(crate) fn row(number: u32, cost: i64) -> Arc<LedgerRow> {
    row_of(&Spending {
        request: request(number),
        origin: origin(),
        at: NOW,
        cost: usd(cost),
    })
}

/// Waits until reservations are refused for the reason.
pub(crate) async fn until_refused(
    replica: &Replica,
    charges: &[Charge],
    is_it: impl Fn(&Refusal) -> bool,
) {
    let refused = async {
        for number in 1_000_000.. {
            match replica.reserve(number, charges, 1).await {
                Ok(held) => replica.engine().release(&held),
                Err(refusal) if is_it(&refusal) => return,
                Err(_other) => {}
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let refused = tokio::time::timeout(NOTICED_WITHIN, refused).await;
    refused.expect("it is noticed");
}

fn is_unknown(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unknown(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_decide_on_the_same_accounts() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    let (one, other) = (fleet.replica().await, fleet.replica().await);
    let charges = [charge(1, 100)];
    let held = one.reserve(1, &charges, 60).await;
    let refused = other.reserve(2, &charges, 60).await;
    assert!(matches!(refused, Err(Refusal::Exhausted(_))), "{refused:?}");
    one.engine().settle(&held.unwrap(), usd(40));
    comes_to(&*other.engine(), 1, stands(40, 0)).await;
    let held = other.reserve(2, &charges, 60).await;
    assert_eq!(held.unwrap().remaining, Some(Usd::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_is_opened_with_what_other_replicas_hold_and_have_not_recorded() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    let (one, other) = (fleet.replica().await, fleet.replica().await);
    let under_way = one.reserve(1, &[], 7).await.unwrap();
    let over = one.reserve(2, &[], 9).await.unwrap();
    one.settle(&over, 3);
    let spent = Spent {
        in_ledger: 40,
        ..Spent::default()
    };
    comes_to(&*one.engine(), 9, stands(0, 0)).await;
    open(&*other.engine(), tenants(1), &spent).await;
    assert_eq!(balance(&*other.engine(), 1).await, stands(43, 7));
    // What is open stays as it is, unless it is asked for.
    let (engine, nothing) = (other.engine(), Spent::default());
    let opened = engine
        .open(&[tenants(1)], OpenMode::Missing, &nothing)
        .await;
    opened.unwrap();
    assert_eq!(balance(&*other.engine(), 1).await, stands(43, 7));
    // In the ledger, a charge is no longer beside it.
    one.engine().recorded(&[row(2, 3)]);
    one.engine().settle(&under_way, usd(5));
    comes_to(&*other.engine(), 1, stands(48, 0)).await;
    let spent = Spent {
        in_ledger: 43,
        ..Spent::default()
    };
    open(&*other.engine(), tenants(1), &spent).await;
    assert_eq!(balance(&*other.engine(), 1).await, stands(48, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_replica_held_is_charged_until_its_spool_tells() {
    let Some(mut fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    fleet.hold_lifetime = Duration::from_secs(1);
    let (one, other) = (fleet.replica().await, fleet.replica().await);
    let charges = [charge(1, 100)];
    for (number, amount) in [(1, 60), (2, 20)] {
        let held = one.reserve(number, &charges, amount);
        assert!(held.await.is_ok());
    }
    let own = other.reserve(3, &charges, 10).await;
    one.kill();
    assert_eq!(balance(&*other.engine(), 1).await, stands(0, 90));
    comes_to(&*other.engine(), 1, stands(80, 10)).await;
    // It is back, and writes what its spool has: one request had an outcome, the other none.
    other.engine().recorded(&[row(1, 25), row(2, 20)]);
    comes_to(&*other.engine(), 1, stands(45, 10)).await;
    other.engine().settle(&own.unwrap(), usd(10));
    comes_to(&*other.engine(), 1, stands(55, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_replica_held_and_never_sent_is_free_once_it_is_back() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    let (one, other) = (fleet.named("one").await, fleet.replica().await);
    let charges = [charge(1, 100)];
    for (replica, number) in [(&one, 1), (&one, 2), (&other, 3)] {
        assert!(replica.reserve(number, &charges, 20).await.is_ok());
    }
    one.kill();
    let back = fleet.named("one").await;
    // Of what its spool had, the ledger has a row; the other one was killed before it got so far.
    back.engine().recorded(&[row(1, 20)]);
    assert!(!back.take_over().await, "it had no slices");
    comes_to(&*other.engine(), 1, stands(20, 20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_of_a_living_replica_is_renewed() {
    let Some(mut fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    fleet.hold_lifetime = Duration::from_secs(2);
    let replica = fleet.replica().await;
    let held = replica.reserve(1, &[charge(1, 100)], 60).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(balance(&*replica.engine(), 1).await, stands(0, 60));
    replica.engine().settle(&held, usd(7));
    comes_to(&*replica.engine(), 1, stands(7, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reservation_that_nobody_waits_for_holds_nothing() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let replica = Fleet::at(server.url()).replica().await;
    let charges = [charge(1, 100)];
    let before = replica.reserve(1, &charges, 10).await;
    server.run(&["CLIENT", "PAUSE", "300", "ALL"]);
    let engine = replica.engine();
    let wish = reservation(2, &charges, 60);
    let given_up = tokio::time::timeout(Duration::from_millis(50), engine.reserve(&wish)).await;
    assert!(given_up.is_err());
    comes_to(&*engine, 1, stands(0, 10)).await;
    assert_eq!((before.is_ok(), engine.holds_open()), (true, 1));
}

async fn nothing_is_forgotten_by(lose: impl AsyncFn(&mut RedisServer)) {
    for leases in [false, true] {
        if let Some(mut server) = RedisServer::start().await {
            let fleet = Fleet::at(server.url());
            let fleet = if leases { fleet.with_leases() } else { fleet };
            nothing_is_forgotten(&mut server, &fleet, &lose).await;
        }
    }
}

async fn nothing_is_forgotten(
    server: &mut RedisServer,
    fleet: &Fleet,
    lose: impl AsyncFn(&mut RedisServer),
) {
    let replicas = [fleet.replica().await, fleet.replica().await];
    let spent = Spent {
        in_ledger: 1_000,
        ..Spent::default()
    };
    open(&*replicas[0].engine(), tenants(1), &spent).await;
    let charges = [known_only(1, 10_000)];
    let holds = spend_on_both(&replicas, &charges).await;
    lose_what_came_later(server, &replicas, lose).await;
    // Whatever Redis has now is not trusted, by nobody.
    for replica in &replicas {
        until_refused(replica, &charges, is_unknown).await;
    }
    open(&*replicas[0].engine(), tenants(1), &spent).await;
    comes_to(&*replicas[1].engine(), 1, stands(1_400, 130)).await;
    for (replica, hold) in replicas.iter().zip(&holds) {
        replica.settle(hold, 6);
    }
    comes_to(&*replicas[0].engine(), 1, stands(1_412, 0)).await;
}

async fn spend_on_both([one, other]: &[Replica; 2], charges: &[Charge]) -> [Hold; 2] {
    let first = one.hold(1, charges, 60).await;
    [first, other.hold(2, charges, 70).await]
}

async fn lose_what_came_later(
    server: &mut RedisServer,
    [one, other]: &[Replica; 2],
    lose: impl AsyncFn(&mut RedisServer),
) {
    assert_eq!(server.run(&["SAVE"]), "OK");
    let later = other.hold(3, &[known_only(1, 10_000)], 500).await;
    other.settle(&later, 400);
    comes_to(&*one.engine(), 1, stands(1_400, 130)).await;
    lose(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_forgotten_by_a_flush() {
    nothing_is_forgotten_by(async |server| {
        assert_eq!(server.run(&["FLUSHALL"]), "OK");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_forgotten_by_a_restart_with_older_data() {
    nothing_is_forgotten_by(async |server| {
        server.kill();
        server.start_again().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_forgotten_by_the_loss_of_one_tenants_books() {
    nothing_is_forgotten_by(async |server| {
        for key in server.run(&["KEYS", "*{t1}*"]).lines() {
            server.run(&["DEL", key]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_redis_is_away_nothing_is_admitted_and_what_ends_is_settled_afterwards() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    let replica = Fleet::at(server.url()).replica().await;
    let charges = [charge(1, 100)];
    let held = replica.reserve(1, &charges, 60).await;
    let held = held.unwrap();
    server.kill();
    let is_unavailable = |refusal: &Refusal| *refusal == Refusal::Unavailable;
    until_refused(&replica, &charges, is_unavailable).await;
    replica.settle(&held, 25);
    server.start_again().await;
    replica.until_connected().await;
    open(&*replica.engine(), tenants(1), &Spent::default()).await;
    comes_to(&*replica.engine(), 1, stands(25, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_charge_is_counted_once_whether_the_ledger_or_redis_hears_of_it_first() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    let replica = fleet.replica().await;
    let engine = replica.engine();
    let charges = [charge(1, 100)];
    let hold = engine.reserve(&reservation(1, &charges, 60)).await.unwrap();
    engine.recorded(&[row(1, 25)]);
    comes_to(&*engine, 1, stands(25, 0)).await;
    engine.settle(&hold, usd(25));
    let next = engine.reserve(&reservation(2, &charges, 75)).await;
    assert_eq!(next.unwrap().remaining, Some(Usd::ZERO));
    comes_to(&*engine, 1, stands(25, 75)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_tells_in_time_is_not_late() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    let fleet = Fleet::at(server.url());
    let replica = fleet.replica().await;
    let held = replica.reserve(1, &[charge(1, 100)], 60).await.unwrap();
    server.kill();
    server.start_again().await;
    replica.until_connected().await;
    let soon = tokio::time::timeout(Duration::from_millis(100), replica.came_late.notified());
    assert!(soon.await.is_err(), "it was there from the beginning");
    replica.engine().settle(&held, usd(1));
}

/// The books of the accounts that the ledger is asked about are without the requests that Redis knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_ledger_is_asked_without_what_redis_knows() {
    struct Asked(parking_lot::Mutex<Vec<RequestId>>);

    #[async_trait::async_trait]
    impl Spendings for Asked {
        async fn in_ledger(
            &self,
            openings: &[Opening],
            without: &[RequestId],
        ) -> Result<Vec<Usd>, UnknownSpending> {
            self.0.lock().extend(without);
            Ok(openings.iter().map(|_| Usd::ZERO).collect())
        }

        fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
            Ok(Vec::new())
        }
    }

    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    let replica = fleet.replica().await;
    let engine = replica.engine();
    let over = engine.reserve(&reservation(1, &[], 60)).await.unwrap();
    let under_way = engine.reserve(&reservation(2, &[], 60)).await.unwrap();
    engine.settle(&over, usd(5));
    let asked = Asked(parking_lot::Mutex::default());
    let account = account(1);
    let opened = engine.open(&[tenants(1)], OpenMode::Anew, &asked).await;
    assert!(opened.is_ok());
    let mut without = asked.0.into_inner();
    without.sort_unstable();
    assert_eq!(without, [request(1), request(2)], "{account:?}");
    engine.release(&under_way);
}
