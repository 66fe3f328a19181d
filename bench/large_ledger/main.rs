//! What pages cost on a large ledger: `cargo run --release --example ledger -- ROWS [URL]`.
//! Fills an empty database with a year of requests as the recorder writes them, then asks every route that tells
//! of usage through the admin API, and fails if the median of one is above 50 ms. Without a URL of Postgres it is
//! a SQLite file. `bench/ledger` starts a Postgres of its own for it.

mod ask;
mod fill;
mod made;
mod questions;
mod serve;

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use budgetguard::domain::window::{Clock, SystemClock};
use budgetguard::store::Store;
use budgetguard::store::driver::Driver;
use budgetguard::store::postgres::Postgres;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::usage::LedgerFilter;

const CONNECTIONS_MAX: usize = 6;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().ok_or("ledger ROWS [URL]")?.parse()?;
    let folder = tempfile::tempdir()?;
    let url = arguments.next();
    let driver: Arc<dyn Driver> = match &url {
        Some(url) => Arc::new(Postgres::open(url, CONNECTIONS_MAX)?),
        None => Arc::new(Sqlite::open(&folder.path().join("bench.db")).await?),
    };
    let store = Store::new(Arc::clone(&driver));
    store.migrate().await?;
    let now = SystemClock.now();
    if store.ledger_totals(&LedgerFilter::default()).await?.rows == 0 {
        fill::fill(&driver, (&store, url.as_deref()), (rows, now)).await?;
    }
    let router = serve::admin(&store, folder.path()).await?;
    let mut is_fast = true;
    say(&format!("{:<66} {:>9} {:>9}", "route", "median", "p95"));
    for question in questions::all(&router).await? {
        is_fast &= ask::measure(&router, &question).await?;
    }
    if is_fast {
        return Ok(());
    }
    Err(format!("a median is above {:?}", ask::MEDIAN_MAX).into())
}

fn say(line: &str) {
    // A closed pipe is the reader's wish, not a failure.
    let _ = writeln!(io::stdout(), "{line}");
}
