//! One file of the spool: written at its end only, through memory, read anywhere through the file,
//! and scanned whole at start. While it is written, zeros follow the last record.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mapped_file::MappedFile;

use crate::domain::ledger::LedgerRow;
use crate::spool::SpoolError;
use crate::spool::record::{self, Record};

const MAGIC: &[u8; 8] = b"BGSPOOL6";
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
    /// Where the next record goes.
    pub(super) length: u64,
    /// What is written to; nothing in a segment that is finished.
    map: Option<MappedFile>,
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
    /// Makes an empty segment with room for `capacity` bytes.
    pub(super) fn create(folder: &Path, number: u64, capacity: usize) -> Result<Self, SpoolError> {
        let path = path_of(folder, number);
        let mut options = OpenOptions::new();
        // Truncates: a number is used again only if creating it had failed half-way.
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).map_err(SpoolError::io(&path))?;
        file.write_all_at(MAGIC, 0).map_err(SpoolError::io(&path))?;
        let file = SegmentFile { number, path, file };
        Self::with_length(file, MAGIC.len() as u64).mapped(capacity)
    }

    /// How many bytes a segment needs whose only record has this many.
    pub(super) fn capacity_for(record_bytes: usize) -> usize {
        MAGIC.len().saturating_add(record_bytes)
    }

    /// The segment, ready to be written on, with room for `capacity` bytes altogether.
    pub(super) fn mapped(self, capacity: usize) -> Result<Self, SpoolError> {
        let room = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        let map = MappedFile::open(&self.file.file, room);
        Ok(Self {
            map: Some(map.map_err(SpoolError::io(&self.file.path))?),
            ..self
        })
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
        let length = match file.scan(&bytes, end, visit) {
            Ok(length) => length,
            Err(damage) => damage.cut_off(&file, &bytes, end)?,
        };
        Ok(Self::with_length(file, length))
    }

    fn with_length(file: SegmentFile, length: u64) -> Self {
        Self {
            file: Arc::new(file),
            length,
            map: None,
            open: 0,
            waiting: 0,
        }
    }

    /// Whether it is shorter than so many bytes.
    pub(super) fn is_below(&self, bytes: usize) -> bool {
        self.length < bytes as u64
    }

    /// Whether a record of this length can be appended.
    pub(super) fn has_room(&self, record_bytes: usize) -> bool {
        let capacity = self.map.as_ref().map_or(0, MappedFile::length);
        self.length.saturating_add(record_bytes as u64) <= capacity as u64
    }

    /// Writes `record` at the end: wholly, or not at all.
    pub(super) fn append(&mut self, record: &[u8]) -> Result<Place, SpoolError> {
        let full = || SpoolError::io(&self.file.path)(io::ErrorKind::StorageFull.into());
        let offset = usize::try_from(self.length).unwrap_or(usize::MAX);
        match &mut self.map {
            Some(map) => map.write(offset, record).map_err(|_no_room| full())?,
            None => return Err(full()),
        }
        let place = Place {
            segment: self.file.number,
            offset: self.length,
            bytes: record.len(),
        };
        self.length += record.len() as u64;
        Ok(place)
    }

    /// Gives back what was reserved and not written, before the next segment is begun.
    pub(super) fn finish(&mut self) -> Result<(), SpoolError> {
        // Before the file is cut: what is mapped must be there.
        self.map = None;
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
    /// Whole records come after it.
    is_followed: bool,
}

impl Damage {
    /// Cuts the damage off where a crash explains it and nothing follows.
    fn cut_off(self, file: &SegmentFile, bytes: &[u8], end: SegmentEnd) -> Result<u64, SpoolError> {
        // Another version's file is not damage to be mended by emptying it.
        let foreign = self.offset == 0 && !begun(bytes);
        if self.is_followed || foreign || end == SegmentEnd::IsOnDisk {
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
    MAGIC.starts_with(bytes) || record::is_zeros(bytes)
}

impl SegmentFile {
    /// Hands every record in `bytes` to `visit`, and says how far they reach.
    fn scan(
        &self,
        bytes: &[u8],
        end: SegmentEnd,
        mut visit: impl FnMut(Record<'_>, Place),
    ) -> Result<u64, Damage> {
        if !bytes.starts_with(MAGIC) {
            let reason = "it is not a spool file of a known version";
            let is_followed = record::find_whole(bytes).is_some();
            return Err(Damage {
                offset: 0,
                reason,
                is_followed,
            });
        }
        let mut offset = MAGIC.len();
        loop {
            let rest = bytes.get(offset..).unwrap_or_default();
            match record::decode(rest) {
                Ok((record, bytes)) => {
                    let place = Place {
                        segment: self.number,
                        offset: offset as u64,
                        bytes,
                    };
                    visit(record, place);
                    offset = offset.saturating_add(bytes);
                }
                Err(_) if record::is_zeros(rest) => return Ok(offset as u64),
                Err(reason) => offset = self.over_damage(rest, offset, (reason, end))?,
            }
        }
    }

    /// Where the records go on behind pages that a loss of power has taken.
    fn over_damage(
        &self,
        rest: &[u8],
        offset: usize,
        (reason, end): (&'static str, SegmentEnd),
    ) -> Result<usize, Damage> {
        let next = record::find_whole(rest);
        let lost = next.and_then(|next| rest.get(..next)).unwrap_or_default();
        if end == SegmentEnd::IsOnDisk || !record::has_stale_page(lost, offset) {
            let is_followed = next.is_some();
            return Err(Damage {
                offset,
                reason,
                is_followed,
            });
        }
        tracing::warn!(file = %self.path.display(), offset, bytes = lost.len(),
            "a spool file has lost what was not on the disk yet");
        Ok(offset.saturating_add(lost.len()))
    }

    /// Hands every record of a finished segment to `visit`.
    pub(super) fn visit(&self, visit: impl FnMut(Record<'_>, Place)) -> Result<(), SpoolError> {
        let bytes = fs::read(&self.path).map_err(SpoolError::io(&self.path))?;
        match self.scan(&bytes, SegmentEnd::MayBeTorn, visit) {
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
            Ok((Record::Row(_, _, packed), _)) => record::unpack(packed),
            Ok((Record::Gone(_), _)) => Err("it is not a row"),
            Err(reason) => Err(reason),
        };
        row.map_err(|reason| self.corrupt(place.offset, reason.to_owned()))
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
