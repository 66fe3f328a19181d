//! Chains of rows and what is found when somebody tampers with them. The tests are the attacker: they set
//! the triggers aside, as whoever owns the database can.

mod ends;
mod retention;
mod rows;
mod signing;
mod sums;
mod unchained;

use std::sync::Arc;
use std::time::Duration;

use budgetguard::domain::id::{ModelName, TagId};
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::TagShare;
use budgetguard::domain::window::ManualClock;
use budgetguard::evidence::book::{Book, Testimony};
use budgetguard::evidence::findings::{Fault, Finding};
use budgetguard::evidence::key::CheckpointKey;
use budgetguard::evidence::month::Month;
use budgetguard::evidence::notary::Notary;
use budgetguard::evidence::sorting::Exports;
use budgetguard::evidence::verify::{self, Report};
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::store::Store;
use budgetguard::store::value::Value;
use tempfile::TempDir;

use crate::ledger::full_row;
use crate::support::{Database, NOW, request, row};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A notary with a book of its own.
struct Office {
    notary: Notary,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

impl Office {
    fn of(store: &Store) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        Self {
            notary: Notary {
                store: store.clone(),
                book: Book::new(&folder.path().join("book.jsonl")),
                key: CheckpointKey::parse(KEY).unwrap(),
                webhook: None,
                metrics: Arc::new(Metrics::new(TenantLabel::default()).unwrap()),
                clock: Arc::clone(&clock) as _,
            },
            clock,
            _folder: folder,
        }
    }

    async fn sign(&self) {
        self.notary.sign().await.unwrap();
    }

    fn testimony(&self) -> Testimony {
        let lines = self.notary.book.read().unwrap();
        Testimony::of(&lines, &[self.notary.key.public()])
    }
}

async fn verified(store: &Store, testimony: &Testimony) -> Report {
    let verified = verify::of_store(store, testimony, Exports::default()).await;
    verified.unwrap()
}

async fn check(database: &Database) -> Report {
    verified(&database.store, &Testimony::default()).await
}

fn faults(findings: &[Finding]) -> Vec<Fault> {
    findings.iter().map(|finding| finding.fault).collect()
}

/// The one thing that is wrong with rows: what, where, and of which request.
fn broken(report: &Report) -> (Fault, Option<u64>, Option<String>) {
    let [finding] = &report.integrity[..] else {
        panic!("{report:#?}");
    };
    (finding.fault, finding.seq, finding.request.clone())
}

/// Chains cannot tell; whoever did it did not think of the sums.
fn only_sums_differ(report: &Report) {
    assert_eq!(
        faults(&report.integrity),
        [Fault::SumsDiffer],
        "{report:#?}"
    );
    assert_eq!(report.completeness, []);
}

fn id(number: u64) -> String {
    request(number).to_string()
}

fn rows(numbers: std::ops::Range<u64>) -> Vec<LedgerRow> {
    numbers.map(|number| row(number, 1, 5)).collect()
}

/// A row with a value in every column.
fn whole_row(number: u64) -> LedgerRow {
    LedgerRow {
        request: request(number),
        model_asked: Some(ModelName::new("fast")),
        attempt_of: Some(request(7)),
        tags: [7, 8].map(tag_of).into_iter().collect(),
        held: Usd::from_nanos(number.cast_signed()),
        first_byte_us: Some(number),
        ..full_row()
    }
}

fn tag_of(tag: i64) -> TagShare {
    TagShare {
        tag: TagId(tag),
        weight: "0.5".parse().unwrap(),
        is_inherited: tag == 8,
    }
}

/// Rows of October and November 2026, whose writers go back and forth between both.
async fn two_months(database: &Database) -> (Store, Month) {
    let other = database.open_again().await;
    let (october, november) = (NOW.minus(Duration::from_hours(24 * 30)), NOW);
    for number in 1..=12_u64 {
        let at = if number % 5 < 2 || number > 9 {
            november
        } else {
            october
        };
        let row = LedgerRow {
            at,
            ..whole_row(number)
        };
        let store = if number % 3 == 0 {
            &other
        } else {
            &database.store
        };
        store.append(&[row]).await.unwrap();
    }
    (other, Month::of(october).unwrap())
}

impl Database {
    /// Changes what nobody may change.
    async fn tamper(&self, statement: &str, params: &[Value]) {
        let statement: &'static str = String::leak(statement.to_owned());
        let mut change = self.driver.begin().await.unwrap();
        if self.driver.name() == "postgres" {
            let aside = "SET LOCAL session_replication_role = replica";
            change.execute(aside, &[]).await.unwrap();
        } else {
            for trigger in [
                "DROP TRIGGER IF EXISTS usage_ledger_no_update",
                "DROP TRIGGER IF EXISTS usage_ledger_no_delete",
                "DROP TRIGGER IF EXISTS usage_tag_no_update",
                "DROP TRIGGER IF EXISTS usage_tag_no_delete",
            ] {
                change.execute(trigger, &[]).await.unwrap();
            }
        }
        let touched = change.execute(statement, params).await;
        touched.unwrap_or_else(|error| panic!("{statement}: {error}"));
        change.commit().await.unwrap();
    }
}
