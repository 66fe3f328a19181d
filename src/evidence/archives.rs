//! Compares archives with the signed records of what left the ledger. A month that was not given at all is elsewhere;
//! of one that was given, every stretch has to be there, and every row that was in no chain. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ledger::chain::WriterId;
use crate::evidence::chains::{Gap, Outcome, Signed};
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::month::Month;

/// What the chains tell of archives.
#[derive(Debug, Default)]
pub(super) struct Archives {
    left: Vec<(WriterId, Gap)>,
    given: BTreeSet<Month>,
}

/// What comes out.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Rows of months that were not given.
    pub(super) elsewhere: u64,
    /// Stretches of months that were given and are not there.
    pub(super) missing: u64,
    /// What is wrong: at most one thing of each chain and month.
    pub(super) findings: Vec<Finding>,
}

impl Archives {
    /// Takes a row of an archive.
    pub(super) fn note(&mut self, signed: &Signed, seq: u64) {
        self.given.extend(signed.gap_of(seq).map(|gap| gap.month));
    }

    /// Takes what came out for one chain.
    pub(super) fn take(&mut self, writer: WriterId, outcome: &mut Outcome) {
        let left = std::mem::take(&mut outcome.left);
        self.left.extend(left.into_iter().map(|gap| (writer, gap)));
    }

    /// Judges by how many rows of each month the archives have in no chain, and how many left.
    pub(super) fn judge(
        mut self,
        there: &BTreeMap<Month, u64>,
        retired: &BTreeMap<Month, u64>,
    ) -> Judged {
        let in_no_chain = there.keys().filter(|month| retired.contains_key(month));
        self.given.extend(in_no_chain);
        let mut judged = Judged::default();
        let mut missing: BTreeMap<(WriterId, Month), (Gap, u64)> = BTreeMap::new();
        for (writer, gap) in self.left {
            let rows = gap.rows();
            if self.given.contains(&gap.month) {
                judged.missing = judged.missing.saturating_add(1);
                let known = missing.entry((writer, gap.month));
                let (_first, sum) = known.or_insert((gap, 0));
                *sum = sum.saturating_add(rows);
            } else {
                judged.elsewhere = judged.elsewhere.saturating_add(rows);
            }
        }
        let missing = missing.into_iter().map(found);
        judged.findings.extend(missing);
        let of_given = retired
            .iter()
            .filter(|(month, _)| self.given.contains(month));
        let unchained = of_given.filter_map(|(month, left)| {
            let there = there.get(month).copied().unwrap_or_default();
            (there < *left).then(|| found_unchained(*month, (there, *left)))
        });
        judged.findings.extend(unchained);
        judged
    }
}

fn found(((writer, month), (gap, rows)): ((WriterId, Month), (Gap, u64))) -> Finding {
    let (first, last) = (gap.first, gap.end.seq);
    Finding {
        fault: Fault::Missing,
        writer: Some(writer),
        seq: Some(first),
        request: None,
        detail: format!(
            "rows {first} to {last} left with {month} and are not in its archive: {rows} are missing of this chain and month"
        ),
    }
}

fn found_unchained(month: Month, (there, left): (u64, u64)) -> Finding {
    Finding {
        fault: Fault::UnchainedMissing,
        writer: None,
        seq: None,
        request: None,
        detail: format!("{left} rows in no chain left with {month}, and its archive has {there}"),
    }
}
