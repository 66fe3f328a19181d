//! What is done last, when nobody is served any more: rows reach the ledger, and others hear of it.

use std::sync::Arc;
use std::time::Duration;

use crate::app::engine::Connection;
use crate::evidence::notary::Notary;
use crate::recorder::Recorder;

/// How long each step waits; rows that do not reach the ledger stay in the spool.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The parts that are needed until the end.
pub(super) struct Closing {
    recorder: Arc<Recorder>,
    notary: Option<Arc<Notary>>,
    connection: Option<Connection>,
}

impl Closing {
    pub(super) fn new(
        recorder: Arc<Recorder>,
        notary: Option<Arc<Notary>>,
        connection: Option<Connection>,
    ) -> Self {
        Self {
            recorder,
            notary,
            connection,
        }
    }

    /// Waits for the tasks that were told to stop, and ends everything else in its order.
    pub(super) async fn finish(self, tasks: Vec<tokio::task::JoinHandle<()>>) {
        for task in tasks {
            let _ = tokio::time::timeout(FLUSH_MAX, task).await;
        }
        drain(&self.recorder).await;
        if let Some(notary) = self.notary {
            // What went wrong is told where it happened.
            let _ = tokio::time::timeout(FLUSH_MAX, notary.sign()).await;
        }
        // The last: until here, something may have ended that others have to know.
        if let Some(connection) = self.connection {
            connection.finish(FLUSH_MAX).await;
        }
    }
}

async fn drain(recorder: &Recorder) {
    match tokio::time::timeout(FLUSH_MAX, recorder.drain()).await {
        Ok(Ok(_)) => tracing::info!("stopped; the ledger is complete"),
        Ok(Err(error)) => tell_of_waiting(&error.to_string()),
        Err(_elapsed) => tell_of_waiting("the ledger took too long"),
    }
}

fn tell_of_waiting(error: &str) {
    tracing::warn!(error, "stopped; rows wait in the spool");
}
