//! What BudgetGuard keeps: tenants, keys, budgets, prices and the ledger, by queries that Postgres
//! and SQLite both understand. Which of the two runs, only `app.rs` and the drivers know.

pub mod driver;
pub mod error;
pub mod value;

pub mod alerts;
pub mod audit;
pub mod breakdown;
pub mod budgets;
pub mod catalog;
pub mod deferred;
pub mod import;
pub mod keys;
pub mod ledger;
pub mod ledger_page;
pub mod ledger_ranked;
pub mod ledger_rows;
pub mod objects;
pub mod order;
pub mod policy_bundles;
pub mod prices;
pub mod receipts;
pub mod replay;
pub mod retention;
pub mod seed;
pub mod sessions;
pub mod tag_usage;
pub mod tagging;
pub mod tags;
pub mod tenants;
pub mod usage;
pub mod users;
pub mod writers;

mod sums;

pub mod postgres;
pub mod sqlite;

use std::fmt;
use std::sync::Arc;

use crate::domain::ledger::chain::WriterId;
use crate::domain::window::UtcMicros;
use crate::store::driver::{Changes, Driver, MigrationStatus, Transaction};
use crate::store::error::StoreError;
use crate::store::ledger::chain::Writer;
use crate::store::value::{Row, Value};

/// All queries, on whichever database there is. Cheap to clone. Instants and names are given by the
/// caller: the store asks no clock.
#[derive(Clone)]
pub struct Store {
    driver: Arc<dyn Driver>,
    /// Whose chain its ledger rows are in.
    writer: Writer,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Store({})", self.driver.name())
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The most rows to return.
    pub limit: u32,
    /// How many rows to leave out first.
    pub offset: u64,
}

/// A part of a list, and how long the whole list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows of the page.
    pub rows: Vec<T>,
    /// How many rows there are on all pages.
    pub total: u64,
}

impl Store {
    /// Queries through a driver. Ledger rows that are appended are in a chain of their own, begun with
    /// the first of them.
    pub fn new(driver: Arc<dyn Driver>) -> Self {
        let writer = Writer {
            id: WriterId::from_bytes(rand::random()),
            name: Arc::from("command"),
        };
        Self { driver, writer }
    }

    /// The same store, whose ledger rows are in the chain of a writer.
    #[must_use]
    pub fn with_writer(self, writer: Writer) -> Self {
        Self { writer, ..self }
    }

    /// Brings the schema up to date and names what was applied. Many processes may do so at once.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.driver.migrate().await
    }

    /// Which migrations were applied and which were not.
    pub async fn migration_status(&self) -> Result<MigrationStatus, StoreError> {
        self.driver.migration_status().await
    }

    /// Drops everything, the ledger too, and builds the schema anew.
    pub async fn reset(&self) -> Result<(), StoreError> {
        self.driver.reset().await
    }

    /// Makes the parts of the ledger for months that are still to come, where it has parts, and tells
    /// how many were made. Rows of a month without one are kept in a part for all such months.
    pub async fn make_partitions(&self, at: UtcMicros, months: u32) -> Result<u64, StoreError> {
        self.driver.make_partitions(at, months).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.driver.query("SELECT 1 AS one", &[]).await.map(drop)
    }

    /// Listens to the changes of the catalog, whichever process makes them; nothing where the
    /// database cannot tell of them.
    pub async fn listen(&self) -> Result<Option<Box<dyn Changes>>, StoreError> {
        self.driver.listen().await
    }

    /// Which database it is, in a word.
    pub fn kind(&self) -> &'static str {
        self.driver.name()
    }

    /// Reads rows by a plan for these parameters.
    async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut read = self.driver.begin_read().await?;
        let rows = read.query(sql, params).await?;
        read.commit().await?;
        Ok(rows)
    }

    /// Begins a change of tenants, keys, budgets or prices. The version is raised first: its row is
    /// the lock that lets one change happen after another, so none can be missed or deadlock.
    async fn change_catalog(&self) -> Result<Box<dyn Transaction>, StoreError> {
        const RAISE: &str = "UPDATE catalog_version SET version = version + 1 WHERE id = 1";
        let mut change = self.driver.begin().await?;
        change.execute(RAISE, &[]).await?;
        Ok(change)
    }
}

/// A `LIKE` pattern (with `\` as its escape) for what contains the text; everything without one.
fn containing(text: Option<&str>) -> String {
    let mut pattern = String::from("%");
    for character in text.unwrap_or_default().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    if text.is_some_and(|text| !text.is_empty()) {
        pattern.push('%');
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_wildcards_literally() {
        assert_eq!(containing(None), "%");
        assert_eq!(containing(Some("")), "%");
        assert_eq!(containing(Some(r"50%_\")), r"%50\%\_\\%");
    }
}
