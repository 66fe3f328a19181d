//! Recomputes one chain from its rows in the order of their numbers, with as much memory for a million as
//! for one, and compares it with what was signed about it. Pure.

use std::collections::BTreeMap;

use crate::domain::ledger::chain::{RowHash, Tail, WriterId};
use crate::domain::window::UtcMicros;
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::month::Month;

/// A row, from the database or from an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number that it has in its chain.
    pub seq: i64,
    /// The hash that it has; nothing if what stands there is none.
    pub hash: Option<RowHash>,
    /// Its canonical form; nothing if it has none.
    pub canonical: Option<String>,
    /// Its request.
    pub request: String,
    /// Whether the tables beside the ledger say the same of it.
    pub tags_agree: bool,
}

/// Rows that left the ledger by a signed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The month that they are of.
    pub month: Month,
    /// The number of the first.
    pub first: u64,
    /// How far the chain went with the last.
    pub end: Tail,
    /// What the chain hashed to before the first.
    pub before: RowHash,
}

impl Gap {
    /// How many they are.
    pub fn rows(&self) -> u64 {
        let after = self.end.seq.saturating_add(1);
        after.saturating_sub(self.first)
    }
}

/// What was signed about one chain.
#[derive(Clone, Debug, Default)]
pub struct Signed {
    /// What the chain hashed to at some places, and when that was signed.
    pub points: BTreeMap<u64, (RowHash, UtcMicros)>,
    /// What left it, by the first number.
    pub gaps: BTreeMap<u64, Gap>,
}

impl Signed {
    /// What a row left with.
    pub fn gap_of(&self, seq: u64) -> Option<&Gap> {
        let (_first, gap) = self.gaps.range(..=seq).next_back()?;
        Some(gap).filter(|gap| seq <= gap.end.seq)
    }
}

/// What came out for one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that were looked at.
    pub rows: u64,
    /// What left by a signed record and is not here.
    pub left: Vec<Gap>,
    /// Rows that are not what or where they should be.
    pub bad: u64,
    /// The first thing that is wrong with rows, and what is wrong with the chain.
    pub findings: Vec<Finding>,
}

/// The check of one chain.
#[derive(Debug)]
pub struct ChainCheck<'a> {
    writer: WriterId,
    signed: &'a Signed,
    /// Rows may be elsewhere that are not here, as those of other months are beside an archive.
    is_part: bool,
    /// What was recomputed until now; after a bad row, what that row says.
    tail: Tail,
    /// Where the first row did not fit: what was expected to follow, to find a row that was moved.
    broken: Option<Tail>,
    /// The first bad row.
    first: Option<Finding>,
    has_been_rewritten: bool,
    outcome: Outcome,
}

impl<'a> ChainCheck<'a> {
    /// A check that begins with the first row of a writer.
    pub fn new(writer: WriterId, signed: &'a Signed) -> Self {
        Self {
            writer,
            signed,
            is_part: false,
            tail: Tail::start(writer),
            broken: None,
            first: None,
            has_been_rewritten: false,
            outcome: Outcome::default(),
        }
    }

    /// A check of rows that are only a part of their chain.
    #[must_use]
    pub fn of_part(self) -> Self {
        Self {
            is_part: true,
            ..self
        }
    }

    /// Takes the next row by number.
    pub fn take(&mut self, row: &Row) {
        self.outcome.rows = self.outcome.rows.saturating_add(1);
        self.look_for_moved(row);
        let seq = u64::try_from(row.seq).unwrap_or_default();
        if seq > self.tail.seq.saturating_add(1) {
            self.leave_out_retired(seq);
            self.leave_out_others(seq);
        }
        let expected = self.tail.seq.saturating_add(1);
        if seq < expected {
            self.note(Fault::Duplicated, row, "this place has another row already");
            return;
        }
        if seq > expected {
            let last = seq.saturating_sub(1);
            let next = &row.request;
            let detail =
                format!("rows {expected} to {last} are not there; the next is request {next}");
            self.note(Fault::Missing, row, &detail);
            self.look_for_moved(row);
            self.go_on_from(row, seq);
            return;
        }
        let next = row
            .canonical
            .as_ref()
            .map(|canonical| self.tail.then(canonical));
        if next.is_none() || next.map(|next| next.hash) != row.hash {
            let detail = if next.is_none() {
                "a value is none that is ever written"
            } else {
                "the row does not hash to what it should"
            };
            self.note(Fault::Altered, row, detail);
        } else if !row.tags_agree {
            self.note(
                Fault::TagsDiffer,
                row,
                "usage_tag does not have the row's tags",
            );
        }
        self.go_on_from(row, seq);
    }

    /// What came out. `recorded` is how far the chain went by the record of its writer, where there is one.
    pub fn finish(mut self, recorded: Option<Tail>) -> Outcome {
        self.leave_out_retired(u64::MAX);
        if self.is_part {
            self.leave_out_rest();
        }
        if let Some(first) = self.first.take() {
            self.outcome.findings.push(first);
        }
        self.compare_end(recorded);
        self.outcome
    }

    /// Goes on with what a row says, whether it is true or not: later rows are judged by it.
    fn go_on_from(&mut self, row: &Row, seq: u64) {
        let hash = row.hash.unwrap_or(self.tail.hash);
        self.tail = Tail { seq, hash };
        self.compare_point();
    }

    fn compare_point(&mut self) {
        let Some((hash, at)) = self.signed.points.get(&self.tail.seq) else {
            return;
        };
        if *hash != self.tail.hash && !self.has_been_rewritten {
            self.has_been_rewritten = true;
            let detail = format!("a checkpoint of {at} has another hash for this row");
            self.add(Fault::Rewritten, Some(self.tail.seq), detail);
        }
    }

    /// Steps over rows that left by a signed record which fits here, if the next row is after all of them.
    fn leave_out_retired(&mut self, next: u64) {
        while let Some(gap) = self.signed.gaps.get(&self.tail.seq.saturating_add(1)) {
            let is_passed = gap.end.seq > self.tail.seq && gap.end.seq < next;
            if gap.before != self.tail.hash || !is_passed {
                break;
            }
            self.outcome.left.push(*gap);
            self.tail = gap.end;
            self.compare_point();
        }
    }

    /// Steps to where rows of an archive begin: what is before them is in no file of this one's. Not out of the
    /// middle of a stretch, whose rows are all in one file.
    fn leave_out_others(&mut self, seq: u64) {
        if !self.is_part || self.rest_of_gap().is_some() {
            return;
        }
        if let Some(gap) = self.signed.gaps.get(&seq) {
            let passed = self.signed.gaps.range(self.tail.seq.saturating_add(1)..seq);
            self.outcome.left.extend(passed.map(|(_first, gap)| *gap));
            self.tail = Tail {
                seq: seq.saturating_sub(1),
                hash: gap.before,
            };
        }
    }

    /// What left after the last row that is here.
    fn leave_out_rest(&mut self) {
        let next = self.tail.seq.saturating_add(1);
        let others = self.signed.gaps.range(next..).map(|(_first, gap)| *gap);
        let rest = self.rest_of_gap().into_iter().chain(others);
        self.outcome.left.extend(rest);
    }

    /// The rows that left together with the last one, and after it.
    fn rest_of_gap(&self) -> Option<Gap> {
        let gap = self.signed.gap_of(self.tail.seq)?;
        (gap.end.seq > self.tail.seq).then(|| Gap {
            first: self.tail.seq.saturating_add(1),
            before: self.tail.hash,
            ..*gap
        })
    }

    /// A row that fits where the chain broke was moved from there.
    fn look_for_moved(&mut self, row: &Row) {
        let (Some(broken), Some(canonical)) = (self.broken, &row.canonical) else {
            return;
        };
        let Some(first) = &mut self.first else {
            return;
        };
        if Some(broken.then(canonical).hash) == row.hash {
            first.fault = Fault::Reordered;
            first.detail = format!(
                "the row of this place, request {}, stands at place {}",
                row.request, row.seq
            );
            self.broken = None;
        }
    }

    fn note(&mut self, fault: Fault, row: &Row, detail: &str) {
        self.outcome.bad = self.outcome.bad.saturating_add(1);
        if self.first.is_some() {
            return;
        }
        let is_missing = fault == Fault::Missing;
        let place = self.tail.seq.checked_add(1).filter(|_place| is_missing);
        let request = Some(row.request.clone()).filter(|_request| !is_missing);
        if matches!(fault, Fault::Altered | Fault::Missing) {
            self.broken = Some(self.tail);
        }
        self.first = Some(Finding {
            fault,
            writer: Some(self.writer),
            seq: place.or_else(|| u64::try_from(row.seq).ok()),
            request,
            detail: detail.to_owned(),
        });
    }

    fn compare_end(&mut self, recorded: Option<Tail>) {
        let reached = self.tail.seq;
        let newest = self.signed.points.last_key_value();
        let newest = newest.map(|(seq, (_hash, at))| (*seq, *at));
        if let Some((seq, at)) = newest
            && seq > reached
        {
            let (fault, what) = if self.outcome.rows == 0 && self.outcome.left.is_empty() {
                (
                    Fault::WriterMissing,
                    "nothing is left of the chain".to_owned(),
                )
            } else {
                let what = format!("the chain ends with row {reached}");
                let fault = match recorded {
                    Some(recorded) if recorded.seq > reached => Fault::TailDeleted,
                    Some(_) | None => Fault::RolledBack,
                };
                (fault, what)
            };
            let detail = format!("{what}, and had {seq} rows at the checkpoint of {at}");
            self.add(fault, Some(reached.saturating_add(1)), detail);
            return;
        }
        let Some(recorded) = recorded else {
            return;
        };
        if recorded.seq > reached {
            let detail = format!(
                "the chain ends with row {reached}, and its writer wrote {} rows",
                recorded.seq
            );
            self.add(Fault::TailDeleted, Some(reached.saturating_add(1)), detail);
        } else if recorded != self.tail {
            let detail = format!(
                "the writer's record is of row {}, {}",
                recorded.seq, recorded.hash
            );
            self.add(Fault::Rewritten, Some(reached), detail);
        }
    }

    fn add(&mut self, fault: Fault, seq: Option<u64>, detail: String) {
        self.outcome.findings.push(Finding {
            fault,
            writer: Some(self.writer),
            seq,
            request: None,
            detail,
        });
    }
}
