//! The hash chain of a writer: each row's hash is made of the row and of the hash before it, so that
//! nothing in the middle can be changed, removed, or put elsewhere without a trace.
//!
//! hash = SHA-256 (version byte | previous hash | canonical row). A chain begins at the SHA-256 of
//! its writer's id.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::ledger::canonical::{CanonicalError, CanonicalRow};

/// The first byte that is hashed: another number if the canonical form ever becomes another one.
const VERSION: u8 = 1;
const HASH_BYTES: usize = 32;

/// Who appends rows: a process with a data folder, for as long as the folder lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WriterId([u8; 16]);

impl WriterId {
    /// An id of random bytes, or the one that [`WriterId::as_bytes`] gave.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id as sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the printed form, and only that.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(Uuid::try_parse(text).ok()?.into_bytes());
        (id.to_string() == text).then_some(id)
    }
}

impl Serialize for WriterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_bytes(self.0).as_hyphenated().fmt(formatter)
    }
}

/// The hash of a row and of all rows before it in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowHash([u8; HASH_BYTES]);

impl RowHash {
    /// A hash as stores keep it.
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Reads the printed form: lower-case hex.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; HASH_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let hash = Self(bytes);
        (hash.to_string() == text).then_some(hash)
    }
}

impl fmt::Display for RowHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// How far a chain goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// How many rows it has; the first one is number 1.
    pub seq: u64,
    /// The hash of the last one.
    pub hash: RowHash,
}

impl Tail {
    /// A chain without rows.
    pub fn start(writer: WriterId) -> Self {
        Self {
            seq: 0,
            hash: RowHash(Sha256::digest(writer.0).into()),
        }
    }

    /// The chain with one row more, in its canonical form.
    #[must_use]
    pub fn then(self, canonical: impl AsRef<[u8]>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([VERSION]);
        hasher.update(self.hash.0);
        hasher.update(canonical.as_ref());
        Self {
            seq: self.seq.saturating_add(1),
            hash: RowHash(hasher.finalize().into()),
        }
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// In whose chain.
    pub writer: WriterId,
    /// At which place, and what the chain hashes to with it.
    pub tail: Tail,
}

/// A line of an exact export: `{"hash":…,"row":{…},"seq":…,"writer":…}`, with the row in its canonical
/// form. A row from before there were chains has only `row`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportLine<'a> {
    /// Where the row stands; nothing if it is in no chain.
    pub link: Option<Link>,
    /// The row.
    pub row: CanonicalRow<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine<'a> {
    #[serde(borrow, default)]
    hash: Option<Cow<'a, str>>,
    #[serde(borrow)]
    row: &'a RawValue,
    #[serde(borrow, default)]
    seq: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    writer: Option<Cow<'a, str>>,
}

impl<'a> ExportLine<'a> {
    /// Reads what [`ExportLine`] prints, and nothing else.
    pub fn parse(text: &'a str) -> Result<Self, CanonicalError> {
        let malformed = |error: serde_json::Error| CanonicalError::Malformed(error.to_string());
        let raw: RawLine<'a> = serde_json::from_str(text).map_err(malformed)?;
        let row = CanonicalRow::parse(raw.row.get())?;
        let link = match (&raw.writer, &raw.seq, &raw.hash) {
            (None, None, None) => None,
            (Some(writer), Some(seq), Some(hash)) => {
                let link = link_of(writer, seq, hash);
                Some(link.ok_or(CanonicalError::OtherSpelling)?)
            }
            (_, _, _) => return Err(CanonicalError::OtherSpelling),
        };
        let read = Self { link, row };
        if read.to_string() != text {
            return Err(CanonicalError::OtherSpelling);
        }
        Ok(read)
    }
}

fn link_of(writer: &str, seq: &str, hash: &str) -> Option<Link> {
    Some(Link {
        writer: WriterId::parse(writer)?,
        tail: Tail {
            seq: seq.parse().ok()?,
            hash: RowHash::parse(hash)?,
        },
    })
}

impl fmt::Display for ExportLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        let Some(Link { writer, tail }) = self.link else {
            return write!(formatter, r#"{{"row":{row}}}"#);
        };
        let Tail { seq, hash } = tail;
        write!(
            formatter,
            r#"{{"hash":"{hash}","row":{row},"seq":"{seq}","writer":"{writer}"}}"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITER: WriterId = WriterId([7; 16]);

    #[test]
    fn hashes_are_as_they_always_were() {
        let start = Tail::start(WRITER);
        // printf '\7%.0s' {1..16} | sha256sum
        let start_hash = "d761d406af2a4a5a15f67c924378ed88d1f85c13f1a37fc7366f59789b3bcd65";
        assert_eq!(start.hash.to_string(), start_hash);
        // (printf '\1'; printf {start_hash} | xxd -r -p; printf '{}') | sha256sum
        let first_hash = "831595b9a4052aa69725a9275c8bae04d08bff396f73036b548af42e0d632b74";
        let first = start.then("{}");
        assert_eq!(first.hash.to_string(), first_hash);
        assert_eq!((start.seq, first.seq), (0, 1));
        assert_ne!(first.hash, start.then("{ }").hash);
        assert_ne!(first.hash, first.then("{}").hash);
    }

    #[test]
    fn a_line_is_read_back_and_only_in_its_one_spelling() {
        let row = CanonicalRow::parse(r#"{"at":"1","route":"/v1 \" é"}"#).unwrap();
        let link = Link {
            writer: WRITER,
            tail: Tail::start(WRITER).then(row.to_string()),
        };
        let chained = ExportLine {
            link: Some(link),
            row: row.clone(),
        };
        let text = chained.to_string();
        assert_eq!(ExportLine::parse(&text), Ok(chained));
        let plain = ExportLine { link: None, row };
        assert_eq!(ExportLine::parse(&plain.to_string()), Ok(plain));
        for (from, to) in [
            ("\"seq\":\"1\"", "\"seq\":\"01\""),
            ("\"seq\":\"1\"", "\"seq\":1"),
            ("\"seq\":\"1\",", ""),
            ("\"hash\":", " \"hash\":"),
            ("{\"at\"", "{ \"at\""),
            ("\"writer\"", "\"author\""),
            ("07070707-", "07070707"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text);
            assert!(ExportLine::parse(&other).is_err(), "{other}");
        }
        let upper = text.to_uppercase();
        assert!(ExportLine::parse(&upper).is_err(), "{upper}");
    }
}
