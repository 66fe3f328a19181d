//! Takes out of a chat stream what is there only because we asked for the usage: the extra last
//! event, and `"usage":null` in all others.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::providers::answer::Seen;
use crate::providers::json::place_in;
use crate::providers::meter::Forward;
use crate::providers::openai::chunk::{UsageInEvent, read_chunk};
use crate::providers::sse::{Piece, event_data};

/// Collects what the caller gets for one chunk.
#[derive(Debug, Default)]
pub(crate) struct Hider {
    out: Vec<u8>,
}

impl Hider {
    /// Reads a piece of the stream and keeps what of it is for the caller.
    pub(crate) fn take(&mut self, piece: &Piece<'_>, seen: &mut Seen) {
        let event = match piece {
            Piece::Skipped(bytes) => {
                self.out.extend_from_slice(bytes);
                return;
            }
            Piece::Event(event) => event,
        };
        let data = event_data(event);
        let usage = data.as_deref().map(|data| read_chunk(seen, data));
        let hidden = match (&data, usage) {
            (_, Some(UsageInEvent::Only)) => 0..event.len(),
            // Data in several lines was put together elsewhere: it is left as it is.
            (Some(Cow::Borrowed(_)), Some(UsageInEvent::Null(usage))) => {
                member_with_comma(event, usage).unwrap_or(0..0)
            }
            _ => 0..0,
        };
        self.out
            .extend_from_slice(event.get(..hidden.start).unwrap_or_default());
        self.out
            .extend_from_slice(event.get(hidden.end..).unwrap_or_default());
    }

    /// What goes to the caller for the chunk that was read.
    pub(crate) fn forward(&mut self, chunk: &Bytes) -> Forward {
        let forward = if self.out == *chunk {
            Forward::Same
        } else {
            Forward::Replaced(Bytes::copy_from_slice(&self.out))
        };
        self.out.clear();
        forward
    }
}

/// Where the member `"usage"` is in an event, with the comma that parts it from its neighbour.
fn member_with_comma(event: &[u8], usage: &[u8]) -> Option<Range<usize>> {
    let value = place_in(event, usage)?;
    let before = event.get(..value.start)?.trim_ascii_end();
    let before = before.strip_suffix(b":")?.trim_ascii_end();
    let before = before.strip_suffix(b"\"usage\"")?;
    let trimmed = before.trim_ascii_end();
    if let Some(kept) = trimmed.strip_suffix(b",") {
        return Some(kept.len()..value.end);
    }
    let after = event.get(value.end..)?;
    let spaces = after.len().saturating_sub(after.trim_ascii_start().len());
    let comma = value.end.saturating_add(spaces);
    let end = match event.get(comma) {
        Some(b',') => comma.saturating_add(1),
        _ => value.end,
    };
    Some(before.len()..end)
}
