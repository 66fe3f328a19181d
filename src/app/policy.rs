//! The installation's policy: loaded at the start, and again whenever its files change.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::alerts::policy::{PolicyAlarm, PolicyNews};
use crate::app::Core;
use crate::domain::window::Clock;
use crate::metrics::Metrics;
use crate::policy::PolicyError;
use crate::policy::installed::InstalledPolicy;
use crate::policy::watch::{LOOK_INTERVAL, Look, PolicyWatch};
use crate::settings::Settings;

/// What is in force, and who keeps it current; not started yet.
pub(super) struct Policy {
    pub(super) installed: Arc<InstalledPolicy>,
    reloader: Option<Reloader>,
    alarm: Option<PolicyAlarm>,
}

/// Keeps the policy in force that its files have. One that comes with the gateway has none.
struct Reloader {
    watch: PolicyWatch,
    installed: Arc<InstalledPolicy>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    news: watch::Sender<Option<PolicyNews>>,
    is_broken: bool,
}

impl Policy {
    /// Fails if the files are no policy.
    pub(super) fn load(settings: &Settings, core: &Core) -> Result<Self> {
        let path = settings.policy.path.as_deref();
        let installed = InstalledPolicy::load(path).context("could not load the policy")?;
        let installed = Arc::new(installed);
        let (news, told) = watch::channel(None);
        let reloader = path.map(|path| Reloader {
            watch: PolicyWatch::new(path, Arc::clone(&installed)),
            installed: Arc::clone(&installed),
            metrics: Arc::clone(&core.metrics),
            clock: Arc::clone(&core.clock),
            news,
            is_broken: false,
        });
        let webhook = settings.alerts.webhook.as_ref().zip(core.webhook.clone());
        let alarm = webhook.map(|(settings, webhook)| PolicyAlarm {
            webhook,
            attempts_max: settings.attempts_max,
            clock: Arc::clone(&core.clock),
            metrics: Arc::clone(&core.metrics),
            news: told,
        });
        Ok(Self {
            installed,
            reloader,
            alarm,
        })
    }

    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let reloader = self.reloader;
        let reloader = reloader.map(|it| tokio::spawn(it.run(stopped.clone())));
        let alarm = self.alarm.map(|it| tokio::spawn(it.run(stopped.clone())));
        reloader.into_iter().chain(alarm).collect()
    }
}

impl Reloader {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = sleep(LOOK_INTERVAL) => {}
                _ = stop.wait_for(|told| *told) => return,
            }
            let Some((watch, found)) = look(self.watch).await else {
                return;
            };
            self.watch = watch;
            match found {
                Look::Same => {}
                Look::Loaded(hash) => self.loaded(&hash.to_string()),
                Look::Failed(error) => self.failed(&error),
            }
        }
    }

    fn loaded(&mut self, hash: &str) {
        let path = self.path();
        self.metrics.policy_loaded();
        tracing::info!(path, hash, "another policy is in force");
        if self.is_broken {
            let news = PolicyNews::mended(self.clock.now(), path, hash.to_owned());
            self.news.send_replace(Some(news));
        }
        self.is_broken = false;
    }

    fn failed(&mut self, error: &PolicyError) {
        let path = self.path();
        let hash = self.installed.current().engine().hash().to_string();
        self.metrics.policy_reload_failed();
        tracing::error!(path, hash, %error, "the policy before this one stays in force");
        let news = PolicyNews::broken(self.clock.now(), path, hash, &error.to_string());
        self.news.send_replace(Some(news));
        self.is_broken = true;
    }

    fn path(&self) -> String {
        self.watch.path().display().to_string()
    }
}

/// Looks where it may block. Nothing comes back if looking panics: a panic of the compiler is caught where it
/// compiles, and no other is expected.
async fn look(mut watch: PolicyWatch) -> Option<(PolicyWatch, Look)> {
    let looked = spawn_blocking(move || {
        let found = watch.look();
        (watch, found)
    });
    let ended =
        |_panic: &JoinError| tracing::error!("the policy's files are not looked at any more");
    looked.await.inspect_err(ended).ok()
}
