//! The splitter of events and the readers of streams: whatever a provider sends, the caller gets the
//! same bytes, and what was used does not depend on where the stream was cut into pieces.
#![no_main]

use budgetguard::providers::call::{Call, read_call};
use budgetguard::providers::endpoints::{Hints, route};
use budgetguard::providers::meter::{AnswerStart, Forward, Metered, meter};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const REQUESTS: [(&str, &str); 5] = [
    ("/v1/chat/completions", r#"{"model":"gpt-4o-mini","messages":[],"stream":true}"#),
    ("/v1/responses", r#"{"model":"gpt-5-mini","input":"x","stream":true}"#),
    ("/v1/messages", r#"{"model":"claude-haiku-4-5","messages":[],"max_tokens":9,"stream":true}"#),
    ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", r#"{"contents":[]}"#),
    ("/v1/completions", r#"{"model":"gpt-3.5-turbo-instruct","prompt":"x","stream":true}"#),
];

fuzz_target!(|data: &[u8]| {
    let Some(([kind, size, allowance], stream)) = data.split_first_chunk::<3>() else {
        return;
    };
    let (path, body) = REQUESTS[usize::from(*kind) % REQUESTS.len()];
    let body = Bytes::from_static(body.as_bytes());
    let found = route("POST", path, &Hints::default()).expect("a path of the table");
    let call = read_call(&found, &body).expect("a request that can be read");
    let is_array = *kind >= 128 && path.contains("streamGenerate");
    let content_type = if is_array { "application/json" } else { "text/event-stream" };
    let allowance = (*allowance > 0).then(|| u64::from(*allowance));
    let read = |pieces: usize| read_in(&call, &body, (content_type, allowance), stream, pieces);

    let (whole, shown) = read(stream.len().max(1));
    let (split, shown_split) = read(usize::from(*size).max(1));
    assert_eq!(whole, split, "what was used depends on the pieces");
    if !whole.is_cut_off {
        assert_eq!(shown, stream, "the caller got other bytes");
        assert_eq!(shown_split, stream, "the caller got other bytes");
    }
});

fn read_in(
    call: &Call,
    body: &Bytes,
    (content_type, allowance): (&str, Option<u64>),
    stream: &[u8],
    piece_bytes: usize,
) -> (Metered, Vec<u8>) {
    let mut meter = meter(
        call,
        AnswerStart {
            status: 200,
            content_type: Some(content_type),
            tier_header: None,
            request_body: body.clone(),
            input_bound: 1_000,
            hides_usage: false,
            output_allowance: allowance,
        },
    );
    let mut shown = Vec::new();
    let last = stream.len().div_ceil(piece_bytes).saturating_sub(1);
    for (index, piece) in stream.chunks(piece_bytes).enumerate() {
        match meter.observe(&Bytes::copy_from_slice(piece), index == last) {
            Forward::Same => shown.extend_from_slice(piece),
            Forward::Replaced(bytes) => shown.extend_from_slice(&bytes),
            Forward::Last(bytes) => {
                shown.extend_from_slice(&bytes);
                break;
            }
        }
    }
    (meter.finish(), shown)
}
