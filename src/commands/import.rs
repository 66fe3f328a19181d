//! `budgetguard import`: the database of a TypeScript BudgetGuard comes over into the database of the settings. A
//! running gateway that uses it goes on meanwhile.

use std::collections::BTreeMap;
use std::convert::Infallible;

use anyhow::{Result as Done, bail};
use clap::Args;
use comfy_table::Table;
use serde::Serialize;

use crate::app;
use crate::commands::terminal::{note, printable, say};
use crate::domain::window::{Clock, SystemClock};
use crate::import::{self, Cases, ImportOptions, Report, Tally};
use crate::settings::Settings;
use crate::settings::secret::Secret;
use crate::store::Store;

/// What `import` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The database to import from: `postgres://user:password@host/database`.
    #[arg(long, value_name = "URL", value_parser = url)]
    from: Secret,
    /// Read and check everything, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Charge by the prices of the other database from now on, not only know them as those of their time.
    #[arg(long)]
    prices_in_force: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// It holds a password.
#[expect(clippy::unnecessary_wraps, reason = "the form of a parser")]
fn url(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Done<()> {
    let store = app::open_store(settings).await?;
    if options.dry_run {
        check_schema(&store).await?;
    } else {
        app::prepare_store(&store).await?;
    }
    let wanted = ImportOptions {
        is_dry_run: options.dry_run,
        prices_in_force: options.prices_in_force,
        at: SystemClock.now(),
    };
    let report = import::run(&store, options.from.expose(), wanted).await?;
    if options.json {
        say(&serde_json::to_string_pretty(&ReportBody::from(&report))?);
    } else {
        print(&report);
    }
    if !report.adds_up() {
        bail!("the spending of both databases differs by more than the report explains");
    }
    Ok(())
}

/// A dry run makes no tables.
async fn check_schema(store: &Store) -> Done<()> {
    let status = store.migration_status().await?;
    if !status.pending.is_empty() {
        bail!("the schema is not up to date; `budgetguard migrate up` brings it there");
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportBody<'a> {
    source: &'a str,
    dry_run: bool,
    kinds: BTreeMap<&'static str, KindBody<'a>>,
    spending: SpendingBody,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KindBody<'a> {
    found: u64,
    imported: u64,
    already_there: u64,
    skipped: &'a BTreeMap<String, Cases>,
    adjusted: &'a BTreeMap<String, Cases>,
}

/// Exact decimals. What is here is the source's sum and what was added by rounding and by leaving
/// negative charges out, less what was skipped.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpendingBody {
    source_usd: String,
    imported_usd: String,
    rounded_up_usd: String,
    raised_usd: String,
    skipped_usd: String,
    adds_up: bool,
}

impl<'a> From<&'a Report> for ReportBody<'a> {
    fn from(report: &'a Report) -> Self {
        let kinds = report.kinds.iter().map(|(kind, tally)| {
            let body = KindBody {
                found: tally.found,
                imported: tally.imported,
                already_there: tally.already_there,
                skipped: &tally.skipped,
                adjusted: &tally.adjusted,
            };
            (*kind, body)
        });
        Self {
            source: &report.source,
            dry_run: report.is_dry_run,
            kinds: kinds.collect(),
            spending: SpendingBody {
                source_usd: report.source_sum.to_string(),
                imported_usd: report.spending.here.to_string(),
                rounded_up_usd: report.spending.rounded_up.to_string(),
                raised_usd: report.spending.raised.to_string(),
                skipped_usd: report.spending.skipped.to_string(),
                adds_up: report.adds_up(),
            },
        }
    }
}

fn print(report: &Report) {
    let mut table = Table::new();
    let imported = if report.is_dry_run {
        "would be imported"
    } else {
        "imported"
    };
    table.set_header(["", "found", imported, "here already", "left out", "changed"]);
    for (kind, tally) in &report.kinds {
        table.add_row([
            (*kind).to_owned(),
            tally.found.to_string(),
            tally.imported.to_string(),
            tally.already_there.to_string(),
            count(&tally.skipped).to_string(),
            count(&tally.adjusted).to_string(),
        ]);
    }
    say(&table.to_string());
    for (kind, tally) in &report.kinds {
        print_cases(kind, tally);
    }
    let spending = &report.spending;
    say(&format!("spending there        {} USD", report.source_sum));
    say(&format!("spending here         {} USD", spending.here));
    say(&format!(
        "  by rounding up     +{} USD",
        spending.rounded_up
    ));
    say(&format!("  negative charges   +{} USD", spending.raised));
    say(&format!("  left out           -{} USD", spending.skipped));
    if report.is_dry_run {
        note("nothing was written");
    }
}

fn count(cases: &BTreeMap<String, Cases>) -> u64 {
    cases.values().map(|cases| cases.count).sum()
}

fn print_cases(kind: &str, tally: &Tally) {
    for (what, all) in [("left out", &tally.skipped), ("changed", &tally.adjusted)] {
        for (reason, cases) in all {
            let examples = if cases.examples.is_empty() {
                String::new()
            } else {
                format!(" ({})", printable(&cases.examples.join(", ")))
            };
            let count = cases.count;
            say(&format!(
                "{kind}, {what}: {count} because {reason}{examples}"
            ));
        }
    }
}
