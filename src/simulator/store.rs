//! What the simulated providers keep between calls: files, batches, responses, caches. One server
//! has one store, as all its callers come with the same provider's key.

use axum::body::Bytes;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use super::batches;
use super::cached_contents::Cache;
use super::directives::Course;
use super::gemini_files::PendingFile;
use super::jobs::{Job, Line};
use super::record::OpenCall;
use super::refusal::Refusal;
use super::route::Dialect;
use super::shelf::Shelf;
use super::stored_responses::StoredResponse;
use super::uploads::Upload;

/// Objects of one kind; the oldest make room for the newest.
const OBJECTS_MAX: usize = 10_000;
const JOBS_MAX: usize = 1_000;
/// Requests and answers of all batches of one provider together.
const JOBS_BYTES_MAX: usize = 512 * 1024 * 1024;
/// All files of one provider together.
const FILES_BYTES_MAX: usize = 512 * 1024 * 1024;

pub(super) struct Store(Mutex<State>);

pub(super) struct State {
    pub(super) openai_files: Shelf<StoredFile>,
    pub(super) anthropic_files: Shelf<StoredFile>,
    pub(super) gemini_files: Shelf<StoredFile>,
    pub(super) pending_files: Shelf<PendingFile>,
    pub(super) uploads: Shelf<Upload>,
    pub(super) responses: Shelf<StoredResponse>,
    /// Those in the background that have not ended.
    open_responses: Vec<u64>,
    pub(super) caches: Shelf<Cache>,
    openai_batches: Shelf<Job>,
    anthropic_batches: Shelf<Job>,
    gemini_batches: Shelf<Job>,
}

/// A file, whoever keeps it.
pub(super) struct StoredFile {
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
    /// Unix seconds.
    pub(super) created: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self(Mutex::new(State {
            openai_files: Shelf::new("file-sim", OBJECTS_MAX),
            anthropic_files: Shelf::new("file_sim", OBJECTS_MAX),
            gemini_files: Shelf::new("files/sim", OBJECTS_MAX),
            pending_files: Shelf::new("sim", OBJECTS_MAX),
            uploads: Shelf::new("upload_sim", OBJECTS_MAX),
            responses: Shelf::new("resp_sim", OBJECTS_MAX),
            open_responses: Vec::new(),
            caches: Shelf::new("cachedContents/sim", OBJECTS_MAX),
            openai_batches: Shelf::new("batch_sim", JOBS_MAX),
            anthropic_batches: Shelf::new("msgbatch_sim", JOBS_MAX),
            gemini_batches: Shelf::new("batches/sim", JOBS_MAX),
        }))
    }
}

impl Store {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl State {
    pub(super) fn jobs(&mut self, dialect: Dialect) -> &mut Shelf<Job> {
        match dialect {
            Dialect::OpenAi => &mut self.openai_batches,
            Dialect::Anthropic => &mut self.anthropic_batches,
            Dialect::Gemini => &mut self.gemini_batches,
        }
    }

    pub(super) fn files(&mut self, dialect: Dialect) -> &mut Shelf<StoredFile> {
        match dialect {
            Dialect::OpenAi => &mut self.openai_files,
            Dialect::Anthropic => &mut self.anthropic_files,
            Dialect::Gemini => &mut self.gemini_files,
        }
    }

    /// Keeps a file, if there is room for it.
    pub(super) fn keep(&mut self, dialect: Dialect, file: StoredFile) -> Result<String, Refusal> {
        let files = self.files(dialect);
        let kept: usize = files.values().map(|file| file.bytes.len()).sum();
        if kept + file.bytes.len() > FILES_BYTES_MAX {
            return Err(Refusal::bad_request(
                "The storage limit is reached: delete files.",
            ));
        }
        let number = files.insert(|_| file);
        Ok(files.id(number))
    }

    /// Begins a batch, if there is room for it.
    pub(super) fn begin(
        &mut self,
        dialect: Dialect,
        lines: Vec<Line>,
        course: Course,
        extra: Value,
    ) -> Result<&Job, Refusal> {
        let jobs = self.jobs(dialect);
        let kept: usize = jobs.values().map(Job::bytes).sum();
        let number = jobs.insert(|id| Job::new(id, lines, course, extra));
        let id = jobs.id(number);
        if kept + jobs.get(&id).map_or(0, Job::bytes) > JOBS_BYTES_MAX {
            jobs.remove(&id);
        }
        jobs.get(&id)
            .ok_or_else(|| Refusal::bad_request("Too much is enqueued: delete batches."))
    }

    /// What has arrived of files that are not whole yet, bounded as they are.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let parts: usize = self.uploads.values().map(Upload::arrived).sum();
        let pieces: usize = self.pending_files.values().map(PendingFile::arrived).sum();
        parts + pieces + bytes <= FILES_BYTES_MAX
    }

    /// A batch has ended: what it answered becomes files, where its provider does so.
    pub(super) fn close(&mut self, dialect: Dialect, number: u64) {
        match dialect {
            Dialect::OpenAi => batches::write_files(self, number),
            Dialect::Gemini => super::gemini_batches::write_file(self, number),
            Dialect::Anthropic => {}
        }
    }

    /// Hands a call over to the response in the background that ends it.
    pub(super) fn attach(&mut self, number: u64, call: OpenCall) {
        if let Some(response) = self.responses.find(number) {
            response.call = Some(call);
            self.open_responses.push(number);
        }
        self.advance_responses();
    }

    /// Ends the responses in the background that are due.
    pub(super) fn advance_responses(&mut self) {
        let responses = &mut self.responses;
        self.open_responses.retain(|number| {
            responses.find(*number).is_some_and(|response| {
                response.advance();
                response.is_open()
            })
        });
    }
}

/// A page as OpenAI and Anthropic write it.
pub(super) fn id_list(objects: &[Value], has_more: bool) -> Value {
    let id = |object: Option<&Value>| object.and_then(|object| object.get("id")).cloned();
    json!({
        "data": objects,
        "has_more": has_more,
        "first_id": id(objects.first()),
        "last_id": id(objects.last()),
    })
}

/// A page as Gemini writes it: the token of the next one is the last name of this one.
pub(super) fn token_list(field: &str, objects: &[Value], has_more: bool) -> Value {
    let token = objects
        .last()
        .and_then(|object| object.get("name"))
        .filter(|_| has_more)
        .cloned();
    let mut list = json!({ field: objects });
    if let (Some(token), Some(list)) = (token, list.as_object_mut()) {
        list.insert("nextPageToken".to_owned(), token);
    }
    list
}

/// Unix seconds as Anthropic and Gemini write them.
pub(super) fn timestamp(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .unwrap_or_default()
        .to_string()
}
