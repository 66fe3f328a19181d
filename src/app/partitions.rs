//! Makes the ledger's months before they begin: at the start, and from time to time after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::Core;
use crate::domain::window::Clock;
use crate::store::Store;
use crate::store::error::StoreError;

/// This month and the next two: whoever stands still for a month still has one.
const MONTHS_AHEAD: u32 = 3;
/// Asking costs nothing when all are there, and what failed is tried again.
const INTERVAL: Duration = Duration::from_hours(1);

pub(super) struct Partitions {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Partitions {
    pub(super) fn of(core: &Core) -> Self {
        Self {
            store: core.store.clone(),
            clock: Arc::clone(&core.clock),
        }
    }

    /// Makes what is missing. Without them rows go where months have none of their own, and nothing is lost.
    pub(super) async fn make(&self) {
        let made = self.store.make_partitions(self.clock.now(), MONTHS_AHEAD);
        tell(&made.await);
    }

    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: &watch::Receiver<bool>) -> JoinHandle<()> {
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            while !*stopped.borrow() {
                tokio::select! {
                    () = tokio::time::sleep(INTERVAL) => self.make().await,
                    _ = stopped.changed() => {}
                }
            }
        })
    }
}

fn tell(made: &Result<u64, StoreError>) {
    if let Err(error) = made {
        tracing::warn!(%error, "could not make the ledger's months to come");
    }
}
