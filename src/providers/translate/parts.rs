//! Reads the content of messages: texts, images and documents. `/v1/responses` has the parts of
//! `/v1/chat/completions` under other names.

use std::borrow::Cow;

use crate::domain::denial::BadRequest;
use crate::providers::translate::given::{Given, Members};
use crate::providers::translate::prompt::{Media, Part, Source};

/// What content may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Texts only.
    Text,
    /// Also images and documents.
    Any,
}

/// Content: a string, or a list of parts.
pub(super) fn read<'a>(given: &Given<'a>, content: Content) -> Result<Vec<Part<'a>>, BadRequest> {
    if given.is_text() {
        return Ok(vec![Part::Text(given.text()?)]);
    }
    given
        .list()?
        .iter()
        .map(|part| read_part(part, content))
        .collect()
}

/// The texts of content that has nothing else.
pub(super) fn read_texts<'a>(given: &Given<'a>) -> Result<Vec<Cow<'a, str>>, BadRequest> {
    let parts = read(given, Content::Text)?;
    let texts = parts.into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        Part::Media(_) | Part::Call(_) | Part::Outcome(_) | Part::Thought { .. } => None,
    });
    Ok(texts.collect())
}

fn read_part<'a>(given: &Given<'a>, content: Content) -> Result<Part<'a>, BadRequest> {
    let mut part = given.members()?;
    let kind = part.need("type")?;
    let read = match (&*kind.text()?, content) {
        ("text" | "input_text", _) => Part::Text(part.need("text")?.text()?),
        ("output_text", _) => {
            // What was cited is part of the text as well.
            part.ignore(&["annotations", "logprobs"]);
            Part::Text(part.need("text")?.text()?)
        }
        ("refusal", _) => Part::Text(part.need("refusal")?.text()?),
        ("image_url", Content::Any) => {
            let mut image = part.need("image_url")?.members()?;
            let read = read_image(&mut image, "url")?;
            image.finish()?;
            read
        }
        ("input_image", Content::Any) => read_image(&mut part, "image_url")?,
        ("file", Content::Any) => {
            let mut file = part.need("file")?.members()?;
            let read = read_file(&mut file)?;
            file.finish()?;
            read
        }
        ("input_file", Content::Any) => read_file(&mut part)?,
        _ => return Err(kind.not_possible()),
    };
    part.finish()?;
    Ok(read)
}

fn read_image<'a>(image: &mut Members<'a>, name: &str) -> Result<Part<'a>, BadRequest> {
    // Images are always read in full detail; less could not be had.
    image.only("detail", &["\"auto\"", "\"high\"", "\"original\""])?;
    if let Some(file) = image.take("file_id") {
        return Err(file.refuse("is a file of another provider: send the image itself."));
    }
    read_address(&image.need(name)?)
}

fn read_file<'a>(file: &mut Members<'a>) -> Result<Part<'a>, BadRequest> {
    // A label: the model reads the content.
    file.ignore(&["filename", "detail"]);
    for name in ["file_id", "file_url"] {
        if let Some(elsewhere) = file.take(name) {
            return Err(elsewhere.refuse("cannot be read by this model's provider: send the file itself, as a `data:` address."));
        }
    }
    let given = file.need("file_data")?;
    let part = read_address(&given)?;
    match &part {
        Part::Media(Media {
            source: Source::Inline { .. },
            ..
        }) => Ok(part),
        Part::Media(_)
        | Part::Text(_)
        | Part::Call(_)
        | Part::Outcome(_)
        | Part::Thought { .. } => Err(given.refuse("must be a `data:` address in base64.")),
    }
}

/// What an address holds or points to.
fn read_address<'a>(given: &Given<'a>) -> Result<Part<'a>, BadRequest> {
    let address = given.text()?;
    let source = match scheme(&address) {
        "data" => inline(&address)
            .ok_or_else(|| given.refuse("must be `data:<media type>;base64,<data>`."))?,
        "http" | "https" => Source::Address(address),
        _ => return Err(given.refuse("must be an `https:` or a `data:` address.")),
    };
    Ok(Part::Media(Media {
        place: given.place().to_owned(),
        source,
    }))
}

fn scheme(address: &str) -> &str {
    address.split_once(':').map_or("", |(scheme, _)| scheme)
}

fn inline<'a>(address: &str) -> Option<Source<'a>> {
    let (head, data) = address.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    let (media_type, _) = media_type.split_once(';').unwrap_or((media_type, ""));
    media_type.contains('/').then(|| Source::Inline {
        media_type: media_type.to_ascii_lowercase(),
        data: Cow::Owned(data.to_owned()),
    })
}
