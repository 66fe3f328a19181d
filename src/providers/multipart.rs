//! Reads a form with files: the short texts that decide a price, and how large the files are. The form
//! itself goes to the provider as it came.
//!
//! Whatever two readers could understand differently is refused: what is priced here must be what the
//! provider reads.

use std::convert::Infallible;

use bytes::Bytes;
use futures::future::{FutureExt, ready};
use futures::stream;
use http::header::CONTENT_DISPOSITION;
use memchr::memmem;
use multer::{Field, Multipart};

use crate::domain::denial::BadRequest;
use crate::providers::tokens::to_u64;

/// More parts than any of these endpoints takes.
const PARTS_MAX: usize = 256;
/// The longest text that is kept; of a longer one, such as a prompt, only the length is.
const TEXT_BYTES_MAX: usize = 4 * 1024;
/// The longest headers of a part.
const HEADERS_BYTES_MAX: usize = 8 * 1024;
/// How much of a file is kept: its head says what it is.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The largest count in a form: the APIs have 32-bit integers.
const COUNT_MAX: u64 = 2_147_483_647;

/// A form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    texts: Vec<FormText>,
    files: Vec<FormFile>,
    /// How long all texts are together.
    pub(crate) text_bytes: u64,
}

#[derive(Debug)]
struct FormText {
    name: String,
    /// Nothing where it is too long to be kept.
    value: Option<String>,
}

/// A file in a form.
#[derive(Debug)]
pub(crate) struct FormFile {
    name: String,
    /// How it begins.
    pub(crate) head: Vec<u8>,
    /// How long it is.
    pub(crate) bytes: u64,
}

/// Whether a body of this type is a form with files.
pub(crate) fn is_form(content_type: Option<&str>) -> bool {
    const FORM: &str = "multipart/form-data";
    content_type
        .and_then(|kind| kind.trim_start().get(..FORM.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}

impl Form {
    /// Reads a form. All of it is here, so that nothing has to be waited for.
    pub(crate) fn read(content_type: &str, body: &Bytes) -> Result<Self, BadRequest> {
        let boundary = multer::parse_boundary(content_type).map_err(|error| no_form(&error))?;
        check_heads(body, &boundary)?;
        let pieces = stream::once(ready(Ok::<_, Infallible>(body.clone())));
        let parts = read_parts(Multipart::new(pieces, boundary));
        let form = parts.now_or_never();
        form.unwrap_or_else(|| Err(BadRequest::new("The form could not be read.")))
    }

    /// The one text of that name.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, BadRequest> {
        let mut found = self.texts.iter().filter(|text| text.name == name);
        let Some(text) = found.next() else {
            return Ok(None);
        };
        match (&text.value, found.next()) {
            (Some(value), None) => Ok(Some(value)),
            (None, None) => Err(BadRequest::field(name, format!("`{name}` is too long."))),
            (_, Some(_)) => {
                let message = format!("`{name}` is there more than once.");
                Err(BadRequest::field(name, message))
            }
        }
    }

    /// Whether there is a text of that name, or of a member or an item of it: `name[type]`, `name[]`.
    pub(crate) fn has(&self, name: &str) -> bool {
        let is_of = |text: &FormText| {
            let rest = text.name.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        self.texts.iter().any(is_of)
    }

    /// The one text of that name as a number.
    pub(crate) fn count(&self, name: &'static str) -> Result<Option<u64>, BadRequest> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(count) if count <= COUNT_MAX => Ok(Some(count)),
            Ok(_) | Err(_) => {
                let message = format!("`{name}` must be a whole number up to {COUNT_MAX}.");
                Err(BadRequest::field(name, message))
            }
        }
    }

    /// The one text of that name as `true` or `false`, in the ways in which clients write them.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, BadRequest> {
        match self.text(name)? {
            None | Some("false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(_) => {
                let message = format!("`{name}` must be true or false.");
                Err(BadRequest::field(name, message))
            }
        }
    }

    /// The files of these names.
    pub(crate) fn files<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a FormFile> {
        let files = self.files.iter();
        files.filter(|file| names.contains(&file.name.as_str()))
    }
}

/// Of two places of one part, readers take the first or the last.
fn check_heads(body: &[u8], boundary: &str) -> Result<(), BadRequest> {
    let delimiter = ["--", boundary].concat();
    for at in memmem::find_iter(body, &delimiter) {
        let after = body.get(at.saturating_add(delimiter.len())..);
        let after = after.unwrap_or_default();
        let near = after.get(..HEADERS_BYTES_MAX).unwrap_or(after);
        let Some(end) = memmem::find(near, b"\r\n\r\n") else {
            if near.len() == HEADERS_BYTES_MAX && near.starts_with(b"\r\n") {
                return Err(BadRequest::new("A part of the form has too many headers."));
            }
            continue;
        };
        let headers = near.get(..end).unwrap_or_default().to_ascii_lowercase();
        if memmem::find_iter(&headers, "content-disposition:").count() > 1 {
            return Err(BadRequest::new("A part of the form has two places."));
        }
    }
    Ok(())
}

fn no_form(error: &multer::Error) -> BadRequest {
    BadRequest::new(format!("The form could not be read: {error}."))
}

async fn read_parts(mut parts: Multipart<'_>) -> Result<Form, BadRequest> {
    let mut form = Form::default();
    let mut count = 0_usize;
    while let Some(part) = parts.next_field().await.map_err(|error| no_form(&error))? {
        count = count.saturating_add(1);
        if count > PARTS_MAX {
            return Err(BadRequest::new("The form has too many parts."));
        }
        read_part(&mut form, part).await?;
    }
    Ok(form)
}

async fn read_part(form: &mut Form, mut part: Field<'_>) -> Result<(), BadRequest> {
    let (name, is_file) = plain_name(&part)?;
    let kept_max = if is_file {
        HEAD_BYTES_MAX
    } else {
        TEXT_BYTES_MAX
    };
    let mut kept = Vec::new();
    let mut bytes = 0_u64;
    while let Some(chunk) = part.chunk().await.map_err(|error| no_form(&error))? {
        bytes = bytes.saturating_add(to_u64(chunk.len()));
        let room = kept_max.saturating_sub(kept.len()).min(chunk.len());
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    if is_file {
        let head = kept;
        form.files.push(FormFile { name, head, bytes });
        return Ok(());
    }
    form.text_bytes = form.text_bytes.saturating_add(bytes);
    let is_whole = bytes == to_u64(kept.len());
    let value = is_whole.then(|| String::from_utf8(kept)).transpose();
    let value = value.map_err(|_not_text| {
        BadRequest::new(format!("The part `{name}` of the form is no text."))
    })?;
    form.texts.push(FormText { name, value });
    Ok(())
}

/// The name of a part that can be understood in one way only, and whether it is a file.
fn plain_name(part: &Field<'_>) -> Result<(String, bool), BadRequest> {
    let refuse = || BadRequest::new("A part of the form has no plain name.");
    if part.headers().contains_key("content-transfer-encoding") {
        return Err(BadRequest::new("A part of the form is encoded."));
    }
    let place = part.headers().get(CONTENT_DISPOSITION);
    let place = place.ok_or_else(refuse)?;
    let place = String::from_utf8_lossy(place.as_bytes()).to_ascii_lowercase();
    let names = |mark: &str| place.matches(mark).count();
    let names_itself = names("name=").checked_sub(names("filename="));
    if names_itself != Some(1) || names("name*") != names("filename*") {
        return Err(refuse());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_[]-".contains(&byte);
    let name = part.name().filter(|name| name.bytes().all(is_plain));
    let name = name.map(str::to_owned).ok_or_else(refuse)?;
    Ok((name, place.contains("filename")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=X";

    fn read(body: &str) -> Result<Form, BadRequest> {
        Form::read(TYPE, &Bytes::copy_from_slice(body.as_bytes()))
    }

    fn part(head: &str, content: &str) -> String {
        format!("--X\r\n{head}\r\n\r\n{content}\r\n")
    }

    fn field(name: &str, content: &str) -> String {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        part(&head, content)
    }

    #[test]
    fn texts_and_files_are_told_apart() {
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
                    Content-Type: audio/wav";
        let body = [
            field("model", "gpt-4o-transcribe"),
            part(file, "RIFF--X\r\ndata"),
            field("n", "3"),
            field("stream", "True"),
            field("prompt", &"word ".repeat(2_000)),
            "--X--\r\n".to_owned(),
        ];
        let form = read(&body.concat()).unwrap();
        assert_eq!(form.text("model").unwrap(), Some("gpt-4o-transcribe"));
        assert_eq!(form.count("n").unwrap(), Some(3));
        assert!(form.flag("stream").unwrap());
        assert!(!form.flag("other").unwrap());
        assert!(form.text("prompt").is_err(), "only its length is kept");
        assert_eq!(form.text_bytes, 17 + 1 + 4 + 10_000);
        let files: Vec<_> = form.files(&["file"]).collect();
        assert_eq!((files.len(), files[0].bytes), (1, 13));
        assert_eq!(files[0].head, b"RIFF--X\r\ndata");
        let named = "Content-Disposition: form-data; name=\"file\"; filename*=utf-8''%c3%a9.wav";
        let body = [
            part(named, "RIFF"),
            field("chunking_strategy[type]", "auto"),
        ]
        .concat();
        let form = read(&(body + "--X--")).unwrap();
        assert_eq!(form.files(&["file"]).count(), 1);
        assert!(form.has("chunking_strategy") && !form.has("chunking"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let twice = [field("model", "a"), field("model", "b"), "--X--".to_owned()].concat();
        assert!(read(&twice).unwrap().text("model").is_err());
        for head in [
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; name*=utf-8''model",
            "Content-Disposition: form-data; name=\"model\"; name=\"n\"",
            "Content-Disposition: form-data; name=\"a\"; filename=\"; name=model\"",
            "Content-Disposition: form-data; name=\"mo del\"",
            "Content-Disposition: form-data; name=\"model\"\r\nContent-Transfer-Encoding: base64",
            "Content-Disposition: form-data; name=\"model\"\r\n\
             Content-Disposition: form-data; name=\"n\"",
        ] {
            let body = [part(head, "x"), "--X--".to_owned()].concat();
            assert!(read(&body).is_err(), "{head}");
        }
        for body in ["", "--X", "--X\r\n\r\nx", &field("model", "never ends")] {
            assert!(read(body).is_err(), "{body}");
        }
        let many = field("a", "b").repeat(PARTS_MAX + 1) + "--X--";
        assert!(read(&many).is_err());
        assert!(Form::read("multipart/form-data", &Bytes::new()).is_err());
    }

    #[test]
    fn a_form_is_known_by_its_type() {
        for (kind, expected) in [
            (Some("multipart/form-data; boundary=x"), true),
            (Some("Multipart/Form-Data;boundary=x"), true),
            (Some("application/json"), false),
            (Some("multi"), false),
            (None, false),
        ] {
            assert_eq!(is_form(kind), expected, "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::read(TYPE, &Bytes::from(body));
        }

        #[test]
        fn a_file_keeps_its_length_whatever_it_holds(content in prop::collection::vec(any::<u8>(), 0..3_000)) {
            prop_assume!(!content.windows(5).any(|bytes| bytes == b"\r\n--X"));
            let head = b"--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
            let body = [head, content.as_slice(), b"\r\n--X--\r\n"].concat();
            let form = Form::read(TYPE, &Bytes::from(body)).unwrap();
            let bytes = form.files(&["file"]).map(|file| file.bytes).sum::<u64>();
            prop_assert_eq!(bytes, to_u64(content.len()));
        }
    }
}
