//! Rows of export files in the order of their chains, whatever order the files have: what does not fit into
//! memory is sorted in parts, which lie in temporary files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Lines, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::domain::ledger::canonical::{CanonicalRow, Cell};
use crate::domain::ledger::chain::{ExportLine, Link, WriterId};
use crate::domain::window::UtcMicros;
use crate::evidence::chains::Row;
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::month::Month;

/// The longest line: a row is some hundred bytes, and a caller's session id is bounded.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// What is sorted in memory at once.
const PART_BYTES_MAX: usize = 64 << 20;
/// The most lines without a row that are told one by one.
const UNREADABLE_TOLD_MAX: usize = 10;

/// A row and the chain that it is in.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Whose chain.
    pub writer: WriterId,
    /// The row.
    pub row: Row,
}

impl Placed {
    fn key(&self) -> (WriterId, i64) {
        (self.writer, self.row.seq)
    }
}

/// Rows of exports, by writer and number.
#[derive(Debug, Default)]
pub struct Exports {
    parts: Vec<Part>,
    /// Rows that are in no chain.
    pub unchained: u64,
    /// Of each month that has any.
    pub unchained_by_month: BTreeMap<Month, u64>,
    /// Lines that have no row.
    pub findings: Vec<Finding>,
}

/// A sorted part, and its first row.
#[derive(Debug)]
struct Part {
    lines: Lines<BufReader<File>>,
    first: Option<Placed>,
}

impl Exports {
    /// Reads files and sorts their rows.
    pub fn read(files: &[PathBuf]) -> io::Result<Self> {
        let mut exports = Self::default();
        let mut gathered = Gathered::default();
        for file in files {
            exports.take_file(file, &mut gathered)?;
        }
        exports.parts.extend(gathered.spill()?);
        Ok(exports)
    }

    /// The next row.
    pub fn take_next(&mut self) -> io::Result<Option<Placed>> {
        let firsts = self.parts.iter().enumerate();
        let least = firsts
            .filter_map(|(index, part)| Some((part.first.as_ref()?.key(), index)))
            .min();
        let part = least.and_then(|(_key, index)| self.parts.get_mut(index));
        part.map_or(Ok(None), Part::take)
    }

    /// The place of the next row.
    pub fn next_key(&self) -> Option<(WriterId, i64)> {
        let firsts = self.parts.iter().filter_map(|part| part.first.as_ref());
        firsts.map(Placed::key).min()
    }

    fn take_file(&mut self, path: &Path, gathered: &mut Gathered) -> io::Result<()> {
        let mut reader = BufReader::new(File::open(path)?);
        for number in 1_u64.. {
            let mut line = Vec::new();
            let length = reader
                .by_ref()
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)?;
            if length == 0 {
                if number == 1 {
                    self.note(path, number, "there is none: the file is empty");
                }
                break;
            }
            let text = String::from_utf8(line).unwrap_or_default();
            let text = text.strip_suffix('\n').unwrap_or(&text);
            match ExportLine::parse(text) {
                Ok(ExportLine {
                    link: Some(place), ..
                }) => self.parts.extend(gathered.take(place, text)?),
                Ok(line) => self.count_unchained(&line.row),
                Err(error) => self.note(path, number, &error.to_string()),
            }
        }
        Ok(())
    }

    fn count_unchained(&mut self, row: &CanonicalRow<'_>) {
        self.unchained = self.unchained.saturating_add(1);
        if let Some(Cell::Number(at)) = row.cell("at")
            && let Some(month) = Month::of(UtcMicros::new(*at))
        {
            let rows = self.unchained_by_month.entry(month).or_default();
            *rows = rows.saturating_add(1);
        }
    }

    fn note(&mut self, path: &Path, number: u64, problem: &str) {
        if self.findings.len() < UNREADABLE_TOLD_MAX {
            let detail = format!("line {number} of {}: {problem}", path.display());
            self.findings.push(Finding {
                fault: Fault::Unreadable,
                writer: None,
                seq: None,
                request: None,
                detail,
            });
        }
    }
}

/// Lines that are not sorted yet.
#[derive(Default)]
struct Gathered {
    lines: Vec<((WriterId, u64), String)>,
    bytes: usize,
}

impl Gathered {
    fn take(&mut self, place: Link, line: &str) -> io::Result<Option<Part>> {
        self.bytes = self.bytes.saturating_add(line.len());
        self.lines
            .push(((place.writer, place.tail.seq), line.to_owned()));
        if self.bytes < PART_BYTES_MAX {
            return Ok(None);
        }
        self.spill()
    }

    fn spill(&mut self) -> io::Result<Option<Part>> {
        self.bytes = 0;
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by_key(|(key, _line)| *key);
        let mut writer = BufWriter::new(tempfile::tempfile()?);
        for (_key, line) in &lines {
            writeln!(writer, "{line}")?;
        }
        let mut file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let lines = BufReader::new(file).lines();
        let mut part = Part { lines, first: None };
        part.take()?;
        Ok(part.first.is_some().then_some(part))
    }
}

impl Part {
    /// Its first row, and reads the one after it.
    fn take(&mut self) -> io::Result<Option<Placed>> {
        let next = match self.lines.next() {
            Some(line) => placed(&line?),
            None => None,
        };
        Ok(std::mem::replace(&mut self.first, next))
    }
}

/// A line that was read once already.
fn placed(line: &str) -> Option<Placed> {
    let line = ExportLine::parse(line).ok()?;
    let Link { writer, tail } = line.link?;
    Some(Placed {
        writer,
        row: Row {
            seq: i64::try_from(tail.seq).unwrap_or(i64::MAX),
            hash: Some(tail.hash),
            request: request_of(&line.row),
            canonical: Some(line.row.to_string()),
            tags_agree: true,
        },
    })
}

fn request_of(row: &CanonicalRow<'_>) -> String {
    match row.cell("request_id") {
        Some(Cell::Id(id)) => uuid::Uuid::from_bytes(*id).to_string(),
        Some(Cell::Number(_) | Cell::Text(_) | Cell::Hash(_)) | None => "none".to_owned(),
    }
}
