//! What replicas decide without asking: never more than there is, and nothing is left lying.

use std::sync::Arc;
use std::time::Duration;

use budgetguard::domain::budget::Charge;
use budgetguard::domain::money::Usd;
use budgetguard::domain::rate::{RateClaim, RateLimits};
use budgetguard::engine::Refusal;

use crate::faults::{tenants, until_refused};
use crate::fleet::{Fleet, Replica};
use crate::rates::wish;
use crate::redis_server::RedisServer;
use crate::{Spent, balance, charge, comes_to, open, request, reservation, stands, usd};

/// Spends so that slices are worth having, until some are there.
pub(crate) async fn until_leased(
    replica: &Replica,
    charges: &[Charge],
    numbers: std::ops::Range<u32>,
) -> i64 {
    let mut spent = 0;
    for number in numbers {
        let held = replica.reserve(number, charges, 10).await.unwrap();
        replica.settle(&held, 10);
        spent += 10;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    spent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slices_last_while_redis_is_silent_for_a_moment_and_no_longer() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    let replica = Fleet::at(server.url()).with_leases().replica().await;
    let charges = [charge(1, 100_000)];
    let spent = until_leased(&replica, &charges, 0..60).await;
    server.kill();
    let held = replica.reserve(100, &charges, 10).await.unwrap();
    replica.settle(&held, 10);
    let is_unavailable = |refusal: &Refusal| *refusal == Refusal::Unavailable;
    until_refused(&replica, &charges, is_unavailable).await;
    server.start_again().await;
    replica.until_connected().await;
    open(&*replica.engine(), tenants(1), &Spent::default()).await;
    let stood = balance(&*replica.engine(), 1).await;
    assert!(stood.spent >= usd(spent + 10), "{stood:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_replica_does_not_need_another_can_spend() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let (one, other) = (fleet.replica().await, fleet.replica().await);
    let charges = [charge(1, 5_000)];
    let mut spent = until_leased(&one, &charges, 0..100).await;
    for number in 1_000.. {
        match other.reserve(number, &charges, 10).await {
            Ok(held) => other.settle(&held, 10),
            Err(refusal) => {
                assert!(matches!(refusal, Refusal::Exhausted(_)), "{refusal:?}");
                break;
            }
        }
        spent += 10;
    }
    assert_eq!(spent, 5_000, "all of it, and no more");
    comes_to(&*one.engine(), 1, stands(5_000, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_slice_of_a_dead_replica_is_held_until_it_is_back() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let (one, other) = (fleet.named("one").await, fleet.replica().await);
    let charges = [charge(1, 5_000)];
    let spent = until_leased(&one, &charges, 0..100).await;
    one.kill();
    let mut others = 0;
    for number in 1_000.. {
        let Ok(held) = other.reserve(number, &charges, 10).await else {
            break;
        };
        other.settle(&held, 10);
        others += 10;
    }
    assert!(
        spent + others < 5_000,
        "{others}: nobody knows what of the slice was spent"
    );
    // It is back: what it spent is in the ledger, of which the account is counted anew.
    let back = fleet.named("one").await;
    assert!(back.take_over().await, "it had slices");
    let counted = Spent {
        rows: (0..100).map(|number| (request(number), 10)).collect(),
        ..Spent::default()
    };
    open(&*back.engine(), tenants(1), &counted).await;
    comes_to(&*other.engine(), 1, stands(spent + others, 0)).await;
    let left = 5_000 - spent - others;
    let rest = other.reserve(9_999_999, &charges, left).await.unwrap();
    assert_eq!(rest.remaining, Some(Usd::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_stops_gives_back_its_slices() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let (one, other) = (fleet.named("one").await, fleet.replica().await);
    let charges = [charge(1, 5_000)];
    let spent = until_leased(&one, &charges, 0..100).await;
    one.finish().await;
    let rest = other.reserve(1_000, &charges, 5_000 - spent).await.unwrap();
    assert_eq!(rest.remaining, Some(Usd::ZERO));
    assert!(!fleet.named("one").await.take_over().await, "it has none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_replicas_with_slices_spend_all_and_no_more() {
    const LIMIT: i64 = 200_000;
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Arc::new(fleet.replica().await));
    }
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..24_u32 {
        let replica = Arc::clone(&replicas[usize::try_from(client % 3).unwrap()]);
        clients.spawn(async move {
            let charges = [charge(1, LIMIT), charge(2, LIMIT * 3 / 4)];
            let mut settled = 0;
            for call in 0..1_000_u32 {
                let amount = i64::from((client * 31 + call * 7) % 97) + 1;
                let number = client * 1_000 + call;
                let charges = &charges[..=usize::try_from(call % 2).unwrap()];
                let Ok(held) = replica.reserve(number, charges, amount).await else {
                    continue;
                };
                tokio::task::yield_now().await;
                replica.settle(&held, amount / 2 + 1);
                settled += amount / 2 + 1;
            }
            settled
        });
    }
    let settled: i64 = clients.join_all().await.into_iter().sum();
    assert!(
        (LIMIT * 95 / 100..=LIMIT).contains(&settled),
        "{settled} of {LIMIT}"
    );
    comes_to(&*replicas[0].engine(), 1, stands(settled, 0)).await;
    let second = balance(&*replicas[0].engine(), 2).await;
    assert!(
        second.headroom(usd(LIMIT * 3 / 4)) >= Usd::ZERO,
        "{second:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_replicas_with_permits_admit_what_the_minute_has_room_for() {
    const LIMIT: u32 = 3_000;
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let limits = RateLimits::from_kept(Some(LIMIT), None, None);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..3_u32 {
        let replica = fleet.replica().await;
        clients.spawn(async move {
            let mut admitted = 0;
            for number in client * 100_000..client * 100_000 + 2_000 {
                admitted += u32::from(admit(&replica, number, limits).await);
                if number % 8 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            admitted
        });
    }
    let admitted: u32 = clients.join_all().await.into_iter().sum();
    assert!(
        (LIMIT * 95 / 100..=LIMIT).contains(&admitted),
        "{admitted} of {LIMIT}"
    );
}

async fn admit(replica: &Replica, number: u32, limits: RateLimits) -> bool {
    let claim = RateClaim {
        wish: wish(number, limits, RateLimits::default()),
        tokens: 0,
    };
    let wish = reservation(number, &[], 1);
    let (standings, held) = replica.engine().reserve_at_rate(&wish, &claim).await;
    if let Ok(held) = held {
        replica.engine().release(&held);
    }
    standings.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_that_were_written_unheard_have_accounts_counted_anew() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let replica = Fleet::at(server.url()).with_leases().replica().await;
    replica.engine().recording().await;
    let soon = tokio::time::timeout(Duration::from_millis(300), replica.came_late.notified());
    assert!(soon.await.is_err(), "Redis heard of all");
    // Longer than an answer may take; the data stays as it is.
    server.run(&["CLIENT", "PAUSE", "2500", "ALL"]);
    while replica.engine().is_available() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    replica.engine().recording().await;
    let later = tokio::time::timeout(Duration::from_secs(10), replica.came_late.notified());
    assert!(later.await.is_ok());
}
