//! What is read at a provider before a request is admitted, because its price depends on it.

use bytes::Bytes;
use http::HeaderMap;

use crate::domain::denial::{BadRequest, Denial};
use crate::domain::object::ObjectKind;
use crate::gateway::Gateway;
use crate::gateway::objects::unavailable;
use crate::objects::client::{Heard, Question};
use crate::providers::batch::BatchInput;
use crate::providers::call::Call;
use crate::providers::deferred::path_of;

/// The longest input file of a batch; providers take no longer ones.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The longest description of cached contents.
const CONTENTS_BYTES_MAX: usize = 64 * 1024;

/// Reads the file that has the requests of a batch.
pub(super) async fn read_lines(
    gateway: &Gateway,
    call: &mut Call,
    body: &Bytes,
) -> Result<(), Denial> {
    let input = BatchInput::read(call, body).map_err(Denial::BadRequest)?;
    let path = input.content_path();
    let question = Question {
        home: input.home,
        path: &path,
        headers: HeaderMap::new(),
        bytes_max: BATCH_BYTES_MAX,
    };
    let mut wrong = None;
    let mut read = |line: &[u8]| {
        if wrong.is_none() {
            wrong = call.add_input_line(&input, line).err();
        }
    };
    let heard = gateway.objects.client.ask_lines(&question, &mut read).await;
    match (heard, wrong) {
        (Ok(200), None) if call.lines.is_empty() => {
            let message = "the input file has no requests";
            Err(Denial::BadRequest(BadRequest::field(
                "input_file_id",
                message,
            )))
        }
        (Ok(200), None) => Ok(()),
        (Ok(200), Some(wrong)) => Err(Denial::BadRequest(wrong)),
        (Ok(404), _) => Err(Denial::NoSuchObject {
            kind: ObjectKind::File.as_str(),
            id: input.file,
        }),
        (Ok(_) | Err(_), _) => {
            tracing::warn!(?heard, "the input file of a batch cannot be read");
            Err(unavailable())
        }
    }
}

/// Reads what is kept and until when, of cached contents that are to be kept for longer.
pub(super) async fn read_contents(gateway: &Gateway, call: &mut Call) -> Result<(), Denial> {
    let kind = ObjectKind::CachedContent;
    let id = call.object.clone().unwrap_or_default();
    let path = path_of(call.home, kind, &id).ok_or_else(unavailable)?;
    let question = Question {
        home: call.home,
        path: &path,
        headers: HeaderMap::new(),
        bytes_max: CONTENTS_BYTES_MAX,
    };
    let heard = gateway.objects.client.ask(&question).await;
    let body = match heard {
        Ok(Heard { status: 200, body }) => body,
        // Google does not say whether it is gone or somebody else's.
        Ok(Heard {
            status: 403 | 404, ..
        }) => {
            let kind = kind.as_str();
            return Err(Denial::NoSuchObject { kind, id });
        }
        Ok(_) | Err(_) => {
            tracing::warn!(?heard, "cached contents cannot be read");
            return Err(unavailable());
        }
    };
    call.note_contents(&body).ok_or_else(unavailable)
}
