//! Months that leave by a signed record, and their archives.

use std::path::{Path, PathBuf};
use std::time::Duration;

use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::stamp::Actor;
use budgetguard::domain::window::Window;
use budgetguard::evidence::findings::Fault;
use budgetguard::evidence::month::Month;
use budgetguard::evidence::retention::{Leaving, RetentionError};
use budgetguard::evidence::sorting::Exports;
use budgetguard::evidence::verify::{self, Report};
use budgetguard::store::audit::{AuditEntry, AuditFilter};
use budgetguard::store::ledger_page::Place;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::value::Value;
use budgetguard::store::{Page, Store};
use tempfile::TempDir;

use crate::chains::{Office, check, faults, rows, two_months, verified, whole_row};
use crate::support::{Database, NOW, STAMP, request, row};

on_both_databases![
    a_month_leaves_by_a_signed_record_and_the_chains_go_on,
    what_left_is_missing_without_its_record,
    an_archive_is_recomputed_with_the_database_and_without,
    an_archive_that_lost_rows_is_told,
    an_archive_that_lost_a_chain_is_told_and_one_that_was_not_given_is_not,
    the_guards_are_in_their_places_again,
    a_row_that_leaves_beside_the_record_is_missing,
    a_changed_row_does_not_leave,
    nothing_leaves_of_a_chain_that_is_not_as_it_was_signed,
    a_row_that_comes_while_its_month_leaves_stops_it,
    a_month_that_leaves_is_in_the_audit_log,
    pages_show_as_many_rows_as_they_say_there_are,
    one_of_many_processes_has_its_turn_in_a_day,
];

impl Office {
    pub(super) async fn take_out(
        &self,
        month: Month,
        folder: &TempDir,
    ) -> Result<Option<Leaving>, RetentionError> {
        let by = Actor::System;
        self.notary.take_out(month, folder.path(), &by).await
    }
}

/// Six rows that left with October, where nine are still there.
struct Left {
    office: Office,
    month: Month,
    archive: PathBuf,
    folder: TempDir,
}

impl Left {
    async fn of(database: &Database) -> Self {
        let (_other, month) = two_months(database).await;
        let office = Office::of(&database.store);
        office.sign().await;
        let folder = TempDir::new().unwrap();
        let left = office.take_out(month, &folder).await.unwrap().unwrap();
        assert_eq!(left.rows, 6);
        database.store.append(&rows(50..53)).await.unwrap();
        office.sign().await;
        Self {
            office,
            month,
            archive: left.export.unwrap(),
            folder,
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.archive).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What an archive of these lines comes to with the database, and without.
    async fn judged(&self, database: &Database, lines: &[String]) -> [Report; 2] {
        let file = self.folder.path().join("other.jsonl");
        // Of no lines, an empty file.
        let text = lines.iter().flat_map(|line| [line.as_str(), "\n"]);
        std::fs::write(&file, text.collect::<String>()).unwrap();
        let exports = || Exports::read(std::slice::from_ref(&file)).unwrap();
        let testimony = self.office.testimony();
        let online = verify::of_store(&database.store, &testimony, exports()).await;
        let offline = verify::of_exports(exports(), &testimony);
        [online.unwrap(), offline.unwrap()]
    }
}

async fn a_month_leaves_by_a_signed_record_and_the_chains_go_on(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let before = Month::of(NOW).unwrap();
    assert_eq!(office.notary.months_before(before).await.unwrap(), [month]);
    let look = office.notary.look_at(month).await.unwrap();
    assert_eq!((look.rows, look.export), (6, None));
    let folder = TempDir::new().unwrap();
    let left = office.take_out(month, &folder).await.unwrap().unwrap();
    assert_eq!(left.rows, 6);
    // Nothing is left to leave, and the chains go on as if nothing had been.
    assert_eq!(office.take_out(month, &folder).await.unwrap(), None);
    database.store.append(&rows(50..53)).await.unwrap();
    office.sign().await;
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.retired_rows), (9, 6));
}

async fn what_left_is_missing_without_its_record(database: Database) {
    let _left = Left::of(&database).await;
    let report = check(&database).await;
    assert!(
        faults(&report.integrity).contains(&Fault::Missing),
        "{report:#?}"
    );
}

async fn an_archive_is_recomputed_with_the_database_and_without(database: Database) {
    let left = Left::of(&database).await;
    let lines = left.lines();
    let [online, offline] = left.judged(&database, &lines).await;
    assert!(online.is_clean(), "{online:#?}");
    assert_eq!((online.rows, online.retired_rows), (15, 0));
    assert_eq!(offline.integrity, []);
    assert_eq!((offline.rows, offline.retired_rows), (6, 0));
    let mut changed = lines.clone();
    changed[0] = changed[0].replacen("\"cost\":\"-5\"", "\"cost\":\"-6\"", 1);
    assert_ne!(changed, lines);
    for report in left.judged(&database, &changed).await {
        assert_eq!(faults(&report.integrity), [Fault::Altered], "{report:#?}");
    }
}

async fn an_archive_that_lost_rows_is_told(database: Database) {
    let left = Left::of(&database).await;
    let lines = left.lines();
    // Of the stretches, two have two rows and two have one, which is all of the stretch.
    for gone in 0..lines.len() {
        let mut shorter = lines.clone();
        shorter.remove(gone);
        for report in left.judged(&database, &shorter).await {
            assert_eq!(report.bad_rows, 1, "line {gone}: {report:#?}");
            assert_eq!(faults(&report.integrity), [Fault::Missing], "{report:#?}");
            assert_eq!(report.retired_rows, 0, "{report:#?}");
        }
    }
    for report in left.judged(&database, &[]).await {
        assert_eq!(faults(&report.integrity), [Fault::Unreadable]);
    }
}

async fn an_archive_that_lost_a_chain_is_told_and_one_that_was_not_given_is_not(
    database: Database,
) {
    let left = Left::of(&database).await;
    let lines = left.lines();
    let writer = |line: &String| line.rsplit_once("\"writer\"").unwrap().1.to_owned();
    let first = writer(&lines[0]);
    let of_first: Vec<String> = lines
        .iter()
        .filter(|line| writer(line) == first)
        .cloned()
        .collect();
    assert!(of_first.len() < lines.len());
    for report in left.judged(&database, &of_first).await {
        // Both stretches of the other chain, told once.
        assert_eq!(report.bad_rows, 2, "{report:#?}");
        assert_eq!(faults(&report.integrity), [Fault::Missing], "{report:#?}");
        let month = left.month.to_string();
        assert!(report.integrity[0].detail.contains(&month), "{report:#?}");
    }
    let report = verified(&database.store, &left.office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.retired_rows, 6);
}

async fn the_guards_are_in_their_places_again(database: Database) {
    let _left = Left::of(&database).await;
    for statement in ["DELETE FROM usage_ledger", "DELETE FROM usage_tag"] {
        let refused = database.driver.execute(statement, &[]).await.unwrap_err();
        assert!(refused.to_string().contains("is append-only"), "{refused}");
    }
}

async fn a_row_that_leaves_beside_the_record_is_missing(database: Database) {
    let left = Left::of(&database).await;
    database
        .tamper("DELETE FROM usage_ledger WHERE seq = 2", &[])
        .await;
    let report = verified(&database.store, &left.office.testimony()).await;
    assert!(
        faults(&report.integrity).contains(&Fault::Missing),
        "{report:#?}"
    );
}

async fn a_changed_row_does_not_leave(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let change = "UPDATE usage_ledger SET cost = cost + 1 WHERE request_id = $1";
    let third = [Value::from(&request(3).as_bytes()[..])];
    database.tamper(change, &third).await;
    let folder = TempDir::new().unwrap();
    let refused = office.take_out(month, &folder).await.unwrap_err();
    assert!(
        refused.to_string().contains("the ledger was changed"),
        "{refused}"
    );
    assert!(is_empty(folder.path()), "no archive of what is still there");
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().unwrap().next().is_none()
}

async fn nothing_leaves_of_a_chain_that_is_not_as_it_was_signed(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    office.sign().await;
    database
        .tamper("UPDATE ledger_writer SET seq = seq - 1", &[])
        .await;
    let folder = TempDir::new().unwrap();
    let refused = office.take_out(month, &folder).await.unwrap_err();
    assert!(matches!(refused, RetentionError::Notary(_)), "{refused}");
    assert!(is_empty(folder.path()), "no archive of what is still there");
    database
        .tamper("UPDATE ledger_writer SET seq = seq + 1", &[])
        .await;
    let left = office.take_out(month, &folder).await.unwrap().unwrap();
    assert_eq!(left.rows, 6);
}

async fn a_row_that_comes_while_its_month_leaves_stops_it(database: Database) {
    let (other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let window = month.window().unwrap();
    let late = LedgerRow {
        at: window.start,
        ..row(90, 1, 1)
    };
    other.append(&[late]).await.unwrap();
    let note = (&STAMP, &AuditEntry::of("ledger", "retain"));
    let refused = database.store.drop_month(window, 6, note).await;
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains("7 rows"), "{refused}");
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.retired_rows), (13, 0));
    let folder = TempDir::new().unwrap();
    let left = office.take_out(month, &folder).await.unwrap().unwrap();
    assert_eq!(left.rows, 7);
}

async fn a_month_that_leaves_is_in_the_audit_log(database: Database) {
    let left = Left::of(&database).await;
    let filter = AuditFilter {
        tenant: None,
        actor: None,
        action: Some("ledger.retain".to_owned()),
        target_kind: None,
        target: Some(left.month.to_string()),
        within: Window::TOTAL,
        older_than: None,
    };
    let noted = database.store.list_audit(&filter, 10).await.unwrap();
    let [noted] = &noted[..] else {
        panic!("{noted:#?}");
    };
    assert_eq!(noted.actor_kind, "system");
    let after = noted.after.as_ref().unwrap();
    let after: serde_json::Value = serde_json::from_str(after).unwrap();
    let archive = left.archive.to_str().unwrap();
    assert_eq!(after, serde_json::json!({ "rows": 6, "export": archive }));
}

/// How many rows there are by the first page, and the rows of all pages.
async fn shown(store: &Store, filter: &LedgerFilter) -> (u64, Vec<Place>) {
    let (mut places, limit) = (Vec::new(), 4);
    loop {
        let offset = places.len() as u64;
        let page = Page { limit, offset };
        let listed = store.ledger_page(filter, page).await.unwrap();
        if listed.rows.is_empty() {
            return (listed.total, places);
        }
        if let Some(last) = places.last() {
            let after = store.ledger_page_after(filter, *last, limit).await.unwrap();
            assert_eq!(after, listed, "{filter:?}");
        }
        places.extend(listed.rows.iter().map(|entry| Place::of(&entry.row)));
    }
}

async fn pages_show_as_many_rows_as_they_say_there_are(database: Database) {
    let store = &database.store;
    let left = Left::of(&database).await;
    // It comes late, and is in the ledger until its month leaves again.
    let late = LedgerRow {
        at: left.month.window().unwrap().start,
        ..row(90, 1, 1)
    };
    store.append(&[late]).await.unwrap();
    let of_tenant = LedgerFilter {
        tenant: Some(whole_row(1).tenant),
        ..LedgerFilter::default()
    };
    let of_session = LedgerFilter {
        session: whole_row(1).session.map(|session| session.id),
        ..of_tenant.clone()
    };
    let of_model = LedgerFilter {
        model: Some("gpt".to_owned()),
        ..LedgerFilter::default()
    };
    for filter in [LedgerFilter::default(), of_tenant, of_session, of_model] {
        let (total, places) = shown(store, &filter).await;
        assert!(total > 0, "{filter:?}");
        assert_eq!(places.len() as u64, total, "{filter:?}");
    }
    let (total, _places) = shown(store, &LedgerFilter::default()).await;
    assert_eq!(total, 9);
    let totals = store.ledger_totals(&LedgerFilter::default()).await.unwrap();
    assert_eq!(totals.rows, 16, "what was used stays in the figures");
}

async fn one_of_many_processes_has_its_turn_in_a_day(database: Database) {
    let day = Duration::from_hours(24);
    let stores = [
        database.store.clone(),
        database.open_again().await,
        database.open_again().await,
    ];
    for now in [NOW, NOW.plus(day)] {
        let turns = stores.iter().map(|it| it.take_turn_of_retention(now, day));
        let turns = futures::future::join_all(turns).await;
        let turns = turns.into_iter().map(Result::unwrap);
        assert_eq!(turns.filter(|turn| *turn).count(), 1);
    }
}
