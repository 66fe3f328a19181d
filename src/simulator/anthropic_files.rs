//! Anthropic's files.

use axum::http::Method;
use serde_json::{Value, json};

use super::exchange::{Answer, Exchange, set};
use super::refusal::Refusal;
use super::route::Dialect;
use super::shelf::Page;
use super::store::{StoredFile, id_list, timestamp};

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    match (&target.method, target.segments().as_slice()) {
        (&Method::POST, ["v1", "files"]) => upload(exchange),
        (&Method::GET, ["v1", "files"]) => Ok(list(exchange)),
        (&Method::GET, ["v1", "files", id]) => {
            read(exchange, id, |file| Answer::free(&object(id, file)))
        }
        (&Method::GET, ["v1", "files", id, "content"]) => read(exchange, id, |file| {
            Answer::bytes(&file.content_type, file.bytes.clone())
        }),
        (&Method::DELETE, ["v1", "files", id]) => {
            let gone = exchange.shared.store.lock().anthropic_files.remove(id);
            gone.map(|_| Answer::free(&json!({"id": id, "type": "file_deleted"})))
                .ok_or_else(|| Refusal::no_such("file", id))
        }
        _ => Err(target.refusal()),
    }
}

fn object(id: &str, file: &StoredFile) -> Value {
    json!({
        "id": id, "type": "file", "filename": file.name, "mime_type": file.content_type,
        "size_bytes": file.bytes.len(), "created_at": timestamp(file.created),
        "downloadable": true,
    })
}

fn upload(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let sent = exchange
        .file("file")
        .ok_or_else(|| Refusal::bad_request("file: Field required"))?;
    let file = StoredFile {
        name: sent.name.clone(),
        purpose: String::new(),
        content_type: sent.content_type.clone(),
        bytes: sent.bytes.clone(),
        created: exchange.created,
    };
    let mut kept = object("", &file);
    let id = exchange
        .shared
        .store
        .lock()
        .keep(Dialect::Anthropic, file)?;
    set(&mut kept, "id", json!(id));
    Ok(Answer::free(&kept))
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let page = Page {
        limit: target.page("limit"),
        after: target.query("after_id"),
        before: target.query("before_id"),
        oldest_first: false,
    };
    let state = exchange.shared.store.lock();
    let (found, more) = state.anthropic_files.page(&page, |_| true);
    let objects: Vec<Value> = found.iter().map(|(id, file)| object(id, file)).collect();
    Answer::free(&id_list(&objects, more))
}

fn read(
    exchange: &Exchange<'_>,
    id: &str,
    answer: impl FnOnce(&StoredFile) -> Answer,
) -> Result<Answer, Refusal> {
    let state = exchange.shared.store.lock();
    let file = state.anthropic_files.get(id);
    file.map(answer).ok_or_else(|| Refusal::no_such("file", id))
}
