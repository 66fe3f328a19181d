//! Usage as `OpenAI` tells it: cached tokens are part of the input, reasoning is part of the output.

use serde_json::{Value, json};

use crate::domain::usage::TokenUsage;

/// As `/v1/chat/completions` tells it.
pub(super) fn of_chat(usage: &TokenUsage) -> Value {
    let (input, output) = (usage.input_total(), usage.output_total());
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": cache_write(usage),
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_output,
            "audio_tokens": usage.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// As `/v1/responses` tells it.
pub(super) fn of_response(usage: &TokenUsage) -> Value {
    let (input, output) = (usage.input_total(), usage.output_total());
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": cache_write(usage),
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output},
        "total_tokens": input.saturating_add(output),
    })
}

fn cache_write(usage: &TokenUsage) -> u64 {
    usage.cache_write.saturating_add(usage.cache_write_1h)
}
