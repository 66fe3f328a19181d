//! Usage put together from parts reads back as these parts, and costs what other arithmetic says.

use proptest::array::uniform9;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JSON, replay, start};
use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, Exactness, ModelPrice, Rate, Rates, Tier};
use crate::domain::usage::{Basis, RateKind, TokenUsage};
use crate::providers::meter::Metered;

/// Meters an answer that is one document.
fn read(path: &str, body: &str, answer: &Value) -> Metered {
    let (call, _) = super::call(path, body);
    replay(&call, start(JSON, false), &[answer.to_string().as_bytes()]).0
}

fn tokens(usage: &TokenUsage) -> Vec<u64> {
    RateKind::ALL.iter().map(|kind| usage.get(*kind)).collect()
}

fn openai_chat(usage: &TokenUsage) -> (Value, Value) {
    let answer = json!({
        "prompt_tokens": usage.input_total(),
        "completion_tokens": usage.output_total(),
        "total_tokens": usage.input_total() + usage.output_total(),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input, "cache_write_tokens": usage.cache_write,
            "audio_tokens": usage.audio_input, "image_tokens": usage.image_input,
            "text_tokens": usage.input + usage.cached_input + usage.cache_write,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_output, "audio_tokens": usage.audio_output,
            "text_tokens": usage.output, "accepted_prediction_tokens": usage.output / 2,
            "rejected_prediction_tokens": usage.output / 3,
        },
    });
    let body = json!({"model": "gpt-4.1", "messages": []});
    (
        body,
        json!({"model": "gpt-4.1", "choices": [], "usage": answer}),
    )
}

fn openai_responses(usage: &TokenUsage) -> (Value, Value) {
    let search = json!({"type": "web_search_call", "action": {"type": "search"}});
    let searches = usize::try_from(usage.web_search_calls).unwrap();
    let answer = json!({
        "model": "gpt-5", "status": "completed", "service_tier": "default",
        "output": vec![search; searches],
        "usage": {
            "input_tokens": usage.input_total(), "output_tokens": usage.output_total(),
            "total_tokens": usage.input_total() + usage.output_total(),
            "input_tokens_details": {
                "cached_tokens": usage.cached_input, "cache_write_tokens": usage.cache_write,
            },
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_output},
        },
    });
    (json!({"model": "gpt-5", "input": "x"}), answer)
}

fn openai_images(usage: &TokenUsage) -> (Value, Value) {
    let answer = json!({"created": 1, "data": [], "usage": {
        "input_tokens": usage.input_total(), "output_tokens": usage.output_total(),
        "total_tokens": usage.input_total() + usage.output_total(),
        "input_tokens_details": {
            "text_tokens": usage.input, "image_tokens": usage.image_input,
        },
        "output_tokens_details": {
            "text_tokens": usage.output, "image_tokens": usage.image_output,
        },
    }});
    (json!({"model": "gpt-image-1.5", "prompt": "x"}), answer)
}

fn anthropic(usage: &TokenUsage) -> (Value, Value) {
    let answer = json!({
        "type": "message", "role": "assistant", "model": "claude-opus-5", "content": [],
        "usage": {
            "input_tokens": usage.input,
            "cache_read_input_tokens": usage.cached_input,
            "cache_creation_input_tokens": usage.cache_write + usage.cache_write_1h,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_write,
                "ephemeral_1h_input_tokens": usage.cache_write_1h,
            },
            "output_tokens": usage.output + usage.reasoning_output,
            "output_tokens_details": {"thinking_tokens": usage.reasoning_output},
            "server_tool_use": {"web_search_requests": usage.web_search_calls, "web_fetch_requests": 3},
            "service_tier": "standard", "inference_geo": "global",
        },
    });
    (
        json!({"model": "claude-opus-5", "max_tokens": 9, "messages": []}),
        answer,
    )
}

fn google(usage: &TokenUsage) -> (Value, Value) {
    let tool_use = usage.input / 3;
    let candidates = usage.output + usage.audio_output + usage.image_output;
    let modality = |modality: &str, count: u64| json!({"modality": modality, "tokenCount": count});
    let answer = json!({
        "modelVersion": "gemini-3-pro",
        "candidates": [{"content": {"parts": []}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": usage.input_total() - tool_use,
            "toolUsePromptTokenCount": tool_use,
            "cachedContentTokenCount": usage.cached_input,
            "candidatesTokenCount": candidates,
            "thoughtsTokenCount": usage.reasoning_output,
            "totalTokenCount": usage.input_total() + usage.output_total(),
            "promptTokensDetails": [
                modality("TEXT", usage.input + usage.cached_input - tool_use),
                modality("AUDIO", usage.audio_input),
                modality("IMAGE", usage.image_input),
            ],
            "cacheTokensDetails": [modality("TEXT", usage.cached_input)],
            "toolUsePromptTokensDetails": [modality("TEXT", tool_use)],
            "candidatesTokensDetails": [
                modality("TEXT", usage.output), modality("AUDIO", usage.audio_output),
                modality("IMAGE", usage.image_output),
            ],
            "trafficType": "ON_DEMAND",
        },
    });
    (json!({"contents": []}), answer)
}

/// A price for every kind, all of them different.
fn price() -> ModelPrice {
    let mut rates = Rates::default();
    for (at, kind) in (1_i64..).zip(RateKind::ALL) {
        rates.set(kind, Rate::from_picos(at * 1_234_567 + at * at));
    }
    ModelPrice {
        id: PriceId(1),
        provider: ProviderName::new("any"),
        model: ModelName::new("any"),
        mode: "chat".to_owned(),
        input_tokens_max: None,
        output_tokens_max: None,
        bands: vec![Band {
            tier: Tier::Standard,
            above_input_tokens: 0,
            rates,
        }],
    }
}

/// The same sum, written down without the price book.
fn nanos_by_hand(usage: &TokenUsage) -> i128 {
    let picos: i128 = (1_i128..)
        .zip(tokens(usage))
        .map(|(at, count)| (at * 1_234_567 + at * at) * i128::from(count))
        .sum();
    (picos + 999) / 1_000
}

#[derive(Clone, Copy)]
enum Shape {
    Chat,
    Responses,
    Images,
    Anthropic,
    Google,
}

impl Shape {
    const ALL: [Self; 5] = [
        Self::Chat,
        Self::Responses,
        Self::Images,
        Self::Anthropic,
        Self::Google,
    ];

    /// What of a usage this shape can say.
    fn says(self, parts: [u64; 9], searches: u64) -> TokenUsage {
        let [input, cached_input, output, reasoning_output, ..] = parts;
        let [
            ..,
            cache_write,
            third,
            audio_output,
            image_input,
            image_output,
        ] = parts;
        let text = TokenUsage {
            input,
            cached_input,
            output,
            reasoning_output,
            ..TokenUsage::default()
        };
        match self {
            Self::Chat => TokenUsage {
                cache_write,
                audio_input: third,
                audio_output,
                image_input,
                ..text
            },
            Self::Responses => TokenUsage {
                cache_write,
                web_search_calls: searches,
                ..text
            },
            Self::Images => TokenUsage {
                cached_input: 0,
                reasoning_output: 0,
                image_input,
                image_output,
                ..text
            },
            Self::Anthropic => TokenUsage {
                cache_write,
                cache_write_1h: third,
                web_search_calls: searches,
                ..text
            },
            Self::Google => TokenUsage {
                audio_input: third,
                audio_output,
                image_input,
                image_output,
                ..text
            },
        }
    }

    fn meter(self, usage: &TokenUsage) -> Metered {
        let (path, (body, answer)) = match self {
            Self::Chat => ("/v1/chat/completions", openai_chat(usage)),
            Self::Responses => ("/v1/responses", openai_responses(usage)),
            Self::Images => ("/v1/images/generations", openai_images(usage)),
            Self::Anthropic => ("/v1/messages", anthropic(usage)),
            Self::Google => ("/v1beta/models/gemini-3-pro:generateContent", google(usage)),
        };
        read(path, &body.to_string(), &answer)
    }
}

proptest! {
    #[test]
    fn parts_read_back_as_they_were_and_cost_what_they_should(
        parts in uniform9(0_u64..2_000_000), searches in 0_u64..5,
    ) {
        for shape in Shape::ALL {
            let usage = shape.says(parts, searches);
            let metered = shape.meter(&usage);
            prop_assert_eq!(metered.usage, usage);
            prop_assert_eq!(metered.basis, Basis::Measured);
            let cost = price().cost(Tier::Standard, &metered.usage);
            prop_assert_eq!(i128::from(cost.usd.nanos()), nanos_by_hand(&usage));
            prop_assert_eq!(cost.exactness, Exactness::Exact);
        }
    }
}

#[test]
fn google_in_openai_words_is_billed_for_the_thoughts_that_it_leaves_out() {
    for (completion, reasoning) in [(151, json!(null)), (151, json!(382)), (0, json!(533))] {
        let answer = json!({"model": "gemini-2.5-flash", "choices": [], "usage": {
            "prompt_tokens": 20, "completion_tokens": completion, "total_tokens": 553,
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }});
        let body = r#"{"model":"gemini-2.5-flash","messages":[]}"#;
        let metered = read("/v1beta/openai/chat/completions", body, &answer);
        assert_eq!(metered.usage.input, 20);
        assert_eq!(metered.usage.output_total(), 533, "{answer}");
    }
}

#[test]
fn what_the_price_book_cannot_say_is_estimated_and_not_too_low() {
    let usage = TokenUsage {
        input: 10,
        output: 5,
        ..TokenUsage::default()
    };
    let (body, mut answer) = anthropic(&usage);
    answer["usage"]["inference_geo"] = json!("us");
    let metered = read("/v1/messages", &body.to_string(), &answer);
    assert_eq!((metered.usage, metered.basis), (usage, Basis::Estimated));
    // Sound that was read from the cache costs more than text that was.
    let (body, mut answer) = google(&TokenUsage {
        cached_input: 100,
        audio_input: 50,
        ..usage
    });
    let details =
        json!([{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}]);
    answer["usageMetadata"]["cacheTokensDetails"] = details;
    answer["usageMetadata"]["promptTokensDetails"][1]["tokenCount"] = json!(90);
    let path = "/v1beta/models/gemini-3-pro:generateContent";
    let metered = read(path, &body.to_string(), &answer);
    let expected = (60, 90, Basis::Estimated);
    let usage = metered.usage;
    assert_eq!(
        (usage.cached_input, usage.audio_input, metered.basis),
        expected
    );
}
