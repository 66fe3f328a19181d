//! Keeps an answer that is one JSON object until it is whole: all of it, or, of a very long one
//! such as a list of embeddings, its end, where the usage is.

use std::borrow::Cow;
use std::mem;

use bytes::Bytes;
use memchr::memmem;
use serde_json::value::RawValue;

use crate::providers::Dialect;

/// The longest answer that is kept whole.
const WHOLE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much is kept of a longer one.
const TAIL_BYTES: usize = 64 * 1024;
/// How much of an error is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Document {
    kept: Kept,
    bytes_max: usize,
    is_whole: bool,
}

#[derive(Debug)]
enum Kept {
    /// Everything, in the chunks in which it came: nothing is copied.
    Chunks(Vec<Bytes>, usize),
    /// The last bytes.
    Tail(Vec<u8>),
}

impl Default for Document {
    fn default() -> Self {
        Self {
            kept: Kept::Chunks(Vec::new(), 0),
            bytes_max: WHOLE_BYTES_MAX,
            is_whole: false,
        }
    }
}

impl Document {
    /// For an answer of which only the error code is read.
    pub(crate) fn of_error() -> Self {
        Self {
            bytes_max: ERROR_BYTES_MAX,
            ..Self::default()
        }
    }

    /// Takes the next chunk.
    pub(crate) fn push(&mut self, chunk: &Bytes, end: bool) {
        self.is_whole |= end;
        match &mut self.kept {
            Kept::Chunks(chunks, bytes) => {
                *bytes = bytes.saturating_add(chunk.len());
                if !chunk.is_empty() {
                    chunks.push(chunk.clone());
                }
                if *bytes > self.bytes_max {
                    let mut tail = mem::take(chunks).concat();
                    keep_end(&mut tail);
                    self.kept = Kept::Tail(tail);
                }
            }
            Kept::Tail(tail) => {
                tail.extend_from_slice(chunk);
                if tail.len() > TAIL_BYTES.saturating_mul(2) {
                    keep_end(tail);
                }
            }
        }
    }

    /// Whether the last chunk has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The answer, if it was kept.
    pub(crate) fn read(&self) -> Option<Cow<'_, [u8]>> {
        match &self.kept {
            Kept::Chunks(chunks, _) => match chunks.as_slice() {
                [one] => Some(Cow::Borrowed(one)),
                several => Some(Cow::Owned(several.concat())),
            },
            Kept::Tail(_) => None,
        }
    }

    /// The answer, or an object with nothing but the usage of one that was too long to be kept.
    pub(crate) fn to_read(&self, dialect: Dialect) -> Option<Cow<'_, [u8]>> {
        let Kept::Tail(tail) = &self.kept else {
            return self.read();
        };
        if !self.is_whole {
            return None;
        }
        let name = match dialect {
            Dialect::OpenAi | Dialect::Anthropic => "\"usage\"",
            Dialect::Google => "\"usageMetadata\"",
        };
        let usage = last_member(tail, name).unwrap_or("null");
        Some(Cow::Owned(format!("{{{name}:{usage}}}").into_bytes()))
    }
}

/// The value of the last member of that name. A quotation mark inside a string is escaped, so the
/// name with its marks and a colon is a member, not text.
fn last_member<'a>(tail: &'a [u8], name: &str) -> Option<&'a str> {
    memmem::rfind_iter(tail, name).find_map(|found| {
        let after = tail.get(found.saturating_add(name.len())..)?;
        let value = after.trim_ascii_start().strip_prefix(b":")?;
        let mut values = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>();
        values.next()?.ok().map(RawValue::get)
    })
}

fn keep_end(bytes: &mut Vec<u8>) {
    let excess = bytes.len().saturating_sub(TAIL_BYTES);
    bytes.drain(..excess);
}
