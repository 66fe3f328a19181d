//! The contract of budget engines: one suite, run against each of them.
#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use budgetguard::domain::budget::{
    Account, AccountOwner, Balance, Charge, Charges, Coverage, Enforcement, Hold, Origin,
    Reservation, Scope,
};
use budgetguard::domain::filter::{CallFilter, Patterns};
use budgetguard::domain::id::{
    ApiKeyId, BudgetId, ModelName, ProviderName, RequestId, TagId, TenantId,
};
use budgetguard::domain::money::Usd;
use budgetguard::domain::rate::{RateLimits, RateSubject, RateUnit, RateWish};
use budgetguard::domain::session::SessionKey;
use budgetguard::domain::tag::{TagShare, TagShares, Weight};
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::engine::local::LocalEngine;
use budgetguard::engine::{BudgetEngine, Opening, Refusal, Spending};
use proptest::prelude::*;

const TENANT: TenantId = TenantId(1);
const KEY: ApiKeyId = ApiKeyId(11);
const NOW: UtcMicros = UtcMicros::new(1_700_000_000_000_000);

fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

fn request(number: u32) -> RequestId {
    let mut random = [0; 10];
    random[..4].copy_from_slice(&number.to_be_bytes());
    RequestId::new(NOW, random)
}

fn account(budget: i64) -> Account {
    let window = Window {
        start: UtcMicros::new(0),
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

async fn balance(engine: &dyn BudgetEngine, budget: i64) -> Balance {
    engine.balances(TENANT, &[account(budget)]).await[0].unwrap_or_default()
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
    let opening = Opening {
        account: account(1),
        coverage: Coverage::all_of(unknown.scope),
        in_ledger: usd(99),
    };
    engine
        .open(Some(TENANT), &[opening], &|| Ok(Vec::new()))
        .await
        .unwrap();
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
    // Charged, and still on its way to the ledger.
    let spending = |number, cost| Spending {
        request: request(number),
        origin: origin(),
        at: NOW,
        cost: usd(cost),
    };
    let opening = Opening {
        account: account(2),
        coverage: Coverage::all_of(Scope::Key(KEY)),
        in_ledger: usd(40),
    };
    // The outcome of the request under way may be recorded before it is settled.
    let unrecorded = || Ok(vec![spending(9, 3), spending(1, 5)]);
    engine
        .open(Some(TENANT), &[opening], &unrecorded)
        .await
        .unwrap();
    assert_eq!(balance(&*engine, 2).await, stands(43, 7));
    engine.settle(&under_way, usd(5));
    assert_eq!(balance(&*engine, 2).await, stands(48, 0));
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
    assert!(engine.reserve(&wish).await.is_ok());
    let opening = Opening {
        account: account(4),
        coverage: Coverage::all_of(Scope::Installation),
        in_ledger: usd(7),
    };
    let unrecorded = || {
        let spending = |number, cost| Spending {
            request: request(number),
            origin: other.clone(),
            at: NOW,
            cost: usd(cost),
        };
        Ok(vec![spending(1, 50), spending(2, 40)])
    };
    engine.open(None, &[opening], &unrecorded).await.unwrap();
    assert_eq!(balance(&*engine, 4).await, stands(57, 41));
}

async fn an_opened_account_counts_only_what_it_covers(engine: Arc<dyn BudgetEngine>) {
    let under_way = Reservation {
        origin: tagged(5, weight("0.5")),
        ..reservation(1, &[charge(1, 100)], 7)
    };
    let under_way = engine.reserve(&under_way).await.unwrap();
    let untagged = engine.reserve(&reservation(2, &[charge(1, 100)], 50)).await;
    assert!(untagged.is_ok());
    let unrecorded = || {
        let spending = |number, origin| Spending {
            request: request(number),
            origin,
            at: NOW,
            cost: usd(10),
        };
        let other_model = Origin {
            model: ModelName::new("o3"),
            ..tagged(5, Weight::ONE)
        };
        let tags = [tagged(5, Weight::ONE), tagged(6, Weight::ONE), other_model];
        Ok(tags
            .into_iter()
            .zip(11..)
            .map(|(origin, number)| spending(number, origin))
            .collect())
    };
    let opening = Opening {
        account: account(5),
        coverage: Coverage {
            scope: Scope::Tag(TagId(5)),
            calls: CallFilter {
                models: Patterns::new(["gpt-*"]).unwrap(),
                providers: Patterns::default(),
            },
            weight: weight("2"),
        },
        in_ledger: usd(3),
    };
    engine
        .open(Some(TENANT), &[opening], &unrecorded)
        .await
        .unwrap();
    assert_eq!(balance(&*engine, 5).await, stands(23, 7));
    engine.settle(&under_way, usd(4));
    assert_eq!(balance(&*engine, 5).await, stands(27, 0));
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
        account,
        coverage: Coverage::all_of(Scope::Session(session)),
        in_ledger: usd(40),
    };
    engine
        .open(Some(TENANT), &[opening], &|| Ok(Vec::new()))
        .await
        .unwrap();
    let hold = engine.reserve(&wish).await.unwrap();
    assert_eq!(hold.remaining, Some(Usd::ZERO));
}

fn wish(of_tenant: RateLimits, of_key: RateLimits) -> RateWish {
    RateWish {
        tenant: TENANT,
        key: KEY,
        at: NOW,
        of_tenant,
        of_key,
    }
}

async fn rates_are_counted_per_tenant_and_per_key(engine: Arc<dyn BudgetEngine>) {
    let limit = |requests| RateLimits::from_kept(Some(requests), None, None);
    let both = wish(limit(3), limit(2));
    let standing = engine.take_rate(&both).await.unwrap().requests.unwrap();
    assert_eq!(
        (standing.limit, standing.remaining),
        (2, 1),
        "the tighter one"
    );
    engine.take_rate(&both).await.unwrap();
    let refused = engine.take_rate(&both).await.unwrap_err();
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
    let refused = engine.take_rate(&other_key).await.unwrap_err();
    assert_eq!(refused.subject, RateSubject::Tenant);
    let other_tenant = RateWish {
        tenant: TenantId(2),
        ..both
    };
    engine.take_rate(&other_tenant).await.unwrap();
}

async fn tokens_are_counted_as_they_are_used(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(None, Some(100), None);
    let wish = wish(limits, RateLimits::default());
    let standing = engine.take_tokens(&wish, 80).await.unwrap();
    assert_eq!(standing.unwrap().remaining, 20);
    let refused = engine.take_tokens(&wish, 21).await.unwrap_err();
    assert_eq!(
        (refused.unit, refused.standing.remaining),
        (RateUnit::Tokens, 20)
    );
    engine.end_rate(&wish, 80, 50);
    let standing = engine.take_tokens(&wish, 21).await.unwrap();
    assert_eq!(standing.unwrap().remaining, 29);
}

async fn requests_at_once_end_with_the_request(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(None, None, Some(2));
    let wish = wish(RateLimits::default(), limits);
    engine.take_rate(&wish).await.unwrap();
    engine.take_rate(&wish).await.unwrap();
    let refused = engine.take_rate(&wish).await.unwrap_err();
    assert_eq!(
        (refused.unit, refused.subject),
        (RateUnit::Concurrent, RateSubject::Key)
    );
    engine.end_rate(&wish, 0, 0);
    engine.take_rate(&wish).await.unwrap();
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

/// Runs every case of the contract against engines that `make` makes, each case on a new one.
macro_rules! contract {
    ($engine:ident, $make:expr, [$($case:ident),* $(,)?]) => {
        mod $engine {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$case($make).await;
                }
            )*
        }
    };
}

contract!(
    local,
    Arc::new(LocalEngine::default()),
    [
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
        a_limit_that_only_counts_refuses_nothing,
        the_installations_budget_counts_every_tenant,
        the_installations_account_is_opened_over_all_tenants,
        an_opened_account_counts_only_what_it_covers,
        a_session_is_opened_before_it_is_charged,
        rates_are_counted_per_tenant_and_per_key,
        tokens_are_counted_as_they_are_used,
        requests_at_once_end_with_the_request,
        parallel_reservations_never_pass_the_limit,
    ]
);

/// The budgets of the simulation, one for each tag: limit, weight, and what the limit does.
const BUDGETS: [(i64, &str, Enforcement); 5] = [
    (1_000, "1", Enforcement::Ceiling),
    (500, "0.3", Enforcement::Ceiling),
    (2_000, "2.5", Enforcement::Ceiling),
    (400, "1", Enforcement::Settled),
    (300, "0.7", Enforcement::Counted),
];

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        number: u32,
        tags: u8,
        wanted: i64,
        at_least: i64,
    },
    Settle {
        number: u32,
        share: i64,
    },
    Release {
        number: u32,
    },
    /// As after a restart, or when the budget is changed.
    Reopen {
        tag: usize,
        /// How many of the charges have not reached the ledger.
        unrecorded: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u32..12, 1_u8..32, 0_i64..400, 0_i64..400).prop_map(
            |(number, tags, wanted, least)| Step::Reserve {
                number, tags, wanted, at_least: least.min(wanted),
            }
        ),
        3 => (0_u32..12, 0_i64..=100).prop_map(|(number, share)| Step::Settle { number, share }),
        1 => (0_u32..12).prop_map(|number| Step::Release { number }),
        1 => (0..BUDGETS.len(), 0_usize..4)
            .prop_map(|(tag, unrecorded)| Step::Reopen { tag, unrecorded }),
    ]
}

/// The engine beside books that are kept in the simplest way.
struct Simulation {
    runtime: tokio::runtime::Runtime,
    engine: LocalEngine,
    holds: BTreeMap<u32, (Hold, u8)>,
    charged: Vec<Spending>,
    ended: u32,
}

fn tag_of(bit: usize) -> TagId {
    TagId(i64::try_from(bit).unwrap() + 10)
}

fn tags_of(bits: u8) -> Origin {
    let shares = (0..BUDGETS.len()).filter(|bit| bits & (1 << bit) != 0);
    let shares = shares.map(|bit| TagShare {
        tag: tag_of(bit),
        weight: Weight::ONE,
        is_inherited: false,
    });
    Origin {
        tags: shares.collect(),
        ..origin()
    }
}

fn coverage(bit: usize) -> Coverage {
    Coverage {
        weight: weight(BUDGETS[bit].1),
        ..Coverage::all_of(Scope::Tag(tag_of(bit)))
    }
}

impl Simulation {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        Self {
            runtime: builder.build().unwrap(),
            engine: LocalEngine::default(),
            holds: BTreeMap::new(),
            charged: Vec::new(),
            ended: 0,
        }
    }

    fn charge(bit: usize) -> Charge {
        let (limit, weight_text, enforcement) = BUDGETS[bit];
        Charge {
            scope: Scope::Tag(tag_of(bit)),
            weight: weight(weight_text),
            enforcement,
            ..charge(tag_of(bit).0, limit)
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Reserve {
                number,
                tags,
                wanted,
                at_least,
            } => self.reserve(number, tags, (wanted, at_least))?,
            Step::Settle { number, share } => {
                if let Some((hold, tags)) = self.holds.remove(&number) {
                    self.ended += 1;
                    let actual = usd(hold.amount.nanos() * share / 100);
                    self.engine.settle(&hold, actual);
                    self.engine.settle(&hold, actual);
                    self.charged.push(Spending {
                        request: hold.request,
                        origin: tags_of(tags),
                        at: NOW,
                        cost: actual,
                    });
                }
            }
            Step::Release { number } => {
                if let Some((hold, _)) = self.holds.remove(&number) {
                    self.ended += 1;
                    self.engine.release(&hold);
                }
            }
            Step::Reopen { tag, unrecorded } => self.reopen(tag, unrecorded),
        }
        Ok(())
    }

    fn reserve(
        &mut self,
        number: u32,
        tags: u8,
        (wanted, at_least): (i64, i64),
    ) -> Result<(), TestCaseError> {
        let bits = (0..BUDGETS.len()).filter(|bit| tags & (1 << bit) != 0);
        let charges: Vec<Charge> = bits.map(Self::charge).collect();
        let wish = Reservation {
            origin: tags_of(tags),
            at_least: usd(at_least),
            // No two requests have the same id, also after one of them is over.
            ..reservation(number + 12 * self.ended, &charges, wanted)
        };
        let wish = match self.holds.get(&number) {
            Some((known, _)) => Reservation {
                request: known.request,
                ..wish
            },
            None => wish,
        };
        if let Ok(hold) = self.runtime.block_on(self.engine.reserve(&wish)) {
            if let Some((known, _)) = self.holds.get(&number) {
                prop_assert_eq!(&hold, known);
            } else {
                prop_assert!(hold.amount >= usd(at_least) && hold.amount <= usd(wanted));
                self.holds.insert(number, (hold, tags));
            }
        }
        Ok(())
    }

    fn reopen(&mut self, bit: usize, unrecorded: usize) {
        let recorded = self.charged.len().saturating_sub(unrecorded);
        let (in_ledger, in_spool) = self.charged.split_at(recorded);
        let opening = Opening {
            account: account(tag_of(bit).0),
            coverage: coverage(bit),
            in_ledger: counted(bit, in_ledger),
        };
        let in_spool = in_spool.to_vec();
        let unrecorded = || Ok(in_spool.clone());
        let openings = [opening];
        let opened = self.engine.open(Some(TENANT), &openings, &unrecorded);
        self.runtime.block_on(opened).unwrap();
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (bit, (limit, _, enforcement)) in BUDGETS.iter().enumerate() {
            let held = self.holds.values().filter_map(|(hold, tags)| {
                let share = coverage(bit).share_of(&tags_of(*tags))?;
                Some(share.weight.of(hold.amount).nanos())
            });
            let expected = stands(counted(bit, &self.charged).nanos(), held.sum());
            let stood = self.runtime.block_on(balance(&self.engine, tag_of(bit).0));
            prop_assert_eq!(stood, expected);
            let is_ceiling = *enforcement == Enforcement::Ceiling;
            prop_assert!(!is_ceiling || stood.headroom(usd(*limit)) >= Usd::ZERO);
        }
        prop_assert_eq!(self.engine.holds_open(), self.holds.len());
        Ok(())
    }
}

/// What some charges come to on a budget.
fn counted(bit: usize, charges: &[Spending]) -> Usd {
    let shares = charges.iter().filter_map(|charge| {
        let share = coverage(bit).share_of(&charge.origin)?;
        Some(share.weight.of(charge.cost))
    });
    shares.fold(Usd::ZERO, Usd::saturating_add)
}

proptest! {
    /// Whatever the order of steps: no ceiling is passed, a step on one request never changes what
    /// another holds, what is charged is the sum of what was settled, and an account that is opened
    /// anew in the middle of it stands at what it stood at.
    #[test]
    fn any_sequence_of_steps_keeps_every_limit(steps in proptest::collection::vec(step(), 1..120)) {
        let mut simulation = Simulation::new();
        for step in steps {
            simulation.take(&step)?;
            simulation.check()?;
        }
    }
}
