//! Ends a stream of messages: `stop_reason: "max_tokens"`.

use serde_json::json;

use crate::domain::usage::TokenUsage;
use crate::providers::ending::named_event;

/// The last events.
pub(crate) fn last_words(open_block: Option<u64>, usage: &TokenUsage) -> Vec<u8> {
    let block_stop = open_block.map(|index| {
        let data = json!({"type": "content_block_stop", "index": index});
        named_event("content_block_stop", &data)
    });
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens", "stop_sequence": null},
        "usage": {"output_tokens": usage.output_total()},
    });
    [
        block_stop.unwrap_or_default(),
        named_event("message_delta", &delta),
        named_event("message_stop", &json!({"type": "message_stop"})),
    ]
    .concat()
    .into_bytes()
}
