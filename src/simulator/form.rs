//! Multipart bodies: the fields of a form as the JSON object that they stand for, and its files.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request};
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// Fields and files of one form.
const FIELDS_MAX: usize = 256;
/// What Gemini takes for a file with its description; its parts have no names.
const RELATED: &str = "multipart/related";

const TYPED: &[&str] = &["n", "stream", "partial_images"];

/// A file of a form.
pub(super) struct FormFile {
    /// The field that it was sent as, without the `[]` of a list.
    pub(super) field: String,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// A body as text: that of a form is an object of its fields.
#[derive(Default)]
pub(super) struct Form {
    pub(super) text: String,
    pub(super) files: Vec<FormFile>,
}

pub(super) fn is_multipart(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            let kind = kind.to_ascii_lowercase();
            kind.starts_with("multipart/form-data") || kind.starts_with(RELATED)
        })
}

pub(super) async fn read(parts: &Parts, body: Bytes) -> Result<Form, Refusal> {
    let mut request = Request::from_parts(parts.clone(), Body::from(body));
    as_form_data(request.headers_mut());
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|error| Refusal::bad_request(error.body_text()))?;
    let mut fields = Map::new();
    let mut files = Vec::new();
    let unreadable =
        |error: axum::extract::multipart::MultipartError| Refusal::bad_request(error.body_text());
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        if fields.len() + files.len() == FIELDS_MAX {
            return Err(Refusal::bad_request("The form has too many fields."));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let is_json = field
            .content_type()
            .is_none_or(|kind| kind.contains("json"));
        let is_file = field.file_name().is_some() || (field.name().is_none() && !is_json);
        if !is_file {
            let text = field.text().await.map_err(unreadable)?;
            add(&mut fields, &name, typed(&name, text));
            continue;
        }
        let file_name = field.file_name().unwrap_or_default().to_owned();
        let content_type = field
            .content_type()
            .unwrap_or("application/octet-stream")
            .to_owned();
        let bytes = field.bytes().await.map_err(unreadable)?;
        let size = bytes.len();
        // Its name may carry a directive, where a form has no field of free text.
        if !name.is_empty() {
            let described = json!({"filename": file_name, "bytes": size});
            add(&mut fields, &name, described);
        }
        files.push(FormFile {
            field: name.trim_end_matches("[]").to_owned(),
            name: file_name,
            content_type,
            bytes,
        });
    }
    Ok(Form {
        text: Value::Object(fields).to_string(),
        files,
    })
}

/// A form has only text: what JSON has numbers and truth values for is read as such.
fn typed(name: &str, text: String) -> Value {
    let value = if TYPED.contains(&name) {
        serde_json::from_str(&text).ok()
    } else {
        None
    };
    value.unwrap_or(Value::String(text))
}

/// The parser reads only forms, and the parts of both are written alike.
fn as_form_data(headers: &mut HeaderMap) {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split_once(';'));
    let form = kind
        .filter(|(kind, _)| kind.eq_ignore_ascii_case(RELATED))
        .and_then(|(_, rest)| HeaderValue::try_from(format!("multipart/form-data;{rest}")).ok());
    if let Some(form) = form {
        headers.insert(CONTENT_TYPE, form);
    }
}

/// `a[]` is a list, `a[b]` a member of an object.
fn add(fields: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(list) = name.strip_suffix("[]") {
        let list = fields.entry(list).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(value);
        }
    } else if let Some((object, member)) = name.strip_suffix(']').and_then(|n| n.split_once('[')) {
        let object = fields.entry(object).or_insert_with(|| json!({}));
        if let Some(object) = object.as_object_mut() {
            object.insert(member.to_owned(), value);
        }
    } else {
        fields.insert(name.to_owned(), value);
    }
}
