//! Whose objects are, and requests whose cost is learnt later.

use std::time::Duration;

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::id::{ProviderName, TenantId};
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::{ObjectChange, ObjectKind, ObjectNotes, ObjectRef};
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::objects::ObjectsAsked;
use budgetguard::store::usage::LedgerFilter;

use crate::support::{Database, NOW, request, row, session};

on_both_databases![
    an_object_is_its_makers_until_it_is_gone,
    objects_are_listed_in_pages_from_either_end,
    a_deferred_request_counts_at_what_was_held_until_it_is_settled,
    a_deferred_request_is_settled_once_whatever_is_written_again,
    a_deferred_request_is_looked_after_by_one_at_a_time,
];

fn object(kind: ObjectKind, id: &str) -> ObjectRef {
    ObjectRef {
        provider: ProviderName::new("openai"),
        kind,
        id: id.to_owned(),
    }
}

fn changing(row: LedgerRow, object: ObjectRef, change: ObjectChange) -> LedgerRow {
    LedgerRow {
        objects: ObjectNotes {
            changes: vec![(object, change)],
            settles_with: None,
        },
        ..row
    }
}

fn deferred(row: LedgerRow) -> LedgerRow {
    LedgerRow {
        objects: ObjectNotes {
            changes: Vec::new(),
            settles_with: Some(object(ObjectKind::Response, "resp_1")),
        },
        ..row
    }
}

async fn an_object_is_its_makers_until_it_is_gone(database: Database) {
    let (store, file) = (&database.store, object(ObjectKind::File, "file-1"));
    let made = changing(row(1, 1, 0), file.clone(), ObjectChange::Made);
    store.append(std::slice::from_ref(&made)).await.unwrap();
    let late = changing(row(2, 2, 0), file.clone(), ObjectChange::Made);
    store.append(&[made, late]).await.unwrap();
    let of = async |tenant: i64, object: &ObjectRef| {
        store
            .object_of(TenantId(tenant), object)
            .await
            .unwrap()
            .is_some()
    };
    assert!(of(1, &file).await && !of(2, &file).await);
    assert!(!of(1, &object(ObjectKind::Batch, "file-1")).await);
    let gone = changing(row(3, 1, 0), file.clone(), ObjectChange::Gone);
    store.append(&[gone]).await.unwrap();
    assert!(!of(1, &file).await);
    let again = changing(row(4, 2, 0), file.clone(), ObjectChange::Made);
    store.append(&[again]).await.unwrap();
    assert!(!of(2, &file).await, "an id never comes to somebody else");
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(store.forget_objects(later, NOW).await.unwrap(), 1);
}

async fn objects_are_listed_in_pages_from_either_end(database: Database) {
    let store = &database.store;
    for number in 0..6_u64 {
        let at = NOW.plus(Duration::from_secs(number / 2));
        let made = LedgerRow {
            at,
            ..row(number, i64::from(number == 5) + 1, 0)
        };
        let file = object(ObjectKind::File, &format!("file-{number}"));
        store
            .append(&[changing(made, file, ObjectChange::Made)])
            .await
            .unwrap();
    }
    let list = async |after: Option<&str>, oldest_first| {
        let file = after.map(|id| object(ObjectKind::File, id));
        let after = match &file {
            Some(file) => store.object_of(TenantId(1), file).await.unwrap(),
            None => None,
        };
        let asked = ObjectsAsked {
            tenant: TenantId(1),
            provider: "openai",
            kind: ObjectKind::File,
            after: after.as_ref(),
            oldest_first,
            limit: 3,
        };
        let records = store.list_objects(&asked).await.unwrap();
        records
            .into_iter()
            .map(|record| record.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(list(None, false).await, ["file-4", "file-3", "file-2"]);
    assert_eq!(
        list(Some("file-3"), false).await,
        ["file-2", "file-1", "file-0"]
    );
    assert_eq!(list(None, true).await, ["file-0", "file-1", "file-2"]);
    assert_eq!(list(Some("file-2"), true).await, ["file-3", "file-4"]);
}

/// What the tenant and its session have spent, but for a request.
async fn spent(database: &Database, without: &[u64]) -> (i64, i64) {
    let without: Vec<_> = without.iter().map(|number| request(*number)).collect();
    let window = Window {
        start: UtcMicros::new(0),
        end: UtcMicros::MAX,
    };
    let coverage = Coverage::all_of(Scope::Tenant(TenantId(1)));
    let store = &database.store;
    let tenant = store.spent(&[(&coverage, window)], &without).await.unwrap()[0];
    let session = (TenantId(1), "s".to_owned());
    let session = store.spent_in_sessions(&[session], &without).await.unwrap()[0];
    (tenant.nanos(), session.nanos())
}

async fn a_deferred_request_counts_at_what_was_held_until_it_is_settled(database: Database) {
    let store = &database.store;
    let held = LedgerRow {
        session: Some(session("s")),
        ..row(1, 1, 1_000)
    };
    store
        .append(&[deferred(held.clone()), row(2, 1, 5), row(3, 2, 7)])
        .await
        .unwrap();
    assert_eq!(spent(&database, &[]).await, (1_005, 1_000));
    assert_eq!(spent(&database, &[1]).await, (5, 0));
    assert_eq!(spent(&database, &[2]).await, (1_000, 1_000));
    let filter = LedgerFilter::default();
    assert_eq!(store.ledger_totals(&filter).await.unwrap().rows, 2);
    let real = LedgerRow {
        cost: Usd::from_nanos(300),
        ..held
    };
    store.settle_deferred(&real).await.unwrap();
    assert_eq!(spent(&database, &[]).await, (305, 300));
    assert_eq!(spent(&database, &[1]).await, (5, 0));
    assert_eq!(store.ledger_totals(&filter).await.unwrap().rows, 3);
}

async fn a_deferred_request_is_settled_once_whatever_is_written_again(database: Database) {
    let store = &database.store;
    let held = deferred(row(1, 1, 1_000));
    store.append(std::slice::from_ref(&held)).await.unwrap();
    store.append(std::slice::from_ref(&held)).await.unwrap();
    let real = LedgerRow {
        cost: Usd::from_nanos(300),
        objects: ObjectNotes::default(),
        ..held.clone()
    };
    store.settle_deferred(&real).await.unwrap();
    store
        .settle_deferred(&LedgerRow {
            cost: Usd::from_nanos(301),
            ..real.clone()
        })
        .await
        .unwrap();
    store.append(std::slice::from_ref(&held)).await.unwrap();
    assert_eq!(spent(&database, &[]).await.0, 300);
    store.forget_deferred(real.request).await.unwrap();
    // A spool may bring back what was written long ago.
    store.append(&[held]).await.unwrap();
    store
        .settle_deferred(&LedgerRow {
            cost: Usd::from_nanos(302),
            ..real
        })
        .await
        .unwrap();
    assert_eq!(spent(&database, &[]).await.0, 300);
    assert_eq!(store.deferred_count().await.unwrap(), 0);
}

async fn a_deferred_request_is_looked_after_by_one_at_a_time(database: Database) {
    let store = &database.store;
    let first = deferred(row(1, 1, 1_000));
    store
        .append(&[first.clone(), deferred(row(2, 1, 1_000))])
        .await
        .unwrap();
    let (until, other) = (
        NOW.plus(Duration::from_secs(9)),
        database.open_again().await,
    );
    let (one, two) = tokio::join!(
        store.claim_deferred(NOW, until),
        other.claim_deferred(NOW, until)
    );
    let claimed: Vec<_> = [one, two].into_iter().filter_map(Result::unwrap).collect();
    let more = store.claim_deferred(NOW, until).await.unwrap();
    let mut requests: Vec<_> = claimed
        .iter()
        .chain(&more)
        .map(|call| call.row.request)
        .collect();
    requests.sort();
    assert_eq!(requests, [request(1), request(2)]);
    assert!(store.claim_deferred(NOW, until).await.unwrap().is_none());
    let again = store
        .claim_deferred(until, until.plus(Duration::from_secs(1)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((again.polls, again.is_settled), (2, false));
    assert_eq!(again.object, object(ObjectKind::Response, "resp_1"));
    let unsaid = LedgerRow {
        objects: again.row.objects.clone(),
        ..first
    };
    assert!(again.row == unsaid || again.row.request == request(2));
    store
        .put_off_deferred(again.row.request, NOW)
        .await
        .unwrap();
    let same = store.claim_deferred(NOW, until).await.unwrap().unwrap();
    assert_eq!(same.row.request, again.row.request);
}
