//! The contract of budget engines: one suite, run against each of them.
#![cfg(test)]

mod books;
mod faults;
mod fleet;
mod fleet_simulation;
mod races;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod simulation;
mod slices;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use budgetguard::domain::budget::{
    Account, AccountOwner, Balance, Charge, Charges, Coverage, Enforcement, Origin, Reservation,
    Scope,
};
use budgetguard::domain::filter::{CallFilter, Patterns};
use budgetguard::domain::id::{
    ApiKeyId, BudgetId, ModelName, ProviderName, RequestId, TagId, TenantId,
};
use budgetguard::domain::money::Usd;
use budgetguard::domain::rate::{RateClaim, RateLimits, RateSubject, RateUnit, RateWish, TooMany};
use budgetguard::domain::session::SessionKey;
use budgetguard::domain::tag::{TagShare, TagShares, Weight};
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::engine::local::LocalEngine;
use budgetguard::engine::{
    BudgetEngine, OpenMode, Opening, RateRefusal, Refusal, Spending, Spendings, UnknownSpending,
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

/// What ledger and spool have, in a test.
#[derive(Default)]
struct Spent {
    in_ledger: i64,
    /// Those of it that may be left out.
    rows: Vec<(RequestId, i64)>,
    unrecorded: Vec<Spending>,
}

#[async_trait]
impl Spendings for Spent {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        let rows = self.rows.iter().filter(|(row, _)| !without.contains(row));
        let sum = self.in_ledger + rows.map(|(_, cost)| cost).sum::<i64>();
        Ok(openings.iter().map(|_| usd(sum)).collect())
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(self.unrecorded.clone())
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

async fn nothing_is_admitted_on_an_unknown_account(engine: Arc<dyn BudgetEngine>) {
    let unknown = Charge {
        starts_empty: false,
        ..charge(1, 100)
    };
    let refused = engine
        .reserve(&reservation(1, &[charge(2, 100), unknown], 1))
        .await;
    assert_eq!(refused.unwrap_err(), Refusal::Unknown(unknown.account));
    assert_eq!(balance(&*engine, 2).await.held, Usd::ZERO);
    let spent = Spent {
        in_ledger: 99,
        ..Spent::default()
    };
    open(
        &*engine,
        opening(1, Coverage::all_of(unknown.scope)),
        &spent,
    )
    .await;
    let hold = engine
        .reserve(&reservation(1, &[unknown], 1))
        .await
        .unwrap();
    assert_eq!(hold.remaining, Some(Usd::ZERO));
}

async fn an_opened_account_counts_what_came_before_it(engine: Arc<dyn BudgetEngine>) {
    // Under way when the budget is made: held on the new account, and settled on it.
    let under_way = engine
        .reserve(&reservation(1, &[charge(1, 100)], 7))
        .await
        .unwrap();
    let before = charged(&*engine, 9, origin(), 3).await;
    // The outcome of the request under way may be recorded before it is settled.
    let own = Spending {
        request: request(1),
        cost: usd(5),
        ..before.clone()
    };
    let spent = Spent {
        in_ledger: 40,
        unrecorded: vec![before, own],
        ..Spent::default()
    };
    open(
        &*engine,
        opening(2, Coverage::all_of(Scope::Key(KEY))),
        &spent,
    )
    .await;
    assert_eq!(balance(&*engine, 2).await, stands(43, 7));
    engine.settle(&under_way, usd(5));
    comes_to(&*engine, 2, stands(48, 0)).await;
}

async fn a_window_that_began_since_starts_empty(engine: Arc<dyn BudgetEngine>) {
    let full = engine
        .reserve(&reservation(1, &[charge(1, 10)], 10))
        .await
        .unwrap();
    engine.settle(&full, usd(10));
    let mut next = charge(1, 10);
    next.account.window = Window {
        start: next.account.window.end,
        end: UtcMicros::MAX,
    };
    let later = Reservation {
        at: next.account.window.start,
        ..reservation(2, &[next], 10)
    };
    assert!(engine.reserve(&later).await.is_ok());
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

async fn the_installations_account_is_opened_over_all_tenants(engine: Arc<dyn BudgetEngine>) {
    let other = Origin {
        tenant: TenantId(2),
        key: ApiKeyId(21),
        ..origin()
    };
    let first = engine.reserve(&reservation(1, &[charge(1, 100)], 60)).await;
    engine.settle(&first.unwrap(), usd(50));
    let wish = Reservation {
        origin: other.clone(),
        ..reservation(2, &[], 41)
    };
    let second = engine.reserve(&wish).await.unwrap();
    let spending = |number, cost| Spending {
        request: request(number),
        origin: other.clone(),
        at: NOW,
        cost: usd(cost),
    };
    let spent = Spent {
        in_ledger: 7,
        unrecorded: vec![spending(1, 50), spending(2, 40)],
        ..Spent::default()
    };
    open(
        &*engine,
        opening(4, Coverage::all_of(Scope::Installation)),
        &spent,
    )
    .await;
    assert_eq!(balance(&*engine, 4).await, stands(57, 41));
    engine.settle(&second, usd(40));
    comes_to(&*engine, 4, stands(97, 0)).await;
}

async fn an_opened_account_counts_only_what_it_covers(engine: Arc<dyn BudgetEngine>) {
    let under_way = Reservation {
        origin: tagged(5, weight("0.5")),
        ..reservation(1, &[charge(1, 100)], 7)
    };
    let under_way = engine.reserve(&under_way).await.unwrap();
    let untagged = engine.reserve(&reservation(2, &[charge(1, 100)], 50)).await;
    assert!(untagged.is_ok());
    let other_model = Origin {
        model: ModelName::new("o3"),
        ..tagged(5, Weight::ONE)
    };
    let mut unrecorded = Vec::new();
    for (number, origin) in [
        (11, tagged(5, Weight::ONE)),
        (12, tagged(6, Weight::ONE)),
        (13, other_model),
    ] {
        unrecorded.push(charged(&*engine, number, origin, 10).await);
    }
    let coverage = Coverage {
        scope: Scope::Tag(TagId(5)),
        calls: CallFilter {
            models: Patterns::new(["gpt-*"]).unwrap(),
            providers: Patterns::default(),
        },
        weight: weight("2"),
    };
    let spent = Spent {
        in_ledger: 3,
        unrecorded,
        ..Spent::default()
    };
    open(&*engine, opening(5, coverage), &spent).await;
    assert_eq!(balance(&*engine, 5).await, stands(23, 7));
    engine.settle(&under_way, usd(4));
    comes_to(&*engine, 5, stands(27, 0)).await;
}

async fn a_session_is_opened_before_it_is_charged(engine: Arc<dyn BudgetEngine>) {
    let session = SessionKey::new(TENANT, "agent-7");
    let wish = Reservation {
        origin: Origin {
            session: Some(session),
            ..origin()
        },
        ..reservation(1, &[Charge::of_session(session, usd(100))], 60)
    };
    let account = Account::of_session(session);
    let refused = engine.reserve(&wish).await;
    assert_eq!(refused.unwrap_err(), Refusal::Unknown(account));
    let opening = Opening {
        tenant: Some(TENANT),
        account,
        coverage: Coverage::all_of(Scope::Session(session)),
    };
    let spent = Spent {
        in_ledger: 40,
        ..Spent::default()
    };
    open(&*engine, opening, &spent).await;
    let hold = engine.reserve(&wish).await.unwrap();
    assert_eq!(hold.remaining, Some(Usd::ZERO));
}

fn wish(number: u32, of_tenant: RateLimits, of_key: RateLimits) -> RateWish {
    RateWish {
        request: request(number),
        tenant: TENANT,
        key: KEY,
        at: NOW,
        of_tenant,
        of_key,
    }
}

fn too_many<T: std::fmt::Debug>(refused: Result<T, RateRefusal>) -> TooMany {
    match refused.unwrap_err() {
        RateRefusal::TooMany(too_many) => too_many,
        RateRefusal::Unavailable => panic!("not counted at all"),
    }
}

async fn rates_are_counted_per_tenant_and_per_key(engine: Arc<dyn BudgetEngine>) {
    let limit = |requests| RateLimits::from_kept(Some(requests), None, None);
    let both = wish(1, limit(3), limit(2));
    let standing = engine.take_rate(&both).await.unwrap().requests.unwrap();
    assert_eq!(
        (standing.limit, standing.remaining),
        (2, 1),
        "the tighter one"
    );
    engine.take_rate(&both).await.unwrap();
    let refused = too_many(engine.take_rate(&both).await);
    assert_eq!(
        (refused.unit, refused.subject),
        (RateUnit::Requests, RateSubject::Key)
    );
    assert!(!refused.retry_after.is_zero());
    // What a key was refused does not count on its tenant.
    let other_key = RateWish {
        key: ApiKeyId(12),
        ..both
    };
    engine.take_rate(&other_key).await.unwrap();
    let refused = too_many(engine.take_rate(&other_key).await);
    assert_eq!(refused.subject, RateSubject::Tenant);
    let other_tenant = RateWish {
        tenant: TenantId(2),
        ..both
    };
    engine.take_rate(&other_tenant).await.unwrap();
}

async fn tokens_are_counted_as_they_are_used(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(None, Some(100), None);
    let wish = wish(1, limits, RateLimits::default());
    let standings = engine.take_tokens(&wish, 80).await.unwrap();
    assert_eq!(standings.tokens.unwrap().remaining, 20);
    let refused = too_many(engine.take_tokens(&wish, 21).await);
    assert_eq!(
        (refused.unit, refused.standing.remaining),
        (RateUnit::Tokens, 20)
    );
    let counted = RateWish {
        at: standings.at,
        ..wish
    };
    engine.end_rate(&counted, 80, 50);
    let standings = engine.take_tokens(&wish, 21).await.unwrap();
    assert_eq!(standings.tokens.unwrap().remaining, 29);
}

async fn requests_at_once_end_with_the_request(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(None, None, Some(2));
    let wish = |number| wish(number, RateLimits::default(), limits);
    engine.take_rate(&wish(1)).await.unwrap();
    engine.take_rate(&wish(2)).await.unwrap();
    let refused = too_many(engine.take_rate(&wish(3)).await);
    assert_eq!(
        (refused.unit, refused.subject),
        (RateUnit::Concurrent, RateSubject::Key)
    );
    engine.end_rate(&wish(1), 0, 0);
    engine.take_rate(&wish(3)).await.unwrap();
}

async fn a_request_is_counted_in_the_step_that_holds_its_money(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(Some(2), Some(100), Some(2));
    let claim = |number, tokens| RateClaim {
        wish: wish(number, limits, RateLimits::default()),
        tokens,
    };
    let charges = [charge(1, 100)];
    let ask = async |number, amount, tokens| {
        let wish = reservation(number, &charges, amount);
        engine.reserve_at_rate(&wish, &claim(number, tokens)).await
    };
    let (standings, held) = ask(1, 60, 30).await;
    let standings = standings.unwrap();
    let left = [standings.requests, standings.tokens].map(|it| it.unwrap().remaining);
    assert_eq!((held.unwrap().amount, left), (usd(60), [1, 70]));
    // Money that does not fit does not undo that the request was made.
    let (standings, held) = ask(2, 60, 70).await;
    assert!(matches!(held.unwrap_err(), Refusal::Exhausted(_)));
    assert_eq!(standings.unwrap().requests.unwrap().remaining, 0);
    let third = ask(3, 10, 1).await;
    assert!(
        matches!(third, (None, Err(Refusal::TooMany(_)))),
        "{third:?}"
    );
    assert_eq!(balance(&*engine, 1).await, stands(0, 60), "nothing is held");
}

async fn parallel_reservations_never_pass_the_limit(engine: Arc<dyn BudgetEngine>) {
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

async fn a_flexible_reservation_finds_room_beside_many_small_ones(engine: Arc<dyn BudgetEngine>) {
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
        mod leases {
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
