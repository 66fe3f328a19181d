//! A checkpoint: how far every chain went at one moment, signed, as one line of text. A record of
//! rows that left the ledger is a checkpoint, too.
//!
//! `{"checkpoint":{…},"signature":"…"}`: the signature (Ed25519, base64) is over the bytes of the inner
//! object as they stand. Its members are sorted and numbers are texts, so `jq -cjS .checkpoint` gives them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::ledger::chain::{RowHash, Tail, WriterId};
use crate::domain::window::UtcMicros;
use crate::evidence::chains::Gap;
use crate::evidence::key::{CheckpointKey, PublicKey};
use crate::evidence::month::Month;

const VERSION: &str = "1";

/// Why a line is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// It does not have the form.
    #[error("not a checkpoint: {0}")]
    Malformed(String),
    /// Its signature is not of a trusted key.
    #[error("its signature is not of a trusted key, it names key {0}")]
    Forged(String),
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// When it was signed.
    pub at: UtcMicros,
    /// The SHA-256 of the line before it, in hex; zeros for the first one.
    pub previous: String,
    /// How far every chain went.
    pub writers: Vec<(WriterId, Tail)>,
    /// How many rows are in no chain.
    pub unchained: u64,
    /// Rows that leave the ledger with it.
    pub retired: Option<Retired>,
}

/// Rows of a time that leave the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Which.
    pub month: Month,
    /// What leaves of each chain.
    pub gaps: Vec<(WriterId, Gap)>,
    /// Rows that were in no chain.
    pub unchained: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    at: String,
    key: String,
    previous: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    retired: Option<RetiredPayload>,
    time: String,
    unchained: String,
    version: String,
    writers: Vec<WriterPayload>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WriterPayload {
    hash: String,
    seq: String,
    writer: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetiredPayload {
    month: String,
    rows: Vec<GapPayload>,
    unchained: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GapPayload {
    before: String,
    first: String,
    hash: String,
    seq: String,
    writer: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    checkpoint: &'a RawValue,
    signature: String,
}

impl Checkpoint {
    /// The signed line, without its end.
    pub fn sign(&self, key: &CheckpointKey) -> Result<String, CheckpointError> {
        let payload = Payload {
            at: self.at.get().to_string(),
            key: key.public().id(),
            previous: self.previous.clone(),
            retired: self.retired.as_ref().map(RetiredPayload::of),
            time: self.at.to_string(),
            unchained: self.unchained.to_string(),
            version: VERSION.to_owned(),
            writers: self.writers.iter().map(WriterPayload::of).collect(),
        };
        let text = serde_json::to_string(&payload).map_err(|error| malformed(&error))?;
        let signature = STANDARD.encode(key.sign(text.as_bytes()));
        Ok(format!(
            r#"{{"checkpoint":{text},"signature":"{signature}"}}"#
        ))
    }

    /// Reads a line that one of some keys has signed.
    pub fn read(line: &str, trusted: &[PublicKey]) -> Result<Self, CheckpointError> {
        let parts: Line<'_> = serde_json::from_str(line).map_err(|error| malformed(&error))?;
        let payload: Payload =
            serde_json::from_str(parts.checkpoint.get()).map_err(|error| malformed(&error))?;
        let signature = STANDARD.decode(&parts.signature).unwrap_or_default();
        let message = parts.checkpoint.get().as_bytes();
        if !trusted
            .iter()
            .any(|key| key.has_signed(message, &signature))
        {
            return Err(CheckpointError::Forged(payload.key));
        }
        payload
            .checkpoint()
            .ok_or_else(|| CheckpointError::Malformed("a value cannot be read".to_owned()))
    }
}

/// What the next line says of a line.
pub fn line_hash(line: &str) -> String {
    hex::encode(Sha256::digest(line.as_bytes()))
}

/// What the first line says of the line before it.
pub fn no_line() -> String {
    hex::encode([0; 32])
}

fn malformed(error: &serde_json::Error) -> CheckpointError {
    CheckpointError::Malformed(error.to_string())
}

impl Payload {
    fn checkpoint(&self) -> Option<Checkpoint> {
        if self.version != VERSION {
            return None;
        }
        let writers = self.writers.iter().map(|writer| {
            let id = WriterId::parse(&writer.writer)?;
            Some((id, tail(&writer.seq, &writer.hash)?))
        });
        let retired = match &self.retired {
            Some(retired) => Some(retired.retired()?),
            None => None,
        };
        Some(Checkpoint {
            at: UtcMicros::new(self.at.parse().ok()?),
            previous: self.previous.clone(),
            unchained: self.unchained.parse().ok()?,
            writers: writers.collect::<Option<_>>()?,
            retired,
        })
    }
}

impl WriterPayload {
    fn of((writer, tail): &(WriterId, Tail)) -> Self {
        Self {
            hash: tail.hash.to_string(),
            seq: tail.seq.to_string(),
            writer: writer.to_string(),
        }
    }
}

impl RetiredPayload {
    fn of(retired: &Retired) -> Self {
        let rows = retired.gaps.iter().map(|(writer, gap)| GapPayload {
            before: gap.before.to_string(),
            first: gap.first.to_string(),
            hash: gap.end.hash.to_string(),
            seq: gap.end.seq.to_string(),
            writer: writer.to_string(),
        });
        Self {
            month: retired.month.to_string(),
            rows: rows.collect(),
            unchained: retired.unchained.to_string(),
        }
    }

    fn retired(&self) -> Option<Retired> {
        let month = self.month.parse().ok()?;
        let gaps = self.rows.iter().map(|row| {
            let gap = Gap {
                month,
                first: row.first.parse().ok()?,
                end: tail(&row.seq, &row.hash)?,
                before: RowHash::parse(&row.before)?,
            };
            Some((WriterId::parse(&row.writer)?, gap))
        });
        Some(Retired {
            month,
            gaps: gaps.collect::<Option<_>>()?,
            unchained: self.unchained.parse().ok()?,
        })
    }
}

fn tail(seq: &str, hash: &str) -> Option<Tail> {
    Some(Tail {
        seq: seq.parse().ok()?,
        hash: RowHash::parse(hash)?,
    })
}
