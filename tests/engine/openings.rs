//! The part of the contract that is about accounts that are opened.

use std::sync::Arc;

use budgetguard::domain::budget::{Account, Charge, Coverage, Origin, Reservation, Scope};
use budgetguard::domain::filter::{CallFilter, Patterns};
use budgetguard::domain::id::{ApiKeyId, ModelName, TagId, TenantId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::session::SessionKey;
use budgetguard::domain::tag::Weight;
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::engine::{BudgetEngine, Opening, Refusal, Spending};

use crate::{
    KEY, NOW, Spent, TENANT, balance, charge, charged, comes_to, open, opening, origin, request,
    reservation, stands, tagged, usd, weight,
};

pub(crate) async fn nothing_is_admitted_on_an_unknown_account(engine: Arc<dyn BudgetEngine>) {
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

pub(crate) async fn an_opened_account_counts_what_came_before_it(engine: Arc<dyn BudgetEngine>) {
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

pub(crate) async fn a_window_that_began_since_starts_empty(engine: Arc<dyn BudgetEngine>) {
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

pub(crate) async fn the_installations_account_is_opened_over_all_tenants(
    engine: Arc<dyn BudgetEngine>,
) {
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

pub(crate) async fn an_opened_account_counts_only_what_it_covers(engine: Arc<dyn BudgetEngine>) {
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

pub(crate) async fn a_session_is_opened_before_it_is_charged(engine: Arc<dyn BudgetEngine>) {
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
