//! What each provider's answers say, and what is charged for it.

use crate::domain::pricing::Tier;
use crate::domain::usage::{Basis, TokenUsage};

use super::{CHAT, CHAT_BODY, JSON, MESSAGES_BODY, SSE, facts, golden};

#[test]
fn openai_chat_counts_cached_tokens_and_reasoning_once() {
    let body = r#"{"model":"gpt-4.1","messages":[]}"#;
    let metered = golden(CHAT, body, JSON, fixture!("openai/chat.json"));
    let expected = TokenUsage {
        input: 93,
        cached_input: 1024,
        output: 16,
        reasoning_output: 30,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let expected = (
        Basis::Measured,
        true,
        Some(Tier::Standard),
        Some("gpt-4.1-2025-04-14"),
    );
    assert_eq!(facts(&metered), expected);
}

#[test]
fn an_openai_chat_stream_is_metered_by_its_last_chunk() {
    let metered = golden(CHAT, CHAT_BODY, SSE, fixture!("openai/chat.sse"));
    let expected = TokenUsage {
        input: 72,
        audio_input: 10,
        output: 12,
        audio_output: 5,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let model = Some("gpt-4o-mini-2024-07-18");
    assert_eq!(
        facts(&metered),
        (Basis::Measured, true, Some(Tier::Priority), model)
    );
}

#[test]
fn openai_completions_and_embeddings_are_metered() {
    let body = r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Say","stream":true}"#;
    let metered = golden(
        "/v1/completions",
        body,
        SSE,
        fixture!("openai/completion.sse"),
    );
    assert_eq!((metered.usage.input, metered.usage.output), (5, 5));
    assert_eq!(
        (metered.basis, metered.is_complete),
        (Basis::Measured, true)
    );
    let body = r#"{"model":"text-embedding-3-small","input":"x"}"#;
    let metered = golden(
        "/v1/embeddings",
        body,
        JSON,
        fixture!("openai/embeddings.json"),
    );
    assert_eq!((metered.usage.input, metered.usage.output), (8, 0));
    assert_eq!(
        (metered.basis, metered.is_complete),
        (Basis::Measured, true)
    );
}

#[test]
fn openai_responses_count_paid_searches_and_cache_writes() {
    let body = r#"{"model":"gpt-5","input":"x","tools":[{"type":"web_search"}]}"#;
    let metered = golden(
        "/v1/responses",
        body,
        JSON,
        fixture!("openai/response.json"),
    );
    let expected = TokenUsage {
        input: 1040,
        cached_input: 2048,
        cache_write: 512,
        output: 38,
        reasoning_output: 832,
        web_search_calls: 2,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let expected = (
        Basis::Measured,
        true,
        Some(Tier::Flex),
        Some("gpt-5-2025-08-07"),
    );
    assert_eq!(facts(&metered), expected);
}

#[test]
fn an_incomplete_openai_response_is_a_proper_end() {
    let body = r#"{"model":"gpt-5","input":"x","stream":true}"#;
    let metered = golden("/v1/responses", body, SSE, fixture!("openai/response.sse"));
    let expected = TokenUsage {
        input: 37,
        output: 5,
        reasoning_output: 6,
        web_search_calls: 1,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let expected = (
        Basis::Measured,
        true,
        Some(Tier::Standard),
        Some("gpt-5-2025-08-07"),
    );
    assert_eq!(facts(&metered), expected);
}

#[test]
fn anthropic_counts_cached_tokens_beside_the_input() {
    let answer = fixture!("anthropic/message.json");
    let metered = golden("/v1/messages", MESSAGES_BODY, JSON, answer);
    let expected = TokenUsage {
        input: 2095,
        cached_input: 4000,
        cache_write: 456,
        cache_write_1h: 1044,
        output: 103,
        reasoning_output: 400,
        web_search_calls: 2,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let model = Some("claude-sonnet-4-5-20250929");
    assert_eq!(
        facts(&metered),
        (Basis::Measured, true, Some(Tier::Standard), model)
    );
}

#[test]
fn later_usage_of_an_anthropic_stream_replaces_what_it_repeats() {
    let answer = fixture!("anthropic/message.sse");
    let metered = golden("/v1/messages", MESSAGES_BODY, SSE, answer);
    let expected = TokenUsage {
        input: 10_682,
        cached_input: 100,
        cache_write: 20,
        output: 89,
        web_search_calls: 1,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let model = Some("claude-opus-4-5-20251101");
    assert_eq!(
        facts(&metered),
        (Basis::Measured, true, Some(Tier::Priority), model)
    );
}

#[test]
fn an_anthropic_stream_that_fails_is_billed_for_what_was_written() {
    let metered = golden(
        "/v1/messages",
        MESSAGES_BODY,
        SSE,
        fixture!("anthropic/error.sse"),
    );
    assert_eq!((metered.usage.input, metered.usage.output), (25, 11));
    assert_eq!(
        (metered.basis, metered.is_complete),
        (Basis::Estimated, false)
    );
    assert_eq!(metered.provider_error.as_deref(), Some("overloaded_error"));
}

#[test]
fn google_counts_thoughts_and_tool_results_beside_and_cached_tokens_inside() {
    let path = "/v1beta/models/gemini-2.5-flash:generateContent";
    let metered = golden(path, "{}", JSON, fixture!("google/generate.json"));
    let expected = TokenUsage {
        input: 122,
        cached_input: 90,
        audio_input: 160,
        image_input: 40,
        output: 21,
        reasoning_output: 88,
        web_search_calls: 1,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    let expected = (
        Basis::Estimated,
        true,
        Some(Tier::Priority),
        Some("gemini-2.5-flash"),
    );
    assert_eq!(facts(&metered), expected);
}

#[test]
fn both_forms_of_a_google_stream_are_metered_by_their_last_usage() {
    let path = "/v1/models/gemini-3.1-pro-preview:streamGenerateContent";
    for (content_type, answer) in [
        (SSE, fixture!("google/stream.sse")),
        (JSON, fixture!("google/stream.json")),
    ] {
        let metered = golden(path, "{}", content_type, answer);
        let usage = metered.usage;
        assert_eq!(
            (usage.input, usage.output, usage.reasoning_output),
            (8, 4, 40)
        );
        assert_eq!(
            facts(&metered),
            (Basis::Measured, true, None, Some("gemini-3.1-pro-preview"))
        );
    }
    let path = "/v1beta/models/gemini-embedding-2:batchEmbedContents";
    let metered = golden(
        path,
        r#"{"requests":[]}"#,
        JSON,
        fixture!("google/embedding.json"),
    );
    assert_eq!((metered.usage.input, metered.basis), (9, Basis::Measured));
}

#[test]
fn a_conversation_in_short_is_charged_in_full_unless_it_says_what_it_used() {
    let (path, body) = ("/v1/responses/compact", r#"{"model":"gpt-5","input":"a"}"#);
    let with = |usage: &str| {
        let item = r#"{"id":"c","type":"compaction","encrypted_content":"AAAA"}"#;
        let answer = format!(
            r#"{{"id":"r","object":"response.compaction","output":[{item}],"usage":{usage}}}"#
        );
        golden(path, body, JSON, answer.as_bytes())
    };
    let told = with(
        r#"{"input_tokens":90,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,
        "output_tokens_details":{"reasoning_tokens":20},"total_tokens":120}"#,
    );
    let usage = told.usage;
    assert_eq!((usage.input, usage.cached_input), (50, 40));
    assert_eq!((usage.output, usage.reasoning_output), (10, 20));
    assert_eq!(told.basis, Basis::Measured);
    assert_eq!(with("null").basis, Basis::Unknown);
}

#[test]
fn pictures_and_sound_of_an_embedding_are_told_apart() {
    let path = "/v1beta/models/gemini-embedding-2:embedContent";
    let answer = br#"{"embedding":{"values":[0.5]},"usageMetadata":{"promptTokenCount":300,
        "promptTokenDetails":[{"modality":"TEXT","tokenCount":10},
        {"modality":"IMAGE","tokenCount":258},{"modality":"AUDIO","tokenCount":32}]}}"#;
    let used = golden(path, r#"{"content":{"parts":[]}}"#, JSON, answer).usage;
    let counts = (used.input, used.image_input, used.audio_input);
    assert_eq!(counts, (10, 258, 32));
}
