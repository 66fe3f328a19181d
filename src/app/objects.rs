//! What providers keep for whom: who knows it, and who asks providers about it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{Core, trust};
use crate::objects::Objects;
use crate::objects::book::OwnerBook;
use crate::objects::client::ProviderClient;
use crate::objects::list::Lists;
use crate::objects::poller::Poller;
use crate::settings::Settings;

/// All of it, and who settles what providers do later.
pub(super) struct Built {
    pub(super) objects: Arc<Objects>,
    pub(super) poller: Poller,
}

/// Providers are trusted by the certificates by which requests trust them.
pub(super) fn build(settings: &Settings, core: &Core) -> Result<Built> {
    let roots = trust::roots(settings.upstream.ca_file.as_deref())?;
    let client = ProviderClient::new(&settings.providers, &settings.upstream, roots);
    let client = Arc::new(client.context("could not prepare TLS")?);
    let open = Arc::<AtomicU64>::default();
    let objects = Arc::new(Objects {
        open: Arc::clone(&open),
        book: Arc::new(OwnerBook::new(core.store.clone())),
        lists: Lists {
            store: core.store.clone(),
            recorder: Arc::clone(&core.recorder),
            client: Arc::clone(&client),
            clock: Arc::clone(&core.clock),
        },
        client: Arc::clone(&client),
    });
    let poller = Poller {
        store: core.store.clone(),
        client,
        open,
        catalog: Arc::clone(&core.catalog),
        accounts: Arc::clone(&core.refresher.accounts),
        clock: Arc::clone(&core.clock),
        interval: Duration::from_millis(settings.upstream.poll_interval_ms),
        interval_max: Duration::from_millis(settings.upstream.poll_interval_max_ms),
    };
    Ok(Built { objects, poller })
}

impl Poller {
    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: &watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(self.run(stopped.clone()))
    }
}
