//! Dead letters: entries that cannot be written, as operators look at them, replay and remove them.

use redis::{Pipeline, Value};

use crate::domain::id::RequestId;
use crate::queue::entry::{Taken, Undecodable, text_of, value_of};
use crate::queue::outgoing::Verdict;
use crate::queue::wire::{self, Fields};
use crate::queue::{EntryId, Queue, QueueError};

const REASON: &str = "deadReason";
/// Only the worker's own field is not the gateway's.
const PACKED: &str = "row";

/// An entry that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place among the dead letters.
    pub id: EntryId,
    /// Why it could not.
    pub reason: String,
    /// What anybody can read of it: names and values.
    pub fields: Vec<(String, String)>,
    /// Why this version cannot read its row, if it cannot.
    pub undecodable: Option<Undecodable>,
    taken: Taken,
}

impl DeadLetter {
    fn read(id: EntryId, fields: Fields) -> Self {
        let reason = text_of(&fields, REASON).unwrap_or_default().to_owned();
        let (_, fields): (Fields, Fields) = fields
            .into_iter()
            .partition(|(name, _)| name == REASON.as_bytes());
        let readable = fields.iter().filter(|(name, _)| name != PACKED.as_bytes());
        let readable = readable.map(|(name, value)| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(name), text(value))
        });
        let readable = readable.collect();
        let taken = Taken::read(id, fields);
        Self {
            id,
            reason,
            fields: readable,
            undecodable: taken.row.as_ref().err().cloned(),
            taken,
        }
    }

    /// The request whose row it is, if it says so.
    pub fn request(&self) -> Option<RequestId> {
        self.taken.request
    }

    /// A field that anybody can read.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// How many bytes the packed row has.
    pub fn row_bytes(&self) -> usize {
        value_of(&self.taken.fields, PACKED).map_or(0, <[u8]>::len)
    }
}

impl Queue {
    /// The oldest dead letters behind one of them, at most so many.
    pub async fn dead_letters(
        &self,
        behind: Option<EntryId>,
        letters_max: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let start = behind.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        self.dead_between(&start, "+", letters_max).await
    }

    /// One of them.
    pub async fn dead_letter(&self, id: EntryId) -> Result<Option<DeadLetter>, QueueError> {
        let id = id.to_string();
        let found = self.dead_between(&id, &id, 1).await?;
        Ok(found.into_iter().next())
    }

    async fn dead_between(
        &self,
        start: &str,
        end: &str,
        letters_max: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let mut asked = Pipeline::new();
        asked.cmd("XRANGE").arg(&self.keys.dead).arg(start).arg(end);
        asked.arg("COUNT").arg(letters_max);
        let answers: Vec<Value> = self.link.ask(&asked).await?;
        let entries = wire::entries(answers.first().ok_or(QueueError::Unreadable)?)?;
        let entries = entries.into_iter();
        Ok(entries
            .map(|(id, fields)| DeadLetter::read(id, fields))
            .collect())
    }

    /// Has workers try it again.
    pub async fn replay(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let mut asked = Pipeline::new();
        asked.atomic();
        asked.cmd("XADD").arg(&self.keys.stream).arg("*");
        for (name, value) in &letter.taken.fields {
            asked.arg(name.as_slice()).arg(value.as_slice());
        }
        asked
            .cmd("XDEL")
            .arg(&self.keys.dead)
            .arg(letter.id.to_string());
        self.link.ask::<Value>(&asked).await.map(drop)
    }

    /// Gives it up for good: its gateway forgets the row as well.
    pub async fn remove_dead(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let mut asked = Pipeline::new();
        asked.atomic();
        asked
            .cmd("XDEL")
            .arg(&self.keys.dead)
            .arg(letter.id.to_string());
        if let (Some(gateway), Some(request)) = (&letter.taken.gateway, letter.taken.request) {
            self.say(&mut asked, gateway, &Verdict::Removed(request));
        }
        self.link.ask::<Value>(&asked).await.map(drop)
    }
}
