//! Budget alerts: who watches, and who delivers if there is a receiver.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::alerts::courier::Courier;
use crate::alerts::watcher::{Watcher, WatcherOptions, WatcherParts};
use crate::alerts::webhook::Webhook;
use crate::app::{Core, trust};
use crate::settings::Settings;

/// Both, not started yet.
pub(super) struct Alerts {
    watcher: Watcher,
    courier: Option<Courier>,
}

impl Alerts {
    pub(super) fn build(settings: &Settings, core: &Core) -> Self {
        let wake = Arc::new(Notify::new());
        let webhook = settings.alerts.webhook.as_ref().zip(core.webhook.clone());
        let courier = webhook.map(|(settings, webhook)| Courier {
            store: core.store.clone(),
            catalog: Arc::clone(&core.catalog),
            metrics: Arc::clone(&core.metrics),
            clock: Arc::clone(&core.clock),
            webhook,
            attempts_max: settings.attempts_max,
            wake: Arc::clone(&wake),
        });
        let watcher = Watcher::new(WatcherParts {
            catalog: Arc::clone(&core.catalog),
            engine: Arc::clone(&core.engine),
            store: core.store.clone(),
            metrics: Arc::clone(&core.metrics),
            clock: Arc::clone(&core.clock),
            settlements: Arc::clone(&core.settlements),
            options: WatcherOptions {
                usual: settings.alerts.thresholds.clone(),
                keep: settings.alerts.keep,
            },
            courier: courier.as_ref().map(|_| wake),
        });
        Self { watcher, courier }
    }

    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let watcher = tokio::spawn(self.watcher.run(stopped.clone()));
        let courier = self.courier.map(|it| tokio::spawn(it.run(stopped.clone())));
        std::iter::once(watcher).chain(courier).collect()
    }
}

/// The receiver of the settings. It is trusted as providers are.
pub(super) fn webhook(settings: &Settings) -> Result<Option<Arc<Webhook>>> {
    let Some(webhook) = &settings.alerts.webhook else {
        return Ok(None);
    };
    let roots = trust::roots(settings.upstream.ca_file.as_deref())?;
    Ok(Some(Arc::new(Webhook::new(webhook, roots)?)))
}
