//! The readers of requests: whatever a caller sends, it is understood or refused, and a cap that is put
//! in is one that the provider will read.
#![no_main]

use budgetguard::providers::bounds::takes_cap;
use budgetguard::providers::call::read_call;
use budgetguard::providers::edit::{Edits, edit_body};
use budgetguard::providers::endpoints::{ENDPOINTS, Endpoint, Hints, route};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const CAP: u64 = 17;

fuzz_target!(|data: &[u8]| {
    let Some(([kind], body)) = data.split_first_chunk::<1>() else {
        return;
    };
    // Others have no body that is read.
    let has_body = |row: &&Endpoint| row.is_billed() && row.method != "GET";
    let billed: Vec<_> = ENDPOINTS.iter().filter(has_body).collect();
    let row = billed[usize::from(*kind) % billed.len()];
    let path = row.label.replace("{model}", "some-model").replace("{id}", "id");
    let Ok(found) = route(row.method, &path, &Hints::default()) else {
        return;
    };
    let body = Bytes::copy_from_slice(body);
    let Ok(call) = read_call(&found, &body) else {
        return;
    };
    let edits = Edits {
        model: Some("another-model"),
        output_cap: takes_cap(row.operation).then_some(CAP),
        include_usage: true,
    };
    let Some(edited) = edit_body(&call, &edits, &body) else {
        return;
    };
    if serde_json::from_slice::<serde_json::Value>(&body).is_err() {
        return;
    }
    let json = serde_json::from_slice::<serde_json::Value>(&edited);
    assert!(json.is_ok(), "an edit broke the body");
    let Ok(again) = read_call(&found, &edited) else {
        // The path names the model: the body may not name another.
        assert!(row.label.contains("{model}"), "an edit made the body unreadable");
        return;
    };
    if edits.output_cap.is_some() {
        assert_eq!(again.output_cap, Some(CAP));
    }
    assert_eq!(again.streamed, call.streamed);
});
