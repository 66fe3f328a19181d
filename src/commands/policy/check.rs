//! `budgetguard policy check`: whether rules can be loaded, and what they are.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use serde::Serialize;

use crate::commands::policy::source_of;
use crate::commands::terminal::say;
use crate::policy::PolicyFacts;
use crate::policy::source::PolicySource;
use crate::policy::wasm::WasmRuntime;

/// What to check.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// A `.rego` file, a folder of such files, or a `.wasm` module (default: the built-in policy).
    path: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    kind: &'static str,
    files: Vec<String>,
    hash: String,
    reads_budgets: bool,
    #[serde(flatten)]
    facts: PolicyFacts,
}

/// Prints what the rules are, or fails with where they are wrong.
pub(super) fn run(options: &Options) -> Result<()> {
    let source = source_of(options.path.as_deref())?;
    let (kind, files) = match &source {
        PolicySource::Rego(files) => {
            let names = files.iter().map(|(name, _)| name.clone());
            ("rego", names.collect())
        }
        PolicySource::Wasm { name, .. } => ("wasm", vec![name.clone()]),
    };
    let policy = source.compile(&WasmRuntime::default())?;
    let report = Report {
        kind,
        files,
        hash: policy.hash().to_string(),
        reads_budgets: policy.reads_budgets(),
        facts: policy.facts(),
    };
    let shown = if options.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.table().to_string()
    };
    say(&shown);
    Ok(())
}

impl Report {
    fn table(&self) -> Table {
        let facts = &self.facts;
        let reads = facts
            .reads
            .as_ref()
            .map_or_else(|| "all of the input".to_owned(), |names| listed(names));
        let budgets = if self.reads_budgets {
            "figures are gathered for each request"
        } else {
            "figures are not gathered"
        };
        let remembers = if facts.remembers {
            "the same input is decided once"
        } else {
            "each request is decided anew"
        };
        let place = if facts.is_quick {
            "decided on the request's own thread"
        } else {
            "may take long: decided beside the request, within a limit"
        };
        let mut table = Table::new();
        for (name, value) in [
            ("kind", self.kind.to_owned()),
            ("files", self.files.join("\n")),
            ("hash", self.hash.clone()),
            ("entry points", facts.entry_points.join("\n")),
            ("reads", reads),
            ("builtins", listed(&facts.builtins)),
            ("budgets", budgets.to_owned()),
            ("memory", remembers.to_owned()),
            ("cost", place.to_owned()),
        ] {
            table.add_row([name.to_owned(), value]);
        }
        table
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
