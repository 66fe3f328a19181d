//! Delivers the webhooks of alerts that are due, one after the other, and tries again what fails: later
//! and later, for as many times as the settings say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::alerts::message::Message;
use crate::alerts::webhook::Webhook;
use crate::catalog::Catalog;
use crate::domain::id::AlertId;
use crate::domain::window::Clock;
use crate::https::Undelivered;
use crate::metrics::Metrics;
use crate::metrics::alerts::DeliveryOutcome;
use crate::store::Store;
use crate::store::alerts::AlertRecord;
use crate::store::error::StoreError;

/// How often it looks for what is due, also for what other replicas left.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_hours(1);
/// How much longer than a try an alert is taken for: until then its outcome is written.
const CLAIM_MARGIN: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub struct Courier {
    /// What is due.
    pub store: Store,
    /// What things are called.
    pub catalog: Arc<Catalog>,
    /// What counts.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The receiver.
    pub webhook: Arc<Webhook>,
    /// How often a message is tried before it is given up.
    pub attempts_max: u32,
    /// Called when there may be something.
    pub wake: Arc<Notify>,
}

impl Courier {
    /// Delivers until told to stop; what is not delivered then stays due.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut is_failing = false;
        while !self.until_called(&mut stop).await {
            let result = self.deliver_due(&stop).await;
            if let Err(error) = &result
                && !is_failing
            {
                tracing::warn!(%error, "alert webhooks wait");
            }
            is_failing = result.is_err();
        }
    }

    async fn deliver_due(&self, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        while !*stop.borrow() && self.deliver_next().await?.is_some() {}
        Ok(())
    }

    /// Tries the webhook that has been due the longest, and tells which it was.
    pub async fn deliver_next(&self) -> Result<Option<AlertId>, StoreError> {
        let now = self.clock.now();
        let until = now.plus(self.webhook.timeout().saturating_add(CLAIM_MARGIN));
        let Some(record) = self.store.claim_alert(now, until).await? else {
            return Ok(None);
        };
        let message = Message::of_alert(&record, &self.catalog.snapshot());
        let outcome = match self.webhook.send(&message, now).await {
            Ok(()) => {
                let at = self.clock.now();
                self.store.alert_delivered(record.id, at).await?;
                DeliveryOutcome::Delivered
            }
            Err(reason) => self.failed(&record, reason).await?,
        };
        self.metrics.alert_delivery_tried(outcome);
        Ok(Some(record.id))
    }

    async fn failed(
        &self,
        record: &AlertRecord,
        reason: Undelivered,
    ) -> Result<DeliveryOutcome, StoreError> {
        let attempts = record.delivery.attempts;
        let pause = (attempts < self.attempts_max).then(|| pause_after(attempts));
        let again_at = pause.map(|pause| self.clock.now().plus(pause));
        let words = reason.to_string();
        self.store.alert_failed(record.id, &words, again_at).await?;
        if pause.is_none() {
            tell_given_up(record, reason);
            return Ok(DeliveryOutcome::GivenUp);
        }
        tell_failed(record, reason);
        Ok(DeliveryOutcome::Failed)
    }

    /// Waits until there may be something; true when told to stop.
    async fn until_called(&self, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            _ = stop.changed() => {}
        }
        *stop.borrow()
    }
}

fn tell_failed(record: &AlertRecord, reason: Undelivered) {
    let attempts = record.delivery.attempts;
    tracing::warn!(alert = %record.id, attempts, %reason, "an alert waits for its next try");
}

fn tell_given_up(record: &AlertRecord, reason: Undelivered) {
    let attempts = record.delivery.attempts;
    tracing::error!(alert = %record.id, attempts, %reason, "an alert is not delivered any more");
}

/// How long to wait after so many tries: twice as long after each, up to a bound.
pub(super) fn pause_after(attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    FIRST_RETRY.saturating_mul(doubled).min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |attempts| pause_after(attempts).as_secs();
        let first = [1, 2, 3, 4].map(seconds);
        assert_eq!(first, [1, 2, 4, 8]);
        assert_eq!(
            (seconds(12), seconds(13), seconds(u32::MAX)),
            (2_048, 3_600, 3_600)
        );
    }
}
