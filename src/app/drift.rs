//! Starts the comparison of budgets with the ledger, if the settings want it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::Core;
use crate::catalog::drift::DriftWatch;
use crate::settings::Settings;

#[expect(clippy::disallowed_methods, reason = "awaited by app.rs")]
pub(super) fn start(
    settings: &Settings,
    core: &Core,
    stopped: &watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    let interval = Duration::from_secs(settings.ledger.drift_check_s);
    let watch = DriftWatch::new(&core.refresher, Arc::clone(&core.metrics));
    (!interval.is_zero()).then(|| tokio::spawn(watch.run(interval, stopped.clone())))
}
