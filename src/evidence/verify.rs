//! Checks a whole ledger: every chain in a database or in exports, against what was signed about it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;
use thiserror::Error;

use crate::domain::ledger::chain::{Tail, WriterId};
use crate::domain::window::UtcMicros;
use crate::evidence::archives::Archives;
use crate::evidence::book::Testimony;
use crate::evidence::chains::{ChainCheck, Outcome, Row, Signed};
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::month::Month;
use crate::evidence::sorting::{Exports, Placed};
use crate::evidence::sums::Days;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::ledger::reading::{LedgerReading, StoredRow};

/// How long replicas of the version before, which know no chains, may write beside newer ones.
const UPGRADE_MICROS_MAX: i64 = 24 * 3_600 * 1_000_000;

/// Why nothing came out.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The database could not be read.
    #[error("could not read the ledger: {0}")]
    Store(#[from] StoreError),
    /// An export could not be read.
    #[error("could not read an export: {0}")]
    Export(#[from] io::Error),
}

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Chains that were recomputed.
    pub chains: u64,
    /// Rows in them.
    pub rows: u64,
    /// Rows that are in no chain.
    pub unchained_rows: u64,
    /// Rows that left by a signed record and were not given.
    pub retired_rows: u64,
    /// Rows that are not what or where they should be; of each chain, the first is among the findings.
    pub bad_rows: u64,
    /// Signed checkpoints that the chains were compared with.
    pub checkpoints: u64,
    /// What was altered, reordered, duplicated, or is gone from the middle.
    pub integrity: Vec<Finding>,
    /// What is gone from the end, or was put back to an earlier state.
    pub completeness: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.integrity.is_empty() && self.completeness.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        if finding.fault.is_of_completeness() {
            self.completeness.push(finding);
        } else {
            self.integrity.push(finding);
        }
    }

    fn take(&mut self, outcome: Outcome) {
        self.chains = self.chains.saturating_add(1);
        self.rows = self.rows.saturating_add(outcome.rows);
        self.bad_rows = self.bad_rows.saturating_add(outcome.bad);
        for finding in outcome.findings {
            self.add(finding);
        }
    }
}

/// Checks what a database has, with the rows of exports that left it.
pub async fn of_store(
    store: &Store,
    testimony: &Testimony,
    mut archive: Exports,
) -> Result<Report, VerifyError> {
    let mut reading = store.read_ledger().await?;
    let ends = reading.chain_ends().await?;
    let ends = ends.into_iter().map(|end| (end.writer.id, end.recorded));
    let signed = testimony.signed();
    let mut chains = Chains::new(&signed, ends.collect());
    chains.report.checkpoints = testimony.checkpoints.len() as u64;
    let (mut tag_rows, mut days) = (0_u64, Days::default());
    loop {
        let rows = reading.next_chained().await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            tag_rows = tag_rows.saturating_add(row.tag_rows);
            days.add(row.at);
            take_stored(&mut chains, &mut archive, row)?;
        }
    }
    while let Some(placed) = archive.take_next()? {
        chains.take_archived(&placed);
    }
    let retired = testimony.retired_months();
    let mut report = chains.finish(&archive.unchained_by_month, &retired);
    reading.begin_anew();
    let unchained = take_unchained(&mut reading, testimony, (&mut report, &mut days)).await?;
    judge_unchained(testimony, report.unchained_rows, &mut report);
    let seen = tag_rows.saturating_add(unchained);
    judge_tags(reading.tag_rows().await?, seen, &mut report);
    let beside = testimony.findings.iter().chain(&archive.findings);
    beside.for_each(|finding| report.add(finding.clone()));
    // Of rows that are not what was written, the sums say no more.
    if report.is_clean()
        && let Some(differs) = days.compare(&mut reading, &retired).await?
    {
        report.add(differs);
    }
    Ok(report)
}

/// Checks what exports have, with no database.
pub fn of_exports(mut exports: Exports, testimony: &Testimony) -> Result<Report, VerifyError> {
    let signed = testimony.signed();
    let mut chains = Chains::new(&signed, BTreeMap::new());
    chains.are_exports = true;
    chains.report.checkpoints = testimony.checkpoints.len() as u64;
    while let Some(placed) = exports.take_next()? {
        chains.take_archived(&placed);
    }
    let retired = testimony.retired_months();
    let mut report = chains.finish(&exports.unchained_by_month, &retired);
    report.unchained_rows = exports.unchained;
    let beside = testimony.findings.iter().chain(&exports.findings);
    beside.for_each(|finding| report.add(finding.clone()));
    Ok(report)
}

/// Takes a row of the database, after those of the archive that come before it.
fn take_stored(
    chains: &mut Chains<'_>,
    archive: &mut Exports,
    stored: StoredRow,
) -> Result<(), VerifyError> {
    let Some(place) = stored.place else {
        return Ok(());
    };
    let Some(writer) = place.writer else {
        chains.report.add(Finding {
            fault: Fault::Altered,
            writer: None,
            seq: u64::try_from(place.seq).ok(),
            request: Some(stored.request),
            detail: "its writer is none".to_owned(),
        });
        return Ok(());
    };
    let placed = Placed {
        writer,
        row: Row {
            seq: place.seq,
            hash: place.hash,
            canonical: stored.canonical,
            request: stored.request,
            tags_agree: stored.tags_agree,
        },
    };
    while archive
        .next_key()
        .is_some_and(|key| key <= (writer, place.seq))
    {
        let Some(archived) = archive.take_next()? else {
            break;
        };
        // What was exported and did not leave yet is one row, not two.
        let is_copy = archived.writer == writer
            && archived.row.seq == placed.row.seq
            && archived.row.hash == placed.row.hash
            && archived.row.canonical == placed.row.canonical;
        if !is_copy {
            chains.take_archived(&archived);
        }
    }
    chains.take(&placed);
    Ok(())
}

/// Counts the rows in no chain, and tells of the first that is from a time when every row is in one.
async fn take_unchained(
    reading: &mut LedgerReading,
    testimony: &Testimony,
    (report, days): (&mut Report, &mut Days),
) -> Result<u64, VerifyError> {
    let latest = testimony.began_at().map_or(UtcMicros::MAX.get(), |began| {
        began.get().saturating_add(UPGRADE_MICROS_MAX)
    });
    let (mut tag_rows, mut is_told) = (0_u64, false);
    loop {
        let rows = reading.next_unchained().await?;
        if rows.is_empty() {
            return Ok(tag_rows);
        }
        for row in rows {
            tag_rows = tag_rows.saturating_add(row.tag_rows);
            days.add(row.at);
            report.unchained_rows = report.unchained_rows.saturating_add(1);
            if row.at > latest && !is_told {
                is_told = true;
                report.add(Finding {
                    fault: Fault::Unchained,
                    writer: None,
                    seq: None,
                    request: Some(row.request),
                    detail: "it is in no chain, and long after the first checkpoint".to_owned(),
                });
            }
        }
    }
}

/// Rows from before the chains become no fewer, and no more once the version before has gone.
fn judge_unchained(testimony: &Testimony, rows: u64, report: &mut Report) {
    let (Some(began), Some(signed)) = (testimony.began_at(), testimony.unchained()) else {
        return;
    };
    let last = testimony.checkpoints.last().map_or(began, |last| last.at);
    let is_settled = last.get() > began.get().saturating_add(UPGRADE_MICROS_MAX);
    let fault = if rows < signed {
        Fault::UnchainedMissing
    } else if rows > signed && is_settled {
        Fault::Unchained
    } else {
        return;
    };
    report.add(Finding {
        fault,
        writer: None,
        seq: None,
        request: None,
        detail: format!("{rows} rows are in no chain, and {signed} were at the last checkpoint"),
    });
}

fn judge_tags(rows: u64, seen: u64, report: &mut Report) {
    if rows > seen {
        let more = rows.saturating_sub(seen);
        report.add(Finding {
            fault: Fault::TagsAdded,
            writer: None,
            seq: None,
            request: None,
            detail: format!("usage_tag has {more} rows of no row of the ledger"),
        });
    }
}

/// The chains, one after the other.
struct Chains<'a> {
    signed: &'a BTreeMap<WriterId, Signed>,
    /// How far chains went by the records of their writers.
    ends: BTreeMap<WriterId, Tail>,
    current: Option<(WriterId, ChainCheck<'a>)>,
    done: BTreeSet<WriterId>,
    /// Exports may be of some months only.
    are_exports: bool,
    archives: Archives,
    report: Report,
}

const NOTHING_SIGNED: &Signed = &Signed {
    points: BTreeMap::new(),
    gaps: BTreeMap::new(),
};

impl<'a> Chains<'a> {
    fn new(signed: &'a BTreeMap<WriterId, Signed>, ends: BTreeMap<WriterId, Tail>) -> Self {
        Self {
            signed,
            ends,
            current: None,
            done: BTreeSet::new(),
            are_exports: false,
            archives: Archives::default(),
            report: Report::default(),
        }
    }

    fn take_archived(&mut self, placed: &Placed) {
        if let (Some(signed), Ok(seq)) =
            (self.signed.get(&placed.writer), placed.row.seq.try_into())
        {
            self.archives.note(signed, seq);
        }
        self.take(placed);
    }

    fn take(&mut self, placed: &Placed) {
        let writer = placed.writer;
        if self
            .current
            .as_ref()
            .is_none_or(|(current, _check)| *current != writer)
        {
            self.end_current();
            self.current = Some((writer, self.begin(writer)));
        }
        if let Some((_writer, check)) = &mut self.current {
            check.take(&placed.row);
        }
    }

    fn begin(&self, writer: WriterId) -> ChainCheck<'a> {
        let check = ChainCheck::new(writer, self.signed.get(&writer).unwrap_or(NOTHING_SIGNED));
        if self.are_exports {
            return check.of_part();
        }
        check
    }

    fn end_current(&mut self) {
        if let Some((writer, check)) = self.current.take() {
            self.end(writer, check);
            self.done.insert(writer);
        }
    }

    fn end(&mut self, writer: WriterId, check: ChainCheck<'a>) {
        let recorded = self.ends.get(&writer).copied();
        let mut outcome = check.finish(recorded);
        self.archives.take(writer, &mut outcome);
        self.report.take(outcome);
    }

    /// Ends the last chain, and those that have no row; then archives are compared with what left, of which so
    /// many rows are there in no chain, and so many were in none.
    fn finish(
        mut self,
        unchained: &BTreeMap<Month, u64>,
        retired: &BTreeMap<Month, u64>,
    ) -> Report {
        self.end_current();
        let known = self.signed.keys().chain(self.ends.keys()).copied();
        let known: BTreeSet<WriterId> = known.collect();
        for writer in known.difference(&self.done.clone()) {
            self.end(*writer, self.begin(*writer));
        }
        let Self {
            archives,
            mut report,
            ..
        } = self;
        let judged = archives.judge(unchained, retired);
        report.retired_rows = judged.elsewhere;
        report.bad_rows = report.bad_rows.saturating_add(judged.missing);
        let findings = judged.findings.into_iter();
        findings.for_each(|finding| report.add(finding));
        report
    }
}
