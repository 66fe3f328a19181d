//! The segments of a spool and the index of what is in them. Segments go oldest first, so that a
//! record is never on disk without the later ones that replaced it.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::spool::SpoolError;
use crate::spool::record::{self, Record, RowKind};
use crate::spool::segment::{self, Place, Segment, SegmentEnd, SegmentFile};

mod waiting;

/// A segment that has grown to this gets a successor.
pub(super) const SEGMENT_BYTES: usize = 8 << 20;
/// With more finished segments than this, intents that are still open are moved out of the oldest.
/// Fewer would move intents that are about to end anyway.
const FINISHED_SEGMENTS_KEPT: usize = 4;
/// A crash can tear the end of the segment in use, and of the one before it, which may not have
/// been synced yet.
const SEGMENTS_TORN_MAX: usize = 2;
/// Rows of the queue that are in memory as well, so that a ledger that keeps up decodes none.
pub(super) const ROWS_KEPT_MAX: usize = 8192;
/// The index gives memory back when it holds fewer than a quarter of what it has room for.
const INDEX_ROOM_MIN: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: RowKind,
    place: Place,
}

/// An outcome in the queue.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    request: RequestId,
    pub(super) place: Place,
    pub(super) row: Option<Arc<LedgerRow>>,
}

/// What is on disk, and where. One thread at a time.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    segment_bytes: usize,
    finished: VecDeque<Segment>,
    current: Segment,
    entries: HashMap<RequestId, Entry>,
    open: usize,
    /// Outcomes in the order they came. Those that are gone stay until they are at the front.
    waiting: VecDeque<Waiting>,
    /// How many were at its front before.
    passed: u64,
    waiting_count: usize,
    /// Outcomes that are in memory alone, because the disk did not take them.
    unwritten: HashMap<RequestId, Arc<LedgerRow>>,
    /// Finished segments that no sync has reached.
    unsynced: Vec<Arc<SegmentFile>>,
    /// Bytes appended since the spool was opened.
    written: u64,
}

/// What one sync has to reach.
#[derive(Debug)]
pub(super) struct Unsynced {
    pub(super) finished: Vec<Arc<SegmentFile>>,
    pub(super) current: Arc<SegmentFile>,
    pub(super) written: u64,
}

impl Log {
    /// Reads what is in `folder`. The last segment is written on, if it has room.
    pub(super) fn open(folder: PathBuf, segment_bytes: usize) -> Result<Self, SpoolError> {
        let numbers = segment::numbers_in(&folder).map_err(SpoolError::io(&folder))?;
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        let mut finished = VecDeque::new();
        let mut entries = HashMap::new();
        let torn_from = numbers.len().saturating_sub(SEGMENTS_TORN_MAX);
        for (index, number) in numbers.into_iter().enumerate() {
            let end = if index < torn_from {
                SegmentEnd::IsOnDisk
            } else {
                SegmentEnd::MayBeTorn
            };
            let segment = Segment::open(&folder, number, end, |record, place| {
                replay(&mut entries, record, place);
            })?;
            finished.push_back(segment);
        }
        let last = finished.pop_back_if(|last: &mut Segment| last.is_below(segment_bytes));
        let current = match last {
            Some(last) => last.mapped(segment_bytes)?,
            None => Segment::create(&folder, next, segment_bytes)?,
        };
        let mut log = Self {
            folder,
            segment_bytes,
            unsynced: finished
                .iter()
                .map(|segment| Arc::clone(&segment.file))
                .collect(),
            finished,
            current,
            entries,
            open: 0,
            waiting: VecDeque::new(),
            passed: 0,
            waiting_count: 0,
            unwritten: HashMap::new(),
            written: 0,
        };
        log.count_entries();
        Ok(log)
    }

    fn count_entries(&mut self) {
        let entries = self.entries.iter();
        let mut places: Vec<_> = entries.map(|(id, entry)| (*id, *entry)).collect();
        places.sort_unstable_by_key(|(_, entry)| entry.place);
        for (request, entry) in places {
            self.count_in(entry);
            if entry.kind == RowKind::Outcome {
                self.wait(request, entry.place, None);
            }
        }
    }

    pub(super) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    pub(super) fn open_count(&self) -> usize {
        self.open
    }

    pub(super) fn waiting_count(&self) -> usize {
        self.waiting_count
    }

    pub(super) fn bytes_on_disk(&self) -> u64 {
        let finished: u64 = self.finished.iter().map(|segment| segment.length).sum();
        finished.saturating_add(self.current.length)
    }

    pub(super) fn kind_of(&self, request: RequestId) -> Option<RowKind> {
        self.entries.get(&request).map(|entry| entry.kind)
    }

    /// Appends a row, in place of an earlier one of the same request. Says how far a sync has to
    /// reach for it.
    pub(super) fn append_row(
        &mut self,
        kind: RowKind,
        request: RequestId,
        record: &[u8],
        row: Option<&Arc<LedgerRow>>,
    ) -> Result<u64, SpoolError> {
        let place = self.append(record)?;
        self.put(request, Entry { kind, place });
        if kind == RowKind::Outcome {
            let kept = row.filter(|_| self.waiting.len() < ROWS_KEPT_MAX);
            self.wait(request, place, kept.map(Arc::clone));
        }
        Ok(self.written)
    }

    /// Appends that the intent of a request is gone.
    pub(super) fn withdraw(&mut self, request: RequestId) -> Result<(), SpoolError> {
        if self.kind_of(request) == Some(RowKind::Intent) {
            self.append(&record::encode_gone(&[request]))?;
            self.forget(&[request]);
        }
        Ok(())
    }

    /// Appends that those of the requests that have an outcome are gone.
    pub(super) fn remove(&mut self, requests: &[RequestId]) {
        let has_outcome = |id: &RequestId| self.kind_of(*id) == Some(RowKind::Outcome);
        let gone: Vec<_> = requests.iter().copied().filter(has_outcome).collect();
        if gone.is_empty() {
            return;
        }
        // They are forgotten all the same: on a full disk this is what makes room again, and what
        // a crash brings back is recorded a second time without effect.
        if let Err(error) = self.append(&record::encode_gone(&gone)) {
            tracing::warn!(%error, "could not note in the spool which outcomes are recorded");
        }
        self.forget(&gone);
    }

    fn forget(&mut self, requests: &[RequestId]) {
        for request in requests {
            if let Some(entry) = self.entries.remove(request) {
                self.count_out(entry);
            }
            self.unwritten.remove(request);
        }
        self.shrink();
    }

    fn append(&mut self, record: &[u8]) -> Result<Place, SpoolError> {
        if !self.current.has_room(record.len()) {
            self.begin_segment(Segment::capacity_for(record.len()))?;
        }
        let place = self.current.append(record)?;
        self.written = self.written.saturating_add(record.len() as u64);
        Ok(place)
    }

    fn begin_segment(&mut self, capacity_min: usize) -> Result<(), SpoolError> {
        self.current.finish()?;
        let number = self.current.file.number.saturating_add(1);
        let capacity = self.segment_bytes.max(capacity_min);
        let next = Segment::create(&self.folder, number, capacity)?;
        let finished = mem::replace(&mut self.current, next);
        self.unsynced.push(Arc::clone(&finished.file));
        self.finished.push_back(finished);
        Ok(())
    }

    fn put(&mut self, request: RequestId, entry: Entry) {
        if let Some(earlier) = self.entries.insert(request, entry) {
            self.count_out(earlier);
        }
        self.count_in(entry);
    }

    fn count_in(&mut self, entry: Entry) {
        let Self {
            open,
            waiting_count,
            ..
        } = self;
        let all = match entry.kind {
            RowKind::Intent => open,
            RowKind::Outcome => waiting_count,
        };
        *all = all.saturating_add(1);
        if let Some(here) = self.count_at(entry) {
            *here = here.saturating_add(1);
        }
    }

    fn count_out(&mut self, entry: Entry) {
        let Self {
            open,
            waiting_count,
            ..
        } = self;
        let all = match entry.kind {
            RowKind::Intent => open,
            RowKind::Outcome => waiting_count,
        };
        *all = all.saturating_sub(1);
        if let Some(here) = self.count_at(entry) {
            *here = here.saturating_sub(1);
        }
    }

    fn count_at(&mut self, entry: Entry) -> Option<&mut usize> {
        let number = entry.place.segment;
        let segment = if self.current.file.number == number {
            &mut self.current
        } else {
            let index = self
                .finished
                .binary_search_by_key(&number, |segment| segment.file.number);
            self.finished.get_mut(index.ok()?)?
        };
        Some(match entry.kind {
            RowKind::Intent => &mut segment.open,
            RowKind::Outcome => &mut segment.waiting,
        })
    }

    /// Forgets what is at the front of the queue and gone, and gives memory back.
    fn shrink(&mut self) {
        while let Some(oldest) = self.waiting.front() {
            if is_at(&self.entries, oldest.request, oldest.place) {
                break;
            }
            self.waiting.pop_front();
            self.passed = self.passed.saturating_add(1);
        }
        let room_needed = self.entries.len().saturating_mul(4).max(INDEX_ROOM_MIN);
        if self.entries.capacity() > room_needed {
            self.entries.shrink_to(self.entries.len().saturating_mul(2));
            self.waiting.shrink_to(self.waiting.len().saturating_mul(2));
        }
    }

    /// The last of the oldest segments in which nothing counts any more, and how far a sync has to
    /// reach before they may go: over the records that replaced theirs.
    pub(super) fn droppable(&self) -> Option<(u64, u64)> {
        let settled = |segment: &&Segment| segment.open == 0 && segment.waiting == 0;
        let last = self.finished.iter().take_while(settled).last()?;
        Some((last.file.number, self.written))
    }

    /// Deletes the segments up to and with `last`, of which [`Log::droppable`] spoke.
    pub(super) fn drop_finished(&mut self, last: u64) -> Result<(), SpoolError> {
        while let Some(oldest) = self.finished.front() {
            let number = oldest.file.number;
            if number > last {
                break;
            }
            let path = &oldest.file.path;
            std::fs::remove_file(path).map_err(SpoolError::io(path))?;
            self.unsynced.retain(|file| file.number != number);
            self.finished.pop_front();
        }
        Ok(())
    }

    /// The oldest segment, if only intents that are still open keep it and there are enough others.
    pub(super) fn held_by_intents(&self) -> Option<Arc<SegmentFile>> {
        let oldest = self.finished.front()?;
        let crowded = self.finished.len() > FINISHED_SEGMENTS_KEPT;
        (crowded && oldest.waiting == 0).then(|| Arc::clone(&oldest.file))
    }

    /// Appends intents again, those of them that are still open and still there.
    pub(super) fn move_intents(
        &mut self,
        intents: &[(RequestId, Place)],
        file: &SegmentFile,
    ) -> Result<(), SpoolError> {
        for &(request, place) in intents {
            let is_open = self.kind_of(request) == Some(RowKind::Intent);
            if is_open && is_at(&self.entries, request, place) {
                self.append_row(RowKind::Intent, request, &file.read(place)?, None)?;
            }
        }
        Ok(())
    }

    /// The places of the intents without outcome, by request id.
    pub(super) fn open_places(&self) -> Vec<Place> {
        let mut open: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.kind == RowKind::Intent)
            .map(|(request, entry)| (*request, entry.place))
            .collect();
        open.sort_unstable();
        open.into_iter().map(|(_, place)| place).collect()
    }

    /// Every file, oldest first.
    pub(super) fn files(&self) -> Vec<Arc<SegmentFile>> {
        let finished = self.finished.iter();
        let segments = finished.chain(std::iter::once(&self.current));
        segments.map(|segment| Arc::clone(&segment.file)).collect()
    }

    pub(super) fn has_finished_unsynced(&self) -> bool {
        !self.unsynced.is_empty()
    }

    /// How many bytes were appended since the spool was opened.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// What a sync has to reach now; each finished segment is handed out once.
    pub(super) fn take_unsynced(&mut self) -> Unsynced {
        Unsynced {
            finished: mem::take(&mut self.unsynced),
            current: Arc::clone(&self.current.file),
            written: self.written,
        }
    }
}

fn is_at(entries: &HashMap<RequestId, Entry>, request: RequestId, place: Place) -> bool {
    entries
        .get(&request)
        .is_some_and(|entry| entry.place == place)
}

fn replay(entries: &mut HashMap<RequestId, Entry>, record: Record<'_>, place: Place) {
    match record {
        // The last one counts: an intent comes again when it is moved, and never after an outcome.
        Record::Row(kind, request, _) => {
            entries.insert(request, Entry { kind, place });
        }
        Record::Gone(requests) => {
            for request in requests {
                entries.remove(&request);
            }
        }
    }
}
