//! Takes whole months out of the ledger, one after the other: exports them, reads the export back, signs which
//! rows leave, and only then removes them. What fails leaves everything after it undone.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::task::spawn_blocking;

use crate::domain::ledger::canonical::CanonicalRow;
use crate::domain::ledger::chain::{ExportLine, RowHash, Tail, WriterId};
use crate::domain::stamp::{Actor, Stamp};
use crate::domain::window::Window;
use crate::evidence::book::Testimony;
use crate::evidence::chains::Gap;
use crate::evidence::checkpoint::Retired;
use crate::evidence::month::Month;
use crate::evidence::notary::{Notary, NotaryError};
use crate::evidence::sorting::Exports;
use crate::store::audit::AuditEntry;
use crate::store::error::StoreError;
use crate::store::ledger::reading::{LedgerReading, StoredRow};

/// How many exports of one month there may be: rows that came late, after the month had left.
const EXPORTS_MAX: u32 = 1_000;

/// Why a month stays.
#[derive(Debug, Error)]
pub enum RetentionError {
    /// The database.
    #[error("could not read the ledger, or remove from it: {0}")]
    Store(#[from] StoreError),
    /// The export.
    #[error("could not write or read the export: {0}")]
    Export(#[from] io::Error),
    /// The record of what leaves.
    #[error("the record of what leaves was not signed: {0}")]
    Notary(#[from] NotaryError),
    /// The rows are not what was written.
    #[error("{0}")]
    Broken(String),
}

/// What leaves, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The month.
    pub month: Month,
    /// How many rows it has.
    pub rows: u64,
    /// Where they were exported to; nothing if this was only a look.
    pub export: Option<PathBuf>,
}

/// What an export has.
#[derive(Debug)]
struct Written {
    month: Month,
    gaps: Vec<(WriterId, Gap)>,
    rows: u64,
    unchained: u64,
}

impl Notary {
    /// The months before one that have rows, oldest first.
    pub async fn months_before(&self, before: Month) -> Result<Vec<Month>, RetentionError> {
        let oldest = self.store.oldest_row().await?;
        let mut month = oldest.and_then(Month::of);
        let mut months = Vec::new();
        while let Some(one) = month.filter(|month| *month < before) {
            months.push(one);
            month = one.plus(1);
        }
        Ok(months)
    }

    /// Counts what would leave with a month.
    pub async fn look_at(&self, month: Month) -> Result<Leaving, RetentionError> {
        let written = self.read_month(month, &mut io::sink()).await?;
        Ok(Leaving {
            month,
            rows: written.rows,
            export: None,
        })
    }

    /// Takes out all months before one, and tells of each. What fails leaves the later ones where they are.
    pub async fn take_out_before(
        &self,
        before: Month,
        folder: &Path,
        by: &Actor,
        mut tell: impl FnMut(&Leaving),
    ) -> Result<(), RetentionError> {
        for month in self.months_before(before).await? {
            if let Some(left) = self.take_out(month, folder, by).await? {
                tell(&left);
            }
        }
        Ok(())
    }

    /// Takes a month out of the ledger, and notes who did it; nothing if it has no rows.
    pub async fn take_out(
        &self,
        month: Month,
        folder: &Path,
        by: &Actor,
    ) -> Result<Option<Leaving>, RetentionError> {
        fs::create_dir_all(folder)?;
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        let mut file = BufWriter::new(part.as_file_mut());
        let written = self.read_month(month, &mut file).await?;
        file.flush()?;
        drop(file);
        if written.rows == 0 {
            return Ok(None);
        }
        // As long as that takes, others have the thread.
        let check = move || {
            part.as_file().sync_all()?;
            check_export(part.path(), &written)?;
            Ok::<_, RetentionError>((part, written))
        };
        let (part, written) = spawn_blocking(check).await.map_err(io::Error::other)??;
        let export = free_name(folder, month)?;
        part.persist_noclobber(&export)
            .map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        let leaving = Leaving {
            month,
            rows: written.rows,
            export: Some(export.clone()),
        };
        match self.sign_and_drop(written, &leaving, by).await {
            Ok(()) => Ok(Some(leaving)),
            // Whether the rows left may be unknown after other errors: then the export stays, too.
            Err(
                error @ (RetentionError::Notary(NotaryError::Refused(_))
                | RetentionError::Store(StoreError::Query(_))),
            ) => {
                fs::remove_file(&export)?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn sign_and_drop(
        &self,
        written: Written,
        leaving: &Leaving,
        by: &Actor,
    ) -> Result<(), RetentionError> {
        let month = window_of(leaving.month)?;
        self.retire(Retired {
            month: written.month,
            gaps: written.gaps,
            unchained: written.unchained,
        })
        .await?;
        let stamp = Stamp::new(self.clock.now(), by.clone());
        let entry = leaving.entry();
        let dropped = self.store.drop_month(month, leaving.rows, (&stamp, &entry));
        Ok(dropped.await?)
    }

    /// Writes the rows of a month as lines, those of one chain after the other.
    async fn read_month(
        &self,
        month: Month,
        file: &mut impl Write,
    ) -> Result<Written, RetentionError> {
        let testimony = Testimony::of(&self.book.read()?, &[self.key.public()]);
        let reading = self.store.read_ledger().await?;
        let mut reading = reading.only(window_of(month)?);
        let mut written = Written {
            month,
            gaps: Vec::new(),
            rows: 0,
            unchained: 0,
        };
        loop {
            let rows = reading.next_chained().await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                writeln!(file, "{}", line_of(row)?)?;
                written.add(&mut reading, row, &testimony).await?;
            }
        }
        reading.begin_anew();
        loop {
            let rows = reading.next_unchained().await?;
            if rows.is_empty() {
                return Ok(written);
            }
            for row in &rows {
                writeln!(file, "{}", line_of(row)?)?;
            }
            let count = rows.len() as u64;
            written.unchained = written.unchained.saturating_add(count);
            written.rows = written.rows.saturating_add(count);
        }
    }
}

impl Leaving {
    /// What the audit log says of it.
    fn entry(&self) -> AuditEntry {
        let export = self.export.as_ref().map(|export| export.to_string_lossy());
        let after = serde_json::json!({ "rows": self.rows, "export": export });
        AuditEntry {
            target: Some(self.month.to_string()),
            after: Some(after.to_string()),
            ..AuditEntry::of("ledger", "retain")
        }
    }
}

impl Written {
    /// Adds a row to the stretch that it continues, or begins one with it.
    async fn add(
        &mut self,
        reading: &mut LedgerReading,
        row: &StoredRow,
        testimony: &Testimony,
    ) -> Result<(), RetentionError> {
        let link = row
            .link()
            .ok_or_else(|| broken(row, "stands in no place"))?;
        self.rows = self.rows.saturating_add(1);
        if let Some((writer, gap)) = self.gaps.last_mut()
            && *writer == link.writer
            && gap.end.seq.saturating_add(1) == link.tail.seq
        {
            gap.end = link.tail;
            return Ok(());
        }
        let before = hash_before(reading, link.writer, link.tail.seq, testimony).await?;
        let before = before.ok_or_else(|| broken(row, "has no row before it"))?;
        let gap = Gap {
            month: self.month,
            first: link.tail.seq,
            end: link.tail,
            before,
        };
        self.gaps.push((link.writer, gap));
        Ok(())
    }
}

/// What a chain hashes to before a row: by the row before it, or by the record of rows that left.
async fn hash_before(
    reading: &mut LedgerReading,
    writer: WriterId,
    seq: u64,
    testimony: &Testimony,
) -> Result<Option<RowHash>, StoreError> {
    let last = seq.saturating_sub(1);
    if last == 0 {
        return Ok(Some(Tail::start(writer).hash));
    }
    if let Some(hash) = reading.hash_at(writer, last).await? {
        return Ok(Some(hash));
    }
    let signed = testimony.signed();
    let gaps = signed
        .get(&writer)
        .into_iter()
        .flat_map(|signed| signed.gaps.values());
    let mut ends = gaps.map(|gap| gap.end);
    Ok(ends.find(|end| end.seq == last).map(|end| end.hash))
}

/// Reads an export back: its lines are rows, and hash to what leaves the ledger.
fn check_export(path: &Path, written: &Written) -> Result<(), RetentionError> {
    let broken = |what: &str| RetentionError::Broken(format!("the export {what}"));
    let mut exports = Exports::read(&[path.to_owned()])?;
    if !exports.findings.is_empty() || exports.unchained != written.unchained {
        return Err(broken("does not have the rows that were written"));
    }
    for (writer, gap) in &written.gaps {
        let mut tail = Tail {
            seq: gap.first.saturating_sub(1),
            hash: gap.before,
        };
        while tail.seq < gap.end.seq {
            let placed = exports
                .take_next()?
                .ok_or_else(|| broken("ends too early"))?;
            let canonical = placed.row.canonical.unwrap_or_default();
            tail = tail.then(&canonical);
            if placed.writer != *writer || placed.row.hash != Some(tail.hash) {
                let row = tail.seq;
                return Err(broken(&format!(
                    "has another row {row} of writer {writer}: the ledger was changed"
                )));
            }
        }
        if tail != gap.end {
            return Err(broken("ends elsewhere than the ledger"));
        }
    }
    match exports.take_next()? {
        None => Ok(()),
        Some(_more) => Err(broken("has more rows than were written")),
    }
}

fn line_of(row: &StoredRow) -> Result<String, RetentionError> {
    let canonical = row.canonical.as_deref();
    let canonical = canonical.and_then(|canonical| CanonicalRow::parse(canonical).ok());
    let canonical = canonical.ok_or_else(|| broken(row, "has a value that is never written"))?;
    let line = ExportLine {
        link: row.link(),
        row: canonical,
    };
    Ok(line.to_string())
}

fn broken(row: &StoredRow, what: &str) -> RetentionError {
    RetentionError::Broken(format!("the row of request {} {what}", row.request))
}

fn window_of(month: Month) -> Result<Window, RetentionError> {
    let window = month.window();
    window.ok_or_else(|| RetentionError::Broken(format!("{month} is not in the calendar")))
}

/// A name that no earlier export of the month has.
fn free_name(folder: &Path, month: Month) -> Result<PathBuf, RetentionError> {
    let named = |number: u32| match number {
        1 => folder.join(format!("ledger-{month}.jsonl")),
        more => folder.join(format!("ledger-{month}.{more}.jsonl")),
    };
    let free = (1..=EXPORTS_MAX).map(named).find(|path| !path.exists());
    free.ok_or_else(|| RetentionError::Broken(format!("there are too many exports of {month}")))
}
