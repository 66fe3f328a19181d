//! OpenAI's files.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{Answer, Exchange, set};
use super::openai::{missing, parse};
use super::refusal::Refusal;
use super::route::Dialect;
use super::shelf::Page;
use super::store::{StoredFile, id_list};

/// The documented size of a page of files.
const PAGE: usize = 10_000;

#[derive(Deserialize)]
struct Fields {
    purpose: Option<String>,
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    match (&target.method, target.segments().as_slice()) {
        (&Method::POST, ["v1", "files"]) => upload(exchange),
        (&Method::GET, ["v1", "files"]) => Ok(list(exchange)),
        (&Method::GET, ["v1", "files", id]) => {
            read(exchange, id, |id, file| Answer::free(&object(id, file)))
        }
        (&Method::GET, ["v1", "files", id, "content"]) => read(exchange, id, |_, file| {
            Answer::bytes("application/octet-stream", file.bytes.clone())
        }),
        (&Method::DELETE, ["v1", "files", id]) => delete(exchange, id),
        _ => Err(target.refusal()),
    }
}

pub(super) fn object(id: &str, file: &StoredFile) -> Value {
    json!({
        "id": id, "object": "file", "bytes": file.bytes.len(), "created_at": file.created,
        "expires_at": null, "filename": file.name, "purpose": file.purpose,
        "status": "processed", "status_details": null,
    })
}

fn upload(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let fields: Fields = parse(exchange.body)?;
    let purpose = fields.purpose.ok_or_else(|| missing("purpose"))?;
    let sent = exchange.file("file").ok_or_else(|| missing("file"))?;
    let file = StoredFile {
        name: sent.name.clone(),
        purpose,
        content_type: sent.content_type.clone(),
        bytes: sent.bytes.clone(),
        created: exchange.created,
    };
    let mut kept = object("", &file);
    let id = exchange.shared.store.lock().keep(Dialect::OpenAi, file)?;
    set(&mut kept, "id", json!(id));
    Ok(Answer::free(&kept))
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let purpose = target.query("purpose");
    let limit = target.query("limit").map_or(PAGE, |_| target.page("limit"));
    let page = Page {
        limit,
        after: target.query("after"),
        before: None,
        oldest_first: target.query("order") == Some("asc"),
    };
    let state = exchange.shared.store.lock();
    let fits = |file: &StoredFile| purpose.is_none_or(|purpose| file.purpose == purpose);
    let (found, more) = state.openai_files.page(&page, fits);
    let objects: Vec<Value> = found.iter().map(|(id, file)| object(id, file)).collect();
    let mut list = id_list(&objects, more);
    set(&mut list, "object", "list");
    Answer::free(&list)
}

fn read(
    exchange: &Exchange<'_>,
    id: &str,
    answer: impl FnOnce(&str, &StoredFile) -> Answer,
) -> Result<Answer, Refusal> {
    let state = exchange.shared.store.lock();
    let file = state.openai_files.get(id);
    file.map(|file| answer(id, file))
        .ok_or_else(|| Refusal::no_such("File", id))
}

fn delete(exchange: &Exchange<'_>, id: &str) -> Result<Answer, Refusal> {
    let gone = exchange.shared.store.lock().openai_files.remove(id);
    gone.map(|_| Answer::free(&json!({"id": id, "object": "file", "deleted": true})))
        .ok_or_else(|| Refusal::no_such("File", id))
}
