//! `budgetguard policy test`: runs the tests that come with rules.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use comfy_table::Table;

use crate::commands::terminal::say;
use crate::policy::testing::{self, TestResult};

/// What to test.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// A folder with `.rego` and `_test.rego` files, or a `.rego` file with its tests beside it.
    path: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints how each test ended, and fails unless all of some passed.
pub(super) fn run(options: &Options) -> Result<()> {
    let mut results = Vec::new();
    for place in testing::suites(&options.path)? {
        results.extend(testing::run(&place)?);
    }
    let shown = if options.json {
        serde_json::to_string_pretty(&results)?
    } else {
        table(&results).to_string()
    };
    say(&shown);
    ensure!(
        !results.is_empty(),
        "{} has no tests",
        options.path.display()
    );
    let failed = results.iter().filter(|test| test.failure.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} tests failed", results.len());
    }
    Ok(())
}

fn table(results: &[TestResult]) -> Table {
    let mut table = Table::new();
    table.set_header(["test", "where", "result"]);
    for test in results {
        let result = test.failure.as_ref();
        let mut lines = vec![result.map_or("pass".to_owned(), |why| format!("FAIL: {why}"))];
        // What tests print is of interest when they fail.
        if result.is_some() {
            lines.extend(test.printed.iter().cloned());
        }
        table.add_row([test.name.clone(), test.place.clone(), lines.join("\n")]);
    }
    table
}
