//! What an import did, for people and for programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::import::amounts::Exact;

/// How many rows are named of those that were left out for one reason.
const EXAMPLES_MAX: usize = 3;
/// The longest name of a row.
const EXAMPLE_CHARACTERS_MAX: usize = 80;

/// Rows that were left out, or changed, for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cases {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

impl Cases {
    fn add(&mut self, example: &str) {
        self.count = self.count.saturating_add(1);
        if self.examples.len() < EXAMPLES_MAX {
            let example = example.chars().take(EXAMPLE_CHARACTERS_MAX).collect();
            self.examples.push(example);
        }
    }

    fn take_over(&mut self, more: &Self) {
        self.count = self.count.saturating_add(more.count);
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples
            .extend(more.examples.iter().take(room).cloned());
    }
}

/// The rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows in the other database.
    pub found: u64,
    /// Those that are new here.
    pub imported: u64,
    /// Those that were here already.
    pub already_there: u64,
    /// Those that were left out, by reason.
    pub skipped: BTreeMap<String, Cases>,
    /// Those that are here in another form, by what was changed.
    pub adjusted: BTreeMap<String, Cases>,
}

impl Tally {
    /// Takes note of rows that were brought over, of which so many were new.
    pub(super) fn note_written(&mut self, rows: usize, new: u64) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.imported = self.imported.saturating_add(new);
        self.already_there = self.already_there.saturating_add(rows.saturating_sub(new));
    }

    pub(super) fn leave_out_one(&mut self, reason: &str, example: &str) {
        let cases = self.skipped.entry(reason.to_owned()).or_default();
        cases.add(example);
    }

    /// Leaves out so many rows that were not looked at.
    pub(super) fn leave_out(&mut self, count: u64, reason: &str) {
        self.found = self.found.saturating_add(count);
        if count > 0 {
            let cases = self.skipped.entry(reason.to_owned()).or_default();
            cases.count = cases.count.saturating_add(count);
        }
    }

    /// How many rows are here now.
    pub(super) fn here(&self) -> u64 {
        self.imported.saturating_add(self.already_there)
    }

    pub(super) fn adjust(&mut self, what: &str, example: &str) {
        let cases = self.adjusted.entry(what.to_owned()).or_default();
        cases.add(example);
    }

    pub(super) fn take_over(&mut self, more: &Self) {
        self.found = self.found.saturating_add(more.found);
        self.imported = self.imported.saturating_add(more.imported);
        self.already_there = self.already_there.saturating_add(more.already_there);
        for (reason, cases) in &more.skipped {
            let known = self.skipped.entry(reason.clone()).or_default();
            known.take_over(cases);
        }
        for (what, cases) in &more.adjusted {
            let known = self.adjusted.entry(what.clone()).or_default();
            known.take_over(cases);
        }
    }
}

/// What the ledger rows of the other database come to, there and here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// What they come to there.
    pub source: Exact,
    /// What those that are here come to here.
    pub here: Exact,
    /// What rounding each up to a nano-dollar added.
    pub rounded_up: Exact,
    /// What negative charges, which are nothing here, took away.
    pub raised: Exact,
    /// What those come to that were left out.
    pub skipped: Exact,
}

impl Spending {
    /// Whether every dollar there is here or accounted for.
    pub fn adds_up(&self) -> bool {
        let explained = self.here.plus(self.skipped);
        let explained = explained.minus(self.rounded_up).minus(self.raised);
        explained == self.source
    }

    pub(super) fn take_over(&mut self, more: &Self) {
        self.source = self.source.plus(more.source);
        self.here = self.here.plus(more.here);
        self.rounded_up = self.rounded_up.plus(more.rounded_up);
        self.raised = self.raised.plus(more.raised);
        self.skipped = self.skipped.plus(more.skipped);
    }
}

/// The whole import.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What the other database is called in the table of what was imported.
    pub source: String,
    /// Whether nothing was written.
    pub is_dry_run: bool,
    /// By kind of row, in the order in which they were imported.
    pub kinds: Vec<(&'static str, Tally)>,
    /// What the ledger comes to.
    pub spending: Spending,
    /// What the other database says its ledger comes to.
    pub source_sum: Exact,
}

impl Report {
    pub(super) fn add(&mut self, kind: &'static str, tally: Tally) {
        self.kinds.push((kind, tally));
    }

    /// Whether all spending of the other database is here or accounted for.
    pub fn adds_up(&self) -> bool {
        self.spending.adds_up() && self.spending.source == self.source_sum
    }

    /// What became of rows of a kind.
    pub fn kind(&self, kind: &str) -> Option<&Tally> {
        let found = self.kinds.iter().find(|(name, _)| *name == kind);
        found.map(|(_, tally)| tally)
    }
}
