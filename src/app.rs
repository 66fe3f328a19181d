//! The composition root: the only place that knows which store and which engine run, builds
//! everything from the settings, and stops it in the right order.

mod alerts;
mod closing;
mod control;
mod defaults;
mod drift;
mod engine;
mod evidence;
mod first_run;
mod legacy_keys;
mod objects;
mod otlp;
mod partitions;
mod policy;
mod recording;
mod reload;
mod retention;
mod server;
mod trust;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use crate::alerts::settlements::Settlements;
use crate::alerts::webhook::Webhook;
use crate::app::alerts::Alerts;
use crate::app::closing::Closing;
use crate::app::control::Control;
use crate::app::defaults::SettingsDefaults;
use crate::app::engine::Engine;
pub use crate::app::evidence::{checkpoint_key, notary};
pub use crate::app::first_run::{FirstRun, admin_key, ensure as ensure_first_tenant};
use crate::app::legacy_keys::Upgrader;
use crate::app::partitions::Partitions;
use crate::app::policy::Policy;
pub use crate::app::recording::queue;
use crate::app::recording::{Recorded, open_spool, settle_last_run, watch_queue};
pub use crate::app::reload::Again;
use crate::app::reload::Reloader;
use crate::app::retention::Retention;
use crate::app::server::Held;
pub use crate::app::trust::of_settings as trusted_roots;
use crate::catalog::Catalog;
use crate::catalog::accounts::AccountOpener;
use crate::catalog::refresh::{Refresher, Reopen};
use crate::domain::stamp::Stamp;
use crate::domain::window::{Clock, SystemClock};
use crate::engine::BudgetEngine;
use crate::gateway::Gateway;
use crate::gateway::control::ControlPlane;
use crate::gateway::provider_keys::ProviderKeys;
use crate::gateway::server::stop::{StopOn, Stopping};
use crate::gateway::server::{Listener, Prepared, ServerOptions};
use crate::gateway::wiring::GatewayParts;
use crate::keys::KeyHasher;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::policy::installed::InstalledPolicy;
use crate::queue::Queue;
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::keys::KeyUpgrade;
use crate::store::postgres::Postgres;
use crate::store::seed;
use crate::store::sqlite::Sqlite;
use crate::telemetry::spans::Tracer;

/// Threads beside Pingora's own: the recorder, the catalog, the databases' connections.
const CONTROL_THREADS: usize = 1;
/// What the price list that comes with this version is called.
const PRICE_LIST: &str = concat!("budgetguard-", env!("CARGO_PKG_VERSION"));
/// Half of the second within which a change that another process made has to hold.
const CATALOG_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// A gateway that is built and not serving yet.
pub struct App {
    control: Runtime,
    gateway: Gateway,
    options: ServerOptions,
    closing: Closing,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    prepared: Prepared,
    reloader: Reloader,
    /// Nobody else uses the data folder for as long as this lives.
    held: Held,
}

impl App {
    /// Builds everything: opens stores and spool, settles what the last run left open, and rebuilds
    /// the budgets from the ledger. With a listener that is handed over, once the process that hands it
    /// over has let go of the data folder.
    pub fn build(settings: &Settings, listener: Listener) -> Result<(Self, FirstRun)> {
        let (options, prepared, held) = server::prepare(settings, listener)?;
        let control = Builder::new_multi_thread()
            .worker_threads(CONTROL_THREADS)
            .thread_name("control")
            .enable_all()
            .build()
            .context("could not start the control threads")?;
        let (stop, stopped) = watch::channel(false);
        let built = control.block_on(assemble(settings, &stopped))?;
        let Assembled {
            gateway,
            metrics,
            closing,
            tasks,
            first_run,
        } = built;
        let told = (metrics, ProviderKeys::of(&gateway));
        let reloader = Reloader::new(settings, told, options.certificate.as_ref());
        Ok((
            Self {
                control,
                gateway,
                options,
                closing,
                stop,
                tasks,
                prepared,
                reloader,
                held,
            },
            first_run,
        ))
    }

    /// Where it will listen.
    pub fn address(&self) -> &str {
        &self.options.listen
    }

    /// Serves until told to stop; then the last rows are written. On SIGHUP, and when the certificate's files
    /// change, what can be is taken over from the settings that `again` reads.
    pub fn serve(self, stop_on: StopOn, again: Option<Again>) -> Result<()> {
        let _held = self.held;
        let mut tasks = self.tasks;
        let stopped = self.stop.subscribe();
        tasks.push(self.reloader.start(&self.control, again, stopped));
        self.prepared.run(self.gateway, &self.options, stop_on)?;
        // Nobody listens any more if every task has ended on its own.
        let _ = self.stop.send(true);
        self.control.block_on(self.closing.finish(tasks));
        Ok(())
    }
}

/// The store of the settings: Postgres if a database is named, else a SQLite file.
pub async fn open_store(settings: &Settings) -> Result<Store> {
    let stores = &settings.stores;
    if let Some(url) = &stores.database_url {
        let postgres = Postgres::open(url.expose(), stores.database_connections_max)?;
        return Ok(Store::new(Arc::new(postgres)));
    }
    first_run::make_private_folder(&stores.data_dir)?;
    let file = stores.data_dir.join("budgetguard.db");
    let sqlite = Sqlite::open(&file).await;
    let sqlite = sqlite.with_context(|| format!("could not open {}", file.display()))?;
    Ok(Store::new(Arc::new(sqlite)))
}

/// Brings schema and price list up to date; prices that were edited stay.
pub async fn prepare_store(store: &Store) -> Result<()> {
    store
        .migrate()
        .await
        .context("could not migrate the database")?;
    let prices = seed::seed_prices().context("the price list that comes with this program")?;
    store
        .seed_prices(&prices, PRICE_LIST, &Stamp::by_system(SystemClock.now()))
        .await?;
    Ok(())
}

/// The hasher of API keys; a pepper is made and kept if none is set.
pub fn key_hasher(settings: &Settings) -> Result<KeyHasher> {
    let pepper = first_run::key_pepper(settings)?;
    KeyHasher::new(pepper.expose().as_bytes()).context("the key pepper")
}

struct Assembled {
    gateway: Gateway,
    metrics: Arc<Metrics>,
    closing: Closing,
    tasks: Vec<JoinHandle<()>>,
    first_run: FirstRun,
}

/// What gateway and admin API share.
struct Core {
    store: Store,
    hasher: KeyHasher,
    metrics: Arc<Metrics>,
    spool: Arc<Spool>,
    engine: Arc<dyn BudgetEngine>,
    recorder: Arc<Recorder>,
    queue: Option<Arc<Queue>>,
    catalog: Arc<Catalog>,
    refresher: Arc<Refresher>,
    clock: Arc<dyn Clock>,
    settlements: Arc<Settlements>,
    webhook: Option<Arc<Webhook>>,
    /// Set while the gateway stops.
    stopping: Stopping,
    /// Where spans go, if anywhere.
    tracer: Option<Tracer>,
}

/// The store of a gateway, up to date, with what writes into it.
async fn ready_store(settings: &Settings) -> Result<Store> {
    let store = open_store(settings).await?;
    prepare_store(&store).await?;
    Ok(store.with_writer(first_run::ledger_writer(settings)?))
}

async fn assemble(settings: &Settings, stopped: &watch::Receiver<bool>) -> Result<Assembled> {
    let store = ready_store(settings).await?;
    let hasher = key_hasher(settings)?;
    let first_run = first_run::ensure(settings, &store, &hasher, &SystemClock).await?;
    let spool = Arc::new(open_spool(settings)?);
    let engine = Engine::build(settings, &spool)?;
    let mut core = core(settings, (store, spool), hasher, &engine)?;
    let spans;
    (core.tracer, spans) = otlp::queue(&settings.otlp);
    let partitions = Partitions::of(&core);
    partitions.make().await;
    let connection = engine.connect(&core.refresher.reopen);
    catch_up(&engine, &core).await?;
    let policy = Policy::load(settings, &core)?;
    let built = objects::build(settings, &core)?;
    let providers = Arc::clone(&built.objects.client);
    let control =
        Control::build(settings, &core, (&first_run, &policy.installed), providers).await?;
    let (upgrades, keeper) = Upgrader::new(&core);
    let parts = (
        control.beside_gateway,
        built.objects,
        Arc::clone(&policy.installed),
        upgrades,
    );
    let gateway = gateway(settings, &core, parts);
    gateway.resolve_providers().await;
    let mut tasks = start_tasks(&gateway, &core, stopped);
    let (poller, keeper) = (built.poller.start(stopped), keeper.start(stopped));
    tasks.extend([poller, keeper, partitions.start(stopped)]);
    tasks.extend(policy.start(stopped));
    tasks.extend(Alerts::build(settings, &core).start(stopped));
    let (notary, signing) = evidence::start(settings, &core, stopped)?.unzip();
    tasks.extend(signing);
    tasks.extend(Retention::of(settings, &core)?.map(|it| it.start(stopped)));
    tasks.extend(drift::start(settings, &core, stopped));
    let sent = (spans, control.state);
    tasks.extend(otlp::start(settings, &core, sent, stopped)?);
    tasks.extend(control.apart.map(|apart| apart.start(stopped.clone())));
    Ok(Assembled {
        gateway,
        metrics: core.metrics,
        closing: Closing::new(core.recorder, notary, connection),
        tasks,
        first_run,
    })
}

/// Settles what the last run left, and loads the catalog after that.
async fn catch_up(engine: &Engine, core: &Core) -> Result<()> {
    let recorded = settle_last_run(&core.recorder).await?;
    if engine.take_over_from_earlier().await? || recorded > 0 {
        // Replicas that opened accounts meanwhile did not know of what this one spent.
        core.refresher.reopen.anew();
    }
    let refreshed = core.refresher.refresh().await;
    refreshed.context("could not load tenants, budgets and prices")
}

fn core(
    settings: &Settings,
    (store, spool): (Store, Arc<Spool>),
    hasher: KeyHasher,
    engine: &Engine,
) -> Result<Core> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(control::tenant_label(settings))?);
    let engine = Arc::clone(&engine.shared);
    let catalog = Arc::new(Catalog::default());
    let queue = recording::used_queue(settings)?;
    let between = Recorded {
        store: &store,
        spool: &spool,
        engine: &engine,
        metrics: &metrics,
        catalog: &catalog,
        queue: queue.as_ref(),
    };
    let recorder = recording::recorder(settings, &between)?;
    let accounts = Arc::new(AccountOpener::new(
        store.clone(),
        Arc::clone(&engine),
        Arc::clone(&spool),
        Arc::clone(&recorder),
    ));
    let refresher = Arc::new(Refresher {
        store: store.clone(),
        catalog: Arc::clone(&catalog),
        accounts,
        clock: Arc::clone(&clock),
        defaults: Arc::new(SettingsDefaults::new(&settings.budgets)),
        turn: Mutex::new(()),
        check_interval: CATALOG_CHECK_INTERVAL,
        reopen: Arc::new(Reopen::default()),
    });
    Ok(Core {
        store,
        hasher,
        metrics,
        spool,
        engine,
        recorder,
        queue,
        catalog,
        refresher,
        clock,
        settlements: Arc::default(),
        webhook: alerts::webhook(settings)?,
        stopping: Stopping::default(),
        tracer: None,
    })
}

fn gateway(
    settings: &Settings,
    core: &Core,
    (control, objects, policy, upgrades): (
        Router,
        Arc<Objects>,
        Arc<InstalledPolicy>,
        mpsc::Sender<KeyUpgrade>,
    ),
) -> Gateway {
    let parts = GatewayParts {
        catalog: Arc::clone(&core.catalog),
        engine: Arc::clone(&core.engine),
        spool: Arc::clone(&core.spool),
        metrics: Arc::clone(&core.metrics),
        clock: Arc::clone(&core.clock),
        hasher: core.hasher.clone(),
        upgrades,
        policy,
        reopen: Arc::clone(&core.refresher.reopen),
        accounts: Arc::clone(&core.refresher.accounts),
        ledger: core.store.clone(),
        settlements: Arc::clone(&core.settlements),
        objects,
        control: ControlPlane::new(control),
        stopping: core.stopping.clone(),
        tracer: core.tracer.clone(),
    };
    Gateway::new(settings, parts)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tasks that run beside requests start here"
)]
fn start_tasks(
    gateway: &Gateway,
    core: &Core,
    stopped: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let (recorder, recorder_stop) = (Arc::clone(&core.recorder), stopped.clone());
    let (refresher, refresher_stop) = (Arc::clone(&core.refresher), stopped.clone());
    let queue = core.queue.iter().map(|queue| {
        let metrics = Arc::clone(&core.metrics);
        tokio::spawn(watch_queue(Arc::clone(queue), metrics, stopped.clone()))
    });
    let mut tasks = vec![
        tokio::spawn(async move { recorder.run(recorder_stop).await }),
        tokio::spawn(async move { refresher.run(refresher_stop).await }),
        tokio::spawn(gateway.keep_providers_resolved(stopped.clone())),
    ];
    tasks.extend(queue);
    tasks
}
