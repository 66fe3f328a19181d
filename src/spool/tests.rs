//! What the spool promises, also across crashes that tear its files.

use crate::domain::id::TagId;
use crate::domain::session::SessionRef;
use crate::domain::tag::{TagShare, TagShares, Weight};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::domain::id::{ApiKeyId, ModelName, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::domain::money::Usd;
use crate::domain::object::ObjectNotes;
use crate::domain::pricing::Tier;
use crate::domain::usage::{Basis, TokenUsage};

mod damage;
mod killed;
mod model;

/// Small enough that the tests fill many segments.
const SMALL_SEGMENT_BYTES: usize = 1 << 10;

fn id(number: u32) -> RequestId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    RequestId::new(UtcMicros::new(i64::from(number) * 1000), random)
}

fn session(id: String) -> SessionRef {
    SessionRef {
        id,
        name: Some("a name".to_owned()),
        path: None,
    }
}

fn row(number: u32, status: Status) -> LedgerRow {
    LedgerRow {
        request: id(number),
        at: UtcMicros::new(i64::from(number) * 1000),
        tenant: TenantId(1),
        key: ApiKeyId(2),
        session: Some(session("a \"session\"\n".to_owned())),
        tags: TagShares::from_slice(&[TagShare {
            tag: TagId(3),
            weight: Weight::ONE,
            is_inherited: true,
        }]),
        route: "/v1/chat/completions".into(),
        provider: ProviderName::new("openai"),
        model: ModelName::new("gpt-5-mini"),
        model_asked: None,
        attempt_of: None,
        model_served: None,
        status,
        reason: None,
        http_status: Some(200),
        streamed: true,
        usage: TokenUsage::default(),
        tier: Tier::Standard,
        price: None,
        cost: Usd::from_nanos(i64::from(number)),
        held: Usd::from_nanos(i64::MAX),
        basis: Basis::Measured,
        latency_us: 500,
        first_byte_us: None,
        upstream_request_id: None,
        ruling: None,
        objects: ObjectNotes::default(),
    }
}

fn intent(number: u32) -> LedgerRow {
    row(number, Status::Interrupted)
}

fn outcome(number: u32) -> Arc<LedgerRow> {
    Arc::new(row(number, Status::Success))
}

fn options(folder: &Path) -> SpoolOptions {
    SpoolOptions {
        folder: folder.to_owned(),
        sync: SyncPolicy::Os,
        entries_max: 100_000,
    }
}

fn open(folder: &TempDir) -> Spool {
    Spool::open_with_segments(options(folder.path()), SMALL_SEGMENT_BYTES).unwrap()
}

fn ids(rows: &[impl Borrow<LedgerRow>]) -> Vec<RequestId> {
    rows.iter().map(|row| row.borrow().request).collect()
}

fn segments(folder: &TempDir) -> Vec<PathBuf> {
    let numbers = segment::numbers_in(folder.path()).unwrap();
    let path = |number| folder.path().join(format!("{number:020}.spool"));
    numbers.into_iter().map(path).collect()
}

#[test]
fn an_outcome_replaces_its_intent() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_intent(&intent(1)).unwrap();
    spool.append_intent(&intent(2)).unwrap();
    spool.append_outcome(&outcome(1)).unwrap();
    assert_eq!(spool.open_intents().unwrap(), [intent(2)]);
    assert_eq!(spool.next_batch(10).unwrap(), [outcome(1)]);
    let status = spool.status();
    assert_eq!((status.open, status.waiting), (1, 1));
    assert_eq!(status.oldest_waiting_at, Some(UtcMicros::new(1500)));
}

#[test]
fn a_long_queue_is_read_from_disk_where_it_is_not_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    let numbers = 0..u32::try_from(log::ROWS_KEPT_MAX).unwrap() + 10;
    for number in numbers.clone() {
        spool.append_outcome(&outcome(number)).unwrap();
    }
    let all: Vec<_> = numbers.map(outcome).collect();
    assert_eq!(spool.next_batch(usize::MAX).unwrap(), all);
}

#[test]
fn repeated_calls_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_intent(&intent(1)).unwrap();
    spool.append_intent(&outcome(1)).unwrap();
    assert_eq!(spool.open_intents().unwrap(), [intent(1)]);
    spool.remove(&[id(1), id(9)]).unwrap();
    assert_eq!(spool.status().open, 1, "only outcomes are removed");
    spool.append_outcome(&outcome(1)).unwrap();
    let different = Arc::new(row(1, Status::Failed));
    spool.append_outcome(&different).unwrap();
    spool.append_intent(&intent(1)).unwrap();
    spool.withdraw(id(1)).unwrap();
    assert_eq!(spool.next_batch(10).unwrap(), [outcome(1)]);
    spool.remove(&[id(1)]).unwrap();
    spool.remove(&[id(1)]).unwrap();
    assert_eq!(spool.next_batch(10).unwrap(), []);
    drop(spool);
    assert_eq!(open(&folder).status().waiting, 0);
}

#[test]
fn a_withdrawn_intent_is_gone_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_intent(&intent(1)).unwrap();
    spool.withdraw(id(1)).unwrap();
    drop(spool);
    assert_eq!(open(&folder).open_intents().unwrap(), []);
}

#[test]
fn refuses_intents_but_never_outcomes_when_full() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(SpoolOptions {
        entries_max: 2,
        ..options(folder.path())
    })
    .unwrap();
    spool.append_intent(&intent(1)).unwrap();
    spool.append_intent(&intent(2)).unwrap();
    let refused = spool.append_intent(&intent(3));
    assert!(matches!(refused, Err(SpoolError::Full { entries_max: 2 })));
    spool.append_outcome(&outcome(1)).unwrap();
    spool.append_outcome(&outcome(4)).unwrap();
    assert!(spool.append_intent(&intent(5)).is_err());
    spool.remove(&[id(1), id(4)]).unwrap();
    spool.append_intent(&intent(5)).unwrap();
}

/// Without its folder a spool can begin no segment, as on a full disk.
fn without_a_folder<T>(folder: &TempDir, work: impl FnOnce() -> T) -> T {
    let elsewhere = folder.path().with_extension("away");
    fs::rename(folder.path(), &elsewhere).unwrap();
    let result = work();
    fs::rename(&elsewhere, folder.path()).unwrap();
    result
}

/// Ends requests until the disk takes no more outcomes; the last of them is in memory alone.
fn end_until_disk_is_full(spool: &Spool, folder: &TempDir) -> u32 {
    let intents = 1..=20;
    for number in intents.clone() {
        spool.append_intent(&intent(number)).unwrap();
    }
    without_a_folder(folder, || {
        for number in intents {
            spool.append_outcome(&outcome(number)).unwrap();
        }
        assert!(spool.append_intent(&intent(21)).is_err());
    });
    20
}

#[test]
fn keeps_outcomes_that_the_disk_does_not_take_until_they_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    let last = end_until_disk_is_full(&spool, &folder);
    assert_eq!(spool.open_intents().unwrap(), []);
    let waiting = spool.next_batch(100).unwrap();
    let expected: Vec<_> = (1..=last).map(outcome).collect();
    assert_eq!(waiting, expected);
    assert_eq!(spool.outcomes_of(&[id(last)]).unwrap(), [outcome(last)]);
    spool.remove(&ids(&waiting)).unwrap();
    assert!(spool.next_batch(100).unwrap().is_empty());
    spool.append_intent(&intent(21)).unwrap();
    drop(spool);
    assert_eq!(open(&folder).open_intents().unwrap(), [intent(21)]);
}

#[test]
fn an_outcome_that_was_in_memory_alone_is_an_intent_again_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    let last = end_until_disk_is_full(&spool, &folder);
    drop(spool);
    let spool = open(&folder);
    let open = spool.open_intents().unwrap();
    assert_eq!(open.last(), Some(&intent(last)));
    let waiting = spool.next_batch(100).unwrap();
    assert_eq!(open.len() + waiting.len(), usize::try_from(last).unwrap());
}

#[test]
fn refuses_a_folder_that_is_open_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    let second = Spool::open(options(folder.path()));
    let message = second.unwrap_err().to_string();
    assert!(message.contains("in use by another process"), "{message}");
    drop(spool);
    Spool::open(options(folder.path())).unwrap();
}

#[test]
fn keeps_the_order_of_outcomes_across_restarts_and_segments() {
    let folder = tempfile::tempdir().unwrap();
    let order = (0..50).map(|number| (number * 37) % 50);
    for number in order.clone() {
        let spool = open(&folder);
        spool.append_intent(&intent(number)).unwrap();
        spool.append_outcome(&outcome(number)).unwrap();
    }
    assert!(segments(&folder).len() > 5);
    let expected: Vec<_> = order.map(id).collect();
    let spool = open(&folder);
    assert_eq!(ids(&spool.next_batch(100).unwrap()), expected);
    assert_eq!(ids(&spool.next_batch(3).unwrap()), expected[..3]);
    let outcomes: Result<Vec<_>, _> = spool.outcomes().collect();
    assert_eq!(ids(&outcomes.unwrap()), expected);
}

#[test]
fn an_intent_that_stays_open_does_not_keep_old_segments() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_intent(&intent(0)).unwrap();
    for number in 1..500 {
        spool.append_intent(&intent(number)).unwrap();
        spool.append_outcome(&outcome(number)).unwrap();
        spool.remove(&[id(number)]).unwrap();
    }
    assert!(segments(&folder).len() < 10);
    assert!(spool.status().bytes_on_disk < 10 * SMALL_SEGMENT_BYTES as u64);
    drop(spool);
    assert_eq!(open(&folder).open_intents().unwrap(), [intent(0)]);
}

#[test]
fn outcomes_can_be_removed_when_nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    // The next segment cannot be made where there is a folder of that name.
    let obstacle = folder.path().join(format!("{:020}.spool", 3));
    fs::create_dir(&obstacle).unwrap();
    let failed = (0..100).find(|number| spool.append_outcome(&outcome(*number)).is_err());
    let failed = failed.unwrap();
    assert_eq!(spool.status().waiting, failed as usize);
    let refused = spool.append_intent(&intent(failed));
    assert!(matches!(refused, Err(SpoolError::Io { .. })));
    let batch = ids(&spool.next_batch(usize::MAX).unwrap());
    spool.remove(&batch).unwrap();
    assert_eq!(spool.status().waiting, 0);
    assert_eq!(segments(&folder).len(), 2, "the first segment made room");
    fs::remove_dir(&obstacle).unwrap();
    spool.append_outcome(&outcome(failed)).unwrap();
    assert_eq!(spool.next_batch(9).unwrap(), [outcome(failed)]);
}

#[test]
fn a_row_too_long_for_a_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut long = intent(1);
    long.session = Some(session("x".repeat(2 << 20)));
    let refused = open(&folder).append_intent(&long);
    assert!(matches!(refused, Err(SpoolError::Encode(_))));
}

#[test]
fn concurrent_appenders_and_a_drainer_lose_nothing() {
    for sync in [
        SyncPolicy::Os,
        SyncPolicy::Interval(Duration::from_millis(1)),
        SyncPolicy::Always,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let options = SpoolOptions {
            sync,
            ..options(folder.path())
        };
        let spool = Spool::open_with_segments(options, SMALL_SEGMENT_BYTES).unwrap();
        let mut drained = append_and_drain(&spool, 4, 250);
        drained.sort_unstable();
        let expected: Vec<_> = (0..1000)
            .filter(|number| number % 10 != 9)
            .map(id)
            .collect();
        assert_eq!(drained, expected, "{sync:?}");
        assert_eq!((spool.status().open, spool.status().waiting), (0, 0));
        assert!(segments(&folder).len() < 10, "{sync:?}");
    }
}

fn append_and_drain(spool: &Spool, threads: u32, each: u32) -> Vec<RequestId> {
    let appending = AtomicBool::new(true);
    thread::scope(|scope| {
        let drainer = scope.spawn(|| {
            let mut drained = Vec::new();
            loop {
                let last_look = !appending.load(Ordering::Acquire);
                let batch = ids(&spool.next_batch(50).unwrap());
                if batch.is_empty() && last_look {
                    return drained;
                }
                spool.remove(&batch).unwrap();
                drained.extend(batch);
            }
        });
        let append = |number| {
            spool.append_intent(&intent(number)).unwrap();
            if number % 10 == 9 {
                spool.withdraw(id(number)).unwrap();
            } else {
                spool.append_outcome(&outcome(number)).unwrap();
            }
        };
        let start =
            |thread| scope.spawn(move || (thread * each..(thread + 1) * each).for_each(append));
        let appenders: Vec<_> = (0..threads).map(start).collect();
        for appender in appenders {
            appender.join().unwrap();
        }
        appending.store(false, Ordering::Release);
        drainer.join().unwrap()
    })
}

#[tokio::test]
async fn waits_until_there_is_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_intent(&intent(1)).unwrap();
    let append = async {
        tokio::task::yield_now().await;
        spool.append_outcome(&outcome(1)).unwrap();
    };
    tokio::join!(spool.outcome_waiting(), append);
    spool.outcome_waiting().await;
    assert_eq!(spool.next_batch(1).unwrap(), [outcome(1)]);
}
