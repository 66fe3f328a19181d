//! Policies of tenants: versions that stay as they were uploaded, and which of them is in force.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use budgetguard::catalog::refresh::Refresher;
use budgetguard::domain::bundle::Contents;
use budgetguard::domain::id::{BundleVersion, TenantId};
use budgetguard::domain::window::{Clock, ManualClock};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::policy::source::PolicySource;
use budgetguard::store::policy_bundles::{ActiveBundle, BundleRecord, NewBundle, Unchanged};
use budgetguard::store::{Page, Store};
use tempfile::TempDir;

use crate::refresher::{refresher, spool};
use crate::support::{self, Database, NOW, STAMP, stamp};

const ALL: Page = Page {
    limit: 100,
    offset: 0,
};

on_both_databases![
    versions_count_from_one_for_each_tenant_and_keep_what_they_are_made_of,
    one_version_is_in_force_and_the_catalog_has_it,
    a_roll_back_goes_to_what_was_in_force_before_and_forgets_what_was,
    what_was_uploaded_is_never_changed_or_removed,
    a_replica_compiles_a_version_once,
    a_version_that_cannot_be_compiled_is_kept_as_broken,
];

async fn tenant(store: &Store, name: &str) -> TenantId {
    support::tenant(store, name).await.tenant.id
}

fn rego(text: &str) -> Contents {
    let files = [("rules.rego".to_owned(), text.to_owned())];
    Contents::rego(BTreeMap::from(files)).unwrap()
}

fn rules(allow: bool) -> Contents {
    rego(&format!("package budgetguard.policy\nallow := {allow}"))
}

async fn upload(store: &Store, tenant: TenantId, contents: &Contents) -> BundleRecord {
    let sha256 = PolicySource::of_contents(contents.clone())
        .hash()
        .to_string();
    let bundle = NewBundle {
        contents,
        sha256: &sha256,
        comment: Some("tried"),
    };
    store
        .add_bundle(tenant, bundle, &STAMP)
        .await
        .unwrap()
        .unwrap()
}

async fn activate(store: &Store, tenant: TenantId, version: i64) -> BundleRecord {
    let activated = store.activate_bundle(tenant, BundleVersion(version), &STAMP);
    activated.await.unwrap().unwrap()
}

async fn in_force(store: &Store) -> Vec<ActiveBundle> {
    store.load_catalog().await.unwrap().bundles
}

fn versions(active: &[ActiveBundle]) -> Vec<(TenantId, i64)> {
    let active = active.iter();
    active
        .map(|bundle| (bundle.tenant, bundle.version.0))
        .collect()
}

async fn versions_count_from_one_for_each_tenant_and_keep_what_they_are_made_of(
    database: Database,
) {
    let store = &database.store;
    let (one, other) = (tenant(store, "one").await, tenant(store, "other").await);
    let module = Contents::wasm(vec![0, b'a', 0xff, 0]).unwrap();
    let first = upload(store, one, &rules(true)).await;
    let second = upload(store, one, &module).await;
    let others = upload(store, other, &rules(false)).await;
    let numbers = [&first, &second, &others].map(|record| record.version.0);
    assert_eq!(numbers, [1, 2, 1]);
    assert_eq!(
        (first.kind.as_str(), second.kind.as_str()),
        ("rego", "wasm")
    );
    assert_eq!((second.bytes, second.created_by.as_str()), (4, "system"));
    assert!(!first.is_active && first.activated_at.is_none());
    for (version, expected) in [(1, rules(true)), (2, module)] {
        let kept = store.bundle(one, BundleVersion(version)).await.unwrap();
        assert_eq!(kept.unwrap().1, expected);
    }
    assert_eq!(store.bundle(one, BundleVersion(3)).await.unwrap(), None);
    let listed = store.list_bundles(one, ALL).await.unwrap();
    assert_eq!((listed.rows, listed.total), (vec![second, first], 2));
}

async fn one_version_is_in_force_and_the_catalog_has_it(database: Database) {
    let store = &database.store;
    let (one, other) = (tenant(store, "one").await, tenant(store, "other").await);
    for allow in [true, false] {
        upload(store, one, &rules(allow)).await;
    }
    upload(store, other, &rules(true)).await;
    assert_eq!(in_force(store).await, []);
    let before = store.catalog_version().await.unwrap();
    let activated = activate(store, one, 1).await;
    assert_eq!(
        (activated.is_active, activated.activated_at),
        (true, Some(NOW))
    );
    assert!(store.catalog_version().await.unwrap() > before);
    activate(store, other, 1).await;
    activate(store, one, 2).await;
    let active = in_force(store).await;
    assert_eq!(versions(&active), [(one, 2), (other, 1)]);
    let sha256 = PolicySource::of_contents(rules(false)).hash().to_string();
    assert_eq!(active[0].sha256, sha256);
    let missing = store.activate_bundle(one, BundleVersion(9), &STAMP).await;
    assert_eq!(missing.unwrap(), Err(Unchanged::Missing));
    assert_eq!(
        in_force(store).await,
        active,
        "nothing was taken out of force"
    );
    store.deactivate_bundle(one, &STAMP).await.unwrap().unwrap();
    assert_eq!(versions(&in_force(store).await), [(other, 1)]);
    let again = store.deactivate_bundle(one, &STAMP).await.unwrap();
    assert_eq!(again, Err(Unchanged::NotActive));
}

async fn a_roll_back_goes_to_what_was_in_force_before_and_forgets_what_was(database: Database) {
    let store = &database.store;
    let one = tenant(store, "one").await;
    for allow in [true, false, true] {
        upload(store, one, &rules(allow)).await;
    }
    let back = async || store.roll_back_bundle(one, &STAMP).await.unwrap();
    assert_eq!(back().await, Err(Unchanged::NotActive));
    activate(store, one, 1).await;
    assert_eq!(back().await, Err(Unchanged::NothingBefore));
    assert_eq!(versions(&in_force(store).await), [(one, 1)]);
    activate(store, one, 2).await;
    assert_eq!(back().await.unwrap().version, BundleVersion(1));
    let (forgotten, _) = store.bundle(one, BundleVersion(2)).await.unwrap().unwrap();
    assert_eq!((forgotten.is_active, forgotten.activated_at), (false, None));
    // From a version after it, the way back does not lead to the one that was rolled back.
    activate(store, one, 3).await;
    assert_eq!(back().await.unwrap().version, BundleVersion(1));
    assert_eq!(versions(&in_force(store).await), [(one, 1)]);
}

async fn what_was_uploaded_is_never_changed_or_removed(database: Database) {
    let store = &database.store;
    let one = tenant(store, "one").await;
    upload(store, one, &rules(true)).await;
    activate(store, one, 1).await;
    for statement in [
        "UPDATE policy_bundle SET files = '{}'",
        "UPDATE policy_bundle SET sha256 = ''",
        "UPDATE policy_bundle SET version = 2",
        "DELETE FROM policy_bundle",
    ] {
        let refused = database.driver.execute(statement, &[]).await;
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("append-only"), "{statement}: {told}");
    }
}

fn replica(store: &Store, folder: &TempDir) -> Refresher {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    refresher(store, &Arc::new(spool(folder.path())), &engine, &clock)
}

async fn a_replica_compiles_a_version_once(database: Database) {
    let store = &database.store;
    let folder = TempDir::new().unwrap();
    let replica = replica(store, &folder);
    let one = tenant(store, "one").await;
    for allow in [true, false] {
        upload(store, one, &rules(allow)).await;
    }
    let policy = async || {
        replica.refresh().await.unwrap();
        replica.catalog.snapshot().tenants[&one].policy().cloned()
    };
    assert!(policy().await.is_none());
    activate(store, one, 1).await;
    let first = policy().await.unwrap();
    assert!(first.rules.is_ok());
    tenant(store, "another change").await;
    assert!(Arc::ptr_eq(&first, &policy().await.unwrap()));
    activate(store, one, 2).await;
    let second = policy().await.unwrap();
    assert_ne!(first.hash, second.hash);
    let later = stamp(NOW.plus(Duration::from_secs(1)));
    store.deactivate_bundle(one, &later).await.unwrap().unwrap();
    assert!(policy().await.is_none());
}

async fn a_version_that_cannot_be_compiled_is_kept_as_broken(database: Database) {
    let store = &database.store;
    let folder = TempDir::new().unwrap();
    let replica = replica(store, &folder);
    let one = tenant(store, "one").await;
    upload(store, one, &rego("package budgetguard.policy\nallow if {")).await;
    activate(store, one, 1).await;
    replica.refresh().await.unwrap();
    let snapshot = replica.catalog.snapshot();
    let policy = snapshot.tenants[&one].policy().unwrap();
    let reason = policy.rules.as_ref().unwrap_err();
    assert!(reason.contains("rules.rego:2:"), "{reason}");
}
