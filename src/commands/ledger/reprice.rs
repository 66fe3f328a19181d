//! `budgetguard ledger reprice`: what the ledger's rows cost by another price list. Only reads.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::Table;
use serde::Serialize;

use crate::app;
use crate::commands::ledger::days::Days;
use crate::commands::ledger::exact::ExactUsd;
use crate::commands::terminal::{note, say};
use crate::domain::id::{ModelName, ProviderName};
use crate::domain::ledger::LedgerRow;
use crate::domain::pricing::{Exactness, ModelPrice, PriceBook, PriceVersion};
use crate::domain::usage::Basis;
use crate::domain::window::UtcMicros;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::seed;
use crate::store::usage::LedgerFilter;

const MODELS_FILE: &str = "models.csv";
const RATES_FILE: &str = "rates.csv";

/// What to price, and by what.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// A price list in the form of conf/prices: its folder, or only its rates.csv. Without one, the
    /// prices of this installation as they stand now for the instant of each row: what came of a change
    /// that began before it was made.
    #[arg(long, value_name = "FILE|DIR")]
    book: Option<PathBuf>,
    #[command(flatten)]
    days: Days,
    /// Only the rows of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Prints the sums of each model by the ledger and by the book.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let listed = options.book.as_deref().map(Book::read).transpose()?;
    let window = options.days.window()?;
    let store = app::open_store(settings).await?;
    let book = match listed {
        Some(book) => book,
        None => Book::of_installation(&store).await?,
    };
    let tenant = super::tenant_of(&store, options.tenant.as_deref()).await?;
    let mut tally = Tally::default();
    let mut reader = store.ledger_reader(LedgerFilter {
        tenant,
        window,
        ..LedgerFilter::default()
    });
    loop {
        let rows = reader.next().await?;
        if rows.is_empty() {
            break;
        }
        for exact in &rows {
            tally.add(&exact.row, &book);
        }
    }
    let report = tally.report();
    if options.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    Ok(())
}

/// The prices that rows are charged by.
struct Book(PriceBook);

impl Book {
    /// A price list, which holds for all of time.
    fn read(path: &Path) -> Result<Self> {
        let text = |path: &Path| {
            let read = fs::read_to_string(path);
            read.with_context(|| format!("could not read {}", path.display()))
        };
        let (models, rates) = if path.is_dir() {
            let models = text(&path.join(MODELS_FILE))?;
            (Some(models), text(&path.join(RATES_FILE))?)
        } else {
            (None, text(path)?)
        };
        let prices = seed::read_prices(models.as_deref(), &rates);
        let prices = prices.with_context(|| format!("the price list {}", path.display()))?;
        let always = prices.into_iter().map(|price| PriceVersion {
            // One that is listed without rates would be free.
            is_retired: price.bands.is_empty(),
            price,
            effective_from: UtcMicros::MIN,
        });
        Ok(Self(PriceBook::new(always)))
    }

    /// The prices of this installation, as they stand now for each instant.
    async fn of_installation(store: &Store) -> Result<Self> {
        let catalog = store.load_catalog().await?;
        Ok(Self(PriceBook::new(catalog.prices)))
    }

    fn find(&self, row: &LedgerRow) -> Option<&ModelPrice> {
        let found = self.0.find(row.provider.as_str(), &row.model, row.at);
        found.map(Arc::as_ref)
    }
}

/// What rows cost by the ledger and by the book.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sums {
    rows: u64,
    ledger_usd: ExactUsd,
    book_usd: ExactUsd,
    difference_usd: ExactUsd,
    /// Of these rows, those with a tier or a unit that the book prices only by its neighbour.
    by_neighbour: u64,
}

impl Sums {
    fn add(&mut self, row: &LedgerRow, price: &ModelPrice) {
        let cost = price.cost(row.tier, &row.usage);
        let by_neighbour = u64::from(cost.exactness == Exactness::Neighbour);
        self.rows = self.rows.saturating_add(1);
        self.by_neighbour = self.by_neighbour.saturating_add(by_neighbour);
        self.ledger_usd = self.ledger_usd.plus(row.cost.into());
        self.book_usd = self.book_usd.plus(cost.usd.into());
        self.difference_usd = self.book_usd.minus(self.ledger_usd);
    }
}

/// Rows that keep what they cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    rows: u64,
    ledger_usd: ExactUsd,
}

impl Kept {
    fn add(&mut self, row: &LedgerRow) {
        self.rows = self.rows.saturating_add(1);
        self.ledger_usd = self.ledger_usd.plus(row.cost.into());
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfModel<T: Serialize> {
    provider: ProviderName,
    model: ModelName,
    #[serde(flatten)]
    sums: T,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    models: Vec<OfModel<Sums>>,
    total: Sums,
    /// Charged at their worst case: nobody knows what they used.
    unknown: Kept,
    /// The book has no price for their model.
    not_in_book: Vec<OfModel<Kept>>,
}

/// The sums as they grow.
#[derive(Debug, Default)]
struct Tally {
    models: BTreeMap<(ProviderName, ModelName), Sums>,
    total: Sums,
    unknown: Kept,
    not_in_book: BTreeMap<(ProviderName, ModelName), Kept>,
}

impl Tally {
    fn add(&mut self, row: &LedgerRow, book: &Book) {
        if row.basis == Basis::Unknown {
            self.unknown.add(row);
            return;
        }
        let name = (row.provider.clone(), row.model.clone());
        let Some(price) = book.find(row) else {
            self.not_in_book.entry(name).or_default().add(row);
            return;
        };
        self.models.entry(name).or_default().add(row, price);
        self.total.add(row, price);
    }

    fn report(self) -> Report {
        Report {
            models: named(self.models),
            total: self.total,
            unknown: self.unknown,
            not_in_book: named(self.not_in_book),
        }
    }
}

fn named<T: Serialize>(sums: BTreeMap<(ProviderName, ModelName), T>) -> Vec<OfModel<T>> {
    let named = sums.into_iter().map(|((provider, model), sums)| OfModel {
        provider,
        model,
        sums,
    });
    named.collect()
}

impl Report {
    fn print(&self) {
        let mut table = Table::new();
        table.set_header([
            "provider",
            "model",
            "rows",
            "ledger",
            "by the book",
            "difference",
        ]);
        for line in &self.models {
            let name = [line.provider.to_string(), line.model.to_string()];
            table.add_row(name.into_iter().chain(cells(&line.sums)));
        }
        let all = ["all".to_owned(), String::new()];
        table.add_row(all.into_iter().chain(cells(&self.total)));
        say(&table.to_string());
        if self.total.by_neighbour > 0 {
            let rows = self.total.by_neighbour;
            note(&format!(
                "{rows} rows have a tier or a unit that the book prices only by its neighbour"
            ));
        }
        if self.unknown.rows > 0 {
            let Kept { rows, ledger_usd } = self.unknown;
            note(&format!(
                "{rows} rows are left out, {ledger_usd} USD: charged at their worst case"
            ));
        }
        for line in &self.not_in_book {
            let (model, Kept { rows, ledger_usd }) = (&line.model, line.sums);
            note(&format!(
                "{rows} rows of `{model}` are left out, {ledger_usd} USD: not in the book"
            ));
        }
    }
}

fn cells(sums: &Sums) -> [String; 4] {
    [
        sums.rows.to_string(),
        sums.ledger_usd.to_string(),
        sums.book_usd.to_string(),
        sums.difference_usd.to_string(),
    ]
}
