//! `budgetguard ledger reconcile`: the ledger beside what a provider says that it billed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use comfy_table::Table;
use jiff::civil::Date;
use serde::Serialize;

use crate::app;
use crate::commands::ledger::days::{Days, day_of};
use crate::commands::ledger::exact::ExactUsd;
use crate::commands::ledger::export::{Export, Figures, Place};
use crate::commands::terminal::{complain, note, say};
use crate::domain::id::ProviderName;
use crate::providers::Dialect;
use crate::settings::Settings;
use crate::store::usage::DayOfModel;

/// What to compare.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// Whose figures: openai, anthropic or google.
    #[arg(long, value_name = "NAME", value_parser = provider)]
    provider: ProviderName,
    /// The provider's export of usage or costs: pages of its interface as JSON, or a table with commas.
    /// Several files count together.
    #[arg(long, value_name = "FILE", required = true)]
    export: Vec<PathBuf>,
    /// What a column of the table is called there, such as `cost_usd=Amount`. Known as: `day`,
    /// `model`, `input_tokens`, `cached_input_tokens`, `output_tokens`, `requests`, `cost_usd`.
    #[arg(long, value_name = "OURS=THEIRS", value_parser = column)]
    column: Vec<(String, String)>,
    #[command(flatten)]
    days: Days,
    /// How many dollars the cost of a day and model may differ by.
    #[arg(long, value_name = "USD", default_value = "0", value_parser = tolerance)]
    tolerance: ExactUsd,
    /// How many tokens of each kind they may differ by.
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    token_tolerance: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

fn provider(name: &str) -> Result<ProviderName, String> {
    let known = Dialect::ALL.into_iter().find(|one| one.as_str() == name);
    let names = Dialect::ALL.map(Dialect::as_str).join(", ");
    known
        .map(Dialect::provider)
        .ok_or_else(|| format!("must be one of: {names}"))
}

fn column(text: &str) -> Result<(String, String), String> {
    let named = text.split_once('=');
    let (ours, theirs) = named.ok_or("must be such as cost_usd=Amount")?;
    Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
}

fn tolerance(text: &str) -> Result<ExactUsd, String> {
    let amount = ExactUsd::parse(text).map_err(|error| error.to_string())?;
    let is_negative = amount < ExactUsd::default();
    (!is_negative)
        .then_some(amount)
        .ok_or_else(|| "must be >= 0".to_owned())
}

/// Prints where both differ, and fails if they differ by more than is tolerated.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let export = read(options)?;
    let days = days_compared(options.days, &export)?;
    let store = app::open_store(settings).await?;
    let used = store
        .days_of_models(&options.provider, days.window()?)
        .await?;
    let comparison = Comparison::new(&export, &Ledger::new(&used)?, options);
    if options.json {
        say(&serde_json::to_string_pretty(&comparison)?);
    } else {
        comparison.print();
    }
    let count = comparison.differences.len();
    ensure!(count == 0, "ledger and export differ in {count} places");
    Ok(())
}

/// The exports, within the days that are asked for.
fn read(options: &Options) -> Result<BTreeMap<Place, Figures>> {
    let mut export = Export::default();
    for file in &options.export {
        export.read(file, &options.column)?;
    }
    if !export.problems.is_empty() {
        export.problems.iter().for_each(|problem| complain(problem));
        bail!("the export has {} problems", export.problems.len());
    }
    let mut figures = export.figures;
    figures.retain(|(day, _), _| options.days.contains(*day));
    ensure!(!figures.is_empty(), "the export has nothing of these days");
    Ok(figures)
}

/// The days that are asked for; where an end is left open, as far as the export goes.
fn days_compared(asked: Days, export: &BTreeMap<Place, Figures>) -> Result<Days> {
    let first = export.first_key_value().map(|((day, _), _)| *day);
    let last = export.last_key_value().map(|((day, _), _)| *day);
    let (first, last) = first.zip(last).context("the export is empty")?;
    Ok(Days {
        from: Some(asked.from.unwrap_or(first)),
        to: Some(asked.to.unwrap_or(last)),
    })
}

/// What the ledger has, by model and for all of them.
struct Ledger {
    by_model: BTreeMap<Place, Used>,
    by_day: BTreeMap<Date, Used>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Used {
    figures: Figures,
    not_measured: u64,
}

impl Used {
    fn new(of_day: &DayOfModel) -> Self {
        Self {
            figures: Figures {
                requests: Some(of_day.requests),
                input_tokens: Some(of_day.input),
                cached_input_tokens: Some(of_day.cached_input),
                output_tokens: Some(of_day.output),
                cost_usd: Some(of_day.cost.into()),
            },
            not_measured: of_day.not_measured,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            figures: self.figures.plus(other.figures),
            not_measured: self.not_measured.saturating_add(other.not_measured),
        }
    }
}

impl Ledger {
    fn new(rows: &[DayOfModel]) -> Result<Self> {
        let mut ledger = Self {
            by_model: BTreeMap::new(),
            by_day: BTreeMap::new(),
        };
        for row in rows {
            let (day, used) = (day_of(row.day)?, Used::new(row));
            let model = Some(row.model.to_string());
            ledger.by_model.insert((day, model), used);
            let of_day = ledger.by_day.entry(day).or_default();
            *of_day = of_day.plus(used);
        }
        Ok(ledger)
    }

    fn find(&self, (day, model): &Place) -> Used {
        let found = match model {
            Some(_) => self.by_model.get(&(*day, model.clone())),
            None => self.by_day.get(day),
        };
        found.copied().unwrap_or_default()
    }
}

/// A day and a model of which both do not say the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    day: String,
    /// Nothing where the export sums up all models.
    model: Option<String>,
    export: Figures,
    ledger: Figures,
    /// The ledger's cost less the export's.
    cost_difference_usd: Option<ExactUsd>,
    /// How many of the ledger's rows were not measured: they may explain it.
    rows_not_measured: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Comparison {
    compared: usize,
    export: Figures,
    ledger: Figures,
    differences: Vec<Difference>,
}

impl Comparison {
    fn new(export: &BTreeMap<Place, Figures>, ledger: &Ledger, options: &Options) -> Self {
        let told = Told::new(export);
        let mut places: BTreeSet<&Place> = export.keys().collect();
        if told.by_model != Figures::default() {
            places.extend(ledger.by_model.keys());
        }
        let mut comparison = Self {
            compared: places.len(),
            export: Figures::default(),
            ledger: Figures::default(),
            differences: Vec::new(),
        };
        for place in places {
            let theirs = export.get(place).copied().unwrap_or_default();
            let theirs = told.completed(place, theirs);
            let used = ledger.find(place);
            let ours = only_told(used.figures, theirs);
            comparison.export = comparison.export.plus(theirs);
            comparison.ledger = comparison.ledger.plus(ours);
            if differ(&ours, &theirs, options) {
                let costs = ours.cost_usd.zip(theirs.cost_usd);
                comparison.differences.push(Difference {
                    day: place.0.to_string(),
                    model: place.1.clone(),
                    export: theirs,
                    ledger: ours,
                    cost_difference_usd: costs.map(|(ours, theirs)| ours.minus(theirs)),
                    rows_not_measured: used.not_measured,
                });
            }
        }
        comparison
    }

    fn print(&self) {
        let mut table = Table::new();
        table.set_header([
            "day",
            "model",
            "",
            "requests",
            "input",
            "cached",
            "output",
            "cost",
            "difference",
        ]);
        for one in &self.differences {
            let model = one.model.as_deref().unwrap_or("(all)");
            let place = [one.day.clone(), model.to_owned(), "export".to_owned()];
            table.add_row(place.into_iter().chain(cells(&one.export)));
            let ours = [String::new(), String::new(), "ledger".to_owned()];
            let difference = shown(one.cost_difference_usd);
            let ours = ours.into_iter().chain(cells(&one.ledger));
            table.add_row(ours.chain([difference]));
        }
        if !self.differences.is_empty() {
            say(&table.to_string());
        }
        let unmeasured = self.differences.iter().map(|one| one.rows_not_measured);
        let unmeasured = unmeasured.fold(0, u64::saturating_add);
        if unmeasured > 0 {
            note(&format!(
                "{unmeasured} rows of these are estimates or worst cases"
            ));
        }
        say(&format!(
            "{} compared, {} differ; cost by the export {}, by the ledger {}",
            self.compared,
            self.differences.len(),
            shown(self.export.cost_usd),
            shown(self.ledger.cost_usd)
        ));
    }
}

fn cells(figures: &Figures) -> [String; 5] {
    [
        shown(figures.requests),
        shown(figures.input_tokens),
        shown(figures.cached_input_tokens),
        shown(figures.output_tokens),
        shown(figures.cost_usd),
    ]
}

fn shown<T: ToString>(figure: Option<T>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string())
}

/// Which figures exports tell of. Where one of them is missing for a model it is nothing.
struct Told {
    by_model: Figures,
    of_all: Figures,
}

impl Told {
    fn new(export: &BTreeMap<Place, Figures>) -> Self {
        let nothing = Figures::default();
        let mut told = Self {
            by_model: nothing,
            of_all: nothing,
        };
        for ((_, model), figures) in export {
            let of = match model {
                Some(_) => &mut told.by_model,
                None => &mut told.of_all,
            };
            *of = of.plus(*figures);
        }
        told
    }

    fn completed(&self, (_, model): &Place, figures: Figures) -> Figures {
        let told = match model {
            Some(_) => self.by_model,
            None => self.of_all,
        };
        Figures {
            requests: figures.requests.or(told.requests.map(|_| 0)),
            input_tokens: figures.input_tokens.or(told.input_tokens.map(|_| 0)),
            cached_input_tokens: figures
                .cached_input_tokens
                .or(told.cached_input_tokens.map(|_| 0)),
            output_tokens: figures.output_tokens.or(told.output_tokens.map(|_| 0)),
            cost_usd: figures
                .cost_usd
                .or(told.cost_usd.map(|_| ExactUsd::default())),
        }
    }
}

/// Our figures, as far as the export tells of them.
fn only_told(ours: Figures, theirs: Figures) -> Figures {
    let count = |ours: Option<u64>, theirs: Option<u64>| theirs.map(|_| ours.unwrap_or_default());
    Figures {
        requests: count(ours.requests, theirs.requests),
        input_tokens: count(ours.input_tokens, theirs.input_tokens),
        cached_input_tokens: count(ours.cached_input_tokens, theirs.cached_input_tokens),
        output_tokens: count(ours.output_tokens, theirs.output_tokens),
        cost_usd: theirs.cost_usd.map(|_| ours.cost_usd.unwrap_or_default()),
    }
}

/// Whether costs or tokens differ by more than is tolerated. Requests are shown and not compared:
/// providers do not agree on what counts as one.
fn differ(ours: &Figures, theirs: &Figures, options: &Options) -> bool {
    let tokens = [
        (ours.input_tokens, theirs.input_tokens),
        (ours.cached_input_tokens, theirs.cached_input_tokens),
        (ours.output_tokens, theirs.output_tokens),
    ];
    let mut tokens = tokens
        .into_iter()
        .filter_map(|(ours, theirs)| ours.zip(theirs));
    let tokens_differ =
        tokens.any(|(ours, theirs)| ours.abs_diff(theirs) > options.token_tolerance);
    let costs = ours.cost_usd.zip(theirs.cost_usd);
    let costs_differ =
        costs.is_some_and(|(ours, theirs)| ours.minus(theirs).exceeds(options.tolerance));
    tokens_differ || costs_differ
}
