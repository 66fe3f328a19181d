//! Makes one chunk of those that arrived together.
//!
//! Providers send a chunk for each token, and Pingora carries every chunk to the caller by itself: through
//! a channel, the filters and, at the latest after four of them, a system call that wakes the caller. What
//! has arrived in one piece is handed on in one piece here, in the framing of RFC 9112, section 7.1, and
//! nothing waits for what has not arrived. Whatever is not understood is handed on as it is.

use std::borrow::Cow;
use std::mem::{self, MaybeUninit};

use bytes::{Buf, BufMut, BytesMut};
use httparse::{Header, ParserConfig, Response, Status};
use memchr::memchr;

/// The longest head that is looked into.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers of it.
const HEADERS_MAX: usize = 128;
/// The longest line between chunks.
const LINE_BYTES_MAX: usize = 4 * 1024;

/// The bytes of one connection's answers, on their way from the provider.
#[derive(Debug)]
pub(super) struct Chunks {
    next: Next,
    /// Of a head: what was handed on of it. Of a line: what has come of it.
    begun: Vec<u8>,
    /// What is to be handed on.
    ready: BytesMut,
}

/// What comes next from the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Head,
    /// So many bytes of a body that is not in chunks.
    Body(u64),
    /// Something that has no end here.
    Endless,
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailer,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            next: Next::Head,
            begun: Vec::new(),
            ready: BytesMut::new(),
        }
    }
}

impl Chunks {
    /// Takes what has arrived.
    pub(super) fn take(&mut self, arrived: &[u8]) {
        let mut rest = arrived;
        let mut merged = Vec::new();
        while !rest.is_empty() {
            rest = match self.next {
                Next::Head => self.take_head(rest),
                Next::Body(left) => {
                    let (part, after) = split(rest, left);
                    self.ready.put_slice(part);
                    self.next = match left.saturating_sub(length(part)) {
                        0 => Next::Head,
                        left => Next::Body(left),
                    };
                    after
                }
                Next::Endless => {
                    self.ready.put_slice(rest);
                    &[]
                }
                Next::Chunk(left) => {
                    let (part, after) = split(rest, left);
                    merged.extend_from_slice(part);
                    self.next = match left.saturating_sub(length(part)) {
                        0 => Next::ChunkEnd,
                        left => Next::Chunk(left),
                    };
                    after
                }
                Next::ChunkSize | Next::ChunkEnd | Next::Trailer => {
                    let (line, after) = self.line(rest);
                    if let Some(line) = line {
                        self.take_line(&line, &mut merged);
                    }
                    after
                }
            };
        }
        self.put_chunk(&mut merged);
    }

    /// Whether a head is what comes next, or what has begun to come.
    pub(super) fn is_in_head(&self) -> bool {
        self.next == Next::Head
    }

    /// The provider has ended the connection: what is left is handed on as it is.
    pub(super) fn end(&mut self) {
        if self.next != Next::Head {
            self.ready.put_slice(&self.begun);
        }
        self.begun = Vec::new();
        self.next = Next::Endless;
    }

    /// Hands on as much as there is room for; false when there is nothing.
    pub(super) fn hand_on(&mut self, room: &mut impl BufMut) -> bool {
        let count = self.ready.len().min(room.remaining_mut());
        let Some(bytes) = self.ready.get(..count).filter(|_| count > 0) else {
            return false;
        };
        room.put_slice(bytes);
        self.ready.advance(count);
        if self.ready.is_empty() {
            // A stream may pause for long, and there are many.
            self.ready = BytesMut::new();
        }
        true
    }

    /// Takes the rest of a head, or some of it, and gives back what follows.
    fn take_head<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let known = self.begun.len();
        // Nearly every head arrives in one piece.
        let read = if known == 0 {
            read_head(rest)
        } else {
            self.begun.extend_from_slice(rest);
            read_head(&self.begun)
        };
        let (head, next) = match read {
            Some(Status::Complete((length, next))) => (length.saturating_sub(known), next),
            Some(Status::Partial) if known.saturating_add(rest.len()) <= HEAD_BYTES_MAX => {
                if known == 0 {
                    self.begun.extend_from_slice(rest);
                }
                self.ready.put_slice(rest);
                return &[];
            }
            Some(Status::Partial) | None => (rest.len(), Next::Endless),
        };
        let (head, after) = rest.split_at(head.min(rest.len()));
        self.ready.put_slice(head);
        self.begun = Vec::new();
        self.next = next;
        after
    }

    /// The line that begins or goes on here, if it is whole, and what follows it.
    fn line<'a>(&mut self, rest: &'a [u8]) -> (Option<Cow<'a, [u8]>>, &'a [u8]) {
        let end = memchr(b'\n', rest).map(|at| at.saturating_add(1));
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()).min(rest.len()));
        if self.begun.is_empty() && end.is_some() {
            return (Some(Cow::Borrowed(part)), after);
        }
        self.begun.extend_from_slice(part);
        let is_whole = end.is_some() || self.begun.len() > LINE_BYTES_MAX;
        let line = is_whole.then(|| Cow::Owned(mem::take(&mut self.begun)));
        (line, after)
    }

    fn take_line(&mut self, line: &[u8], merged: &mut Vec<u8>) {
        let is_blank = matches!(line, b"\r\n" | b"\n");
        self.next = match (self.next, httparse::parse_chunk_size(line)) {
            (Next::ChunkEnd, _) if is_blank => Next::ChunkSize,
            (Next::ChunkSize, Ok(Status::Complete((_, size)))) if size > 0 => Next::Chunk(size),
            (Next::ChunkSize, Ok(Status::Complete(_))) => {
                self.put_chunk(merged);
                self.ready.put_slice(line);
                Next::Trailer
            }
            (Next::Trailer, _) => {
                self.ready.put_slice(line);
                if is_blank { Next::Head } else { Next::Trailer }
            }
            _ => {
                self.put_chunk(merged);
                self.ready.put_slice(line);
                Next::Endless
            }
        };
    }

    fn put_chunk(&mut self, merged: &mut Vec<u8>) {
        if merged.is_empty() {
            return;
        }
        let size = format!("{:x}\r\n", merged.len());
        self.ready.put_slice(size.as_bytes());
        self.ready.put_slice(merged);
        self.ready.put_slice(b"\r\n");
        merged.clear();
    }
}

/// The length of a head and what follows it; nothing where it is none.
fn read_head(bytes: &[u8]) -> Option<Status<(usize, Next)>> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = Response::new(&mut []);
    let parser = ParserConfig::default();
    let parsed = parser.parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
    let length = match parsed.ok()? {
        Status::Complete(length) => length,
        Status::Partial => return Some(Status::Partial),
    };
    let next = match response.code? {
        101 => Next::Endless,
        100..=199 | 204 | 304 => Next::Head,
        _ => body_of(response.headers),
    };
    Some(Status::Complete((length, next)))
}

fn body_of(headers: &[Header<'_>]) -> Next {
    let named = |name: &'static str| {
        let headers = headers.iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name))
    };
    let mut codings = named("transfer-encoding");
    if let Some(coding) = codings.next() {
        let is_chunked = coding.value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        let is_only = codings.next().is_none();
        return if is_chunked && is_only {
            Next::ChunkSize
        } else {
            Next::Endless
        };
    }
    let mut lengths = named("content-length");
    let length = lengths.next().and_then(|header| {
        let digits = str::from_utf8(header.value.trim_ascii()).ok()?;
        digits.parse().ok()
    });
    match (length, lengths.next()) {
        (Some(0), None) => Next::Head,
        (Some(length), None) => Next::Body(length),
        _ => Next::Endless,
    }
}

fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    bytes.split_at(at.min(bytes.len()))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
