//! What a replica decides without asking is what Redis would have said.

use budgetguard::domain::budget::shadow::Shadowed;
use budgetguard::domain::budget::{Charge, Enforcement};
use budgetguard::engine::Refusal;

use crate::fleet::Fleet;
use crate::leases::until_leased;
use crate::{charge, comes_to, stands};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_holds_money_gets_no_second_hold_from_a_slice() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let replica = fleet.replica().await;
    let charges = [charge(1, 100_000)];
    until_leased(&replica, &charges, 0..60).await;
    let first = replica.hold(100, &charges, 40_000).await;
    let again = replica.hold(100, &charges, 10).await;
    assert_eq!(again.amount, first.amount);
    replica.settle(&again, 5);
    assert_eq!(replica.engine().holds_open(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lenient_limit_bounds_no_request_in_a_slice() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let replica = fleet.replica().await;
    let lenient = Charge {
        enforcement: Enforcement::Settled,
        ..charge(5, 100_000)
    };
    for number in 0..60 {
        let held = replica.hold(number, &[lenient], 10).await;
        assert_eq!(held.remaining, None);
        replica.settle(&held, 10);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_that_was_a_shadows_is_a_ceiling_at_once() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let replica = fleet.replica().await;
    let shadow = Charge {
        enforcement: Enforcement::Shadow(Shadowed::Ceiling),
        ..charge(1, 600)
    };
    let mut told = 0;
    for number in 0..100 {
        let held = replica.hold(number, &[shadow], 10).await;
        told += held.shadows.len();
        replica.settle(&held, 10);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // What Redis was not told yet may be left out.
    assert!(
        (25..=40).contains(&told),
        "{told} of the 40 beyond the limit"
    );
    let refused = replica.reserve(1_000, &[charge(1, 600)], 10).await;
    assert!(matches!(refused, Err(Refusal::Exhausted(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lenient_shadow_says_nothing_of_what_is_only_held() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let replica = fleet.replica().await;
    let shadow = Charge {
        enforcement: Enforcement::Shadow(Shadowed::Settled),
        ..charge(5, 100)
    };
    let mut open = Vec::new();
    // Long beyond the limit, and none of it settled: Redis is asked once, and told several times.
    for number in 0..40 {
        let held = replica.hold(number, &[shadow], 10).await;
        assert_eq!(held.shadows, [], "{number}");
        open.push(held);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for held in &open {
        replica.settle(held, 10);
    }
    comes_to(&*replica.engine(), 5, stands(400, 0)).await;
    let held = replica.hold(100, &[shadow], 10).await;
    assert_eq!(held.shadows.len(), 1, "all of it is settled");
}
