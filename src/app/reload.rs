//! What changes without a restart: the certificate when its files do, and on SIGHUP the certificate, the log
//! filter, and our keys for providers. Everything else in the settings is read once; what of it was changed is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::gateway::provider_keys::ProviderKeys;
use crate::gateway::server::certificate::{Certificate, CertificateWatch, Look};
use crate::metrics::Metrics;
use crate::settings::shown::Shown;
use crate::settings::{Settings, Source};
use crate::telemetry::LogControl;

/// How often the certificate's files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// What of the settings is taken over, beside keys for providers.
const LOG_FILTER: &str = "telemetry.log_filter";
/// The last part of what the settings call a key for a provider.
const PROVIDER_KEY: &str = ".api_key";

/// Where settings are read again, and what can be told of them.
#[derive(Debug)]
pub struct Again {
    /// Where they come from.
    pub source: Source,
    /// The log.
    pub log: LogControl,
}

/// Takes over what can be.
pub(super) struct Reloader {
    metrics: Arc<Metrics>,
    certificate: Option<CertificateWatch>,
    keys: ProviderKeys,
    /// Settings as they are in force.
    shown: Vec<Shown>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reloader(..)")
    }
}

impl Reloader {
    pub(super) fn new(
        settings: &Settings,
        (metrics, keys): (Arc<Metrics>, ProviderKeys),
        certificate: Option<&Arc<Certificate>>,
    ) -> Self {
        Self {
            metrics,
            keys,
            certificate: certificate.map(Certificate::watch),
            shown: settings.shown.clone(),
        }
    }

    pub(super) fn start(
        self,
        runtime: &Runtime,
        again: Option<Again>,
        stop: watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        runtime.spawn(self.run(again, stop))
    }

    async fn run(mut self, again: Option<Again>, mut stop: watch::Receiver<bool>) {
        // Inside another command, SIGHUP is that command's.
        let mut hangups = again
            .as_ref()
            .and_then(|_| signal(SignalKind::hangup()).ok());
        loop {
            tokio::select! {
                () = sleep(LOOK_INTERVAL) => {
                    let found = self.certificate.as_mut().map(CertificateWatch::look);
                    self.tell(found);
                }
                () = hangup(&mut hangups) => {
                    let found = self.certificate.as_mut().map(CertificateWatch::load);
                    self.tell(found);
                    if let Some(again) = &again {
                        self.read_again(again);
                    }
                }
                _ = stop.wait_for(|told| *told) => return,
            }
        }
    }

    fn tell(&self, found: Option<Look>) {
        match found {
            None | Some(Look::Same) => {}
            Some(Look::Loaded) => {
                self.metrics.certificate_read(true);
                tracing::info!("another certificate is in force");
            }
            Some(Look::Failed(error)) => {
                self.metrics.certificate_read(false);
                tell_of_problem(&error.to_string());
            }
        }
    }

    fn read_again(&mut self, again: &Again) {
        let taken = Settings::load(&again.source)
            .map_err(|wrong| wrong.problems)
            .and_then(|settings| self.take(again, &settings));
        self.metrics.settings_read(taken.is_ok());
        match taken {
            Ok(waiting) => tell_of_settings(&waiting),
            Err(problems) => problems.iter().for_each(|it| tell_of_problem(it)),
        }
    }

    /// Takes over what can be; gives the keys whose new value needs a restart.
    fn take(&self, again: &Again, settings: &Settings) -> Result<Vec<String>, Vec<String>> {
        let taken = again.log.set_filter(&settings.telemetry.log_filter);
        taken.map_err(|error| vec![error.to_string()])?;
        self.keys.take(settings);
        Ok(changed(&self.shown, &settings.shown))
    }
}

fn tell_of_problem(problem: &str) {
    tracing::error!(problem, "what was before stays in force");
}

fn tell_of_settings(waiting: &[String]) {
    let waiting = waiting.join(", ");
    tracing::info!(need_a_restart = waiting, "settings were read again");
}

async fn hangup(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}

fn is_taken_over(key: &str) -> bool {
    let is_providers = key.starts_with("providers.") || key.starts_with("routing.");
    key == LOG_FILTER || (is_providers && key.ends_with(PROVIDER_KEY))
}

/// The keys that have another value than the one in force. Of secrets only that one came or went.
fn changed(before: &[Shown], now: &[Shown]) -> Vec<String> {
    let by_key = |shown: &[Shown]| -> BTreeMap<String, Option<String>> {
        let pairs = shown.iter().map(|it| (it.key.clone(), it.value.clone()));
        pairs.collect()
    };
    let (before, now) = (by_key(before), by_key(now));
    let keys = before.keys().chain(now.keys());
    let mut changed: Vec<String> = keys
        .filter(|key| !is_taken_over(key) && before.get(*key) != now.get(*key))
        .cloned()
        .collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}
