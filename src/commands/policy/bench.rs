//! `budgetguard policy bench`: what one decision costs on this machine.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use clap::value_parser;
use comfy_table::Table;
use serde::Serialize;

use crate::commands::policy::eval::read_input;
use crate::commands::policy::load;
use crate::commands::terminal::say;
use crate::domain::tag::TagTree;
use crate::policy::input::PolicyInput;
use crate::policy::{PolicyEngine, PolicyError, Verdict};

/// Decisions before those that count.
const WARM_ROUNDS: u32 = 1_000;

/// What to measure.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// A `.rego` file, a folder of such files, or a `.wasm` module (default: the built-in policy).
    path: Option<PathBuf>,
    /// Ask about this input document, which is read anew each time; else about an ordinary request, as the
    /// gateway does.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// How many decisions are measured.
    #[arg(long, value_name = "COUNT", default_value = "20000", value_parser = value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What decisions of one kind took.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Figures {
    name: &'static str,
    rounds: u32,
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

/// Prints what decisions took.
pub(super) fn run(options: &Options) -> Result<()> {
    let policy = load(options.path.as_deref())?;
    let rounds = options.rounds;
    let figures = match &options.input {
        Some(path) => {
            let document = read_input(path)?;
            let decide = |_round| policy.decide_on(&document);
            vec![measure("the input, read each time", rounds, decide)?]
        }
        None => of_requests(&*policy, rounds)?,
    };
    let shown = if options.json {
        serde_json::to_string_pretty(&figures)?
    } else {
        table(&figures).to_string()
    };
    say(&shown);
    Ok(())
}

/// Ordinary requests: each for another model, so that none was decided before, and all alike.
fn of_requests(policy: &dyn PolicyEngine, rounds: u32) -> Result<Vec<Figures>> {
    let tree = TagTree::default();
    let ask = |model: &str| {
        policy.decide(&PolicyInput {
            model,
            ..PolicyInput::example(&tree)
        })
    };
    let other = |round: u32| ask(&format!("model-{round}"));
    let same = |_round| ask("gpt-5");
    Ok(vec![
        measure("a request unlike all others", rounds, other)?,
        measure("the same request again", rounds, same)?,
    ])
}

fn measure(
    name: &'static str,
    rounds: u32,
    decide: impl Fn(u32) -> Result<Verdict, PolicyError>,
) -> Result<Figures> {
    for round in 0..WARM_ROUNDS {
        black_box(decide(round)?);
    }
    let mut taken = Vec::new();
    for round in 0..rounds {
        let started = Instant::now();
        black_box(decide(round.saturating_add(WARM_ROUNDS))?);
        taken.push(started.elapsed());
    }
    taken.sort_unstable();
    Ok(Figures {
        name,
        rounds,
        p50_ns: nanos(&taken, 50),
        p99_ns: nanos(&taken, 99),
        max_ns: nanos(&taken, 100),
    })
}

/// What so many percent of them took at most.
fn nanos(sorted: &[Duration], percent: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    let place = last.saturating_mul(percent) / 100;
    let taken = sorted.get(place).map_or(0, Duration::as_nanos);
    u64::try_from(taken).unwrap_or(u64::MAX)
}

fn table(figures: &[Figures]) -> Table {
    let mut table = Table::new();
    table.set_header(["decision on", "rounds", "p50 us", "p99 us", "max us"]);
    for row in figures {
        let micros = [row.p50_ns, row.p99_ns, row.max_ns].map(micros);
        let [p50, p99, max] = micros;
        table.add_row([row.name.to_owned(), row.rounds.to_string(), p50, p99, max]);
    }
    table
}

/// With one decimal.
fn micros(nanos: u64) -> String {
    let tenths = nanos.saturating_add(50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_list() {
        let taken: Vec<Duration> = (1..=101).map(Duration::from_nanos).collect();
        let all = [50, 99, 100].map(|percent| nanos(&taken, percent));
        assert_eq!(all, [51, 100, 101]);
        assert_eq!(nanos(&[], 50), 0);
    }

    #[test]
    fn times_are_rounded_to_a_tenth_of_a_microsecond() {
        let shown = [0, 49, 50, 1_249, 1_250, 12_345_678].map(micros);
        assert_eq!(shown, ["0.0", "0.0", "0.1", "1.2", "1.3", "12345.7"]);
    }
}
