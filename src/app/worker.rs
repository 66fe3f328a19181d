//! A worker: writes what gateways put into the queue. It needs the database and Redis, and nothing on disk.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::admin;
use crate::admin::worker::{WorkerState, worker_router};
use crate::app::recording::watch_queue;
use crate::app::{open_store, queue};
use crate::domain::ledger::chain::WriterId;
use crate::metrics::Metrics;
use crate::metrics::calls::TenantLabel;
use crate::recorder::writer::Writer;
use crate::settings::Settings;
use crate::store::ledger::chain::Writer as LedgerWriter;

/// How long a stop waits for the batch that is being written.
const FINISH_MAX: Duration = Duration::from_secs(10);

/// A worker that is built and does nothing yet.
pub struct Worker {
    state: Arc<WorkerState>,
    listener: TcpListener,
}

/// Nothing is kept on disk, so each process has a chain of its own.
fn ledger_writer() -> LedgerWriter {
    LedgerWriter {
        id: WriterId::from_bytes(rand::random()),
        name: Arc::from("worker"),
    }
}

impl Worker {
    /// Opens the database, brings its schema up to date, and takes its address.
    pub async fn build(settings: &Settings) -> Result<Self> {
        let has_database = settings.stores.database_url.is_some();
        ensure!(
            has_database,
            "a worker needs stores.database_url (DATABASE_URL)"
        );
        let queue = Arc::new(queue(settings)?);
        let store = open_store(settings).await?;
        let store = store.with_writer(ledger_writer());
        let migrated = store.migrate().await;
        migrated.context("could not migrate the database")?;
        let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
        let writer = Arc::new(Writer::new(
            store.clone(),
            Arc::clone(&queue),
            Arc::clone(&metrics),
            settings.ledger.batch_rows_max,
        ));
        let address = settings.server.listen();
        let listener = TcpListener::bind(&address).await;
        let listener = listener.with_context(|| format!("could not listen on {address}"))?;
        let state = WorkerState {
            writer,
            store,
            queue,
            metrics,
            metrics_token: settings.admin.metrics_token.clone(),
        };
        Ok(Self {
            state: Arc::new(state),
            listener,
        })
    }

    /// Writes until told to stop, and finishes what it has begun. What it cannot finish is another's.
    pub async fn run(self, told_to_stop: impl Future<Output = ()>) -> Result<()> {
        let (stop, stopped) = watch::channel(false);
        let [writing, watching, serving] = self.start(&stopped);
        told_to_stop.await;
        // Nobody listens any more if every task has ended on its own.
        let _ = stop.send(true);
        tell_of_end(timeout(FINISH_MAX, writing).await.is_ok());
        watching.abort();
        serving.abort();
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "awaited or ended by `run`")]
    fn start(self, stopped: &watch::Receiver<bool>) -> [JoinHandle<()>; 3] {
        let Self { state, listener } = self;
        let router = worker_router(Arc::clone(&state));
        let (writer, writer_stop) = (Arc::clone(&state.writer), stopped.clone());
        let (queue, metrics) = (Arc::clone(&state.queue), Arc::clone(&state.metrics));
        let serving = admin::apart::serve(listener, router, stopped.clone());
        [
            tokio::spawn(async move { writer.run(writer_stop).await }),
            tokio::spawn(watch_queue(queue, metrics, stopped.clone())),
            tokio::spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "health and metrics are no longer served");
                }
            }),
        ]
    }
}

fn tell_of_end(is_finished: bool) {
    tracing::info!(
        is_finished,
        "stopped; another worker takes what is not finished"
    );
}
