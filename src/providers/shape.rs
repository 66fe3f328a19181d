//! Recognises a chunk of a stream that differs from an earlier one only in its strings: there is one
//! for every token, and comparing bytes is a tenth of the work of reading them.

use std::ops::Range;

use memchr::memchr2;
use smallvec::SmallVec;

use crate::providers::json::place_in;

/// Strings that may differ: the text, and what some providers pad a chunk with.
const HOLES_MAX: usize = 2;

/// A chunk without the strings in which others of the same meaning may differ.
#[derive(Debug)]
struct Shape {
    /// What is around the holes. Each part but the first starts with a quotation mark.
    parts: SmallVec<[Vec<u8>; HOLES_MAX + 1]>,
}

/// What the holes of a chunk hold, in the order in which they stand there.
type Filling<'a> = SmallVec<[&'a [u8]; HOLES_MAX]>;

/// How a chunk that brings a text and nothing else looks.
#[derive(Debug)]
pub(crate) struct UsualChunk {
    shape: Shape,
    /// Which of the shape's holes has the text.
    text_hole: usize,
    /// A part that readers want to know the place of.
    part: Option<PartInShape>,
}

/// Where a part is that does not change, but moves with what the holes before it hold.
#[derive(Debug)]
struct PartInShape {
    /// The last hole before it; none if it is before all of them.
    after_hole: Option<usize>,
    /// Counted from the end of that hole, or from the start of the chunk.
    place: Range<usize>,
}

impl UsualChunk {
    /// The chunks that differ from this one only in its text and, where there is one, its padding:
    /// places of strings without their quotation marks.
    pub(crate) fn like(
        chunk: &[u8],
        text: Range<usize>,
        padding: Option<Range<usize>>,
        part: Option<Range<usize>>,
    ) -> Option<Self> {
        let is_text_first = padding
            .as_ref()
            .is_none_or(|padding| text.start < padding.start);
        let mut holes: SmallVec<[Range<usize>; HOLES_MAX]> = SmallVec::new();
        holes.push(text);
        holes.extend(padding);
        holes.sort_unstable_by_key(|hole| hole.start);
        let part = match part {
            Some(place) => Some(PartInShape::among(&holes, &place)?),
            None => None,
        };
        Some(Self {
            shape: Shape::of(chunk, &holes)?,
            text_hole: usize::from(!is_text_first),
            part,
        })
    }

    /// The text of a chunk like this one, and the part that readers want; nothing if it is not like it.
    pub(crate) fn read<'a>(&self, chunk: &'a [u8]) -> Option<(&'a str, Option<&'a [u8]>)> {
        let filling = self.shape.filling(chunk)?;
        let text = std::str::from_utf8(filling.get(self.text_hole)?).ok()?;
        let part = match &self.part {
            Some(part) => Some(part.of(chunk, &filling)?),
            None => None,
        };
        Some((text, part))
    }
}

impl PartInShape {
    fn among(holes: &[Range<usize>], place: &Range<usize>) -> Option<Self> {
        let after_hole = holes.iter().rposition(|hole| hole.end <= place.start);
        let base = after_hole.and_then(|hole| holes.get(hole));
        let base = base.map_or(0, |hole| hole.end);
        Some(Self {
            after_hole,
            place: place.start.checked_sub(base)?..place.end.checked_sub(base)?,
        })
    }

    fn of<'a>(&self, chunk: &'a [u8], filling: &Filling<'_>) -> Option<&'a [u8]> {
        let base = match self.after_hole {
            Some(hole) => place_in(chunk, filling.get(hole)?)?.end,
            None => 0,
        };
        chunk.get(base..)?.get(self.place.clone())
    }
}

impl Shape {
    /// The shape of a chunk with holes at these places, in order: strings without their quotation
    /// marks and without escapes. Nothing if they are not such places.
    fn of(chunk: &[u8], holes: &[Range<usize>]) -> Option<Self> {
        let mut parts = SmallVec::new();
        let mut start = 0;
        for hole in holes {
            parts.push(chunk.get(start..hole.start)?.to_vec());
            start = hole.end;
            let is_string = chunk.get(start) == Some(&b'"');
            let has_escape = chunk.get(hole.clone())?.contains(&b'\\');
            if !is_string || has_escape {
                return None;
            }
        }
        parts.push(chunk.get(start..)?.to_vec());
        (holes.len() <= HOLES_MAX).then_some(Self { parts })
    }

    /// What a chunk of this shape has in its holes; nothing if it has another shape. A string
    /// without quotation marks and escapes cannot change what is around it.
    fn filling<'a>(&self, chunk: &'a [u8]) -> Option<Filling<'a>> {
        let (first, others) = self.parts.split_first()?;
        let mut rest = chunk.strip_prefix(first.as_slice())?;
        let mut filling = Filling::new();
        for part in others {
            let (hole, after) = rest.split_at_checked(memchr2(b'"', b'\\', rest)?)?;
            filling.push(hole);
            rest = after.strip_prefix(part.as_slice())?;
        }
        rest.is_empty().then_some(filling)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHUNK: &str = r#"{"a":"one","n":null,"pad":"xx"}"#;

    fn shape() -> Shape {
        let hole = |text: &str| {
            let start = CHUNK.find(text).unwrap();
            start..start + text.len()
        };
        Shape::of(CHUNK.as_bytes(), &[hole("one"), hole("xx")]).unwrap()
    }

    #[test]
    fn only_the_strings_may_differ() {
        let filled = |chunk: &str| shape().filling(chunk.as_bytes()).map(|it| it.len());
        assert_eq!(filled(CHUNK), Some(2));
        assert_eq!(filled(r#"{"a":"","n":null,"pad":"yyyyy"}"#), Some(2));
        for other in [
            r#"{"a":"two\n","n":null,"pad":"xx"}"#,
            r#"{"a":"two","n":1,"pad":"xx"}"#,
            r#"{"a":"two","n":null,"pad":"xx"} "#,
            r#"{"a":"two","n":null,"pad":"xx","b":"xx"}"#,
            r#"{"a":"two"#,
            "",
        ] {
            assert_eq!(filled(other), None, "{other}");
        }
    }

    #[test]
    fn a_place_that_is_no_plain_string_makes_no_shape() {
        for (chunk, hole) in [
            (r#"{"a":"x\n"}"#, 6..9),
            (r#"{"a":12}"#, 5..7),
            ("{}", 1..9),
        ] {
            let shape = Shape::of(chunk.as_bytes(), std::slice::from_ref(&hole));
            assert!(shape.is_none(), "{chunk}");
        }
    }

    proptest! {
        #[test]
        fn what_fills_a_shape_reads_as_its_strings(one in ".{0,12}", pad in "[a-z\"\\\\]{0,6}") {
            let chunk = format!(
                r#"{{"a":{},"n":null,"pad":{}}}"#,
                serde_json::Value::from(one.as_str()),
                serde_json::Value::from(pad.as_str()),
            );
            let read: serde_json::Value = serde_json::from_str(&chunk).unwrap();
            if let Some(filling) = shape().filling(chunk.as_bytes()) {
                prop_assert_eq!(Some(filling[0]), read["a"].as_str().map(str::as_bytes));
                prop_assert_eq!(Some(filling[1]), read["pad"].as_str().map(str::as_bytes));
            } else {
                prop_assert!(chunk.contains('\\'));
            }
        }
    }
}
