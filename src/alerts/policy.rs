//! The alert that the policy's files are broken, and that they are mended. Each process tells of the files that
//! it reads, the newest state only: what was not delivered before the next change is not delivered any more.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::alerts::courier::pause_after;
use crate::alerts::message::Message;
use crate::alerts::webhook::Webhook;
use crate::domain::window::{Clock, UtcMicros};
use crate::https::Undelivered;
use crate::metrics::Metrics;
use crate::metrics::alerts::DeliveryOutcome;

/// The longest reason that a message tells: it quotes a line of the rules.
const REASON_LENGTH_MAX: usize = 1_000;

/// What became of the policy's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyNews {
    /// When it was found.
    #[serde(skip)]
    pub at: UtcMicros,
    /// The file or folder.
    pub path: String,
    /// The hash of the policy in force.
    pub hash: String,
    /// Why the files are no policy; nothing if they are one again.
    pub error: Option<String>,
}

impl PolicyNews {
    /// The files are no policy; that of the hash stays in force.
    pub fn broken(at: UtcMicros, path: String, hash: String, error: &str) -> Self {
        Self {
            at,
            path,
            hash,
            error: Some(error.chars().take(REASON_LENGTH_MAX).collect()),
        }
    }

    /// The files are a policy again, and it is in force.
    pub fn mended(at: UtcMicros, path: String, hash: String) -> Self {
        Self {
            at,
            path,
            hash,
            error: None,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.error {
            Some(_) => "policy.reload_failed",
            None => "policy.reloaded",
        }
    }

    pub(super) fn line(&self) -> String {
        let path = &self.path;
        match &self.error {
            Some(error) => format!(
                "Policy alert: {path} cannot be loaded, and the policy before it stays in force: {error}"
            ),
            None => format!("Policy alert: {path} is loaded again and in force."),
        }
    }
}

/// Delivers the news, if there is somebody to deliver it to.
#[derive(Debug)]
pub struct PolicyAlarm {
    /// The receiver.
    pub webhook: Arc<Webhook>,
    /// How often a message is tried before it is given up.
    pub attempts_max: u32,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What counts.
    pub metrics: Arc<Metrics>,
    /// The newest news.
    pub news: watch::Receiver<Option<PolicyNews>>,
}

impl PolicyAlarm {
    /// Delivers until told to stop.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                changed = self.news.changed() => {
                    // Whoever had news is gone.
                    if changed.is_err() {
                        return;
                    }
                }
                _ = stop.wait_for(|told| *told) => return,
            }
            let news = self.news.borrow_and_update().clone();
            let Some(news) = news else { continue };
            tokio::select! {
                () = self.deliver(&news) => {}
                _ = stop.wait_for(|told| *told) => return,
            }
        }
    }

    /// Tries until it arrives, there is newer news, or it was tried often enough.
    async fn deliver(&mut self, news: &PolicyNews) {
        let message = Message::of_policy(news);
        for attempt in 1..=self.attempts_max {
            let sent = self.webhook.send(&message, self.clock.now()).await;
            let outcome = match sent {
                Ok(()) => DeliveryOutcome::Delivered,
                Err(reason) => self.failed(attempt, reason),
            };
            self.metrics.alert_delivery_tried(outcome);
            if outcome != DeliveryOutcome::Failed || self.is_outdated_after(attempt).await {
                return;
            }
        }
    }

    fn failed(&self, attempt: u32, reason: Undelivered) -> DeliveryOutcome {
        if attempt >= self.attempts_max {
            tell_given_up(reason);
            return DeliveryOutcome::GivenUp;
        }
        tell_failed(attempt, reason);
        DeliveryOutcome::Failed
    }

    /// Waits for the next try; true if there is newer news before.
    async fn is_outdated_after(&mut self, attempt: u32) -> bool {
        let changed = tokio::time::timeout(pause_after(attempt), self.news.changed()).await;
        if let Ok(Ok(())) = changed {
            // Not seen yet by whoever delivers it.
            self.news.mark_changed();
        }
        changed.is_ok()
    }
}

fn tell_failed(attempt: u32, reason: Undelivered) {
    tracing::warn!(%reason, attempt, "the alert of the policy waits for its next try");
}

fn tell_given_up(reason: Undelivered) {
    tracing::error!(%reason, "the alert of the policy is not delivered any more");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_and_mended_files_are_told_apart_to_people_and_programs() {
        let at = UtcMicros::new(1_768_478_400_000_000);
        let told = |news: &PolicyNews| -> serde_json::Value {
            serde_json::from_slice(&Message::of_policy(news).body).unwrap()
        };
        let broken = PolicyNews::broken(at, "a.rego".into(), "ff".into(), "a.rego:2:1: <odd>");
        let broken = told(&broken);
        assert_eq!(broken["type"], "policy.reload_failed");
        assert_eq!(broken["data"]["error"], "a.rego:2:1: <odd>");
        let text = broken["text"].as_str().unwrap();
        assert!(
            text.ends_with("stays in force: a.rego:2:1: &lt;odd&gt;"),
            "{text}"
        );
        let mended = told(&PolicyNews::mended(at, "a.rego".into(), "ff".into()));
        assert_eq!(mended["type"], "policy.reloaded");
        assert!(mended["data"]["error"].is_null());
        assert_eq!(mended["timestamp"], "2026-01-15T12:00:00.000Z");
    }

    #[test]
    fn a_long_reason_is_cut() {
        let long = "ä".repeat(REASON_LENGTH_MAX + 1);
        let news = PolicyNews::broken(UtcMicros::new(0), String::new(), String::new(), &long);
        assert_eq!(news.error.unwrap().chars().count(), REASON_LENGTH_MAX);
    }
}
