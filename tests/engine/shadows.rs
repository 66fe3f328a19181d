//! Budgets that only count for now: they refuse nothing, and tell exactly what they would have refused.

#![expect(clippy::cognitive_complexity, reason = "each test tells one story")]

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

pub(crate) async fn a_shadow_counts_and_tells_what_it_would_have_refused(
    engine: Arc<dyn BudgetEngine>,
) {
    let charges = [
        shadow(1, 100, Shadowed::Ceiling),
        shadow(5, 50, Shadowed::Settled),
        shadow(4, 0, Shadowed::Counted),
    ];
    // Of 60 each, by a limit of 100: the first fits, the second does not. The one that looks at what was
    // settled says no from the second on, and the one that only ever counts says nothing.
    let mut told = Vec::new();
    for number in 1..=3 {
        let hold = engine.reserve(&reservation(number, &charges, 60)).await;
        let hold = hold.unwrap();
        assert_eq!((hold.amount, hold.remaining), (usd(60), None));
        told.push(hold.shadows.iter().map(|it| it.scope).collect::<Vec<_>>());
        let again = engine.reserve(&reservation(number, &charges, 60)).await;
        assert_eq!(again.unwrap().shadows, [], "told once");
        engine.settle(&hold, usd(60));
    }
    let both = vec![scope(1), scope(5)];
    assert_eq!(told, [vec![], both.clone(), both]);
    for budget in [1, 5, 4] {
        assert_eq!(balance(&*engine, budget).await, stands(180, 0));
    }
    let hold = engine.reserve(&reservation(4, &charges[..1], 1)).await;
    let shadows = hold.unwrap().shadows;
    assert_eq!(shadows.len(), 1);
    let exhausted = &shadows[0];
    assert_eq!((exhausted.limit, exhausted.needed), (usd(100), usd(1)));
    assert_eq!(
        (exhausted.balance.spent, exhausted.room),
        (usd(180), usd(-80))
    );
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
