//! Reads what a request for images asks for, as JSON or as a form, and how many tokens the images are
//! at the most.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::denial::BadRequest;
use crate::domain::usage::RateKind;
use crate::providers::call::Call;
use crate::providers::json::{Member, parse_object};
use crate::providers::multipart::Form;
use crate::providers::tokens::to_u64;

/// What the endpoints use when the caller names no model.
const MODEL_DEFAULT: &str = "dall-e-2";
/// Each image that is shown before it is done is so many tokens more, as the image generation guide says.
const PARTIAL_IMAGE_TOKENS: u64 = 100;
/// More than the tokens of an image to be edited: 65 for itself, 129 for each of at most eight tiles, and
/// 6,240 to keep it faithfully, as the images and vision guide says of the GPT Image models; newer ones
/// count at most 1,536 patches.
const PICTURE_TOKENS_MAX: u64 = 65 + 8 * 129 + 6_240;
/// The parts of a form that hold images to be edited.
const PICTURE_PARTS: [&str; 4] = ["image", "image[]", "images[]", "mask"];

/// What decides the price of images.
#[derive(Debug, Default)]
struct Asked<'a> {
    model: Option<Cow<'a, str>>,
    images: Option<u64>,
    size: Option<Cow<'a, str>>,
    quality: Option<Cow<'a, str>>,
    partial_images: u64,
    is_streamed: bool,
    /// Images to be edited.
    pictures: u64,
    text_bytes: u64,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(default, borrow)]
    n: Member<'a>,
    #[serde(default, borrow)]
    size: Member<'a>,
    #[serde(default, borrow)]
    quality: Member<'a>,
    #[serde(default, borrow)]
    partial_images: Member<'a>,
    #[serde(default, borrow)]
    stream: Member<'a>,
    #[serde(default, borrow)]
    prompt: Member<'a>,
    #[serde(default, borrow)]
    image: Member<'a>,
    #[serde(default, borrow)]
    images: Member<'a>,
    #[serde(default, borrow)]
    mask: Member<'a>,
}

/// Fills in the call from a JSON body.
pub(crate) fn read(call: &mut Call, bytes: &[u8]) -> Result<(), BadRequest> {
    let body: Body<'_> = parse_object(bytes)?;
    let asked = Asked {
        model: body.model.text("model")?,
        images: body.n.count("n")?,
        size: body.size.text("size")?,
        quality: body.quality.text("quality")?,
        partial_images: match body.partial_images.written() {
            None | Some("0") => 0,
            Some(_) => body.partial_images.count("partial_images")?.unwrap_or(0),
        },
        is_streamed: body.stream.flag("stream")?,
        pictures: pictures(body.image, "image")?
            .saturating_add(pictures(body.images, "images")?)
            .saturating_add(u64::from(body.mask.is_set())),
        text_bytes: to_u64(body.prompt.written().map_or(0, str::len)),
    };
    fill(call, asked)
}

/// How many images a member names: one, or a list of them.
fn pictures(member: Member<'_>, name: &'static str) -> Result<u64, BadRequest> {
    match member.written() {
        None => Ok(0),
        Some(list) if list.starts_with('[') => {
            let items: Vec<IgnoredAny> = member.parsed(name)?.unwrap_or_default();
            Ok(to_u64(items.len()))
        }
        Some(_) => Ok(1),
    }
}

/// Fills in the call from a form.
pub(crate) fn read_form(call: &mut Call, form: &Form) -> Result<(), BadRequest> {
    let text = |name| form.text(name).map(|text| text.map(Cow::Borrowed));
    let asked = Asked {
        model: text("model")?,
        images: form.count("n")?,
        size: text("size")?,
        quality: text("quality")?,
        partial_images: form.count("partial_images")?.unwrap_or(0),
        is_streamed: form.flag("stream")?,
        pictures: to_u64(form.files(&PICTURE_PARTS).count()),
        text_bytes: form.text_bytes,
    };
    fill(call, asked)
}

fn fill(call: &mut Call, asked: Asked<'_>) -> Result<(), BadRequest> {
    if asked.images == Some(0) {
        return Err(BadRequest::field("n", "`n` must be at least 1."));
    }
    let model = asked.model.unwrap_or(Cow::Borrowed(MODEL_DEFAULT));
    if model.is_empty() {
        return Err(BadRequest::field("model", "`model` must not be empty."));
    }
    call.name_model(&model);
    call.streamed = asked.is_streamed;
    call.choices = asked.images.unwrap_or(1);
    // Each of several images is billed as if it were asked for alone.
    call.input.body_bytes = asked.text_bytes.saturating_mul(call.choices);
    let pictures = asked.pictures.saturating_mul(call.choices);
    call.input.image_tokens = pictures.saturating_mul(PICTURE_TOKENS_MAX);
    call.input.images = pictures;
    call.need(RateKind::ImageOutput);
    if pictures > 0 {
        call.need(RateKind::ImageInput);
    }
    let partial = asked.partial_images.saturating_mul(PARTIAL_IMAGE_TOKENS);
    call.output_cap = tokens_max(
        call.model.as_str(),
        asked.size.as_deref(),
        asked.quality.as_deref(),
    )
    .map(|tokens| tokens.saturating_add(partial));
    Ok(())
}

/// The most tokens of one image; nothing for a model for which they are not published.
fn tokens_max(model: &str, size: Option<&str>, quality: Option<&str>) -> Option<u64> {
    if model == "gpt-image-2" || model.starts_with("gpt-image-2-") {
        return second_generation(size, quality);
    }
    let is_first = model == "gpt-image-1"
        || model.starts_with("gpt-image-1-")
        || model.starts_with("gpt-image-1.5")
        || model == "chatgpt-image-latest";
    is_first.then(|| first_generation(size, quality))
}

/// The table of the image generation guide for GPT Image 1 and 1.5. What is left to the model may be the
/// most of its column or row.
fn first_generation(size: Option<&str>, quality: Option<&str>) -> u64 {
    let (square, portrait, landscape) = match quality {
        Some("low") => (272, 408, 400),
        Some("medium") => (1_056, 1_584, 1_568),
        Some(_) | None => (4_160, 6_240, 6_208),
    };
    match size {
        Some("1024x1024") => square,
        Some("1536x1024") => landscape,
        Some(_) | None => portrait,
    }
}

/// The largest image of GPT Image 2, in pixels.
const PIXELS_MAX: u64 = 8_294_400;

/// What the calculator in the image generation guide computes for GPT Image 2: a grid of so many cells
/// along the longer side, as many along the other as its shape has, and more for each pixel. Without a
/// size, the largest square.
fn second_generation(size: Option<&str>, quality: Option<&str>) -> Option<u64> {
    let long_cells: u64 = match quality {
        Some("low") => 16,
        Some("medium") => 48,
        Some("high" | "auto") | None => 96,
        Some(_) => return None,
    };
    let sides = match size {
        None | Some("auto") => None,
        Some(size) => Some(sides(size)?),
    };
    let (short_cells, pixels) = match sides {
        None => (long_cells, PIXELS_MAX),
        Some((width, height)) => {
            let (long, short) = (width.max(height), width.min(height));
            let twice = long_cells.checked_mul(short)?.checked_mul(2)?;
            let cells = twice.checked_add(long)?.checked_div(long.checked_mul(2)?)?;
            (cells, width.checked_mul(height)?)
        }
    };
    let weight = pixels.checked_add(2_000_000)?;
    let product = long_cells.checked_mul(short_cells)?.checked_mul(weight)?;
    Some(product.div_ceil(4_000_000))
}

/// The sides that a size like `1024x768` names.
fn sides(size: &str) -> Option<(u64, u64)> {
    let (width, height) = size.split_once('x')?;
    let pixels = |text: &str| {
        text.parse()
            .ok()
            .filter(|side| (1..=100_000).contains(side))
    };
    Some((pixels(width)?, pixels(height)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn images_are_as_many_tokens_as_the_guide_says() {
        for (model, size, quality, expected) in [
            ("gpt-image-1", "1024x1024", "low", 272),
            ("gpt-image-1-mini", "1024x1536", "medium", 1_584),
            ("gpt-image-1.5", "1536x1024", "high", 6_208),
            ("gpt-image-1.5-2025-12-16", "auto", "high", 6_240),
            ("chatgpt-image-latest", "1024x1024", "auto", 4_160),
            ("gpt-image-2", "1024x1024", "high", 7_024),
            ("gpt-image-2", "1536x1024", "high", 5_488),
            ("gpt-image-2-2026-04-21", "1792x1024", "high", 5_063),
            ("gpt-image-2", "3584x2048", "high", 12_329),
        ] {
            let tokens = tokens_max(model, Some(size), Some(quality));
            assert_eq!(tokens, Some(expected), "{model} {size} {quality}");
        }
        assert_eq!(tokens_max("gpt-image-1", None, None), Some(6_240));
    }

    #[test]
    fn what_is_not_published_has_no_maximum() {
        assert_eq!(tokens_max("gpt-image-2.5-flare", None, Some("low")), None);
        assert_eq!(tokens_max("gpt-image-2", None, Some("max")), None);
        assert_eq!(tokens_max("gpt-image-2", Some("large"), None), None);
        assert_eq!(tokens_max("gpt-image-2", Some("0x0"), None), None);
        assert_eq!(tokens_max("dall-e-3", None, None), None);
    }

    proptest! {
        /// Sizes that the model takes: up to so many pixels, and up to three times as long as high.
        #[test]
        fn without_a_size_the_largest_is_meant(width in 64_u64..=240, height in 64_u64..=240) {
            let (width, height) = (width * 16, height * 16);
            prop_assume!(width * height <= PIXELS_MAX && width <= height * 3 && height <= width * 3);
            let size = format!("{width}x{height}");
            for quality in ["low", "medium", "high"] {
                let exact = second_generation(Some(&size), Some(quality));
                prop_assert!(exact <= second_generation(None, Some(quality)));
            }
        }
    }
}
