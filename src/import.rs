//! Brings the database of a TypeScript BudgetGuard over: tenants, tags, prices, sessions, the ledger, budgets and
//! keys, in this order, so that nobody calls before what was spent is counted; last, the audit log. It may be run
//! again at any time: what is here already stays as it is, what is new comes over.

mod amounts;
mod audit;
mod budgets;
mod job;
mod keys;
mod ledger;
mod prices;
mod report;
mod sessions;
mod source;
mod tags;
mod tenants;

use thiserror::Error;

use crate::domain::stamp::Stamp;
use crate::domain::window::UtcMicros;
pub use crate::import::amounts::Exact;
use crate::import::job::Job;
pub use crate::import::report::{Cases, Report, Spending, Tally};
use crate::import::source::Source;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::import::Import;

/// Why an import stopped. What it did until then stays, and the next run goes on.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The other database cannot be reached, or refuses.
    #[error("the database to import from: {0}")]
    Source(String),
    /// It is something else.
    #[error(
        "the database to import from has no table `{0}`: it is none of the TypeScript BudgetGuard"
    )]
    NotTheOriginal(&'static str),
    /// There is more of something than fits into memory.
    #[error("the database to import from has more {0} than can be imported")]
    TooMany(&'static str),
    /// Our own database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wanted of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// Everything is read and checked, nothing is written.
    pub is_dry_run: bool,
    /// Whether prices are to be charged by from now on, and not only known as those of their time.
    pub prices_in_force: bool,
    /// The present.
    pub at: UtcMicros,
}

impl ImportOptions {
    /// Who brings rows over, and when.
    fn stamp(&self) -> Stamp {
        Stamp::by_command_line(self.at)
    }
}

/// Brings everything over that is not here yet.
pub async fn run(store: &Store, url: &str, options: ImportOptions) -> Result<Report, ImportError> {
    let source = Source::open(url).await?;
    let mut job = Job::new(source, store.clone(), options);
    let import = names(store, &mut job).await?;
    if options.is_dry_run {
        look(&mut job, import).await?;
    } else {
        bring(&mut job, import).await?;
    }
    let audit = audit::import(&job).await?;
    job.report.add("audit log", audit);
    job.count_what_stays().await?;
    Ok(job.report)
}

/// Reads the rest as if everything were to be kept, and undoes what was begun.
async fn look(job: &mut Job, mut import: Import) -> Result<(), ImportError> {
    limits(job, &mut import).await?;
    drop(import);
    history(job).await
}

/// Keeps what was begun, and brings the rest over.
async fn bring(job: &mut Job, import: Import) -> Result<(), ImportError> {
    let stamp = job.options.stamp();
    import.commit(&stamp).await?;
    history(job).await?;
    let mut import = job.store.begin_import().await?;
    limits(job, &mut import).await?;
    recount(job, &mut import).await?;
    Ok(import.commit(&stamp).await?)
}

/// What is named by everything else.
async fn names(store: &Store, job: &mut Job) -> Result<Import, ImportError> {
    let prices = prices::read(job).await?;
    let mut import = store.begin_import().await?;
    let tenants = tenants::import(job, &mut import).await?;
    job.report.add("tenants", tenants);
    let deleted = tenants::import_deleted(job, &mut import).await?;
    job.report.add("deleted tenants", deleted);
    let tags = tags::import(job, &mut import).await?;
    job.report.add("tags", tags);
    let prices = prices::import(job, &mut import, prices).await?;
    job.report.add("prices", prices);
    Ok(import)
}

/// What was done.
async fn history(job: &mut Job) -> Result<(), ImportError> {
    let sessions = sessions::import(job).await?;
    job.report.add("sessions", sessions);
    let ledger = ledger::import(job).await?;
    job.report.add("ledger", ledger);
    Ok(())
}

/// What may be done from now on.
async fn limits(job: &mut Job, import: &mut Import) -> Result<(), ImportError> {
    let budgets = budgets::import_of_tenants(job, import).await?;
    job.report.add("budgets", budgets);
    let budgets = budgets::import_of_tags(job, import).await?;
    job.report.add("tag budgets", budgets);
    let keys = keys::import(job, import).await?;
    job.report.add("keys", keys);
    Ok(())
}

/// Gateways that run count what is new in the ledger. A run that was killed before this point is
/// made up for by the next.
async fn recount(job: &Job, import: &mut Import) -> Result<(), ImportError> {
    let rows = job.report.kind("ledger").map_or(0, Tally::here);
    let counted = job.original("recount", "ledger");
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let known = import.mark_of(counted).await?;
    if known.is_none_or(|known| known.our_id != rows) {
        import.recount().await?;
        import.mark(counted, rows).await?;
    }
    Ok(())
}
