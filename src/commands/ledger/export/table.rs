//! Tables with commas: the exports of the providers' consoles, and any other whose header says what is
//! in it.

use csv::{Position, ReaderBuilder, StringRecord};
use jiff::civil::Date;

use crate::commands::ledger::exact::ExactUsd;
use crate::commands::ledger::export::{Export, Figures, day_in, model_of};

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Day,
    Model,
    /// The model, a comma, and what of it was used.
    LineItem,
    /// Input tokens with those from the cache.
    Input,
    /// More input tokens, beside the others.
    FurtherInput,
    /// Input tokens from the cache that are not among the others.
    CachedBeside,
    /// Input tokens from the cache that are among the others.
    CachedWithin,
    Output,
    Requests,
    Cost,
    Currency,
}

/// What the columns of known exports hold, by their names.
const COLUMNS: [(&str, Field); 30] = [
    ("day", Field::Day),
    ("date", Field::Day),
    ("usage_date_utc", Field::Day),
    ("start_time_iso", Field::Day),
    ("start_time", Field::Day),
    ("starting_at", Field::Day),
    ("model", Field::Model),
    ("model_version", Field::Model),
    ("line_item", Field::LineItem),
    ("input_tokens", Field::Input),
    ("input_audio_tokens", Field::FurtherInput),
    ("usage_input_tokens_no_cache", Field::Input),
    ("uncached_input_tokens", Field::Input),
    ("usage_input_tokens_cache_write_5m", Field::FurtherInput),
    ("usage_input_tokens_cache_write_1h", Field::FurtherInput),
    ("cache_write_tokens", Field::FurtherInput),
    ("cached_input_tokens", Field::CachedWithin),
    ("input_cached_tokens", Field::CachedWithin),
    ("usage_input_tokens_cache_read", Field::CachedBeside),
    ("cache_read_input_tokens", Field::CachedBeside),
    ("output_tokens", Field::Output),
    ("output_audio_tokens", Field::Output),
    ("usage_output_tokens", Field::Output),
    ("requests", Field::Requests),
    ("num_model_requests", Field::Requests),
    ("cost_usd", Field::Cost),
    ("amount_value", Field::Cost),
    ("amount", Field::Cost),
    ("amount_currency", Field::Currency),
    ("currency", Field::Currency),
];

/// The columns of a file that are looked at.
struct Header(Vec<(usize, Field, String)>);

impl Header {
    fn new(names: &StringRecord, columns: &[(String, String)]) -> Self {
        let mut found: Vec<(usize, Field, String)> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let name = name.trim();
            let given = columns.iter().find(|(_, theirs)| theirs == name);
            let ours = given.map_or(name, |(ours, _)| ours.as_str());
            let known = COLUMNS.iter().find(|(known, _)| *known == ours);
            let Some((_, field)) = known else {
                continue;
            };
            // The same instant in two forms.
            let is_again = *field == Field::Day && found.iter().any(|(_, one, _)| one == field);
            if !is_again {
                found.push((index, *field, name.to_owned()));
            }
        }
        Self(found)
    }

    fn has(&self, wanted: &[Field]) -> bool {
        self.0.iter().any(|(_, field, _)| wanted.contains(field))
    }

    /// What is missing that nothing can be compared without.
    fn problem(&self) -> Option<&'static str> {
        const FIGURES: [Field; 4] = [Field::Input, Field::Output, Field::Requests, Field::Cost];
        if !self.has(&[Field::Day]) {
            return Some("no column says the day; name it with --column day=HEADER");
        }
        let has_figures = self.has(&FIGURES);
        (!has_figures).then_some("no column has tokens, requests or costs; see --column")
    }
}

pub(super) fn read(export: &mut Export, file: &str, text: &str, columns: &[(String, String)]) {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(names) => Header::new(names, columns),
        Err(error) => return export.complain(file, 1, &error.to_string()),
    };
    let width = reader.headers().map_or(0, StringRecord::len);
    if let Some(problem) = header.problem() {
        return export.complain(file, 1, problem);
    }
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, Position::line);
                export.complain(file, line, &error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, Position::line);
        if record.len() != width {
            let problem = format!("{} columns, the header has {width}", record.len());
            export.complain(file, line, &problem);
            continue;
        }
        add_row(export, (file, line), &header, &record);
    }
}

/// One row as it is read.
#[derive(Default)]
struct Line {
    day: Option<Date>,
    model: Option<String>,
    figures: Figures,
}

fn add_row(export: &mut Export, (file, number): (&str, u64), header: &Header, row: &StringRecord) {
    let mut line = Line::default();
    let mut is_sound = true;
    for (index, field, name) in &header.0 {
        let text = row.get(*index).unwrap_or_default().trim();
        if let Err(problem) = line.take(*field, text) {
            export.complain(file, number, &format!("{name}: `{text}` {problem}"));
            is_sound = false;
        }
    }
    if let Some(day) = line.day.filter(|_| is_sound) {
        export.add((day, line.model), line.figures);
    }
}

impl Line {
    fn take(&mut self, field: Field, text: &str) -> Result<(), &'static str> {
        match field {
            Field::Day => self.day = Some(day_in(text).ok_or("is no day and no instant")?),
            Field::Model => self.model = Some(text.to_owned()).filter(|text| !text.is_empty()),
            Field::LineItem => self.model = model_of(text),
            Field::Currency if text.eq_ignore_ascii_case("usd") => {}
            Field::Currency => return Err("is not USD"),
            Field::Input
            | Field::FurtherInput
            | Field::CachedBeside
            | Field::CachedWithin
            | Field::Output
            | Field::Requests
            | Field::Cost => self.figures = self.figures.plus(figures(field, text)?),
        }
        Ok(())
    }
}

/// The figures of one column.
fn figures(field: Field, text: &str) -> Result<Figures, &'static str> {
    let mut figures = Figures::default();
    match field {
        Field::Cost => figures.cost_usd = Some(cost(text)?),
        Field::Requests => figures.requests = Some(count(text)?),
        Field::Output => figures.output_tokens = Some(count(text)?),
        Field::Input | Field::FurtherInput => figures.input_tokens = Some(count(text)?),
        Field::CachedWithin => figures.cached_input_tokens = Some(count(text)?),
        Field::CachedBeside => {
            figures.input_tokens = Some(count(text)?);
            figures.cached_input_tokens = figures.input_tokens;
        }
        Field::Day | Field::Model | Field::LineItem | Field::Currency => {}
    }
    Ok(figures)
}

/// An empty cell counts nothing.
fn count(text: &str) -> Result<u64, &'static str> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_error| "is no whole number")
}

fn cost(text: &str) -> Result<ExactUsd, &'static str> {
    if text.is_empty() {
        return Ok(ExactUsd::default());
    }
    ExactUsd::parse(text).map_err(|_error| "is no decimal amount")
}
