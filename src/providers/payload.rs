//! An image or a piece of sound that is packed in a text: how it begins, and how long it is.

use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Visitor};

use crate::providers::tokens::to_u64;

/// How much of the packed text is read: the head of an image or of a sound says what it is. A multiple of
/// four letters, which are three bytes.
const HEAD_LETTERS: usize = 64 * 1024;

/// How it is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// In an address: `data:image/png;base64,...`.
    InUrl,
    /// By itself.
    Bare,
}

/// What is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    /// How it begins.
    pub(crate) head: Vec<u8>,
    /// How long it is, or a little more.
    pub(crate) bytes: u64,
    /// Where the text is in memory, if it is there as it was written.
    pub(crate) place: Option<Range<usize>>,
}

impl Payload {
    /// Unpacks the head, if it is packed in a common way.
    pub(crate) fn read(text: &str, packing: Packing, place: Option<Range<usize>>) -> Option<Self> {
        let letters = match packing {
            Packing::Bare => text,
            Packing::InUrl => {
                let (kind, letters) = text.strip_prefix("data:")?.split_once(',')?;
                kind.ends_with(";base64").then_some(letters)?
            }
        };
        let head = letters.get(..HEAD_LETTERS).unwrap_or(letters);
        Some(Self {
            head: STANDARD.decode(head).ok()?,
            bytes: to_u64(letters.len()).div_ceil(4).saturating_mul(3),
            place,
        })
    }
}

/// A text that is packed by itself, or any other value, which is nothing.
#[derive(Debug)]
pub(crate) struct Packed(pub(crate) Option<Payload>);

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PackedVisitor)
    }
}

struct PackedVisitor;

impl<'de> Visitor<'de> for PackedVisitor {
    type Value = Packed;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Packed, E> {
        let start = text.as_ptr().addr();
        let place = start..start.saturating_add(text.len());
        Ok(Packed(Payload::read(text, Packing::Bare, Some(place))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Packed, E> {
        Ok(Packed(Payload::read(text, Packing::Bare, None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_packed_in_the_common_way_is_read() {
        let read = |text: &str, packing| Payload::read(text, packing, None);
        let found = read("data:image/png;base64,aGVhZA==", Packing::InUrl).unwrap();
        assert_eq!(
            (found.head.as_slice(), found.bytes),
            (b"head".as_slice(), 6)
        );
        assert_eq!(read("aGVhZA==", Packing::Bare).unwrap().head, b"head");
        for text in [
            "https://example.com/a.png",
            "data:image/png,aGVhZA==",
            "data:image/png;base64",
            "data:;base64,a b",
            "",
        ] {
            assert_eq!(read(text, Packing::InUrl), None, "{text}");
        }
        let long = "QUJD".repeat(30_000);
        let found = read(&long, Packing::Bare).unwrap();
        assert_eq!((found.head.len(), found.bytes), (48 * 1024, 90_000));
    }
}
