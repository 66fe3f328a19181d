//! The form of a record on disk: length, CRC-32, kind, then a request id and its row, or the ids of
//! requests that are gone. Rows are packed by postcard, which does not name fields: a change of
//! [`LedgerRow`] makes another version of the files, with a magic of its own in `segment.rs`.

use thiserror::Error;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;

/// The unit in which a disk loses what was not synced.
const PAGE_BYTES: usize = 4096;
/// No row has so many zeros in a row.
const STALE_BYTES_MIN: usize = 64;
const LENGTH_BYTES: usize = 4;
const HEAD_BYTES: usize = 8;
const ID_BYTES: usize = 16;
/// Longer ones are not written; a longer length found on disk is damage.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What a record says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    Intent,
    Outcome,
}

/// A record, its row still encoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'bytes> {
    Row(RowKind, RequestId, &'bytes [u8]),
    Gone(Vec<RequestId>),
}

const INTENT: u8 = b'I';
const OUTCOME: u8 = b'O';
const GONE: u8 = b'G';

/// Why a row has no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unencodable {
    /// It does not fit into one.
    #[error("the row is too long")]
    TooLong,
    /// The packed form cannot hold it.
    #[error("the row cannot be packed: {0}")]
    Unpackable(#[from] postcard::Error),
}

/// Encodes an intent or an outcome.
pub(super) fn encode_row(kind: RowKind, row: &LedgerRow) -> Result<Vec<u8>, Unencodable> {
    // Room for a usual row: growing on the way would cost as much as encoding.
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(&[0; HEAD_BYTES]);
    bytes.push(match kind {
        RowKind::Intent => INTENT,
        RowKind::Outcome => OUTCOME,
    });
    bytes.extend_from_slice(row.request.as_bytes());
    let bytes = postcard::to_extend(row, bytes)?;
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Unencodable::TooLong);
    }
    Ok(sealed(bytes))
}

/// Encodes that requests are gone.
pub(super) fn encode_gone(requests: &[RequestId]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + 1 + requests.len() * ID_BYTES);
    bytes.extend_from_slice(&[0; HEAD_BYTES]);
    bytes.push(GONE);
    for request in requests {
        bytes.extend_from_slice(request.as_bytes());
    }
    sealed(bytes)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body_bytes = bytes.len().saturating_sub(HEAD_BYTES);
    let length = u32::try_from(body_bytes).unwrap_or(u32::MAX).to_le_bytes();
    if let Some((head, body)) = bytes.split_at_mut_checked(HEAD_BYTES) {
        let (length_field, checksum_field) = head.split_at_mut(LENGTH_BYTES);
        length_field.copy_from_slice(&length);
        checksum_field.copy_from_slice(&checksum(&length, body).to_le_bytes());
    }
    bytes
}

fn checksum(length: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(body);
    hasher.finalize()
}

/// Decodes the record that `bytes` starts with, and says how many bytes it takes.
pub(super) fn decode(bytes: &[u8]) -> Result<(Record<'_>, usize), &'static str> {
    let (length, rest) = bytes
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or("its length is cut off")?;
    let body_bytes = u32::from_le_bytes(*length) as usize;
    if body_bytes == 0 || body_bytes > BODY_BYTES_MAX {
        return Err("its length is impossible");
    }
    let (crc, rest) = rest.split_first_chunk().ok_or("its checksum is cut off")?;
    let body = rest.get(..body_bytes).ok_or("it is cut off")?;
    if checksum(length, body) != u32::from_le_bytes(*crc) {
        return Err("its checksum does not match");
    }
    let (kind, content) = body.split_first().ok_or("it is empty")?;
    let record = match *kind {
        INTENT => decode_row(RowKind::Intent, content)?,
        OUTCOME => decode_row(RowKind::Outcome, content)?,
        GONE => Record::Gone(decode_gone(content)?),
        _ => return Err("its kind is unknown"),
    };
    Ok((record, HEAD_BYTES + body_bytes))
}

/// Reads the row of a record.
pub(super) fn unpack(packed: &[u8]) -> Result<LedgerRow, &'static str> {
    match postcard::take_from_bytes(packed) {
        Ok((row, [])) => Ok(row),
        Ok(_) => Err("something follows its row"),
        Err(_error) => Err("its row cannot be read"),
    }
}

fn decode_row(kind: RowKind, content: &[u8]) -> Result<Record<'_>, &'static str> {
    let (id, packed) = content
        .split_first_chunk::<ID_BYTES>()
        .ok_or("it has no request id")?;
    Ok(Record::Row(kind, RequestId::from_bytes(*id), packed))
}

fn decode_gone(content: &[u8]) -> Result<Vec<RequestId>, &'static str> {
    let (ids, rest) = content.as_chunks::<ID_BYTES>();
    if !rest.is_empty() {
        return Err("a request id is cut off");
    }
    Ok(ids.iter().copied().map(RequestId::from_bytes).collect())
}

/// Where the first whole record starts in `bytes`, if there is any. Tells a torn end, after which
/// nothing follows, from damage in the middle.
pub(super) fn find_whole(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|start| bytes.get(*start..).is_some_and(|rest| decode(rest).is_ok()))
}

/// Whether a loss of power explains that there is no record in `damaged`, which starts at `offset` of
/// its file: pages reach the disk in any order, and one that did not is as it was before, so it ends
/// with the zeros of what was not written then.
pub(super) fn has_stale_page(damaged: &[u8], offset: usize) -> bool {
    let to_page_end = PAGE_BYTES.saturating_sub(offset.checked_rem(PAGE_BYTES).unwrap_or_default());
    let page_ends = (to_page_end..=damaged.len()).step_by(PAGE_BYTES);
    let ends_with_zeros = |end: usize| {
        let start = end.saturating_sub(STALE_BYTES_MIN);
        damaged.get(start..end).is_some_and(is_zeros)
    };
    page_ends.into_iter().any(ends_with_zeros)
}

/// Whether nothing was ever written here.
pub(super) fn is_zeros(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
