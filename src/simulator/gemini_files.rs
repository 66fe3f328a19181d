//! Gemini's files: uploaded at once or by the resumable protocol of its SDKs.

use axum::body::Bytes;
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{Answer, Exchange};
use super::form::{Form, FormFile};
use super::gemini;
use super::refusal::Refusal;
use super::route::Dialect;
use super::shelf::Page;
use super::store::{StoredFile, timestamp, token_list};

const COMMAND: &str = "x-goog-upload-command";
const STATUS: &str = "x-goog-upload-status";
const EXPIRY_SECONDS: u64 = 48 * 3_600;
/// The documented size of a file is 2 GiB; the simulator keeps less.
const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A file of which a part is still to come.
pub(super) struct PendingFile {
    display_name: String,
    content_type: String,
    bytes: Vec<u8>,
}

impl PendingFile {
    pub(super) fn arrived(&self) -> usize {
        self.bytes.len()
    }
}

#[derive(Default, Deserialize)]
struct Start {
    #[serde(default)]
    file: Description,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    #[serde(alias = "display_name")]
    display_name: Option<String>,
    #[serde(alias = "mime_type")]
    mime_type: Option<String>,
}

/// A body that is no form: the description of a file, or its bytes.
pub(super) fn form(parts: &Parts, body: Bytes) -> Form {
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let begins = header(COMMAND).is_some_and(|command| command.contains("start"));
    if begins {
        let text = String::from_utf8_lossy(&body).into_owned();
        return Form {
            text,
            files: Vec::new(),
        };
    }
    let content_type = header(CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream");
    Form {
        text: String::new(),
        files: vec![FormFile {
            field: "file".to_owned(),
            name: String::new(),
            content_type: content_type.to_owned(),
            bytes: body,
        }],
    }
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    match (&target.method, target.segments().as_slice()) {
        (&Method::POST | &Method::PUT, ["upload", _, "files"]) => upload(exchange),
        (&Method::GET, ["v1" | "v1beta", "files"]) => Ok(list(exchange)),
        (&Method::GET, ["v1" | "v1beta", "files", name] | ["download", _, "files", name]) => {
            let state = exchange.shared.store.lock();
            let wanted = name.strip_suffix(":download");
            let name = format!("files/{}", wanted.unwrap_or(name));
            let file = state.gemini_files.get(&name);
            let file = file.ok_or_else(|| Refusal::no_such("File", &name))?;
            Ok(match wanted {
                Some(_) => Answer::bytes(&file.content_type, file.bytes.clone()),
                None => Answer::free(&object(exchange, &name, file)),
            })
        }
        (&Method::DELETE, ["v1" | "v1beta", "files", name]) => {
            let name = format!("files/{name}");
            let gone = exchange.shared.store.lock().gemini_files.remove(&name);
            gone.map(|_| Answer::free(&json!({})))
                .ok_or_else(|| Refusal::no_such("File", &name))
        }
        _ => Err(target.refusal()),
    }
}

fn object(exchange: &Exchange<'_>, name: &str, file: &StoredFile) -> Value {
    let created = timestamp(file.created);
    json!({
        "name": name, "displayName": file.name, "mimeType": file.content_type,
        "sizeBytes": file.bytes.len().to_string(), "createTime": created, "updateTime": created,
        "expirationTime": timestamp(file.created + EXPIRY_SECONDS),
        "uri": exchange.target.url(&format!("/v1beta/{name}")),
        "state": "ACTIVE",
        "source": if file.purpose == "batch" { "GENERATED" } else { "UPLOADED" },
    })
}

fn upload(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let command = exchange.target.header(COMMAND).unwrap_or_default();
    if command.contains("start") {
        return start(exchange);
    }
    match exchange.target.query("upload_id") {
        Some(id) => resume(exchange, id, command),
        None => at_once(exchange),
    }
}

fn start(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let start: Start = gemini::parse(exchange.body)?;
    let target = exchange.target;
    let said = target.header("x-goog-upload-header-content-type");
    let pending = PendingFile {
        display_name: start.file.display_name.unwrap_or_default(),
        content_type: start
            .file
            .mime_type
            .or_else(|| said.map(str::to_owned))
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        bytes: Vec::new(),
    };
    let mut state = exchange.shared.store.lock();
    let number = state.pending_files.insert(|_| pending);
    let id = state.pending_files.id(number);
    let path = &target.path;
    let url = target.url(&format!("{path}?upload_id={id}&upload_protocol=resumable"));
    let mut answer = Answer::free(&json!({}));
    answer.headers = vec![
        (HeaderName::from_static("x-goog-upload-url"), url),
        (HeaderName::from_static(STATUS), "active".to_owned()),
    ];
    Ok(answer)
}

fn resume(exchange: &Exchange<'_>, id: &str, command: &str) -> Result<Answer, Refusal> {
    let bytes = exchange.file("file").map(|file| &file.bytes);
    let bytes = bytes.map(AsRef::as_ref).unwrap_or_default();
    let mut state = exchange.shared.store.lock();
    let room = state.has_room(bytes.len());
    let pending = state
        .pending_files
        .get_mut(id)
        .ok_or_else(|| Refusal::no_such("upload", id))?;
    let offset = exchange.target.header("x-goog-upload-offset");
    let expected = pending.bytes.len().to_string();
    if offset.is_some_and(|offset| offset != expected) {
        return Err(Refusal::bad_request(format!(
            "The upload's offset must be {expected}."
        )));
    }
    if !room || pending.bytes.len() + bytes.len() > FILE_BYTES_MAX {
        return Err(Refusal::bad_request("The file is too large."));
    }
    pending.bytes.extend_from_slice(bytes);
    if !command.contains("finalize") {
        let mut answer = Answer::free(&json!({}));
        answer.headers = vec![(HeaderName::from_static(STATUS), "active".to_owned())];
        return Ok(answer);
    }
    let pending = state
        .pending_files
        .remove(id)
        .ok_or_else(|| Refusal::no_such("upload", id))?;
    drop(state);
    let file = StoredFile {
        name: pending.display_name,
        purpose: String::new(),
        content_type: pending.content_type,
        bytes: pending.bytes.into(),
        created: exchange.created,
    };
    keep(exchange, file)
}

/// One request with the description and the bytes, or with the bytes alone.
fn at_once(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Fields {
        metadata: Option<String>,
        #[serde(rename = "")]
        unnamed: Option<String>,
    }
    let sent = exchange
        .files
        .first()
        .ok_or_else(|| Refusal::bad_request("The request has no file."))?;
    let fields: Fields = serde_json::from_str(exchange.body).unwrap_or_default();
    let described = fields.metadata.or(fields.unnamed);
    let start: Start = match &described {
        Some(text) => gemini::parse(text)?,
        None => Start::default(),
    };
    let name = start.file.display_name.unwrap_or_else(|| sent.name.clone());
    let mime_type = start.file.mime_type;
    let file = StoredFile {
        name,
        purpose: String::new(),
        content_type: mime_type.unwrap_or_else(|| sent.content_type.clone()),
        bytes: sent.bytes.clone(),
        created: exchange.created,
    };
    keep(exchange, file)
}

fn keep(exchange: &Exchange<'_>, file: StoredFile) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let name = state.keep(Dialect::Gemini, file)?;
    let file = state.gemini_files.get(&name);
    let file = file.ok_or_else(|| Refusal::no_such("File", &name))?;
    let mut answer = Answer::free(&json!({"file": object(exchange, &name, file)}));
    answer.headers = vec![(HeaderName::from_static(STATUS), "final".to_owned())];
    Ok(answer)
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let page = Page::of_google(target);
    let state = exchange.shared.store.lock();
    let (found, more) = state.gemini_files.page(&page, |_| true);
    let objects: Vec<Value> = found
        .iter()
        .map(|(name, file)| object(exchange, name, file))
        .collect();
    Answer::free(&token_list("files", &objects, more))
}
