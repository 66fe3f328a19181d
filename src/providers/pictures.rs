//! How many tokens an image in a prompt is at the most: by its provider's published formula where the
//! size is known, else as many as the largest image.

use crate::providers::Dialect;

/// The sides of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u64,
    pub(crate) height: u64,
}

/// How closely `OpenAI` is asked to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Detail {
    /// As closely as the model would; also what is not known.
    #[default]
    Auto,
    /// At a small copy.
    Low,
    /// At a large copy.
    High,
}

/// An image in a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Nothing where it is not in the request, or is written in an uncommon way.
    pub(crate) size: Option<Size>,
    pub(crate) detail: Detail,
}

/// The size that the head of an image tells. An image of no extent tells none, and GIF can hold images
/// that are larger than it says.
pub(crate) fn size_of(head: &[u8]) -> Option<Size> {
    let size = imagesize::blob_size(head).ok()?;
    let pixels = |side: usize| u64::try_from(side).ok().filter(|side| *side > 0);
    Some(Size {
        width: pixels(size.width)?,
        height: pixels(size.height)?,
    })
}

/// The most tokens of an image for a model; nothing where only the model's window bounds them.
pub(crate) fn tokens_max(dialect: Dialect, model: &str, picture: &Picture) -> Option<u64> {
    match dialect {
        Dialect::Anthropic => Some(anthropic(picture.size)),
        Dialect::Google => Some(google(model, picture.size)),
        // Google serves its models in these words, too.
        Dialect::OpenAi if model.starts_with("gemini-") => Some(google(model, picture.size)),
        Dialect::OpenAi => openai(model, picture),
    }
}

/// The largest image that is not scaled down, as the vision guide of Anthropic says.
const ANTHROPIC_TOKENS_MAX: u64 = 4_784;

/// Anthropic's vision guide: a token for each square of 28 pixels, and before that one for each 750
/// pixels.
fn anthropic(size: Option<Size>) -> u64 {
    let Some(size) = size else {
        return ANTHROPIC_TOKENS_MAX;
    };
    let by_area = size.width.saturating_mul(size.height).div_ceil(750);
    size.squares(28).max(by_area).min(ANTHROPIC_TOKENS_MAX)
}

/// More than 36 tiles is no image that is scaled into a square of 3,072 pixels.
const GOOGLE_TOKENS_MAX: u64 = 36 * GOOGLE_TILE_TOKENS;
const GOOGLE_TILE_TOKENS: u64 = 258;
/// What the media resolution guide gives an image at the highest resolution, for Gemini 3 and later.
const GOOGLE_RESOLUTION_TOKENS_MAX: u64 = 2_240;
/// Models whose images are cut into tiles, and models whose images are all about the same.
const GOOGLE_TILING: [&str; 2] = ["gemini-1", "gemini-2"];
const GOOGLE_EVEN: [&str; 2] = ["gemini-3", "gemini-4"];

/// Google's guides: to Gemini 2, a small image is one tile, and a larger one, scaled into a square of
/// 3,072 pixels, is cut into tiles of two thirds of its shorter side, but of 256 to 768 pixels. To later
/// models every image is about the same, by the resolution that is asked for.
fn google(model: &str, size: Option<Size>) -> u64 {
    let is_one_of = |names: [&str; 2]| names.iter().any(|name| model.starts_with(name));
    if is_one_of(GOOGLE_EVEN) {
        return GOOGLE_RESOLUTION_TOKENS_MAX;
    }
    let tiles = size.map_or(GOOGLE_TOKENS_MAX, google_tiles);
    if is_one_of(GOOGLE_TILING) {
        return tiles;
    }
    tiles.max(GOOGLE_RESOLUTION_TOKENS_MAX)
}

fn google_tiles(size: Size) -> u64 {
    let size = size.within(3_072);
    if size.width.max(size.height) <= 384 {
        return GOOGLE_TILE_TOKENS;
    }
    // A pixel less, in case that it is rounded down: smaller tiles are more.
    let short = size.width.min(size.height).saturating_sub(1);
    let two_thirds = short.saturating_mul(2) / 3;
    let tiles = size.squares(two_thirds.clamp(256, 768));
    tiles.saturating_mul(GOOGLE_TILE_TOKENS)
}

/// How a model of `OpenAI` counts an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counting {
    /// So many tokens, and more for each tile of 512 pixels.
    Tiles { base: u64, tile: u64 },
    /// So many hundredths of a token for each square of 32 pixels, of which there are at most 1,536.
    FewSquares { hundredths: u64 },
}

use Counting::{FewSquares, Tiles};

/// The images and vision guide of `OpenAI`, by the beginning of a model's name, the longest first.
const COUNTINGS: &[(&str, Counting)] = &[
    (
        "gpt-4o-mini",
        Tiles {
            base: 2_833,
            tile: 5_667,
        },
    ),
    (
        "gpt-4o",
        Tiles {
            base: 85,
            tile: 170,
        },
    ),
    (
        "chatgpt-4o",
        Tiles {
            base: 85,
            tile: 170,
        },
    ),
    (
        "gpt-4-turbo",
        Tiles {
            base: 85,
            tile: 170,
        },
    ),
    ("gpt-4.1-mini", FewSquares { hundredths: 162 }),
    ("gpt-4.1-nano", FewSquares { hundredths: 246 }),
    (
        "gpt-4.1",
        Tiles {
            base: 85,
            tile: 170,
        },
    ),
    ("gpt-5-mini", FewSquares { hundredths: 162 }),
    ("gpt-5-nano", FewSquares { hundredths: 246 }),
    (
        "gpt-5-chat",
        Tiles {
            base: 70,
            tile: 140,
        },
    ),
    (
        "gpt-5-2025",
        Tiles {
            base: 70,
            tile: 140,
        },
    ),
    ("o4-mini", FewSquares { hundredths: 172 }),
    (
        "o1",
        Tiles {
            base: 75,
            tile: 150,
        },
    ),
    (
        "o3",
        Tiles {
            base: 75,
            tile: 150,
        },
    ),
    (
        "computer-use-preview",
        Tiles {
            base: 65,
            tile: 129,
        },
    ),
];

/// Beginnings of the names of models that are `OpenAI`'s own.
const OPENAI_OWN: [&str; 7] = [
    "gpt-",
    "chatgpt-",
    "codex-",
    "computer-use",
    "o1",
    "o3",
    "o4",
];
/// An image is scaled so that it has no more tiles: two rows of four.
const TILES_MAX: u64 = 8;
const SQUARES_FEW: u64 = 1_536;
/// The most that a square of 32 pixels counts for any model, in hundredths of a token.
const SQUARE_HUNDREDTHS_MAX: u64 = 246;
/// Squares of the small copy that `low` means, and of the largest that `high` means.
const SQUARES_LOW: u64 = 256;
const SQUARES_HIGH: u64 = 2_500;
/// For models of others, that only speak these words: the most that any of `OpenAI`'s counts.
const FOREIGN_TOKENS_MAX: u64 = 2_833 + TILES_MAX * 5_667;

fn openai(model: &str, picture: &Picture) -> Option<u64> {
    let base = model.strip_prefix("ft:").unwrap_or(model);
    if !OPENAI_OWN.iter().any(|name| base.starts_with(name)) {
        return Some(FOREIGN_TOKENS_MAX);
    }
    match counting(base) {
        Some(counting) => Some(counting.tokens_max(picture)),
        None => by_squares(picture),
    }
}

fn counting(model: &str) -> Option<Counting> {
    if model == "gpt-5" {
        return Some(Tiles {
            base: 70,
            tile: 140,
        });
    }
    let mut known = COUNTINGS.iter();
    let found = known.find(|(name, _)| model.starts_with(name));
    found.map(|(_, counting)| *counting)
}

/// Models since GPT-5.1. Left to itself, the newest of them scales nothing down.
fn by_squares(picture: &Picture) -> Option<u64> {
    let squares = match (picture.size.map(|size| size.squares(32)), picture.detail) {
        (_, Detail::Low) => SQUARES_LOW,
        (Some(squares), Detail::High) => squares.min(SQUARES_HIGH),
        (Some(squares), Detail::Auto) => squares,
        (None, Detail::High) => SQUARES_HIGH,
        (None, Detail::Auto) => return None,
    };
    Some(hundredths(squares, SQUARE_HUNDREDTHS_MAX))
}

fn hundredths(squares: u64, hundredths: u64) -> u64 {
    squares.saturating_mul(hundredths).div_ceil(100)
}

impl Counting {
    fn tokens_max(self, picture: &Picture) -> u64 {
        match self {
            Tiles { base, .. } if picture.detail == Detail::Low => base,
            Tiles { base, tile } => {
                let tiles = picture.size.map_or(TILES_MAX, tiles);
                base.saturating_add(tiles.saturating_mul(tile))
            }
            FewSquares { hundredths: each } => {
                let squares = picture.size.map_or(SQUARES_FEW, |size| size.squares(32));
                hundredths(squares.min(SQUARES_FEW), each)
            }
        }
    }
}

/// The tiles of an image whose shorter side is scaled to 768 pixels. That it is first scaled into a square
/// of 2,048 pixels only says that there are two rows of four at the most.
fn tiles(size: Size) -> u64 {
    let (long, short) = (size.width.max(size.height), size.width.min(size.height));
    let scaled = long.saturating_mul(768).div_ceil(short.max(1));
    scaled.div_ceil(512).saturating_mul(2).min(TILES_MAX)
}

impl Size {
    /// How many squares with such a side cover it.
    fn squares(self, side: u64) -> u64 {
        let side = side.max(1);
        let across = self.width.div_ceil(side);
        across.saturating_mul(self.height.div_ceil(side))
    }

    /// The size when it is scaled down into a square.
    fn within(self, side: u64) -> Self {
        let long = self.width.max(self.height);
        if long <= side {
            return self;
        }
        let scaled = |length: u64| length.saturating_mul(side).div_ceil(long);
        Self {
            width: scaled(self.width),
            height: scaled(self.height),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(width: u64, height: u64, detail: Detail) -> Picture {
        let size = Some(Size { width, height });
        Picture { size, detail }
    }

    fn auto(dialect: Dialect, model: &str, width: u64, height: u64) -> u64 {
        tokens_max(dialect, model, &picture(width, height, Detail::Auto)).unwrap()
    }

    #[test]
    fn the_examples_of_the_guides_come_out_as_printed_or_a_little_higher() {
        for (dialect, model, width, height, printed) in [
            (Dialect::OpenAi, "gpt-4o", 1_024, 1_024, 765),
            (Dialect::OpenAi, "gpt-4o-2024-08-06", 2_048, 4_096, 1_105),
            (Dialect::OpenAi, "ft:gpt-4o:acme::x", 1_024, 1_024, 765),
            (
                Dialect::OpenAi,
                "gpt-4o-mini",
                1_024,
                1_024,
                2_833 + 4 * 5_667,
            ),
            (Dialect::OpenAi, "gpt-5", 1_024, 1_024, 70 + 4 * 140),
            (Dialect::OpenAi, "o3", 1_024, 1_024, 75 + 4 * 150),
            (Dialect::OpenAi, "gpt-4.1-mini", 1_024, 1_024, 1_659),
            (Dialect::OpenAi, "o4-mini", 1_024, 1_024, 1_762),
            (Dialect::Anthropic, "claude-opus-5", 1_092, 1_092, 1_590),
            (Dialect::Anthropic, "claude-haiku-4-5", 200, 200, 64),
            (Dialect::Google, "gemini-2.5-flash", 384, 384, 258),
            (Dialect::Google, "gemini-2.0-flash", 960, 540, 6 * 258),
            (Dialect::OpenAi, "gemini-2.5-flash", 100, 100, 258),
        ] {
            let bound = auto(dialect, model, width, height);
            assert_eq!(bound, printed, "{model} {width}x{height}");
        }
        // Scaled to 33 x 44 squares in the guide; here only their limit is known.
        assert!((2_352..2_600).contains(&auto(Dialect::OpenAi, "gpt-4.1-mini", 1_800, 2_400)));
        let low = picture(4_096, 8_192, Detail::Low);
        assert_eq!(tokens_max(Dialect::OpenAi, "gpt-4o", &low), Some(85));
    }

    /// What providers were seen to bill for images of these sizes, beyond the text.
    #[test]
    fn what_was_billed_for_real_images_is_within_the_bound() {
        for (dialect, model, width, height, billed) in [
            (Dialect::OpenAi, "gpt-6-astra", 1_024, 1_024, 1_229),
            (Dialect::OpenAi, "gpt-6-astra", 4_032, 3_024, 14_364),
            (Dialect::OpenAi, "gpt-5.5", 4_032, 3_024, 11_868),
            (Dialect::OpenAi, "gpt-6.1-sol", 9_000, 6_000, 63_600),
            (Dialect::Anthropic, "claude-sonnet-5-5", 512, 512, 361),
            (Dialect::Anthropic, "claude-sonnet-5-5", 4_032, 3_024, 4_005),
            (Dialect::Google, "gemini-3.5-flash-lite", 64, 64, 1_089),
            (Dialect::Google, "gemini-3-pro", 1_920, 1_080, 1_101),
        ] {
            let bound = auto(dialect, model, width, height);
            assert!(bound >= billed, "{model} {width}x{height}: {bound}");
        }
    }

    #[test]
    fn an_image_of_unknown_size_counts_as_the_largest_or_has_no_bound() {
        let unknown = |dialect, model, detail| {
            let picture = Picture { size: None, detail };
            tokens_max(dialect, model, &picture)
        };
        for (dialect, model, expected) in [
            (Dialect::OpenAi, "gpt-4o-mini", Some(48_169)),
            (Dialect::OpenAi, "gpt-4o", Some(1_445)),
            (Dialect::OpenAi, "gpt-5-nano", Some(3_779)),
            (Dialect::OpenAi, "gpt-6-astra", None),
            (Dialect::OpenAi, "pixtral-large-latest", Some(48_169)),
            (Dialect::Anthropic, "claude-opus-5", Some(4_784)),
            (Dialect::Google, "gemini-2.5-pro", Some(9_288)),
            (Dialect::Google, "gemini-3-pro", Some(2_240)),
            (Dialect::Google, "gemini-flash-latest", Some(9_288)),
        ] {
            assert_eq!(unknown(dialect, model, Detail::Auto), expected, "{model}");
        }
        assert_eq!(
            unknown(Dialect::OpenAi, "gpt-6-astra", Detail::High),
            Some(6_150)
        );
        assert_eq!(
            unknown(Dialect::OpenAi, "gpt-6-astra", Detail::Low),
            Some(630)
        );
    }

    proptest! {
        #[test]
        fn no_size_is_more_than_the_largest(width in 1_u64..20_000, height in 1_u64..20_000) {
            for (dialect, model) in [
                (Dialect::OpenAi, "gpt-4o"),
                (Dialect::OpenAi, "gpt-4o-mini"),
                (Dialect::OpenAi, "gpt-4.1-nano"),
                (Dialect::Anthropic, "claude-opus-5"),
                (Dialect::Google, "gemini-2.5-flash"),
                (Dialect::Google, "gemini-3-pro"),
            ] {
                let largest = tokens_max(dialect, model, &Picture::default());
                let bound = Some(auto(dialect, model, width, height));
                prop_assert!(bound <= largest, "{model} {bound:?}");
            }
        }

        /// The guide's own steps, in fractions.
        #[test]
        fn tiles_are_never_fewer_than_by_the_guide(width in 1_u32..8_000, height in 1_u32..8_000) {
            let (mut wide, mut high) = (f64::from(width), f64::from(height));
            let fit = (2_048.0 / wide.max(high)).min(1.0);
            (wide, high) = (wide * fit, high * fit);
            let shorten = (768.0 / wide.min(high)).min(1.0);
            (wide, high) = (wide * shorten, high * shorten);
            let tiles_of = |side: f64| (side / 512.0 - 1e-9).ceil().max(1.0);
            let expected = 85.0 + 170.0 * tiles_of(wide) * tiles_of(high);
            let bound = auto(Dialect::OpenAi, "gpt-4o", width.into(), height.into());
            prop_assert!(f64::from(u32::try_from(bound).unwrap()) >= expected);
        }

        #[test]
        fn any_head_has_a_size_or_none(head in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = size_of(&head);
            let _ = size_of(&[b"\x89PNG\r\n\x1a\n".as_slice(), &head].concat());
            let _ = size_of(&[b"\xff\xd8\xff".as_slice(), &head].concat());
            let _ = size_of(&[b"RIFF\0\0\0\0WEBPVP8".as_slice(), &head].concat());
        }
    }
}
