//! The composition root: the only place that knows which store and which engine run, builds
//! everything from the settings, and stops it in the right order.

mod alerts;
mod closing;
mod control;
mod defaults;
mod engine;
mod evidence;
mod first_run;
mod legacy_keys;
mod objects;
mod partitions;
mod policy;
mod recording;
mod retention;
mod trust;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
use crate::app::retention::Retention;
pub use crate::app::trust::of_settings as trusted_roots;
use crate::catalog::Catalog;
use crate::catalog::accounts::AccountOpener;
use crate::catalog::refresh::{Refresher, Reopen};
use crate::domain::stamp::Stamp;
use crate::domain::window::{Clock, SystemClock};
use crate::engine::BudgetEngine;
use crate::gateway::Gateway;
use crate::gateway::control::ControlPlane;
use crate::gateway::server::{self, ServerOptions, StopOn};
use crate::gateway::wiring::GatewayParts;
use crate::keys::KeyHasher;
use crate::metrics::Metrics;
use crate::metrics::calls::TenantLabel;
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
}

impl App {
    /// Builds everything: opens stores and spool, settles what the last run left open, and rebuilds
    /// the budgets from the ledger.
    pub fn build(settings: &Settings) -> Result<(Self, FirstRun)> {
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
            closing,
            tasks,
            first_run,
        } = built;
        let options = server_options(settings)?;
        Ok((
            Self {
                control,
                gateway,
                options,
                closing,
                stop,
                tasks,
            },
            first_run,
        ))
    }

    /// Where it will listen.
    pub fn address(&self) -> &str {
        &self.options.listen
    }

    /// Serves until told to stop; then the last rows are written.
    pub fn serve(self, stop_on: StopOn) -> Result<()> {
        let Self {
            control,
            gateway,
            options,
            closing,
            stop,
            tasks,
        } = self;
        server::run(gateway, &options, stop_on)?;
        // Nobody listens any more if every task has ended on its own.
        let _ = stop.send(true);
        control.block_on(closing.finish(tasks));
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
    /// Set once the gateway stops taking requests.
    is_draining: Arc<AtomicBool>,
}

async fn assemble(settings: &Settings, stopped: &watch::Receiver<bool>) -> Result<Assembled> {
    let store = open_store(settings).await?;
    prepare_store(&store).await?;
    let store = store.with_writer(first_run::ledger_writer(settings)?);
    let hasher = key_hasher(settings)?;
    let first_run = first_run::ensure(settings, &store, &hasher, &SystemClock).await?;
    let spool = Arc::new(open_spool(settings)?);
    let engine = Engine::build(settings, &spool)?;
    let core = core(settings, (store, spool), hasher, &engine)?;
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
    tasks.push(built.poller.start(stopped));
    tasks.push(keeper.start(stopped));
    tasks.push(partitions.start(stopped));
    tasks.extend(policy.start(stopped));
    tasks.extend(Alerts::build(settings, &core).start(stopped));
    let (notary, signing) = evidence::start(settings, &core, stopped)?.unzip();
    tasks.extend(signing);
    tasks.extend(Retention::of(settings, &core)?.map(|it| it.start(stopped)));
    tasks.extend(control.apart.map(|apart| apart.start(stopped.clone())));
    Ok(Assembled {
        gateway,
        closing: Closing {
            recorder: core.recorder,
            notary,
            connection,
        },
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
    let metrics = Arc::new(Metrics::new(tenant_label(settings))?);
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
        is_draining: Arc::default(),
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
        is_draining: Arc::clone(&core.is_draining),
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

fn tenant_label(settings: &Settings) -> TenantLabel {
    if settings.telemetry.tenant_series {
        TenantLabel::Shown
    } else {
        TenantLabel::Hidden
    }
}

fn server_options(settings: &Settings) -> Result<ServerOptions> {
    let folder = settings.stores.data_dir.clone();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(ServerOptions {
        listen: settings.server.listen(),
        tls: settings.server.tls.clone(),
        threads: if settings.server.threads == 0 {
            cores
        } else {
            settings.server.threads
        },
        keepalive_pool_size: settings.upstream.keepalive_pool_size,
        trusted_certificates: trust::with_extra(settings.upstream.ca_file.as_deref(), &folder)?,
        run_folder: folder,
        drain: Duration::from_secs(settings.server.shutdown_drain_s),
    })
}
