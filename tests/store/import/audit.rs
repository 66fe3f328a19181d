//! The audit log: what was done there stands in ours, in the words that it had.

use budgetguard::domain::window::Window;
use budgetguard::store::audit::{AuditFilter, AuditRecord};

use crate::import::{figures, full_original, id_of, imported, moved};
use crate::support::Database;

on_both_databases![
    it_says_who_did_what_and_when,
    two_installations_have_a_row_each,
];

/// Its rows from anywhere else, oldest first.
pub(super) async fn logged(database: &Database) -> Vec<AuditRecord> {
    let filter = AuditFilter {
        tenant: None,
        actor: None,
        action: None,
        target_kind: Some("original".to_owned()),
        target: None,
        within: Window::TOTAL,
        older_than: None,
    };
    let mut listed = database.store.list_audit(&filter, 100).await.unwrap();
    listed.reverse();
    listed
}

async fn it_says_who_did_what_and_when(database: Database) {
    let Some(report) = moved(&database).await else {
        return;
    };
    let rows = logged(&database).await;
    let [first, second] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!(first.cursor.at.to_string(), "2025-06-05T12:00:00.002Z");
    assert_eq!(first.actor_kind, "unknown");
    assert_eq!(first.actor_name.as_deref(), Some("apiKey:1"));
    assert_eq!(first.action, "api_key_used");
    assert_eq!(first.target, Some(format!("{} 1", report.source)));
    let acme = id_of(&database.store, "acme").await;
    assert_eq!(first.tenant, Some(acme));
    let details = |text: &str| Some(format!(r#"{{"details":"{text}"}}"#));
    assert_eq!(first.after, details("/v1/responses"));
    assert_eq!(second.after, details(r#"/\"ü\""#));
}

async fn two_installations_have_a_row_each(database: Database) {
    let (Some(one), Some(other)) = (full_original().await, full_original().await) else {
        return;
    };
    let store = &database.store;
    imported(store, &one).await;
    other
        .run_inside("UPDATE \"Tenant\" SET \"createdAt\" = '2024-01-01' WHERE name = 'public'")
        .await;
    let report = imported(store, &other).await;
    let audit = ("audit log", 2, 2, 0, 0);
    assert!(figures(&report).contains(&audit), "{report:#?}");
    assert_eq!(logged(&database).await.len(), 4);
    one.drop().await;
    other.drop().await;
}
