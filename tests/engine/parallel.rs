//! The part of the contract that is about many requests at once.

use std::sync::Arc;

use budgetguard::domain::budget::Reservation;
use budgetguard::engine::BudgetEngine;

use crate::{balance, charge, reservation, stands, usd};

pub(crate) async fn parallel_reservations_never_pass_the_limit(engine: Arc<dyn BudgetEngine>) {
    const CALLERS: u32 = 16;
    const CALLS: u32 = 200;
    const LIMIT: i64 = 10_000;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let engine = Arc::clone(&engine);
        callers.spawn(async move {
            let mut settled = 0;
            for call in 0..CALLS {
                let number = caller * CALLS + call;
                let amount = i64::from(number % 97) + 1;
                let charges = [charge(1, LIMIT), charge(2, 2 * LIMIT)];
                if let Ok(hold) = engine.reserve(&reservation(number, &charges, amount)).await {
                    tokio::task::yield_now().await;
                    let actual = amount / 2 + 1;
                    engine.settle(&hold, usd(actual));
                    settled += actual;
                }
            }
            settled
        });
    }
    let charged: i64 = callers.join_all().await.into_iter().sum();
    let stood = balance(&*engine, 1).await;
    assert_eq!(stood, stands(charged, 0));
    assert!(
        (LIMIT * 95 / 100..=LIMIT).contains(&charged),
        "{charged} of {LIMIT} was used"
    );
}

pub(crate) async fn a_flexible_reservation_finds_room_beside_many_small_ones(
    engine: Arc<dyn BudgetEngine>,
) {
    let charges = [charge(1, 1_000_000)];
    let mut spenders = tokio::task::JoinSet::new();
    for spender in 1..9 {
        let engine = Arc::clone(&engine);
        spenders.spawn(async move {
            for call in 0..u32::MAX {
                let wish = reservation(spender * 1_000_000 + call, &charges, 1);
                if let Ok(hold) = engine.reserve(&wish).await {
                    engine.settle(&hold, usd(1));
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for number in 0..20 {
        let flexible = Reservation {
            at_least: usd(10),
            ..reservation(number, &charges, 2_000_000)
        };
        let hold = engine.reserve(&flexible).await.unwrap();
        assert!(hold.amount > usd(100_000), "{hold:?}");
        engine.release(&hold);
    }
    spenders.shutdown().await;
}
