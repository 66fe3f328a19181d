//! The contract of budget engines: one suite, run against each of them.
#![cfg(test)]

mod books;
mod faults;
mod fleet;
mod fleet_simulation;
mod leases;
mod openings;
mod parallel;
#[path = "../support/ports.rs"]
mod ports;
mod races;
mod rates;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod shadows;
mod simulation;
mod slices;
mod together;

use std::sync::Arc;
use std::time::{Duration, Instant};

use budgetguard::domain::budget::{
    Account, AccountOwner, Balance, Charge, Charges, Coverage, Enforcement, Origin, Reservation,
    Scope,
};
use budgetguard::domain::id::{
    ApiKeyId, BudgetId, ModelName, ProviderName, RequestId, TagId, TenantId,
};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{TagShare, TagShares, Weight};
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::engine::local::LocalEngine;
use budgetguard::engine::{BudgetEngine, OpenMode, Opening, Refusal, Spending, Spendings};

use crate::books::Spent;
use crate::openings::{
    a_session_is_opened_before_it_is_charged, a_window_that_began_since_starts_empty,
    an_opened_account_counts_only_what_it_covers, an_opened_account_counts_what_came_before_it,
    nothing_is_admitted_on_an_unknown_account,
    the_installations_account_is_opened_over_all_tenants,
};
use crate::parallel::{
    a_flexible_reservation_finds_room_beside_many_small_ones,
    parallel_reservations_never_pass_the_limit,
};
use crate::rates::{
    a_request_is_counted_in_the_step_that_holds_its_money,
    rates_are_counted_per_tenant_and_per_key, requests_at_once_end_with_the_request,
    tokens_are_counted_as_they_are_used,
};
use crate::shadows::{
    a_shadow_counts_and_tells_what_it_would_have_refused, a_shadow_says_what_it_stood_at,
    a_shadow_takes_nothing_from_what_others_may_hold, a_shadow_tells_of_a_request_once,
};

const TENANT: TenantId = TenantId(1);
const KEY: ApiKeyId = ApiKeyId(11);
/// Long after any engine of a test began: a window that begins now has been seen from its beginning.
const NOW: UtcMicros = UtcMicros::new(4_102_444_800_000_000);

/// How long a hold that was opened meanwhile may take to be settled.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

fn request(number: u32) -> RequestId {
    let mut random = [0; 10];
    // Some of the first bits say which version of an id it is.
    random[6..].copy_from_slice(&number.to_be_bytes());
    RequestId::new(NOW, random)
}

fn account(budget: i64) -> Account {
    let window = Window {
        start: NOW,
        end: UtcMicros::new(i64::MAX / 2),
    };
    Account {
        owner: AccountOwner::Budget(BudgetId(budget)),
        window,
    }
}

fn scope(budget: i64) -> Scope {
    match budget {
        2 => Scope::Key(KEY),
        4 => Scope::Installation,
        5 => Scope::Tag(TagId(5)),
        _ => Scope::Tenant(TENANT),
    }
}

fn origin() -> Origin {
    Origin {
        tenant: TENANT,
        key: KEY,
        tags: TagShares::new(),
        session: None,
        provider: ProviderName::new("openai"),
        model: ModelName::new("gpt-5"),
    }
}

fn charge(budget: i64, limit: i64) -> Charge {
    Charge {
        account: account(budget),
        scope: scope(budget),
        period: Period::Total,
        limit: usd(limit),
        weight: Weight::ONE,
        enforcement: Enforcement::Ceiling,
        starts_empty: true,
    }
}

fn reservation(number: u32, charges: &[Charge], amount: i64) -> Reservation {
    Reservation {
        request: request(number),
        at: NOW,
        origin: origin(),
        charges: Charges::from_slice(charges),
        wanted: usd(amount),
        at_least: usd(amount),
    }
}

fn opening(budget: i64, coverage: Coverage) -> Opening {
    Opening {
        tenant: (coverage.scope != Scope::Installation).then_some(TENANT),
        account: account(budget),
        coverage,
    }
}

async fn open(engine: &dyn BudgetEngine, opening: Opening, spent: &dyn Spendings) {
    let opened = engine.open(&[opening], OpenMode::Anew, spent).await;
    opened.unwrap();
}

/// A request that is over: charged, and still on its way to the ledger.
async fn charged(engine: &dyn BudgetEngine, number: u32, origin: Origin, cost: i64) -> Spending {
    let wish = Reservation {
        origin: origin.clone(),
        ..reservation(number, &[], cost)
    };
    let hold = engine.reserve(&wish).await.unwrap();
    engine.settle(&hold, usd(cost));
    Spending {
        request: request(number),
        origin,
        at: NOW,
        cost: usd(cost),
    }
}

async fn balance(engine: &dyn BudgetEngine, budget: i64) -> Balance {
    engine.balances(TENANT, &[account(budget)]).await[0].unwrap_or_default()
}

/// The account comes to stand at this. At once, unless it was opened while a request was under way:
/// then whoever settles may have to look again.
async fn comes_to(engine: &dyn BudgetEngine, budget: i64, expected: Balance) {
    let deadline = Instant::now() + SETTLED_WITHIN;
    while balance(engine, budget).await != expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(balance(engine, budget).await, expected);
}

fn stands(spent: i64, held: i64) -> Balance {
    Balance {
        spent: usd(spent),
        held: usd(held),
    }
}

async fn settling_charges_and_frees_the_rest(engine: Arc<dyn BudgetEngine>) {
    let charges = [charge(1, 100), charge(2, 80)];
    let hold = engine.reserve(&reservation(1, &charges, 30)).await.unwrap();
    assert_eq!((hold.amount, hold.remaining), (usd(30), Some(usd(50))));
    assert_eq!(balance(&*engine, 1).await, stands(0, 30));
    engine.settle(&hold, usd(12));
    let balances = (balance(&*engine, 1).await, balance(&*engine, 2).await);
    assert_eq!(balances, (stands(12, 0), stands(12, 0)));
}

async fn releasing_charges_nothing(engine: Arc<dyn BudgetEngine>) {
    let hold = engine
        .reserve(&reservation(2, &[charge(2, 80)], 30))
        .await
        .unwrap();
    assert_eq!(engine.holds_open(), 1);
    engine.release(&hold);
    assert_eq!(balance(&*engine, 2).await, stands(0, 0));
    assert_eq!(engine.holds_open(), 0);
}

async fn a_refusal_holds_nothing_on_any_account(engine: Arc<dyn BudgetEngine>) {
    let charges = [charge(1, 100), charge(2, 20)];
    let refusal = engine
        .reserve(&reservation(1, &charges, 30))
        .await
        .unwrap_err();
    let Refusal::Exhausted(exhausted) = refusal else {
        panic!("refused for {refusal:?}")
    };
    assert_eq!(
        exhausted.scope,
        Scope::Key(KEY),
        "the account without room is named"
    );
    assert_eq!((exhausted.limit, exhausted.needed), (usd(20), usd(30)));
    assert_eq!(balance(&*engine, 1).await, stands(0, 0));
    assert_eq!(engine.holds_open(), 0);
}

async fn each_step_happens_once_for_a_request(engine: Arc<dyn BudgetEngine>) {
    let charges = [charge(1, 100)];
    let first = engine.reserve(&reservation(1, &charges, 60)).await.unwrap();
    let again = engine.reserve(&reservation(1, &charges, 60)).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(balance(&*engine, 1).await, stands(0, 60));
    engine.settle(&first, usd(10));
    engine.settle(&again, usd(10));
    engine.release(&first);
    assert_eq!(balance(&*engine, 1).await, stands(10, 0));
}

async fn a_flexible_reservation_takes_what_fits(engine: Arc<dyn BudgetEngine>) {
    let charges = [charge(1, 100), charge(2, 70)];
    let flexible = Reservation {
        at_least: usd(20),
        ..reservation(1, &charges, 1_000)
    };
    let hold = engine.reserve(&flexible).await.unwrap();
    assert_eq!((hold.amount, hold.remaining), (usd(70), Some(usd(0))));
    let next = Reservation {
        at_least: usd(1),
        ..reservation(2, &charges, 1_000)
    };
    assert!(
        engine.reserve(&next).await.is_err(),
        "nothing is left on the tighter account"
    );
}

fn weight(text: &str) -> Weight {
    text.parse().unwrap()
}

fn tagged(tag: i64, weight: Weight) -> Origin {
    Origin {
        tags: TagShares::from_slice(&[TagShare {
            tag: TagId(tag),
            weight,
            is_inherited: false,
        }]),
        ..origin()
    }
}

async fn a_weight_decides_how_much_counts(engine: Arc<dyn BudgetEngine>) {
    let half = Charge {
        weight: weight("0.5"),
        ..charge(5, 100)
    };
    let hold = engine.reserve(&reservation(1, &[half], 150)).await.unwrap();
    assert_eq!(balance(&*engine, 5).await, stands(0, 75));
    assert_eq!(
        hold.remaining,
        Some(usd(50)),
        "what the request may still cost"
    );
    engine.settle(&hold, usd(101));
    assert_eq!(balance(&*engine, 5).await, stands(51, 0), "rounded up");
    let refused = engine.reserve(&reservation(2, &[half], 99)).await;
    let Err(Refusal::Exhausted(exhausted)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((exhausted.room, exhausted.needed), (usd(98), usd(99)));
    let weightless = Charge {
        weight: weight("0"),
        ..charge(5, 0)
    };
    let hold = engine.reserve(&reservation(3, &[weightless], 1_000)).await;
    engine.settle(&hold.unwrap(), usd(1_000));
    assert_eq!(balance(&*engine, 5).await, stands(51, 0));
}

async fn a_lenient_limit_refuses_only_what_comes_after_it_was_reached(
    engine: Arc<dyn BudgetEngine>,
) {
    let lenient = Charge {
        enforcement: Enforcement::Settled,
        ..charge(5, 100)
    };
    let first = engine.reserve(&reservation(1, &[lenient], 99)).await;
    let second = engine.reserve(&reservation(2, &[lenient], 99)).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(balance(&*engine, 5).await, stands(0, 198));
    engine.settle(&first, usd(99));
    assert!(engine.reserve(&reservation(3, &[lenient], 5)).await.is_ok());
    engine.settle(&second, usd(1));
    let refused = engine.reserve(&reservation(4, &[lenient], 1)).await;
    assert!(matches!(refused, Err(Refusal::Exhausted(_))), "{refused:?}");
}

async fn a_free_request_is_held_also_where_limits_are_reached(engine: Arc<dyn BudgetEngine>) {
    let lenient = Charge {
        enforcement: Enforcement::Settled,
        ..charge(5, 100)
    };
    let charges = [charge(1, 100), lenient];
    let first = engine.reserve(&reservation(1, &charges, 100)).await;
    engine.settle(&first.unwrap(), usd(100));
    for (number, wanted) in [(2, 0), (3, 50)] {
        let free = Reservation {
            at_least: Usd::ZERO,
            ..reservation(number, &charges, wanted)
        };
        let held = engine.reserve(&free).await.unwrap();
        assert_eq!((held.amount, held.remaining), (Usd::ZERO, Some(Usd::ZERO)));
    }
}

async fn a_limit_that_only_counts_refuses_nothing(engine: Arc<dyn BudgetEngine>) {
    let counted = Charge {
        enforcement: Enforcement::Counted,
        ..charge(5, 0)
    };
    for number in 1..4 {
        let hold = engine.reserve(&reservation(number, &[counted], 50)).await;
        let hold = hold.unwrap();
        assert_eq!((hold.amount, hold.remaining), (usd(50), None));
        engine.settle(&hold, usd(50));
    }
    assert_eq!(balance(&*engine, 5).await, stands(150, 0));
}

async fn the_installations_budget_counts_every_tenant(engine: Arc<dyn BudgetEngine>) {
    let other = Origin {
        tenant: TenantId(2),
        key: ApiKeyId(21),
        ..origin()
    };
    let everybodys = charge(4, 100);
    let first = engine
        .reserve(&reservation(1, &[charge(1, 100), everybodys], 60))
        .await;
    let wish = Reservation {
        origin: other.clone(),
        ..reservation(2, &[everybodys], 41)
    };
    let refused = engine.reserve(&wish).await.unwrap_err();
    assert!(matches!(refused, Refusal::Exhausted(told) if told.scope == Scope::Installation));
    engine.settle(&first.unwrap(), usd(50));
    assert!(engine.reserve(&wish).await.is_ok());
    assert_eq!(balance(&*engine, 4).await, stands(50, 41));
}

/// Makes a test of each case of the contract, each on an engine of its own.
macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        mod local {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$case(Arc::new(LocalEngine::default())).await;
                }
            )*
        }
        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    if let Some(fleet) = crate::fleet::Fleet::shared("BUDGETGUARD_TEST_REDIS") {
                        let replica = fleet.replica().await;
                        super::$case(replica.engine()).await;
                    }
                }
            )*
        }
        mod redis_with_leases {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    if let Some(fleet) = crate::fleet::Fleet::shared("BUDGETGUARD_TEST_REDIS") {
                        let replica = fleet.with_leases().replica().await;
                        super::$case(replica.engine()).await;
                    }
                }
            )*
        }
        mod cluster {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    if let Some(fleet) = crate::fleet::Fleet::shared("BUDGETGUARD_TEST_REDIS_CLUSTER") {
                        let replica = fleet.with_leases().replica().await;
                        super::$case(replica.engine()).await;
                    }
                }
            )*
        }
    };
}

contract!(
    settling_charges_and_frees_the_rest,
    releasing_charges_nothing,
    a_refusal_holds_nothing_on_any_account,
    each_step_happens_once_for_a_request,
    a_flexible_reservation_takes_what_fits,
    nothing_is_admitted_on_an_unknown_account,
    an_opened_account_counts_what_came_before_it,
    a_window_that_began_since_starts_empty,
    a_weight_decides_how_much_counts,
    a_lenient_limit_refuses_only_what_comes_after_it_was_reached,
    a_free_request_is_held_also_where_limits_are_reached,
    a_limit_that_only_counts_refuses_nothing,
    a_shadow_counts_and_tells_what_it_would_have_refused,
    a_shadow_says_what_it_stood_at,
    a_shadow_tells_of_a_request_once,
    a_shadow_takes_nothing_from_what_others_may_hold,
    the_installations_budget_counts_every_tenant,
    the_installations_account_is_opened_over_all_tenants,
    an_opened_account_counts_only_what_it_covers,
    a_session_is_opened_before_it_is_charged,
    rates_are_counted_per_tenant_and_per_key,
    tokens_are_counted_as_they_are_used,
    requests_at_once_end_with_the_request,
    a_request_is_counted_in_the_step_that_holds_its_money,
    parallel_reservations_never_pass_the_limit,
    a_flexible_reservation_finds_room_beside_many_small_ones,
);
