//! The recorder, on a ledger that takes rows: how it ends.

use std::sync::Arc;
use std::time::Duration;

use budgetguard::engine::local::LocalEngine;
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::recorder::{Batching, Recorder};
use budgetguard::store::usage::LedgerFilter;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::refresher::spool;
use crate::support::{Database, row};

/// Far less than rows may gather here, and far more than a stop takes.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// It used to wait for a row that never came, and who stopped the gateway waited with it.
#[tokio::test]
async fn what_is_told_to_stop_while_rows_gather_stops() {
    let database = Database::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = Arc::new(spool(folder.path()));
    let batching = Batching {
        rows_max: 100,
        interval: Duration::from_hours(1),
    };
    let metrics = Arc::new(Metrics::new(TenantLabel::default()).unwrap());
    let engine = Arc::new(LocalEngine::default());
    let store = database.store.clone();
    let recorder = Recorder::new(store, Arc::clone(&spool), engine, metrics, batching);
    let (stop, told) = watch::channel(false);
    let charge = Arc::new(row(1, 1, 5));
    let stopped = async {
        spool.append_intent(&charge).unwrap();
        spool.append_outcome(&charge).unwrap();
        // The recorder has seen the row and waits for others.
        sleep(Duration::from_millis(100)).await;
        stop.send(true).unwrap();
    };
    let both = async { tokio::join!(recorder.run(told), stopped) };
    timeout(STOPS_WITHIN, both).await.unwrap();
    recorder.drain().await.unwrap();
    let totals = database.store.ledger_totals(&LedgerFilter::default()).await;
    assert_eq!(totals.unwrap().rows, 1);
}
