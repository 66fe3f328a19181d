//! Which engine counts, and its connection where it has one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::app::first_run;
use crate::catalog::accounts::SpoolCharges;
use crate::catalog::refresh::Reopen;
use crate::engine::BudgetEngine;
use crate::engine::local::LocalEngine;
use crate::engine::redis::{RedisEngine, RedisNeighbours, RedisOptions};
use crate::settings::Settings;
use crate::spool::Spool;

/// That of one process, or that of a fleet if the settings name what it shares.
pub(super) struct Engine {
    pub(super) shared: Arc<dyn BudgetEngine>,
    redis: Option<(Arc<RedisEngine>, Arc<Notify>)>,
}

/// What keeps an engine connected.
pub(super) struct Connection {
    running: JoinHandle<()>,
    reopening: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Engine {
    pub(super) fn build(settings: &Settings, spool: &Arc<Spool>) -> Result<Self> {
        let Some(url) = &settings.redis.url else {
            return Ok(Self {
                shared: Arc::new(LocalEngine::default()),
                redis: None,
            });
        };
        let options = RedisOptions {
            prefix: settings.redis.key_prefix.clone(),
            answer_within: Duration::from_millis(settings.redis.answer_within_ms),
            leases: settings.redis.leases,
            replica: first_run::replica_name(settings)?,
            ..RedisOptions::new(url.expose().to_owned())
        };
        let came_late = Arc::new(Notify::new());
        let neighbours = RedisNeighbours {
            unrecorded: Arc::new(SpoolCharges(Arc::clone(spool))),
            came_late: Arc::clone(&came_late),
        };
        let engine = Arc::new(RedisEngine::new(&options, neighbours).context("redis.url")?);
        Ok(Self {
            shared: Arc::<RedisEngine>::clone(&engine),
            redis: Some((engine, came_late)),
        })
    }

    /// Connects, before the first account is opened.
    #[expect(
        clippy::disallowed_methods,
        reason = "the connection runs beside requests"
    )]
    pub(super) fn connect(&self, reopen: &Arc<Reopen>) -> Option<Connection> {
        let (redis, came_late) = self.redis.clone()?;
        let (stop, stopped) = watch::channel(false);
        let reopen = Arc::clone(reopen);
        let reopening = async move {
            loop {
                came_late.notified().await;
                reopen.anew();
            }
        };
        Some(Connection {
            running: tokio::spawn(async move { redis.run(stopped).await }),
            reopening: tokio::spawn(reopening),
            stop,
        })
    }
}

impl Engine {
    /// Ends what an earlier process in the same data folder left with the others. True if accounts have to
    /// be counted anew, because it spent of them without asking.
    pub(super) async fn take_over_from_earlier(&self) -> Result<bool> {
        match &self.redis {
            Some((redis, _)) => Ok(redis.take_over_from_earlier().await?),
            None => Ok(false),
        }
    }
}

impl Connection {
    /// Tells Redis what it has not heard yet, and lets it go.
    pub(super) async fn finish(self, within: Duration) {
        self.reopening.abort();
        // Nobody listens if it ended on its own.
        let _ = self.stop.send(true);
        if tokio::time::timeout(within, self.running).await.is_err() {
            tracing::warn!("Redis was not told of all that ended; the next start does it");
        }
    }
}
