//! One file of the spool: written at its end only, read anywhere, and scanned whole at start.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::ledger::LedgerRow;
use crate::spool::SpoolError;
use crate::spool::record::{self, Record};

const MAGIC: &[u8; 8] = b"BGSPOOL1";
const EXTENSION: &str = "spool";

/// Where a record is. Later records have greater places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

/// The file itself, which readers may keep beyond its removal from the folder.
#[derive(Debug)]
pub(super) struct SegmentFile {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    file: File,
}

/// A file of the spool and what it holds.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) file: Arc<SegmentFile>,
    pub(super) length: u64,
    /// Intents without outcome whose record is here.
    pub(super) open: usize,
    /// Outcomes that are not removed whose record is here.
    pub(super) waiting: usize,
}

/// The numbers of the segments in a folder, oldest first.
pub(super) fn numbers_in(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == EXTENSION) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            numbers.extend(stem.and_then(|stem| stem.parse::<u64>().ok()));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Segment {
    /// Makes an empty segment.
    pub(super) fn create(folder: &Path, number: u64) -> Result<Self, SpoolError> {
        let path = path_of(folder, number);
        let mut options = OpenOptions::new();
        // Truncates: a number is used again only if creating it had failed half-way.
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).map_err(SpoolError::io(&path))?;
        file.write_all_at(MAGIC, 0).map_err(SpoolError::io(&path))?;
        let file = SegmentFile { number, path, file };
        Ok(Self::with_length(file, MAGIC.len() as u64))
    }

    /// Opens an existing segment. Hands every record to `visit` with its place. What follows the
    /// last whole record is cut off if a crash explains it.
    pub(super) fn open(
        folder: &Path,
        number: u64,
        end: SegmentEnd,
        visit: impl FnMut(Record<'_>, Place),
    ) -> Result<Self, SpoolError> {
        let path = path_of(folder, number);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(&path);
        let file = file.map_err(SpoolError::io(&path))?;
        let file = SegmentFile { number, path, file };
        let bytes = fs::read(&file.path).map_err(SpoolError::io(&file.path))?;
        let length = match file.scan(&bytes, visit) {
            Ok(length) => length,
            Err(damage) => damage.cut_off(&file, &bytes, end)?,
        };
        Ok(Self::with_length(file, length))
    }

    fn with_length(file: SegmentFile, length: u64) -> Self {
        Self {
            file: Arc::new(file),
            length,
            open: 0,
            waiting: 0,
        }
    }

    /// Writes `record` at the end: wholly, or not at all.
    pub(super) fn append(&mut self, record: &[u8]) -> Result<Place, SpoolError> {
        let file = &self.file.file;
        if let Err(source) = file.write_all_at(record, self.length) {
            // The next write starts at the same place; this one only keeps the end tidy.
            let tidied = file.set_len(self.length);
            let path = self.file.path.clone();
            tracing::warn!(%source, ?tidied, "could not write to the spool");
            return Err(SpoolError::Io { path, source });
        }
        let place = Place {
            segment: self.file.number,
            offset: self.length,
            bytes: record.len(),
        };
        self.length += record.len() as u64;
        Ok(place)
    }

    /// Cuts off what a failed write may have left, before the next segment is begun.
    pub(super) fn finish(&self) -> Result<(), SpoolError> {
        let file = &self.file;
        file.file
            .set_len(self.length)
            .map_err(SpoolError::io(&file.path))
    }
}

/// Whether a crash can have left the end of a segment torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentEnd {
    MayBeTorn,
    IsOnDisk,
}

struct Damage {
    offset: usize,
    reason: &'static str,
}

impl Damage {
    fn cut_off(self, file: &SegmentFile, bytes: &[u8], end: SegmentEnd) -> Result<u64, SpoolError> {
        let damaged = bytes.get(self.offset..).unwrap_or_default();
        let followed = record::find_whole(damaged).is_some();
        // Another version's file is not damage to be mended by emptying it.
        let foreign = self.offset == 0 && !begun(bytes);
        if followed || foreign || end == SegmentEnd::IsOnDisk {
            return Err(file.corrupt(self.offset as u64, self.reason.to_owned()));
        }
        let path = &file.path;
        tracing::warn!(file = %path.display(), offset = self.offset, reason = self.reason,
            "cut off the torn end of a spool file");
        // A file that was cut off within the magic gets it anew.
        file.file
            .write_all_at(MAGIC, 0)
            .map_err(SpoolError::io(path))?;
        let length = self.offset.max(MAGIC.len()) as u64;
        file.file.set_len(length).map_err(SpoolError::io(path))?;
        Ok(length)
    }
}

/// Whether this is what a crash leaves of a file that was just made.
fn begun(bytes: &[u8]) -> bool {
    MAGIC.starts_with(bytes) || bytes.iter().all(|byte| *byte == 0)
}

impl SegmentFile {
    /// Hands every record in `bytes` to `visit`, and says how far they reach.
    fn scan(&self, bytes: &[u8], mut visit: impl FnMut(Record<'_>, Place)) -> Result<u64, Damage> {
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            let reason = "it is not a spool file of a known version";
            return Err(Damage { offset: 0, reason });
        };
        let mut offset = MAGIC.len();
        while !rest.is_empty() {
            let (record, bytes) =
                record::decode(rest).map_err(|reason| Damage { offset, reason })?;
            let place = Place {
                segment: self.number,
                offset: offset as u64,
                bytes,
            };
            visit(record, place);
            offset += bytes;
            rest = rest.get(bytes..).unwrap_or_default();
        }
        Ok(offset as u64)
    }

    /// Hands every record of a finished segment to `visit`.
    pub(super) fn visit(&self, visit: impl FnMut(Record<'_>, Place)) -> Result<(), SpoolError> {
        let bytes = fs::read(&self.path).map_err(SpoolError::io(&self.path))?;
        match self.scan(&bytes, visit) {
            Ok(_length) => Ok(()),
            Err(damage) => Err(self.corrupt(damage.offset as u64, damage.reason.to_owned())),
        }
    }

    /// Reads the record at a place.
    pub(super) fn read(&self, place: Place) -> Result<Vec<u8>, SpoolError> {
        let mut bytes = vec![0; place.bytes];
        self.file
            .read_exact_at(&mut bytes, place.offset)
            .map_err(SpoolError::io(&self.path))?;
        Ok(bytes)
    }

    /// Reads the row of the record at a place.
    pub(super) fn read_row(&self, place: Place) -> Result<LedgerRow, SpoolError> {
        let bytes = self.read(place)?;
        let row = match record::decode(&bytes) {
            Ok((Record::Row(_, _, json), _)) => {
                serde_json::from_slice(json).map_err(|error| error.to_string())
            }
            Ok((Record::Gone(_), _)) => Err("it is not a row".to_owned()),
            Err(reason) => Err(reason.to_owned()),
        };
        row.map_err(|reason| self.corrupt(place.offset, reason))
    }

    /// Returns when what was written is on the disk.
    pub(super) fn sync(&self) -> Result<(), SpoolError> {
        self.file.sync_data().map_err(SpoolError::io(&self.path))
    }

    fn corrupt(&self, offset: u64, reason: String) -> SpoolError {
        SpoolError::Corrupt {
            file: self.path.clone(),
            offset,
            reason,
        }
    }
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    // Twenty digits hold every number, so names sort as numbers do.
    folder.join(format!("{number:020}.{EXTENSION}"))
}
