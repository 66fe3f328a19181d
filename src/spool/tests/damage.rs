//! What a crash, a loss of power, a failing disk or another version leaves of the files.

use std::fs::OpenOptions;
use std::ops::Range;

use super::*;
use crate::domain::id::PriceId;

fn truncate(path: &Path, length: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(length).unwrap();
}

#[test]
fn a_torn_end_loses_only_the_record_that_was_torn() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_outcome(&outcome(1)).unwrap();
    let whole = spool.status().bytes_on_disk;
    spool.append_outcome(&outcome(2)).unwrap();
    let longest = spool.status().bytes_on_disk;
    drop(spool);
    let file = segments(&folder).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    for length in whole..longest {
        fs::write(&file, &bytes).unwrap();
        truncate(&file, length);
        let spool = open(&folder);
        assert_eq!(
            spool.next_batch(9).unwrap(),
            [outcome(1)],
            "cut at {length}"
        );
        spool.append_outcome(&outcome(3)).unwrap();
        drop(spool);
        assert_eq!(ids(&open(&folder).next_batch(9).unwrap()), [id(1), id(3)]);
    }
}

#[test]
fn an_end_of_zeros_or_noise_is_cut_off() {
    for filler in [0_u8, 0x49, 0xff] {
        let folder = tempfile::tempdir().unwrap();
        open(&folder).append_outcome(&outcome(1)).unwrap();
        let file = segments(&folder).pop().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend([filler; 3000]);
        fs::write(&file, &bytes).unwrap();
        assert_eq!(open(&folder).next_batch(9).unwrap(), [outcome(1)]);
    }
}

#[test]
fn a_segment_that_was_only_just_made_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).append_outcome(&outcome(1)).unwrap();
    for (number, begun) in [(7, &b""[..]), (8, b"BGSP")] {
        fs::write(folder.path().join(format!("{number:020}.spool")), begun).unwrap();
        let spool = open(&folder);
        assert_eq!(spool.next_batch(9).unwrap(), [outcome(1)]);
    }
}

#[test]
fn damage_in_the_middle_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    spool.append_outcome(&outcome(1)).unwrap();
    let start = usize::try_from(spool.status().bytes_on_disk).unwrap();
    spool.append_outcome(&outcome(2)).unwrap();
    let end = usize::try_from(spool.status().bytes_on_disk).unwrap();
    spool.append_outcome(&outcome(3)).unwrap();
    drop(spool);
    let file = segments(&folder).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    for damaged in start..end {
        let mut bytes = bytes.clone();
        bytes[damaged] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        let error = Spool::open(options(folder.path())).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(file.to_str().unwrap()), "{message}");
        assert!(message.contains(&format!("byte {start}")), "{message}");
    }
    assert_ne!(fs::read(&file).unwrap(), bytes, "nothing is cut off");
}

/// Rows 0 to 99, of which a loss of power took some bytes; those rows that are gone then.
fn lost_with(taken: Range<usize>) -> Vec<u32> {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(options(folder.path())).unwrap();
    for number in 0..100 {
        spool.append_outcome(&outcome(number)).unwrap();
    }
    drop(spool);
    let file = segments(&folder).pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[taken].fill(0);
    fs::write(&file, &bytes).unwrap();
    let spool = Spool::open(options(folder.path())).unwrap();
    spool.append_outcome(&outcome(100)).unwrap();
    drop(spool);
    let spool = Spool::open(options(folder.path())).unwrap();
    let left = ids(&spool.next_batch(usize::MAX).unwrap());
    assert_eq!(left.last(), Some(&id(100)));
    (0..100)
        .filter(|number| !left.contains(&id(*number)))
        .collect()
}

#[test]
fn a_page_that_a_loss_of_power_took_costs_only_the_records_in_it() {
    const PAGE: usize = 4096;
    // A page that never reached the disk, two of them, and one that did when it was half full.
    for taken in [PAGE..2 * PAGE, PAGE..3 * PAGE, PAGE + 2000..2 * PAGE] {
        let most = taken.len() / 80 + 2;
        let lost = lost_with(taken);
        assert!((1..=most).contains(&lost.len()), "{lost:?}");
        assert!(lost.is_sorted_by(|one, next| one + 1 == *next), "{lost:?}");
    }
}

/// Rows of other versions must not be taken for rows of this one. Whoever changes what is shown here
/// gives the files another magic, and says in the changelog that the spool has to be drained first.
#[test]
fn the_form_of_a_row_is_that_of_this_version() {
    let row = LedgerRow {
        model_served: Some(ModelName::new("gpt-5-mini-1")),
        reason: Some("why".into()),
        usage: TokenUsage {
            input: 300,
            web_search_calls: 1,
            ..TokenUsage::default()
        },
        tier: Tier::Flex,
        price: Some(PriceId(-1)),
        basis: Basis::Unknown,
        first_byte_us: Some(7),
        upstream_request_id: Some("req_1".to_owned()),
        ..row(1, Status::Aborted)
    };
    let record = record::encode_row(RowKind::Outcome, &row).unwrap();
    insta::assert_snapshot!(record.escape_ascii().to_string());
    let Ok((Record::Row(RowKind::Outcome, request, packed), length)) = record::decode(&record)
    else {
        panic!("it is no outcome");
    };
    assert_eq!((request, length), (row.request, record.len()));
    assert_eq!(record::unpack(packed), Ok(row));
}

#[test]
fn a_file_of_another_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{:020}.spool", 1));
    fs::write(&file, b"BGSPOOL9 and what comes then").unwrap();
    let error = Spool::open(options(folder.path())).unwrap_err();
    assert!(matches!(error, SpoolError::Corrupt { offset: 0, .. }));
    assert_eq!(fs::read(&file).unwrap(), b"BGSPOOL9 and what comes then");
}

#[test]
fn a_record_damaged_while_open_is_an_error_and_not_a_lost_row() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).append_outcome(&outcome(1)).unwrap();
    // Opened anew, so that the row is on disk only.
    let spool = open(&folder);
    let file = segments(&folder).pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[60] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert!(matches!(
        spool.next_batch(1),
        Err(SpoolError::Corrupt { .. })
    ));
}
