//! What providers export of usage and costs, read into figures by day and model. Every problem of a file
//! is told with its line; a file that has one is not compared.

mod json;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::commands::ledger::exact::ExactUsd;

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;
const DAY_LENGTH: usize = "2026-01-31".len();

/// The figures of a day and a model: those that are told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) requests: Option<u64>,
    /// Input tokens of all kinds, also those from the cache and into it.
    pub(super) input_tokens: Option<u64>,
    pub(super) cached_input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cost_usd: Option<ExactUsd>,
}

impl Figures {
    /// The sum; what only one of the two tells of is taken from it.
    pub(super) fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Self {
            requests: sum(self.requests, other.requests),
            input_tokens: sum(self.input_tokens, other.input_tokens),
            cached_input_tokens: sum(self.cached_input_tokens, other.cached_input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cost_usd: match (self.cost_usd, other.cost_usd) {
                (Some(one), Some(other)) => Some(one.plus(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

/// A day and a model; no model where the export sums up all of them.
pub(super) type Place = (Date, Option<String>);

/// What exports tell, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Export {
    pub(super) figures: BTreeMap<Place, Figures>,
    pub(super) problems: Vec<String>,
}

impl Export {
    fn add(&mut self, place: Place, figures: Figures) {
        let known = self.figures.entry(place).or_default();
        *known = known.plus(figures);
    }

    fn complain(&mut self, file: &str, line: u64, problem: &str) {
        self.problems.push(format!("{file}:{line}: {problem}"));
    }

    /// Reads one more file: JSON by its first character, else a table with commas. `columns` are further
    /// names of a table's columns: what they are, and what the file calls them.
    pub(super) fn read(&mut self, path: &Path, columns: &[(String, String)]) -> Result<()> {
        let name = path.display().to_string();
        let about = fs::metadata(path).with_context(|| format!("could not read {name}"))?;
        ensure!(
            about.len() <= FILE_BYTES_MAX,
            "{name} is larger than 256 MiB"
        );
        let text = fs::read_to_string(path).with_context(|| format!("could not read {name}"))?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with(['{', '[']) {
            json::read(self, &name, text);
        } else {
            table::read(self, &name, text, columns);
        }
        Ok(())
    }
}

/// The day (UTC) that a text names: a day, an instant, or seconds since 1970.
fn day_in(text: &str) -> Option<Date> {
    if text.len() == DAY_LENGTH && text.contains('-') {
        return text.parse().ok();
    }
    let timestamp = match text.parse() {
        Ok(seconds) => Timestamp::from_second(seconds).ok()?,
        Err(_) => text.parse().ok()?,
    };
    Some(timestamp.to_zoned(TimeZone::UTC).date())
}

/// The model of an item of a bill, such as `gpt-5-mini-2025-08-07, cached input`.
fn model_of(item: &str) -> Option<String> {
    let model = item.split(',').next().unwrap_or_default().trim();
    (!model.is_empty()).then(|| model.to_owned())
}

#[cfg(test)]
mod tests;
