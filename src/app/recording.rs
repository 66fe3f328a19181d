//! How rows come into the ledger: the spool, and what drains it. With `ledger.queue = "redis"` that is
//! workers, by way of a queue.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::first_run;
use crate::catalog::Catalog;
use crate::engine::BudgetEngine;
use crate::metrics::Metrics;
use crate::metrics::queue::QueueFacts;
use crate::queue::{Queue, QueueOptions};
use crate::recorder::shipping::Shipper;
use crate::recorder::{Batching, Recorder};
use crate::settings::Settings;
use crate::settings::storage::{SpoolSync, UsageQueue};
use crate::spool::{Spool, SpoolOptions, SyncPolicy};
use crate::store::Store;

/// How often it is looked how full the queue is.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn open_spool(settings: &Settings) -> Result<Spool> {
    let interval = Duration::from_millis(settings.spool.sync_interval_ms);
    let options = SpoolOptions {
        folder: settings.stores.data_dir.join("spool"),
        sync: match settings.spool.sync {
            SpoolSync::Os => SyncPolicy::Os,
            SpoolSync::Interval => SyncPolicy::Interval(interval),
            SpoolSync::Always => SyncPolicy::Always,
        },
        entries_max: usize::try_from(settings.spool.entries_max).unwrap_or(usize::MAX),
    };
    first_run::make_private_folder(&settings.stores.data_dir)?;
    Ok(Spool::open(options)?)
}

/// What the recorder stands between.
pub(super) struct Recorded<'a> {
    pub(super) store: &'a Store,
    pub(super) spool: &'a Arc<Spool>,
    pub(super) engine: &'a Arc<dyn BudgetEngine>,
    pub(super) metrics: &'a Arc<Metrics>,
    /// Knows the names that are written beside the rows.
    pub(super) catalog: &'a Arc<Catalog>,
    pub(super) queue: Option<&'a Arc<Queue>>,
}

pub(super) fn recorder(settings: &Settings, between: &Recorded<'_>) -> Result<Arc<Recorder>> {
    let batching = Batching {
        rows_max: settings.ledger.batch_rows_max,
        interval: Duration::from_millis(settings.ledger.flush_interval_ms),
    };
    let recorder = Recorder::new(
        between.store.clone(),
        Arc::clone(between.spool),
        Arc::clone(between.engine),
        Arc::clone(between.metrics),
        batching,
    );
    let Some(queue) = between.queue else {
        return Ok(Arc::new(recorder));
    };
    let gateway = first_run::replica_name(settings)?;
    let names = Arc::<Catalog>::clone(between.catalog);
    let shipper = Shipper::new(Arc::clone(queue), names, gateway);
    Ok(Arc::new(recorder.by_queue(shipper)))
}

/// The queue, if gateways are to use one.
pub(super) fn used_queue(settings: &Settings) -> Result<Option<Arc<Queue>>> {
    match settings.ledger.queue {
        UsageQueue::Local => Ok(None),
        UsageQueue::Redis => Ok(Some(Arc::new(queue(settings)?))),
    }
}

/// The queue in the Redis of the settings.
pub fn queue(settings: &Settings) -> Result<Queue> {
    let url = settings.redis.url.as_ref();
    let url = url.context("a queue needs redis.url (REDIS_URL)")?;
    let options = QueueOptions {
        url: url.expose().to_owned(),
        prefix: settings.redis.key_prefix.clone(),
        answer_within: Duration::from_millis(settings.redis.answer_within_ms),
        entries_max: settings.ledger.queue_entries_max,
        reclaim_after: Duration::from_millis(settings.ledger.queue_reclaim_after_ms),
    };
    Queue::new(&options).context("redis.url")
}

/// Keeps the figures of the queue up to date, until told to stop.
pub(super) async fn watch_queue(
    queue: Arc<Queue>,
    metrics: Arc<Metrics>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let figures = queue.figures().await;
        if let Err(error) = &figures {
            tracing::debug!(%error, "the queue does not tell how full it is");
        }
        metrics.set_queue(figures.ok().map(|figures| QueueFacts {
            entries: figures.entries,
            pending: figures.pending,
            oldest: figures.oldest,
            dead: figures.dead,
        }));
        // It is time either way.
        let _ = timeout(WATCH_INTERVAL, stop.changed()).await;
    }
}

/// Budgets are rebuilt from the ledger, so the ledger comes first.
pub(super) async fn settle_last_run(recorder: &Recorder) -> Result<usize> {
    let interrupted = recorder.settle_interrupted()?;
    let rows = recorder.drain().await?;
    if rows > 0 {
        tracing::warn!(
            rows,
            interrupted,
            "wrote what the last run left in the spool"
        );
    }
    Ok(rows)
}
