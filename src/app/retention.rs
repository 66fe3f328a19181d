//! Takes old months out of the ledger once a day, one process at a time, if the settings say so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{Core, evidence};
use crate::domain::stamp::Actor;
use crate::domain::window::Clock;
use crate::evidence::month::Month;
use crate::evidence::notary::Notary;
use crate::evidence::retention::{Leaving, RetentionError};
use crate::metrics::evidence::RetentionOutcome;
use crate::settings::Settings;

/// How often somebody asks whether it is time.
const INTERVAL: Duration = Duration::from_hours(1);
/// How long nobody looks again after somebody did, whatever came of it.
const PAUSE: Duration = Duration::from_hours(24);

pub(super) struct Retention {
    notary: Notary,
    clock: Arc<dyn Clock>,
    months: i32,
    folder: PathBuf,
}

impl Retention {
    /// Nothing if all rows stay.
    pub(super) fn of(settings: &Settings, core: &Core) -> Result<Option<Self>> {
        let Some(months) = settings.retention.months else {
            return Ok(None);
        };
        Ok(Some(Self {
            notary: evidence::notary(settings, &core.store, &core.metrics)?,
            clock: Arc::clone(&core.clock),
            months,
            folder: settings.retention.folder.clone(),
        }))
    }

    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: &watch::Receiver<bool>) -> JoinHandle<()> {
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            while !*stopped.borrow() {
                tokio::select! {
                    _ = ticks.tick() => self.look().await,
                    _ = stopped.changed() => {}
                }
            }
        })
    }

    async fn look(&self) {
        let metrics = &self.notary.metrics;
        let tell = |left: &Leaving| {
            metrics.retention_tried(RetentionOutcome::Left);
            tell_of(left);
        };
        if let Err(error) = self.take_out(tell).await {
            metrics.retention_tried(RetentionOutcome::Failed);
            tracing::error!(%error, "old months stay in the ledger");
        }
    }

    async fn take_out(&self, tell: impl FnMut(&Leaving)) -> Result<(), RetentionError> {
        let now = self.clock.now();
        let Some(before) = Month::of(now).and_then(|month| month.plus(-self.months)) else {
            return Ok(());
        };
        let store = &self.notary.store;
        if !store.take_turn_of_retention(now, PAUSE).await? {
            return Ok(());
        }
        let (folder, by) = (&self.folder, &Actor::System);
        self.notary.take_out_before(before, folder, by, tell).await
    }
}

fn tell_of(left: &Leaving) {
    let Leaving {
        month,
        rows,
        export,
    } = left;
    tracing::info!(%month, rows, ?export, "a month left the ledger");
}
