//! The database of a TypeScript BudgetGuard comes over: whole, once, and to the nano-dollar.

mod again;
mod audit;
mod catalog;
mod history;
mod months;
mod prices;
mod spending;

use budgetguard::domain::id::{TagId, TenantId};
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::import::{ImportOptions, Report, run};
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::{Page, Store};

use crate::support::{Database, NOW, Schema};

const SCHEMA: &str = include_str!("../fixtures/original/schema.sql");
const DATA: &str = include_str!("../fixtures/original/data.sql");
const OPTIONS: ImportOptions = ImportOptions {
    is_dry_run: false,
    prices_in_force: false,
    at: NOW,
};
const ALL: Page = Page {
    limit: 1_000,
    offset: 0,
};

/// The database of the original, in a schema of its own; nothing, unless there is a server for tests.
async fn original() -> Option<Schema> {
    let schema = Schema::new().await?;
    schema.run_inside(SCHEMA).await;
    Some(schema)
}

/// The same with rows of every kind.
async fn full_original() -> Option<Schema> {
    let original = original().await?;
    original.run_inside(DATA).await;
    Some(original)
}

/// What came over of every kind of row.
async fn moved(database: &Database) -> Option<Report> {
    let original = full_original().await?;
    let report = imported(&database.store, &original).await;
    original.drop().await;
    Some(report)
}

async fn imported(store: &Store, original: &Schema) -> Report {
    let report = run(store, &original.url(), OPTIONS).await.unwrap();
    assert!(report.adds_up(), "{report:#?}");
    report
}

/// The kinds in a report: found, imported, here already, left out.
fn figures(report: &Report) -> Vec<(&'static str, u64, u64, u64, u64)> {
    let kinds = report.kinds.iter().filter(|(_, tally)| tally.found > 0);
    let figures = kinds.map(|(kind, tally)| {
        let skipped = tally.skipped.values().map(|cases| cases.count).sum();
        (
            *kind,
            tally.found,
            tally.imported,
            tally.already_there,
            skipped,
        )
    });
    figures.collect()
}

async fn ledger(store: &Store) -> Vec<LedgerRow> {
    let listed = store.ledger_page(&LedgerFilter::default(), ALL).await;
    let mut rows: Vec<_> = listed.unwrap().rows.into_iter().map(|it| it.row).collect();
    rows.reverse();
    rows
}

async fn id_of(store: &Store, name: &str) -> TenantId {
    let found = store.tenant_named(name).await.unwrap();
    found.unwrap_or_else(|| panic!("no {name}")).tenant.id
}

async fn tag(store: &Store, tenant: TenantId, name: &str) -> TagId {
    let tags = store.list_tags(tenant).await.unwrap();
    let found = tags.iter().find(|tag| tag.tag.name == name);
    found.unwrap_or_else(|| panic!("no {name}")).tag.id
}
