//! Keys that proved themselves by their bcrypt hash get our own, and are found in memory from then on.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::app::Core;
use crate::catalog::refresh::Refresher;
use crate::domain::id::ApiKeyId;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::KeyUpgrade;

/// Keys that wait for their hash; one for which there is no room is sent again.
const WAITING_MAX: usize = 64;
/// The pause before a database that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Stores the hashes.
pub(super) struct Upgrader {
    store: Store,
    refresher: Arc<Refresher>,
    proved: mpsc::Receiver<KeyUpgrade>,
    /// Keys that the database refused our hash of.
    given_up: HashSet<ApiKeyId>,
}

impl Upgrader {
    /// It, and where the gateway sends proved keys.
    pub(super) fn new(core: &Core) -> (mpsc::Sender<KeyUpgrade>, Self) {
        let (sender, proved) = mpsc::channel(WAITING_MAX);
        let upgrader = Self {
            store: core.store.clone(),
            refresher: Arc::clone(&core.refresher),
            proved,
            given_up: HashSet::new(),
        };
        (sender, upgrader)
    }

    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: &watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(self.run(stopped.clone()))
    }

    /// What is not stored when it stops is proved again after the next start.
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let proved = tokio::select! {
                proved = self.proved.recv() => proved,
                _ = stopped.wait_for(|raised| *raised) => None,
            };
            let Some(upgrade) = proved else { return };
            if self.given_up.contains(&upgrade.id) {
                continue;
            }
            tokio::select! {
                () = self.store(&upgrade) => {}
                _ = stopped.wait_for(|raised| *raised) => return,
            }
        }
    }

    async fn store(&mut self, upgrade: &KeyUpgrade) {
        let stored = loop {
            match self.store.upgrade_key(upgrade).await {
                Err(StoreError::Unavailable(_)) => sleep(PAUSE).await,
                stored => break stored,
            }
        };
        match stored {
            // It was done already: here, for the key is sent with each request until then, or by another.
            Ok(false) => {}
            Ok(true) => {
                tell_of_first_use(upgrade.id);
                tell_of_failure(upgrade.id, self.refresher.refresh().await.err());
            }
            Err(error) => {
                tell_of_failure(upgrade.id, Some(error));
                self.given_up.insert(upgrade.id);
            }
        }
    }
}

fn tell_of_first_use(key: ApiKeyId) {
    tracing::info!(key = key.0, "an imported key was used first");
}

/// Until it is mended, each use of the key takes what its old hash takes.
fn tell_of_failure(key: ApiKeyId, error: Option<impl Display>) {
    if let Some(error) = error {
        tracing::warn!(key = key.0, %error, "an imported key is still known by its old hash");
    }
}
