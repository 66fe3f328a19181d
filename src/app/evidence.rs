//! Who signs checkpoints of the ledger, and with which key.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::alerts::webhook::Webhook;
use crate::app::{Core, first_run, trust};
use crate::domain::window::SystemClock;
use crate::evidence::book::Book;
use crate::evidence::key::CheckpointKey;
use crate::evidence::notary::Notary;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::Store;

/// Who signs for a store.
pub fn notary(settings: &Settings, store: &Store, metrics: &Arc<Metrics>) -> Result<Notary> {
    let webhook = match &settings.checkpoints.webhook {
        Some(webhook) => {
            let roots = trust::roots(settings.upstream.ca_file.as_deref())?;
            let receiver = Webhook::new(webhook, roots).context("the receiver of checkpoints")?;
            Some((Arc::new(receiver), webhook.attempts_max))
        }
        None => None,
    };
    Ok(Notary {
        store: store.clone(),
        book: Book::new(&settings.checkpoints.file),
        key: checkpoint_key(settings)?,
        webhook,
        metrics: Arc::clone(metrics),
        clock: Arc::new(SystemClock),
    })
}

/// The key of the settings, or the one that was made when it was first needed.
pub fn checkpoint_key(settings: &Settings) -> Result<CheckpointKey> {
    let secret = first_run::checkpoint_key(settings)?;
    CheckpointKey::parse(secret.expose()).context("the key of checkpoints")
}

/// Signs from time to time, if the settings say so.
#[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
pub(super) fn start(
    settings: &Settings,
    core: &Core,
    stopped: &watch::Receiver<bool>,
) -> Result<Option<(Arc<Notary>, JoinHandle<()>)>> {
    let Some(interval) = settings.checkpoints.interval else {
        return Ok(None);
    };
    let notary = Arc::new(notary(settings, &core.store, &core.metrics)?);
    let task = tokio::spawn(Arc::clone(&notary).run(interval, stopped.clone()));
    Ok(Some((notary, task)))
}
