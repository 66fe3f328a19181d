//! The gateway's side: rows go out, and what became of them comes back.

use redis::{Pipeline, Value};

use crate::domain::id::RequestId;
use crate::queue::entry::Entry;
use crate::queue::wire::{array, bytes, id, integer};
use crate::queue::{EntryId, Queue, QueueError};

/// How many answers of workers are fetched at once.
const VERDICTS_TOGETHER_MAX: usize = 64;
const ID_BYTES: usize = 16;
const WRITTEN: u8 = b'W';
const REMOVED: u8 = b'R';
const DEAD: u8 = b'D';

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Among those that are to be written.
    Stream,
    /// Among those that cannot be.
    Dead,
}

/// What became of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are in the ledger.
    Written(Vec<RequestId>),
    /// It cannot be written; there it is kept.
    Dead(RequestId, EntryId),
    /// An operator removed it from what cannot be written.
    Removed(RequestId),
}

impl Verdict {
    pub(super) fn pack(&self) -> Vec<u8> {
        match self {
            Self::Written(requests) => {
                let ids = requests.iter().flat_map(|it| it.as_bytes().iter().copied());
                std::iter::once(WRITTEN).chain(ids).collect()
            }
            Self::Removed(request) => [&[REMOVED], &request.as_bytes()[..]].concat(),
            Self::Dead(request, place) => {
                let mut packed = Self::dead_without_place(*request);
                packed.extend(place.to_string().bytes());
                packed
            }
        }
    }

    /// What is said of an entry that cannot be written, up to the place that it gets.
    pub(super) fn dead_without_place(request: RequestId) -> Vec<u8> {
        [&[DEAD], &request.as_bytes()[..]].concat()
    }

    /// Nothing where it is of a version that this one does not know.
    pub(super) fn read(packed: &[u8]) -> Option<Self> {
        let (word, rest) = packed.split_first()?;
        if *word == WRITTEN {
            let (ids, odd) = rest.as_chunks::<ID_BYTES>();
            let requests = ids.iter().copied().map(RequestId::from_bytes).collect();
            return odd.is_empty().then_some(Self::Written(requests));
        }
        let (request, rest) = rest.split_first_chunk::<ID_BYTES>()?;
        let request = RequestId::from_bytes(*request);
        match *word {
            REMOVED => Some(Self::Removed(request)),
            DEAD => {
                let place = EntryId::parse(std::str::from_utf8(rest).ok()?)?;
                Some(Self::Dead(request, place))
            }
            _ => None,
        }
    }
}

impl Queue {
    /// Adds rows to the stream and tells their places; nothing, if the stream is full. If it fails, some may
    /// be there all the same.
    pub async fn ship(&self, entries: &[Entry]) -> Result<Option<Vec<EntryId>>, QueueError> {
        let stream = &self.keys.stream;
        let mut asked = Pipeline::new();
        asked.cmd("XLEN").arg(stream);
        let length: Vec<u64> = self.link.ask(&asked).await?;
        if length
            .first()
            .is_none_or(|length| *length >= self.entries_max)
        {
            return Ok(None);
        }
        let mut adding = Pipeline::with_capacity(entries.len());
        for entry in entries {
            adding.cmd("XADD").arg(stream).arg("*");
            for (name, value) in &entry.fields {
                adding.arg(*name).arg(value.as_slice());
            }
        }
        let answers: Vec<Value> = self.link.ask(&adding).await?;
        if answers.len() != entries.len() {
            return Err(QueueError::Unreadable);
        }
        let ids: Result<Vec<EntryId>, _> = answers.iter().map(id).collect();
        Ok(Some(ids?))
    }

    /// What workers said of a gateway's rows. It is said once.
    pub async fn verdicts(&self, gateway: &str) -> Result<Vec<Verdict>, QueueError> {
        let mut asked = Pipeline::new();
        asked.cmd("LPOP").arg(self.keys.verdicts(gateway));
        asked.arg(VERDICTS_TOGETHER_MAX);
        let answers: Vec<Value> = self.link.ask(&asked).await?;
        let said = array(answers.first().ok_or(QueueError::Unreadable)?)?;
        let said = said
            .iter()
            .filter_map(|packed| Verdict::read(bytes(packed).ok()?));
        Ok(said.collect())
    }

    /// Which of some entries are not where they were, by their position in the list.
    pub async fn missing(&self, places: &[(Shelf, EntryId)]) -> Result<Vec<usize>, QueueError> {
        const SCRIPT: &str = include_str!("missing.lua");
        let mut asked = Pipeline::new();
        asked.cmd("EVAL").arg(SCRIPT).arg(2);
        asked.arg(&self.keys.stream).arg(&self.keys.dead);
        for (shelf, place) in places {
            asked.arg(match shelf {
                Shelf::Stream => 1,
                Shelf::Dead => 2,
            });
            asked.arg(place.to_string());
        }
        let answers: Vec<Value> = self.link.ask(&asked).await?;
        let missing = array(answers.first().ok_or(QueueError::Unreadable)?)?;
        let position = |number| Ok(usize::try_from(integer(number)?).unwrap_or(usize::MAX));
        missing.iter().map(position).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_rows_is_read_as_it_was_said() {
        let [one, two] = [
            RequestId::from_bytes([1; 16]),
            RequestId::from_bytes([2; 16]),
        ];
        let place = EntryId {
            millis: 1_700_000_000_000,
            number: 7,
        };
        for verdict in [
            Verdict::Written(vec![one, two]),
            Verdict::Dead(one, place),
            Verdict::Removed(two),
        ] {
            assert_eq!(Verdict::read(&verdict.pack()), Some(verdict));
        }
        for unknown in [&b""[..], b"X", b"W123", b"D", b"R12"] {
            assert_eq!(Verdict::read(unknown), None, "{unknown:?}");
        }
    }
}
