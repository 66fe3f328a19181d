//! What was done: the ledger and sessions.

use budgetguard::domain::id::ApiKeyId;
use budgetguard::domain::ledger::Status;
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::print_shares;

use crate::import::{id_of, ledger, moved, tag};
use crate::support::Database;

on_both_databases![
    a_row_says_what_it_said,
    rows_have_their_outcomes,
    sessions_go_on,
];

async fn a_row_says_what_it_said(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let rows = ledger(store).await;
    let acme = id_of(store, "acme").await;
    let (research, team) = (
        tag(store, acme, "research").await,
        tag(store, acme, "team").await,
    );
    let (early, late) = (
        tag(store, acme, "early").await,
        tag(store, acme, "late").await,
    );
    let first = &rows[0];
    assert_eq!(first.at.to_string(), "2025-06-05T11:00:00.001Z");
    assert_eq!(first.request.millis(), first.at.as_millis());
    assert_eq!((first.tenant, first.key), (acme, ApiKeyId(0)));
    assert_eq!(first.cost, Usd::from_nanos(7_500_000));
    assert_eq!((first.usage.input, first.usage.output), (100, 50));
    assert_eq!(first.provider.as_str(), "openai");
    let shares = format!("{research}:1000000,{team}:1000000^,{early}:500000,{late}:500000^");
    assert_eq!(print_shares(&first.tags), Some(shares));
}

async fn rows_have_their_outcomes(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let rows = ledger(store).await;
    assert_eq!(rows.len(), 10);
    let by_status = |status| rows.iter().filter(|row| row.status == status).count();
    assert_eq!(by_status(Status::Success), 8);
    assert_eq!(by_status(Status::Blocked), 1);
    let odd = rows
        .iter()
        .find(|row| row.status == Status::Failed)
        .unwrap();
    assert_eq!(odd.reason.as_deref(), Some("gave_up"));
    let fine: Vec<i64> = rows.iter().map(|row| row.cost.nanos()).collect();
    assert!(fine.contains(&1), "{fine:?}");
    assert!(fine.contains(&2_000_000_000), "{fine:?}");
    let stranger = rows
        .iter()
        .find(|row| row.model.as_str() == "nobodys-model");
    assert_eq!(stranger.unwrap().provider.as_str(), "unknown");
}

async fn sessions_go_on(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let agent = store.session(acme, "agent-1").await.unwrap().unwrap();
    assert_eq!(agent.name.as_deref(), Some("Agent"));
    assert_eq!(agent.path.as_deref(), Some("/a/b"));
    assert_eq!(agent.own_budget, None, "its tenant says the same");
    assert_eq!(agent.cost, Usd::from_nanos(7_500_001));
    let tagged = store.session(acme, "agent-2").await.unwrap().unwrap();
    assert_eq!(tagged.own_budget, None, "its tag says the same");
    assert_eq!(tagged.tags.len(), 2);
    let odd = id_of(store, "Żółw & søn").await;
    let own = store.session(odd, "agent-ü").await.unwrap().unwrap();
    assert_eq!(own.own_budget, Some(Usd::from_nanos(250_000_000)));
    assert!(store.session(acme, "unseen").await.unwrap().is_some());
}
