//! Splits a stream of server-sent events, given in pieces of any size, into events. It does no I/O
//! and does not look into the data.

use std::borrow::Cow;
use std::mem;

use memchr::memchr2;

/// The longest event that is kept until it is whole. Longer ones pass by unread: an answer is never
/// held back because of its size. Images in an event can be some megabytes.
pub(crate) const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where an event may end: lines end with LF, CR LF or CR, and a blank line ends an event.
#[derive(Debug)]
pub(crate) struct SseSplitter {
    /// The beginning of an event whose end has not come yet.
    held: Vec<u8>,
    /// Everything before this place in the event was looked at.
    looked_at: usize,
    /// Nothing of the present line was seen yet.
    at_line_start: bool,
    is_skipping: bool,
}

/// A piece of the stream. All pieces one after the other are the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A whole event with the blank line after it, or what is left at the end of the stream.
    Event(&'a [u8]),
    /// Part of an event that is too long to be read.
    Skipped(&'a [u8]),
}

impl Default for SseSplitter {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            looked_at: 0,
            at_line_start: true,
            is_skipping: false,
        }
    }
}

impl SseSplitter {
    /// How much of what came before is still to be handed out.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Takes the next bytes and hands out what they complete; at the `end`, everything.
    pub(crate) fn push(&mut self, bytes: &[u8], end: bool, mut take: impl FnMut(Piece<'_>)) {
        if self.held.is_empty() {
            let done = self.split(bytes, end, &mut take);
            self.held
                .extend_from_slice(bytes.get(done..).unwrap_or_default());
        } else {
            self.held.extend_from_slice(bytes);
            let mut held = mem::take(&mut self.held);
            let done = self.split(&held, end, &mut take);
            held.drain(..done.min(held.len()));
            self.held = held;
        }
        if self.held.len() > EVENT_BYTES_MAX {
            self.is_skipping = true;
        }
        if self.is_skipping {
            // A carriage return at the end stays: what it ends depends on the next byte.
            let rest = self.held.split_off(self.looked_at.min(self.held.len()));
            take(Piece::Skipped(&self.held));
            self.held = rest;
            self.looked_at = 0;
        }
        if end && !self.held.is_empty() {
            take(Piece::Event(&mem::take(&mut self.held)));
        }
    }

    /// Hands out the whole events at the start of `bytes` and tells how long they are together.
    fn split(&mut self, bytes: &[u8], end: bool, take: &mut impl FnMut(Piece<'_>)) -> usize {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..) {
            let Some(length) = self.event_length(rest, end) else {
                break;
            };
            let event = rest.get(..length).unwrap_or_default();
            if mem::take(&mut self.is_skipping) {
                take(Piece::Skipped(event));
            } else {
                take(Piece::Event(event));
            }
            done = done.saturating_add(length);
        }
        done
    }

    fn event_length(&mut self, bytes: &[u8], end: bool) -> Option<usize> {
        loop {
            let rest = bytes.get(self.looked_at..).unwrap_or_default();
            let Some(line) = memchr2(b'\n', b'\r', rest) else {
                self.at_line_start &= rest.is_empty();
                self.looked_at = bytes.len();
                return None;
            };
            self.at_line_start &= line == 0;
            let breaks_at = self.looked_at.saturating_add(line);
            let break_length = match (rest.get(line), rest.get(line.saturating_add(1))) {
                (Some(b'\r'), Some(b'\n')) => 2,
                (Some(b'\r'), None) if !end => {
                    self.looked_at = breaks_at;
                    return None;
                }
                _ => 1,
            };
            let after = breaks_at.saturating_add(break_length);
            if mem::replace(&mut self.at_line_start, true) {
                self.looked_at = 0;
                return Some(after);
            }
            self.looked_at = after;
        }
    }
}

/// The data of an event, `None` if it has none: a comment, or only a name.
pub(crate) fn event_data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let mut rest = event.strip_prefix(BYTE_ORDER_MARK).unwrap_or(event);
    let mut data: Option<Cow<'_, [u8]>> = None;
    while !rest.is_empty() {
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after.split_first().map_or(&[], |(_, after)| after);
        let Some(value) = line.strip_prefix(b"data") else {
            continue;
        };
        let value = match value.split_first() {
            None => value,
            Some((b':', value)) => value.strip_prefix(b" ").unwrap_or(value),
            Some(_) => continue,
        };
        data = Some(match data {
            None => Cow::Borrowed(value),
            Some(lines) => Cow::Owned([&*lines, b"\n", value].concat()),
        });
    }
    data
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(stream: &[u8], at: &[usize]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut splitter = SseSplitter::default();
        let (mut data, mut whole) = (Vec::new(), Vec::new());
        let mut start = 0;
        for end in at.iter().copied().chain([stream.len()]) {
            let is_last = end == stream.len();
            splitter.push(&stream[start..end], is_last, |piece| match piece {
                Piece::Event(event) => {
                    whole.extend_from_slice(event);
                    data.extend(event_data(event).map(Cow::into_owned));
                }
                Piece::Skipped(bytes) => whole.extend_from_slice(bytes),
            });
            start = end;
            if is_last {
                break;
            }
        }
        (data, whole)
    }

    #[test]
    fn every_form_of_event_is_read_wherever_the_stream_is_split() {
        let stream = b"\xEF\xBB\xBFdata: one\n\n: a comment\r\n\r\nevent: x\rdata:two\rdata\rdata:  three\r\r\
                       id: 7\n\ndatabase: no\ndata: four\r\n\r\ndata: left";
        let expected: Vec<&[u8]> = vec![b"one", b"two\n\n three", b"four", b"left"];
        for at in 0..stream.len() {
            let (data, whole) = split(stream, &[at]);
            assert_eq!(data, expected, "split at {at}");
            assert_eq!(whole, stream);
        }
        let every_byte: Vec<usize> = (1..stream.len()).collect();
        assert_eq!(split(stream, &every_byte).0, expected);
    }

    #[test]
    fn an_event_that_is_too_long_passes_by_and_the_next_one_is_read() {
        let mut splitter = SseSplitter::default();
        let mut seen = Vec::new();
        let mut bytes = 0;
        let chunk = vec![b'x'; 1024 * 1024];
        let mut count = |piece: Piece<'_>| match piece {
            Piece::Event(event) => seen.push(event.to_vec()),
            Piece::Skipped(skipped) => bytes += skipped.len(),
        };
        splitter.push(b"data: ", false, &mut count);
        for _ in 0..20 {
            splitter.push(&chunk, false, &mut count);
            assert!(splitter.held.len() <= EVENT_BYTES_MAX);
        }
        splitter.push(b"\r", false, &mut count);
        splitter.push(b"\n\r", false, &mut count);
        splitter.push(b"\ndata: small\n\n", true, &mut count);
        assert_eq!(bytes, 6 + 20 * chunk.len() + 4);
        assert_eq!(seen, [b"data: small\n\n".to_vec()]);
    }

    proptest! {
        #[test]
        fn events_do_not_depend_on_how_the_stream_is_split(
            stream in proptest::collection::vec(prop_oneof![
                Just(b'\n'), Just(b'\r'), Just(b'd'), Just(b':'), Just(b'a'), Just(b't'), Just(b' ')
            ], 0..60),
            cuts in proptest::collection::vec(0_usize..60, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < stream.len()).collect();
            cuts.sort_unstable();
            let whole = split(&stream, &[]);
            prop_assert_eq!(&split(&stream, &cuts), &whole);
            prop_assert_eq!(&whole.1, &stream);
        }
    }
}
