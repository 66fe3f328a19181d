//! `budgetguard ledger verify`: whether the ledger is what was written, and all of it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::app;
use crate::commands::terminal::{note, say};
use crate::evidence::book::{Book, Testimony};
use crate::evidence::findings::Finding;
use crate::evidence::key::PublicKey;
use crate::evidence::sorting::Exports;
use crate::evidence::verify::{self, Report};
use crate::settings::Settings;

/// What to check, and by what.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// Check these exports instead of the database; may be given more than once.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "archive")]
    export: Vec<PathBuf>,
    /// Check the rows of these exports, which left the database, together with the database.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    archive: Vec<PathBuf>,
    /// The book of checkpoints (default: that of the settings, if it is there).
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// A key that is trusted to have signed them (default: that of the settings or the data folder).
    #[arg(long, value_name = "KEY", num_args = 1..)]
    public_key: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints what is wrong, and fails if anything is.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let testimony = testimony(options, settings)?;
    let report = if options.export.is_empty() {
        let archive = Exports::read(&options.archive).context("could not read the archive")?;
        let store = app::open_store(settings).await?;
        verify::of_store(&store, &testimony, archive).await?
    } else {
        let exports = Exports::read(&options.export).context("could not read the exports")?;
        verify::of_exports(exports, &testimony)?
    };
    if options.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    if !report.is_clean() {
        bail!("the ledger is not what was written");
    }
    Ok(())
}

/// What was signed, as far as the keys are trusted.
fn testimony(options: &Options, settings: &Settings) -> Result<Testimony> {
    let file = options.checkpoints.as_ref();
    let book = Book::new(file.unwrap_or(&settings.checkpoints.file));
    let path = book.path().display();
    ensure!(
        file.is_none() || book.path().exists(),
        "{path} is not there"
    );
    let lines = book
        .read()
        .with_context(|| format!("could not read {path}"))?;
    if lines.is_empty() {
        return Ok(Testimony::default());
    }
    let trusted: Vec<PublicKey> = if options.public_key.is_empty() {
        vec![app::checkpoint_key(settings)?.public()]
    } else {
        let keys = options.public_key.iter().map(|key| PublicKey::parse(key));
        keys.collect::<Result<_, _>>().context("--public-key")?
    };
    Ok(Testimony::of(&lines, &trusted))
}

fn print(report: &Report) {
    let Report {
        chains,
        rows,
        unchained_rows,
        retired_rows,
        checkpoints,
        ..
    } = report;
    note(&format!(
        "{rows} rows in {chains} chains, {checkpoints} checkpoints"
    ));
    if *unchained_rows > 0 {
        note(&format!(
            "{unchained_rows} rows from before there were chains: nothing protects them"
        ));
    }
    if *retired_rows > 0 {
        note(&format!(
            "{retired_rows} rows left by signed records and were not given"
        ));
    }
    if *checkpoints == 0 {
        note(
            "there are no checkpoints: what is gone from the end is found only by the writers' own records",
        );
    }
    say(&line("integrity", &report.integrity));
    say(&line("completeness", &report.completeness));
}

fn line(name: &str, findings: &[Finding]) -> String {
    if findings.is_empty() {
        return format!("{name}: verified");
    }
    let lines = findings.iter().map(|finding| format!("\n  {finding}"));
    format!("{name}: BROKEN{}", lines.collect::<String>())
}
