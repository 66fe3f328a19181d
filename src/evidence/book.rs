//! The book of checkpoints: a file of signed lines, each of which names the one before it. Lines are only
//! ever added.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::domain::ledger::chain::WriterId;
use crate::domain::window::UtcMicros;
use crate::evidence::chains::Signed;
use crate::evidence::checkpoint::{Checkpoint, CheckpointError, line_hash, no_line};
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::key::PublicKey;
use crate::evidence::month::Month;

/// The largest book that is read: an hourly line of a hundred writers for five years.
const BOOK_BYTES_MAX: u64 = 1 << 30;

/// The file of checkpoints.
#[derive(Clone, Debug)]
pub struct Book {
    path: PathBuf,
}

/// The book, open for one process alone to read and to add to.
#[derive(Debug)]
pub struct OpenBook {
    file: File,
    /// The whole lines.
    pub lines: Vec<String>,
    /// Where the next line begins: a part of a line that a crash left is written over.
    end: u64,
}

impl Book {
    /// A book in a file, which need not be there.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its lines; none if there is no file.
    pub fn read(&self) -> io::Result<Vec<String>> {
        match File::open(&self.path) {
            Ok(file) => Ok(whole_lines(file)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Waits until nobody else has it open, and reads it.
    pub fn open(&self) -> io::Result<OpenBook> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(&self.path)?;
        file.lock()?;
        let (lines, end) = whole_lines(file.try_clone()?)?;
        Ok(OpenBook { file, lines, end })
    }
}

impl OpenBook {
    /// What the next line has to say of the last one.
    pub fn previous(&self) -> String {
        self.lines
            .last()
            .map_or_else(no_line, |line| line_hash(line))
    }

    /// Adds a line, and waits until it is on the disk.
    pub fn append(&mut self, line: String) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.set_len(self.end)?;
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.file.sync_all()?;
        self.end = self.file.stream_position()?;
        self.lines.push(line);
        Ok(())
    }
}

/// The lines that have an end, and where the last one ends.
fn whole_lines(file: File) -> io::Result<(Vec<String>, u64)> {
    let mut text = String::new();
    let length = file.metadata()?.len();
    if length > BOOK_BYTES_MAX {
        let reason = format!("a book of checkpoints has at most {BOOK_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    file.take(length).read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or(0, |last| last.saturating_add(1));
    let lines = text.get(..whole).unwrap_or_default().lines();
    Ok((lines.map(str::to_owned).collect(), whole as u64))
}

/// What a book says, as far as trusted keys have signed it.
#[derive(Clone, Debug, Default)]
pub struct Testimony {
    /// Its checkpoints, oldest first.
    pub checkpoints: Vec<Checkpoint>,
    /// What is wrong with its lines.
    pub findings: Vec<Finding>,
}

impl Testimony {
    /// Reads the lines of a book.
    pub fn of(lines: &[String], trusted: &[PublicKey]) -> Self {
        let mut testimony = Self::default();
        let mut previous = no_line();
        for (number, line) in (1_u64..).zip(lines) {
            match Checkpoint::read(line, trusted) {
                Ok(checkpoint) => {
                    if checkpoint.previous != previous {
                        let detail = "it does not follow the line before it";
                        testimony.add(Fault::CheckpointsEdited, number, detail);
                    }
                    testimony.checkpoints.push(checkpoint);
                }
                Err(error @ CheckpointError::Malformed(_)) => {
                    testimony.add(Fault::CheckpointsEdited, number, &error.to_string());
                }
                Err(error @ CheckpointError::Forged(_)) => {
                    testimony.add(Fault::CheckpointForged, number, &error.to_string());
                }
            }
            previous = line_hash(line);
        }
        testimony
    }

    fn add(&mut self, fault: Fault, line: u64, detail: &str) {
        self.findings.push(Finding {
            fault,
            writer: None,
            seq: None,
            request: None,
            detail: format!("line {line} of the checkpoints: {detail}"),
        });
    }

    /// What was signed about each chain. Of two hashes for one row, the first that was signed.
    pub fn signed(&self) -> BTreeMap<WriterId, Signed> {
        let mut signed: BTreeMap<WriterId, Signed> = BTreeMap::new();
        for checkpoint in &self.checkpoints {
            for (writer, tail) in &checkpoint.writers {
                let points = &mut signed.entry(*writer).or_default().points;
                if tail.seq > 0 {
                    points.entry(tail.seq).or_insert((tail.hash, checkpoint.at));
                }
            }
            for (writer, gap) in checkpoint.retired.iter().flat_map(|retired| &retired.gaps) {
                signed
                    .entry(*writer)
                    .or_default()
                    .gaps
                    .insert(gap.first, *gap);
            }
        }
        signed
    }

    /// When the first checkpoint was signed.
    pub fn began_at(&self) -> Option<UtcMicros> {
        self.checkpoints
            .iter()
            .map(|checkpoint| checkpoint.at)
            .min()
    }

    /// The months of which rows have left the ledger, and how many of them were in no chain. A month that could
    /// not leave when its record was signed has another record: the larger number is of both.
    pub fn retired_months(&self) -> BTreeMap<Month, u64> {
        let retired = self
            .checkpoints
            .iter()
            .filter_map(|one| one.retired.as_ref());
        let mut months = BTreeMap::new();
        for record in retired {
            let unchained = months.entry(record.month).or_default();
            *unchained = record.unchained.max(*unchained);
        }
        months
    }

    /// How many rows are in no chain, by the last checkpoint.
    pub fn unchained(&self) -> Option<u64> {
        let last = self.checkpoints.last()?;
        let left = last.retired.as_ref().map_or(0, |retired| retired.unchained);
        Some(last.unchained.saturating_sub(left))
    }
}
