//! Reads in an answer what its provider keeps from now on: ids of files, batches, responses.

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;

use crate::domain::object::{ObjectChange, ObjectKind};
use crate::providers::endpoints::{ObjectUse, is_object_id};
use crate::providers::json::{Member, Text};
use crate::providers::meter::document::Document;
use crate::providers::sse::{Piece, SseSplitter, event_data};

/// The name of the member that holds a response.
const RESPONSE_MEMBER: &[u8] = b"\"response\"";

/// An object, and what became of it.
pub type Found = (ObjectKind, String, ObjectChange);

/// What was found in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectsFound {
    /// All of them.
    pub objects: Vec<Found>,
    /// The provider has only begun with what was asked; it tells later what that cost.
    pub is_under_way: bool,
}

/// Reads one answer.
#[derive(Debug)]
pub struct ObjectReader {
    asked: ObjectUse,
    form: Form,
    found: ObjectsFound,
}

#[derive(Debug)]
enum Form {
    /// One JSON object.
    Document(Document),
    /// Server-sent events. The last one that holds the whole object tells how it stands.
    Events(SseSplitter),
}

impl ObjectReader {
    /// A reader for the successful answer to a request of this use; nothing where there is nothing to
    /// read.
    pub fn new(asked: ObjectUse, content_type: Option<&str>) -> Option<Self> {
        let is_events = content_type.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let form = match asked {
            ObjectUse::Creates(_) if is_events => Form::Events(SseSplitter::default()),
            ObjectUse::Creates(_) | ObjectUse::Uses(ObjectKind::Upload | ObjectKind::Batch) => {
                Form::Document(Document::default())
            }
            ObjectUse::None | ObjectUse::Uses(_) | ObjectUse::Deletes(_) | ObjectUse::Lists(_) => {
                return None;
            }
        };
        Some(Self {
            asked,
            form,
            found: ObjectsFound::default(),
        })
    }

    /// Reads the next chunk; `end` with the last one.
    pub fn observe(&mut self, chunk: &Bytes, end: bool) {
        match &mut self.form {
            Form::Document(document) => document.push(chunk, end),
            Form::Events(splitter) => {
                let (asked, found) = (self.asked, &mut self.found);
                splitter.push(chunk, end, |piece| {
                    if let Piece::Event(event) = piece
                        && let Some(data) = event_data(event)
                    {
                        read_event(asked, &data, found);
                    }
                });
            }
        }
    }

    /// What was found up to now.
    pub fn found(&self) -> ObjectsFound {
        match &self.form {
            Form::Document(document) => {
                let body = document.read().unwrap_or_default();
                objects_in(self.asked, &body)
            }
            Form::Events(_) => self.found.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow)]
    response: Member<'a>,
}

/// Only events that begin or end a response have it in them.
fn read_event(asked: ObjectUse, data: &[u8], found: &mut ObjectsFound) {
    // There is an event for every token, which need not be read to know that it has none.
    if memmem::find(data, RESPONSE_MEMBER).is_none() {
        return;
    }
    let event: Option<Event<'_>> = serde_json::from_slice(data).ok();
    let response = event.and_then(|event| event.response.written());
    if let Some(response) = response {
        *found = objects_in(asked, response.as_bytes());
    }
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Kept<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    status: Member<'a>,
    #[serde(borrow)]
    file: Member<'a>,
    #[serde(borrow)]
    output_file_id: Option<Text<'a>>,
    #[serde(borrow)]
    error_file_id: Option<Text<'a>>,
    #[serde(borrow)]
    response: Member<'a>,
    #[serde(borrow, rename = "responsesFile")]
    responses_file: Option<Text<'a>>,
}

/// What a whole answer tells of.
fn objects_in(asked: ObjectUse, body: &[u8]) -> ObjectsFound {
    let kept: Kept<'_> = serde_json::from_slice(body).unwrap_or_default();
    let mut found = ObjectsFound::default();
    match asked {
        ObjectUse::Creates(kind) => {
            let inner: Option<Kept<'_>> = kept.file.parsed("file").ok().flatten();
            let own = kept.own_id();
            let id = own.or_else(|| inner.as_ref()?.own_id());
            found.add(kind, id);
            found.is_under_way = kind == ObjectKind::Batch || kept.is_unfinished();
        }
        ObjectUse::Uses(ObjectKind::Upload) => {
            let file: Option<Kept<'_>> = kept.file.parsed("file").ok().flatten();
            found.add(ObjectKind::File, file.as_ref().and_then(Kept::own_id));
        }
        ObjectUse::Uses(ObjectKind::Batch) => {
            found.add(ObjectKind::File, kept.output_file_id.as_deref());
            found.add(ObjectKind::File, kept.error_file_id.as_deref());
            let output: Option<Kept<'_>> = kept.response.parsed("response").ok().flatten();
            let file = output.as_ref().and_then(|it| it.responses_file.as_deref());
            found.add(
                ObjectKind::File,
                file.and_then(|name| name.strip_prefix("files/")),
            );
        }
        ObjectUse::None | ObjectUse::Uses(_) | ObjectUse::Deletes(_) | ObjectUse::Lists(_) => {}
    }
    found
}

impl Kept<'_> {
    /// The id, without what Google puts before it.
    fn own_id(&self) -> Option<&str> {
        let name = self.name.as_deref().and_then(|name| {
            let (collection, id) = name.split_once('/')?;
            matches!(collection, "files" | "cachedContents" | "batches").then_some(id)
        });
        self.id.as_deref().or(name)
    }

    fn is_unfinished(&self) -> bool {
        let status = self.status.text("status").ok().flatten();
        matches!(status.as_deref(), Some("queued" | "in_progress"))
    }
}

impl ObjectsFound {
    fn add(&mut self, kind: ObjectKind, id: Option<&str>) {
        if let Some(id) = id.filter(|id| is_object_id(id)) {
            let made = ObjectChange::Made;
            self.objects.push((kind, id.to_owned(), made));
        }
    }
}

#[cfg(test)]
mod tests {
    use ObjectKind::{Batch, CachedContent, File, Response, Upload};
    use ObjectUse::{Creates, Uses};

    use super::*;

    fn read(asked: ObjectUse, content_type: &str, body: &str) -> ObjectsFound {
        let mut reader = ObjectReader::new(asked, Some(content_type)).unwrap();
        for byte in body.as_bytes() {
            reader.observe(&Bytes::copy_from_slice(&[*byte]), false);
        }
        reader.observe(&Bytes::new(), true);
        reader.found()
    }

    fn made(kind: ObjectKind, ids: &[&str], is_under_way: bool) -> ObjectsFound {
        let object = |id: &&str| (kind, (*id).to_owned(), ObjectChange::Made);
        ObjectsFound {
            objects: ids.iter().map(object).collect(),
            is_under_way,
        }
    }

    /// What was asked, the answer, and what it names.
    type Case = (
        ObjectUse,
        &'static str,
        ObjectKind,
        &'static [&'static str],
        bool,
    );

    #[rustfmt::skip]
    const CASES: [Case; 12] = [
        (Creates(File), r#"{"id":"file-1","object":"file","status":"processed"}"#, File, &["file-1"], false),
        (Creates(File), r#"{"file":{"name":"files/abc-1","uri":"x"}}"#, File, &["abc-1"], false),
        (Creates(Upload), r#"{"id":"upload_1","status":"pending","file":null}"#, Upload, &["upload_1"], false),
        (Uses(Upload), r#"{"id":"upload_1","status":"completed","file":{"id":"file-2"}}"#, File, &["file-2"], false),
        (Creates(Batch), r#"{"id":"batch_1","status":"validating","output_file_id":null}"#, Batch, &["batch_1"], true),
        (Creates(Batch), r#"{"name":"batches/b1","metadata":{}}"#, Batch, &["b1"], true),
        (Uses(Batch), r#"{"id":"b","output_file_id":"file-o","error_file_id":"file-e"}"#, File, &["file-o", "file-e"], false),
        (Uses(Batch), r#"{"name":"batches/b1","response":{"responsesFile":"files/abc"}}"#, File, &["abc"], false),
        (Creates(CachedContent), r#"{"name":"cachedContents/c1"}"#, CachedContent, &["c1"], false),
        (Creates(Response), r#"{"id":"resp_1","status":"completed"}"#, Response, &["resp_1"], false),
        (Creates(Response), r#"{"id":"resp_1","status":"queued","output":[]}"#, Response, &["resp_1"], true),
        (Creates(File), r#"{"id":"../../x"}"#, File, &[], false),
    ];

    #[test]
    fn each_provider_names_what_it_made_in_its_own_way() {
        for (asked, body, kind, ids, is_under_way) in CASES {
            let found = read(asked, "application/json", body);
            assert_eq!(found, made(kind, ids, is_under_way), "{body}");
        }
        let found = read(Creates(File), "application/json", "no json");
        assert_eq!(found, ObjectsFound::default());
    }

    #[test]
    fn a_stream_names_its_response_and_how_it_stands() {
        let begun = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}}\n\n";
        let text = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
        let done = "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\"}}\n\n";
        let asked = Creates(Response);
        let kind = Response;
        for (stream, is_under_way) in [
            ([begun, text].concat(), true),
            ([begun, text, done].concat(), false),
        ] {
            let found = read(asked, "text/event-stream; charset=utf-8", &stream);
            assert_eq!(found, made(kind, &["resp_1"], is_under_way));
        }
    }
}
