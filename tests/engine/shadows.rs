//! Budgets that only count for now: they refuse nothing, and tell exactly what they would have refused.

use std::sync::Arc;

use budgetguard::domain::budget::shadow::Shadowed;
use budgetguard::domain::budget::{Charge, Enforcement, Reservation};
use budgetguard::engine::{BudgetEngine, Refusal};

use crate::{balance, charge, request, reservation, scope, stands, usd};

fn shadow(budget: i64, limit: i64, shadowed: Shadowed) -> Charge {
    Charge {
        enforcement: Enforcement::Shadow(shadowed),
        ..charge(budget, limit)
    }
}

/// One of each kind.
fn all_kinds() -> [Charge; 3] {
    [
        shadow(1, 100, Shadowed::Ceiling),
        shadow(5, 50, Shadowed::Settled),
        shadow(4, 0, Shadowed::Counted),
    ]
}

pub(crate) async fn a_shadow_counts_and_tells_what_it_would_have_refused(
    engine: Arc<dyn BudgetEngine>,
) {
    // Of 60 each, by a limit of 100: the first fits, the second does not. The one that looks at what was
    // settled says no from the second on, and the one that only ever counts says nothing.
    let both = vec![scope(1), scope(5)];
    for (number, told) in [(1, vec![]), (2, both.clone()), (3, both)] {
        let hold = engine.reserve(&reservation(number, &all_kinds(), 60)).await;
        let hold = hold.unwrap();
        assert_eq!((hold.amount, hold.remaining), (usd(60), None));
        let scopes: Vec<_> = hold.shadows.iter().map(|it| it.scope).collect();
        assert_eq!(scopes, told);
        engine.settle(&hold, usd(60));
    }
    for budget in [1, 5, 4] {
        assert_eq!(balance(&*engine, budget).await, stands(180, 0));
    }
}

pub(crate) async fn a_shadow_tells_of_a_request_once(engine: Arc<dyn BudgetEngine>) {
    let too_much = reservation(1, &all_kinds(), 101);
    let hold = engine.reserve(&too_much).await.unwrap();
    assert_eq!(hold.shadows.len(), 1);
    assert_eq!(engine.reserve(&too_much).await.unwrap().shadows, []);
    engine.release(&hold);
}

pub(crate) async fn a_shadow_says_what_it_stood_at(engine: Arc<dyn BudgetEngine>) {
    let charges = [shadow(1, 100, Shadowed::Ceiling)];
    let hold = engine.reserve(&reservation(1, &charges, 180)).await;
    engine.settle(&hold.unwrap(), usd(180));
    let hold = engine.reserve(&reservation(2, &charges, 1)).await;
    let shadows = hold.unwrap().shadows;
    assert_eq!(shadows.len(), 1);
    let exhausted = &shadows[0];
    assert_eq!((exhausted.limit, exhausted.needed), (usd(100), usd(1)));
    // An engine may settle a little later: until then it is held.
    let used = exhausted
        .balance
        .spent
        .saturating_add(exhausted.balance.held);
    assert_eq!((used, exhausted.room), (usd(180), usd(-80)));
}

pub(crate) async fn a_shadow_takes_nothing_from_what_others_may_hold(
    engine: Arc<dyn BudgetEngine>,
) {
    let charges = [charge(2, 100), shadow(1, 10, Shadowed::Ceiling)];
    let flexible = Reservation {
        at_least: usd(5),
        ..reservation(1, &charges, 80)
    };
    let hold = engine.reserve(&flexible).await.unwrap();
    assert_eq!((hold.amount, hold.remaining), (usd(80), Some(usd(20))));
    assert_eq!(hold.shadows, [], "five would have fitted");
    let refused = engine.reserve(&reservation(2, &charges, 21)).await;
    let Err(Refusal::Exhausted(exhausted)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(exhausted.scope, scope(2), "never the shadow");
    assert_ne!(hold.request, request(2));
    engine.release(&hold);
    assert_eq!(balance(&*engine, 1).await, stands(0, 0));
}
