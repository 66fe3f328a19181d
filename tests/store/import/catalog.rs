//! What may be done: tenants, keys, tags and budgets.

use budgetguard::domain::budget::Scope;
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::Inheritance;
use budgetguard::domain::window::Period;
use budgetguard::store::budgets::BudgetRecord;

use crate::import::{id_of, moved, tag};
use crate::support::Database;

on_both_databases![
    tenants_have_their_limits,
    keys_wait_for_their_first_use,
    tags_are_a_tree,
    tags_have_what_they_say,
    budgets_of_tenants_are_in_force_as_they_were,
    budgets_of_tags_have_their_weights,
];

async fn tenants_have_their_limits(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = store.tenant_named("acme").await.unwrap().unwrap();
    assert_eq!(acme.tenant.requests_per_minute, Some(0));
    let budget = Some(Usd::from_nanos(1_500_000_000));
    assert_eq!(acme.tenant.default_session_budget, budget);
    assert_eq!(acme.created_at.to_string(), "2025-06-02T10:00:00.000Z");
    let last = store.tenant_named("last").await.unwrap().unwrap();
    assert_eq!(last.tenant.default_session_budget, Some(Usd::ZERO));
    assert_eq!(store.tenant_named("gone").await.unwrap(), None);
}

async fn keys_wait_for_their_first_use(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let keys = store.list_keys(acme).await.unwrap();
    let shown: Vec<_> = keys
        .iter()
        .map(|key| (&*key.prefix, key.is_active))
        .collect();
    assert_eq!(shown, [("3f9a1c7b", true), ("deadbeef", false)]);
    let catalog = store.load_catalog().await.unwrap();
    assert!(catalog.keys.is_empty(), "a key that nobody has shown yet");
    assert_eq!(catalog.legacy_keys.len(), 2, "{:?}", catalog.legacy_keys);
}

async fn tags_are_a_tree(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let tags = store.list_tags(acme).await.unwrap();
    let (team, late) = (
        tag(store, acme, "team").await,
        tag(store, acme, "late").await,
    );
    let shown: Vec<_> = tags
        .iter()
        .map(|tag| (&*tag.tag.name, tag.tag.parent, tag.tag.is_active))
        .collect();
    assert_eq!(
        shown,
        [
            ("team", None, true),
            ("research", Some(team), true),
            ("retired", None, false),
            ("early", Some(late), true),
            ("late", None, true),
            ("round", None, true),
            ("and, round", None, true),
        ]
    );
}

async fn tags_have_what_they_say(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let tags = store.list_tags(acme).await.unwrap();
    assert_eq!(tags[0].color.as_deref(), Some("#ff0000"));
    assert!(tags[0].metadata.as_deref().unwrap().contains("centre"));
    assert_eq!(tags[1].metadata, None);
    assert_eq!(
        tags[1].tag.session_budget,
        Some(Usd::from_nanos(750_000_000))
    );
}

/// Period, limit and whether it is in force.
fn terms(budgets: &[BudgetRecord]) -> Vec<(&'static str, String, bool)> {
    let terms = budgets.iter().map(|it| {
        let budget = &it.budget;
        (budget.period.name(), budget.limit.to_string(), it.is_active)
    });
    terms.collect()
}

async fn budgets_of_tenants_are_in_force_as_they_were(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let own = store.list_budgets(Scope::Tenant(acme)).await.unwrap();
    let term = |period, limit: &str, is_active| (period, limit.to_owned(), is_active);
    assert_eq!(
        terms(&own),
        [
            term("monthly", "100", false),
            term("monthly", "50", true),
            term("custom", "7", false),
            term("custom", "9", true),
        ]
    );
    let Period::Custom(window) = own[3].budget.period else {
        panic!("{:?}", own[3]);
    };
    assert_eq!(window.end.to_string(), "2100-01-01T00:00:00.000Z");
    let odd = id_of(store, "Żółw & søn").await;
    let odd = store.list_budgets(Scope::Tenant(odd)).await.unwrap();
    assert_eq!(terms(&odd), [term("daily", "0", true)]);
    let last = id_of(store, "last").await;
    let last = store.list_budgets(Scope::Tenant(last)).await.unwrap();
    assert_eq!(last[0].budget.limit, Usd::MAX);
}

async fn budgets_of_tags_have_their_weights(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let term = |period, limit: &str, is_active| (period, limit.to_owned(), is_active);
    let of_team = Scope::Tag(tag(store, acme, "team").await);
    let of_team = store.list_budgets(of_team).await.unwrap();
    assert_eq!(terms(&of_team), [term("daily", "5", true)]);
    assert_eq!(of_team[0].budget.coverage.weight.millionths(), 500_000);
    assert_eq!(of_team[0].budget.inheritance, Inheritance::Strict);
    assert!(of_team[0].thresholds.as_deref().unwrap().contains("80"));
    let research = Scope::Tag(tag(store, acme, "research").await);
    let research = store.list_budgets(research).await.unwrap();
    assert_eq!(
        terms(&research),
        [term("monthly", "3", true), term("daily", "3", false)]
    );
    assert_eq!(research[0].budget.coverage.weight.millionths(), 333_334);
    assert_eq!(research[0].budget.inheritance, Inheritance::Bypass);
}
