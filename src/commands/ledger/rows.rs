//! `budgetguard ledger export`: the ledger's rows as a file. Only reads.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

use crate::app;
use crate::commands::ledger::days::Days;
use crate::commands::terminal::note;
use crate::domain::ledger::export::Format;
use crate::settings::Settings;
use crate::store::ledger_rows::LedgerReader;
use crate::store::usage::LedgerFilter;

/// What to write, and where.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// `jsonl` for programs: the form of rows that is hashed. `csv` for spreadsheets.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Form,
    #[command(flatten)]
    days: Days,
    /// Only the rows of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// The file, which is replaced when all of it is written; without one, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Jsonl,
    Csv,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Jsonl => Self::JsonLines,
            Form::Csv => Self::Csv,
        }
    }
}

/// Writes the rows, oldest first.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let window = options.days.window()?;
    let store = app::open_store(settings).await?;
    let tenant = super::tenant_of(&store, options.tenant.as_deref()).await?;
    let reader = store.ledger_reader(LedgerFilter {
        tenant,
        window,
        ..LedgerFilter::default()
    });
    let format = options.format.into();
    let rows = match &options.out {
        Some(out) => write_file(out, reader, format).await?,
        None => write(&mut io::stdout(), reader, format).await?,
    };
    note(&format!("{rows} rows"));
    Ok(())
}

/// Whoever reads the file sees the old one or the whole new one.
async fn write_file(out: &Path, reader: LedgerReader, format: Format) -> Result<u64> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let mut file = made.with_context(|| format!("could not write beside {}", out.display()))?;
    let rows = write(file.as_file_mut(), reader, format).await?;
    file.as_file().sync_all()?;
    file.persist(out)
        .with_context(|| format!("could not write {}", out.display()))?;
    Ok(rows)
}

async fn write(file: &mut impl Write, mut reader: LedgerReader, format: Format) -> Result<u64> {
    let mut text = format.head();
    let mut written = 0_u64;
    loop {
        let rows = reader.next().await?;
        for exact in &rows {
            format.write(&mut text, &exact.row, &exact.line);
            written = written.saturating_add(1);
        }
        file.write_all(text.as_bytes())?;
        text.clear();
        if rows.is_empty() {
            file.flush()?;
            return Ok(written);
        }
    }
}
