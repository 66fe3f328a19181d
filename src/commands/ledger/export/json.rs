//! Pages of the providers' own interfaces for usage and costs: buckets of time with results.
//!
//! OpenAI's results count cached tokens among the input, Anthropic's beside it; OpenAI's amounts are in
//! dollars, Anthropic's in cents.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::ledger::exact::ExactUsd;
use crate::commands::ledger::export::{Export, Figures, day_in, model_of};

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Bucket<'a> {
    #[serde(borrow, alias = "starting_at")]
    start_time: &'a RawValue,
    #[serde(borrow, alias = "ending_at")]
    end_time: &'a RawValue,
    #[serde(borrow, alias = "result")]
    results: Vec<&'a RawValue>,
}

/// A result of any of the four interfaces.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Measure<'a> {
    model: Option<String>,
    line_item: Option<String>,
    num_model_requests: Option<u64>,
    input_tokens: Option<u64>,
    input_audio_tokens: Option<u64>,
    input_cached_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_audio_tokens: Option<u64>,
    uncached_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    currency: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    currency: String,
}

/// A file under way, for messages.
struct Reader<'a> {
    export: &'a mut Export,
    file: &'a str,
    text: &'a str,
}

pub(super) fn read(export: &mut Export, file: &str, text: &str) {
    let mut reader = Reader { export, file, text };
    let mut has_more = false;
    for page in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        match page {
            Ok(page) => has_more = reader.pages(page),
            Err(error) => {
                let line = u64::try_from(error.line()).unwrap_or_default();
                return reader.export.complain(file, line, &error.to_string());
            }
        }
    }
    if has_more {
        let problem = "the last page says that there are more: fetch them all";
        reader.complain(text, problem);
    }
}

impl<'a> Reader<'a> {
    /// Reads a page or a list of them; whether the last one says that there are more.
    fn pages(&mut self, value: &'a RawValue) -> bool {
        let pages = if value.get().starts_with('[') {
            self.parse::<Vec<&RawValue>>(value.get())
        } else {
            Some(vec![value])
        };
        let mut has_more = false;
        for page in pages.unwrap_or_default() {
            let Some(page) = self.parse::<Page<'_>>(page.get()) else {
                continue;
            };
            has_more = page.has_more;
            page.data.into_iter().for_each(|bucket| self.bucket(bucket));
        }
        has_more
    }

    fn bucket(&mut self, value: &'a RawValue) {
        let Some(bucket) = self.parse::<Bucket<'_>>(value.get()) else {
            return;
        };
        let day = match day_of(&bucket) {
            Ok(day) => day,
            Err(problem) => return self.complain(value.get(), problem),
        };
        for result in bucket.results {
            let Some(item) = self.parse::<Measure<'_>>(result.get()) else {
                continue;
            };
            match item.figures() {
                Ok(figures) => self.export.add((day, item.model()), figures),
                Err(problem) => self.complain(result.get(), problem),
            }
        }
    }

    /// A part of the text as what it should be.
    fn parse<T: Deserialize<'a>>(&mut self, part: &'a str) -> Option<T> {
        match serde_json::from_str(part) {
            Ok(value) => Some(value),
            Err(error) => {
                // The place is one in the part; the line in the file is told beside it.
                let problem = error.to_string();
                let problem = problem.split(" at line ").next().unwrap_or_default();
                self.complain(part, problem);
                None
            }
        }
    }

    /// Tells a problem of a part of the text with the line on which the part begins.
    fn complain(&mut self, part: &str, problem: &str) {
        let offset = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let before = offset.and_then(|offset| self.text.get(..offset));
        let breaks = before.unwrap_or_default().bytes();
        let breaks = breaks.filter(|byte| *byte == b'\n').count();
        let line = u64::try_from(breaks).unwrap_or_default().saturating_add(1);
        self.export.complain(self.file, line, problem);
    }
}

/// The day (UTC) that a bucket lies in.
fn day_of(bucket: &Bucket<'_>) -> Result<Date, &'static str> {
    const NO_INSTANT: &str = "the bucket's start or end is no instant";
    let start = day_in(plain(bucket.start_time)).ok_or(NO_INSTANT)?;
    let end = day_in(plain(bucket.end_time)).ok_or(NO_INSTANT)?;
    let next = start.tomorrow().map_err(|_error| NO_INSTANT)?;
    // A bucket of a day ends as the next one begins; one of an hour ends on the same day.
    let is_within = end == start || (end == next && begins_a_day(plain(bucket.end_time)));
    let problem = "the bucket is not within one day (UTC): ask for buckets of a day or an hour";
    is_within.then_some(start).ok_or(problem)
}

fn begins_a_day(instant: &str) -> bool {
    const SECONDS_A_DAY: u64 = 86_400;
    match instant.parse::<u64>() {
        Ok(seconds) => seconds.is_multiple_of(SECONDS_A_DAY),
        Err(_) => instant.contains("T00:00:00"),
    }
}

/// A number, or a text without its quotes.
fn plain(value: &RawValue) -> &str {
    value.get().trim_matches('"')
}

impl Measure<'_> {
    fn model(&self) -> Option<String> {
        let item = self.line_item.as_deref().and_then(model_of);
        self.model.clone().or(item)
    }

    fn figures(&self) -> Result<Figures, &'static str> {
        let figures = Figures {
            requests: self.num_model_requests,
            input_tokens: self.input(),
            cached_input_tokens: self.input_cached_tokens.or(self.cache_read_input_tokens),
            output_tokens: sum([self.output_tokens, self.output_audio_tokens]),
            cost_usd: self.amount.map(|amount| self.cost(amount)).transpose()?,
        };
        let tells = figures != Figures::default();
        tells
            .then_some(figures)
            .ok_or("neither tokens nor an amount")
    }

    fn input(&self) -> Option<u64> {
        let written = self.cache_creation.as_ref().map(|written| {
            let five_minutes = written.ephemeral_5m_input_tokens;
            five_minutes.saturating_add(written.ephemeral_1h_input_tokens)
        });
        sum([
            self.input_tokens,
            self.input_audio_tokens,
            self.uncached_input_tokens,
            self.cache_read_input_tokens,
            written,
        ])
    }

    fn cost(&self, amount: &RawValue) -> Result<ExactUsd, &'static str> {
        const NO_AMOUNT: &str = "the amount is no decimal";
        let is_usd = |currency: &str| currency.eq_ignore_ascii_case("usd");
        let (value, is_usd) = if amount.get().starts_with('{') {
            let amount: Amount<'_> =
                serde_json::from_str(amount.get()).map_err(|_error| NO_AMOUNT)?;
            (
                ExactUsd::parse(plain(amount.value)),
                is_usd(&amount.currency),
            )
        } else {
            let currency = self.currency.as_deref();
            let value = ExactUsd::parse_cents(plain(amount));
            (value, currency.is_some_and(is_usd))
        };
        if !is_usd {
            return Err("the amount is not in USD");
        }
        value.map_err(|_error| NO_AMOUNT)
    }
}

/// The sum of those that are there.
fn sum<const N: usize>(counts: [Option<u64>; N]) -> Option<u64> {
    counts.into_iter().flatten().reduce(u64::saturating_add)
}
