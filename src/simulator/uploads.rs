//! OpenAI's uploads: files that arrive in parts.

use axum::body::Bytes;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{Answer, Exchange, set};
use super::files;
use super::openai::{missing, parse};
use super::refusal::Refusal;
use super::route::Dialect;
use super::store::StoredFile;

const EXPIRY_SECONDS: u64 = 3_600;
const PARTS_MAX: usize = 256;
/// The documented size of a part.
const PART_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A file that is still arriving.
pub(super) struct Upload {
    filename: String,
    purpose: String,
    mime_type: String,
    bytes: u64,
    created: u64,
    status: &'static str,
    parts: Vec<(String, Bytes)>,
}

impl Upload {
    pub(super) fn arrived(&self) -> usize {
        self.parts.iter().map(|(_, part)| part.len()).sum()
    }
}

#[derive(Deserialize)]
struct Creation {
    filename: Option<String>,
    purpose: Option<String>,
    mime_type: Option<String>,
    bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Completion {
    part_ids: Option<Vec<String>>,
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    if target.method != Method::POST {
        return Err(target.refusal());
    }
    match target.segments().as_slice() {
        ["v1", "uploads"] => create(exchange),
        ["v1", "uploads", id, "parts"] => add(exchange, id),
        ["v1", "uploads", id, "complete"] => complete(exchange, id),
        ["v1", "uploads", id, "cancel"] => cancel(exchange, id),
        _ => Err(target.refusal()),
    }
}

fn object(id: &str, upload: &Upload, file: &Value) -> Value {
    json!({
        "id": id, "object": "upload", "bytes": upload.bytes, "created_at": upload.created,
        "expires_at": upload.created + EXPIRY_SECONDS, "filename": upload.filename,
        "purpose": upload.purpose, "status": upload.status, "file": file,
    })
}

fn create(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let asked: Creation = parse(exchange.body)?;
    let upload = Upload {
        filename: asked.filename.ok_or_else(|| missing("filename"))?,
        purpose: asked.purpose.ok_or_else(|| missing("purpose"))?,
        mime_type: asked.mime_type.ok_or_else(|| missing("mime_type"))?,
        bytes: asked.bytes.ok_or_else(|| missing("bytes"))?,
        created: exchange.created,
        status: "pending",
        parts: Vec::new(),
    };
    let mut created = object("", &upload, &Value::Null);
    let mut state = exchange.shared.store.lock();
    let number = state.uploads.insert(|_| upload);
    set(&mut created, "id", json!(state.uploads.id(number)));
    Ok(Answer::free(&created))
}

/// The upload, if parts may still be added to it.
fn pending<'s>(
    uploads: &'s mut super::shelf::Shelf<Upload>,
    id: &str,
) -> Result<&'s mut Upload, Refusal> {
    let upload = uploads
        .get_mut(id)
        .ok_or_else(|| Refusal::no_such("Upload", id))?;
    if upload.status == "pending" {
        Ok(upload)
    } else {
        Err(Refusal::bad_request(format!(
            "Upload {id} is {}.",
            upload.status
        )))
    }
}

fn add(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    let data = exchange.file("data").ok_or_else(|| missing("data"))?;
    let mut state = exchange.shared.store.lock();
    let room = state.has_room(data.bytes.len());
    let upload = pending(&mut state.uploads, id)?;
    let within = (upload.arrived() + data.bytes.len()) as u64 <= upload.bytes;
    if !room || !within || data.bytes.len() > PART_BYTES_MAX || upload.parts.len() == PARTS_MAX {
        return Err(Refusal::bad_request("The part is too large."));
    }
    let part = format!("part_sim{:020x}", exchange.sequence);
    upload.parts.push((part.clone(), data.bytes.clone()));
    Ok(Answer::free(&json!({
        "id": part, "object": "upload.part", "created_at": exchange.created, "upload_id": id,
    })))
}

fn complete(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    let asked: Completion = parse(exchange.body)?;
    let order = asked.part_ids.ok_or_else(|| missing("part_ids"))?;
    let mut state = exchange.shared.store.lock();
    let upload = pending(&mut state.uploads, id)?;
    let mut whole = Vec::new();
    for part_id in &order {
        let part = upload.parts.iter().find(|(id, _)| id == part_id);
        let (_, bytes) = part.ok_or_else(|| Refusal::no_such("Part", part_id))?;
        whole.extend_from_slice(bytes);
    }
    if whole.len() as u64 != upload.bytes {
        return Err(Refusal::bad_request(
            "The parts are not as long as the upload was said to be.",
        ));
    }
    let file = StoredFile {
        name: upload.filename.clone(),
        purpose: upload.purpose.clone(),
        content_type: upload.mime_type.clone(),
        bytes: whole.into(),
        created: exchange.created,
    };
    upload.status = "completed";
    upload.parts.clear();
    let mut kept = files::object("", &file);
    let mut completed = object(id, upload, &Value::Null);
    set(&mut kept, "id", json!(state.keep(Dialect::OpenAi, file)?));
    set(&mut completed, "file", kept);
    Ok(Answer::free(&completed))
}

fn cancel(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let upload = pending(&mut state.uploads, id)?;
    upload.status = "cancelled";
    upload.parts.clear();
    Ok(Answer::free(&object(id, upload, &Value::Null)))
}
