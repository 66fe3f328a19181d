//! Requests of every dialect, whole and broken.

use proptest::prelude::*;

use super::*;
use crate::providers::endpoints::{Hints, route};

fn read(path: &str, body: &str) -> Result<Call, BadRequest> {
    let route = route("POST", path, &Hints::default()).unwrap();
    read_call(&route, &Bytes::copy_from_slice(body.as_bytes()))
}

mod forms;
mod packed;

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";
const GENERATE: &str = "/v1beta/models/gemini-2.5-pro:generateContent";

/// A chat request with these members beside model and messages.
fn chat(members: &str) -> Result<Call, BadRequest> {
    read(
        CHAT,
        &format!(r#"{{"model":"gpt-4o","messages":[]{members}}}"#),
    )
}

fn responses(members: &str) -> Call {
    read(RESPONSES, &format!(r#"{{"model":"gpt-5"{members}}}"#)).unwrap()
}

fn messages(members: &str) -> Call {
    let body = format!(r#"{{"model":"claude-opus-5","max_tokens":64{members}}}"#);
    read(MESSAGES, &body).unwrap()
}

#[test]
fn the_facts_of_a_chat_request_are_read() {
    let call = chat(
        r#","stream":true,"stream_options":{"include_usage":true},"n":3,"max_tokens":10,
        "max_completion_tokens":20,"service_tier":"flex","modalities":["text","audio"]"#,
    )
    .unwrap();
    assert_eq!(call.model.as_str(), "gpt-4o");
    assert_eq!((call.streamed, call.include_usage_asked()), (true, true));
    assert_eq!((call.output_cap, call.choices), (Some(20), 3));
    assert_eq!(call.tier, RequestedTier::Flex);
    assert_eq!(call.needs.as_slice(), [RateKind::AudioOutput]);
    let plain = chat("").unwrap();
    assert_eq!(
        (plain.output_cap, plain.choices, plain.streamed),
        (None, 1, false)
    );
    assert_eq!(plain.tier, RequestedTier::Auto);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_in_words() {
    for (body, said) in [
        ("", "line 1 column 0"),
        ("{\"model\":\n\"gpt-4o\",,}", "line 2 column 10"),
        ("[]", "must be a JSON object"),
        ("\"gpt-4o\"", "must be a JSON object"),
        ("{} {}", "trailing characters"),
        (r#"{"model":"a","model":"b"}"#, "duplicate field `model`"),
        (
            r#"{"model":"a","max_tokens":1,"max_tokens":2}"#,
            "duplicate field `max_tokens`",
        ),
        ("{\"model\":\"\u{1}\"}", "control character"),
    ] {
        let refused = read(CHAT, body).unwrap_err();
        assert!(
            refused.message.contains(said),
            "{body}: {}",
            refused.message
        );
    }
    let bomb = format!(r#"{{"model":"m","messages":{}}}"#, "[".repeat(100_000));
    assert!(
        read(CHAT, &bomb)
            .unwrap_err()
            .message
            .contains("recursion limit")
    );
    let invalid = Bytes::from_static(b"{\"model\":\"\xff\"}");
    let route = route("POST", CHAT, &Hints::default()).unwrap();
    assert!(read_call(&route, &invalid).is_err());
}

fn wrong_field(refused: Result<Call, BadRequest>) -> String {
    refused.unwrap_err().param.unwrap().into_owned()
}

#[test]
fn a_wrong_model_is_named() {
    for body in [
        "{}",
        r#"{"model":null}"#,
        r#"{"model":""}"#,
        r#"{"model":4}"#,
    ] {
        assert_eq!(wrong_field(read(CHAT, body)), "model");
        assert_eq!(wrong_field(read(MESSAGES, body)), "model");
    }
    assert_eq!(
        wrong_field(read(GENERATE, r#"{"model":"models/other"}"#)),
        "model"
    );
    assert!(read(GENERATE, r#"{"model":"models/gemini-2.5-pro"}"#).is_ok());
}

#[test]
fn a_wrong_count_or_flag_is_named() {
    for number in [
        "0",
        "-1",
        "1.5",
        "1e10",
        "99999999999999999999",
        "\"7\"",
        "true",
        "[1]",
        "1e999",
    ] {
        assert_eq!(
            wrong_field(chat(&format!(r#","max_tokens":{number}"#))),
            "max_tokens"
        );
        assert_eq!(wrong_field(chat(&format!(r#","n":{number}"#))), "n");
        let config = format!(r#"{{"generationConfig":{{"maxOutputTokens":{number}}}}}"#);
        assert_eq!(
            wrong_field(read(GENERATE, &config)),
            "generationConfig.maxOutputTokens"
        );
    }
    assert_eq!(
        chat(r#","max_tokens":1e3"#).unwrap().output_cap,
        Some(1_000)
    );
    assert_eq!(wrong_field(chat(r#","stream":"yes""#)), "stream");
    assert_eq!(
        wrong_field(chat(r#","stream_options":7"#)),
        "stream_options"
    );
    assert_eq!(
        wrong_field(read(MESSAGES, r#"{"model":"claude-opus-5"}"#)),
        "max_tokens"
    );
}

#[test]
fn what_is_longer_than_it_looks_is_unbounded_and_images_are_counted() {
    for (content, images, is_unbounded) in [
        (r#""just text with \"type\":\"file\"""#, 0, false),
        (
            r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x"}}]"#,
            1,
            false,
        ),
        (
            r#"[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]"#,
            0,
            false,
        ),
        (r#"[{"type":"file","file":{"file_id":"file-1"}}]"#, 0, true),
        (r#"[{"type":"text","\u0074ype":"file"}]"#, 0, true),
        (r#"[{"type":"video_url"}]"#, 0, true),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{content}}}]}}"#);
        let input = read(CHAT, &body).unwrap().input;
        assert_eq!(
            (input.images, input.has_unbounded_input),
            (images, is_unbounded),
            "{content}"
        );
    }
    for (members, is_unbounded) in [
        (
            r#","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]}]"#,
            false,
        ),
        (r#","input":[{"type":"item_reference","id":"x"}]"#, true),
        (
            r#","input":[{"role":"user","content":[{"type":"input_file","file_url":"x"}]}]"#,
            true,
        ),
        (r#","previous_response_id":"resp_1""#, true),
        (r#","previous_response_id":null,"conversation":null"#, false),
        (r#","conversation":{"id":"c"}"#, true),
    ] {
        assert_eq!(
            responses(members).input.has_unbounded_input,
            is_unbounded,
            "{members}"
        );
    }
}

#[test]
fn anthropic_documents_are_bounded_only_as_text() {
    let with = |block: &str| {
        messages(&format!(
            r#","messages":[{{"role":"user","content":[{block}]}}]"#
        ))
        .input
    };
    for (block, images, is_unbounded) in [
        (
            r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"}}"#,
            0,
            false,
        ),
        (
            r#"{"source":{"type":"base64","media_type":"application/pdf"},"type":"document"}"#,
            0,
            true,
        ),
        (
            r#"{"type":"document","source":{"type":"url","url":"x"}}"#,
            0,
            true,
        ),
        (
            r#"{"type":"image","source":{"type":"base64","data":"x"}}"#,
            1,
            false,
        ),
        (
            r#"{"type":"tool_result","content":[{"type":"image","source":{"type":"url"}}]}"#,
            1,
            false,
        ),
        (
            r#"{"type":"tool_use","input":{"type":"file","cache_control":7}}"#,
            0,
            false,
        ),
        (r#"{"type":"container_upload","file_id":"x"}"#, 0, true),
    ] {
        let input = with(block);
        assert_eq!(
            (input.images, input.has_unbounded_input),
            (images, is_unbounded),
            "{block}"
        );
    }
}

#[test]
fn marks_for_the_cache_need_the_price_of_writing() {
    let call = messages(
        r#","system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],
        "tools":[{"name":"t","input_schema":{},"cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
    );
    assert_eq!(
        call.needs.as_slice(),
        [RateKind::CacheWrite, RateKind::CacheWrite1h]
    );
    assert!(call.input.hidden_tokens > 0);
    assert!(messages("").needs.is_empty());
}

#[test]
fn tools_of_the_provider_are_limited_or_named() {
    let call = responses(r#","tools":[{"type":"web_search"}],"max_tool_calls":4"#);
    assert_eq!(call.input.web_search_calls, Calls::AtMost(4));
    assert_eq!(call.input.server_tool_calls, Calls::AtMost(4));
    assert_eq!(call.needs.as_slice(), [RateKind::WebSearchCall]);
    let call = responses(r#","tools":[{"type":"web_search_preview"}]"#);
    assert_eq!(call.input.web_search_calls, Calls::Unlimited);
    let call =
        messages(r#","tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}]"#);
    assert_eq!(call.input.web_search_calls, Calls::AtMost(3));
    let call = read(GENERATE, r#"{"tools":[{"google_search":{}}]}"#).unwrap();
    assert_eq!(call.input.web_search_calls, Calls::Unlimited);
    let call = read(CHAT, r#"{"model":"gpt-4o-search-preview"}"#).unwrap();
    assert_eq!(call.input.web_search_calls, Calls::AtMost(1));
}

#[test]
fn what_is_billed_beside_tokens_is_named() {
    for members in [
        r#","tools":[{"type":"code_interpreter"}]"#,
        r#","tools":[{"type":"image_generation"}]"#,
        r#","tools":[{"type":"computer_use_preview"}]"#,
        r#","tools":[{"type":"tool_of_tomorrow"}]"#,
        r#","prompt":{"id":"pmpt_1"}"#,
    ] {
        assert_eq!(responses(members).unpriced.len(), 1, "{members}");
    }
    for members in [
        r#","speed":"fast""#,
        r#","inference_geo":"us""#,
        r#","tools":[{"type":"code_execution_20250825"}]"#,
        r#","context_management":{"edits":[{"type":"compact_20260112"}]}"#,
    ] {
        assert_eq!(messages(members).unpriced.len(), 1, "{members}");
    }
    let mine = responses(r#","tools":[{"type":"function","name":"f","parameters":{}}]"#);
    assert!(mine.unpriced.is_empty() && mine.input.server_tool_calls == Calls::AtMost(0));
}

#[test]
fn what_a_response_leaves_behind_is_known_before() {
    let kept = |members: &str| {
        let call = responses(members);
        (call.is_background, call.is_kept)
    };
    assert_eq!(kept(""), (false, true));
    assert_eq!(kept(r#","background":true,"store":null"#), (true, true));
    assert_eq!(kept(r#","store":false"#), (false, false));
}

#[test]
fn everything_that_a_request_names_is_found() {
    let ids = |call: Call| {
        let ids = call.references.into_iter().map(|reference| reference.id);
        ids.collect::<Vec<_>>()
    };
    let named = responses(
        r#","previous_response_id":"resp_1","conversation":{"id":"conv_1"},
        "tools":[{"type":"file_search","vector_store_ids":["vs_1","vs_2"]},
        {"type":"code_interpreter","container":{"type":"auto","file_ids":["file-3"]}}]"#,
    );
    assert_eq!(ids(named), ["resp_1", "conv_1", "vs_1", "vs_2", "file-3"]);
    let own = responses(
        r#","tools":[{"type":"function","name":"f","parameters":{"default":{"file_id":"mine"}}}]"#,
    );
    assert!(ids(own).is_empty(), "a function's own words");
    let mine = messages(r#","metadata":{"file_id":"mine"}"#);
    assert!(ids(mine).is_empty());
    let used = read(
        "/v1/messages",
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[
        {"type":"container_upload","file_id":"file_1"},
        {"type":"tool_use","input":{"file_id":"mine"}}]}]}"#,
    );
    assert_eq!(ids(used.unwrap()), ["file_1"]);
    let google = r#"{"contents":[{"parts":[{"file_data":{"file_uri":"files/f-1"}}]}],
        "cached_content":"cachedContents/c-1"}"#;
    assert_eq!(ids(read(GENERATE, google).unwrap()), ["f-1", "c-1"]);
}

#[test]
fn every_prompt_of_a_completion_is_answered_and_each_try_billed() {
    let choices = |members: &str| {
        let body = format!(r#"{{"model":"davinci-002"{members}}}"#);
        let call = read("/v1/completions", &body).unwrap();
        (call.choices, call.output_cap, call.input.sequences)
    };
    assert_eq!(choices(r#","prompt":"a""#), (1, Some(16), 1));
    assert_eq!(
        choices(r#","prompt":["a","b"],"n":2,"best_of":5,"max_tokens":7"#),
        (10, Some(7), 2)
    );
    assert_eq!(choices(r#","prompt":[ 1,2,3]"#), (1, Some(16), 1));
    assert_eq!(choices(r#","prompt":[[1],[2,3]]"#), (2, Some(16), 2));
}

#[test]
fn google_names_may_be_written_both_ways() {
    let body = r#"{"system_instruction":{"parts":[{"file_data":{"mime_type":"video/mp4"}}]},
        "contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"x"}},
        {"functionCall":{"args":{"fileData":{}}}}]}],
        "generation_config":{"max_output_tokens":5,"candidate_count":2,"response_modalities":["IMAGE"]},
        "serviceTier":"SERVICE_TIER_FLEX"}"#;
    let call = read(GENERATE, body).unwrap();
    assert_eq!(
        (call.output_cap, call.choices, call.tier),
        (Some(5), 2, RequestedTier::Flex)
    );
    assert_eq!(
        (call.input.images, call.input.has_unbounded_input),
        (1, true)
    );
    assert_eq!(call.needs.as_slice(), [RateKind::ImageOutput]);
    let both = r#"{"generationConfig":{},"generation_config":{}}"#;
    assert!(
        read(GENERATE, both)
            .unwrap_err()
            .message
            .contains("duplicate")
    );
}

proptest! {
    #[test]
    fn nothing_that_a_caller_sends_makes_a_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        member in "\\PC{0,40}",
    ) {
        for path in [CHAT, RESPONSES, MESSAGES, GENERATE, "/v1/completions", "/v1/embeddings"] {
            let route = route("POST", path, &Hints::default()).unwrap();
            let _ = read_call(&route, &Bytes::copy_from_slice(&bytes));
            let body = format!(r#"{{"model":"m","max_tokens":1,{member}}}"#);
            let _ = read_call(&route, &Bytes::from(body));
        }
    }
}

#[test]
fn googles_long_names_are_its_models() {
    let body = r#"{"model":"models/gemini-2.5-flash","messages":[]}"#;
    let call = read("/v1beta/openai/chat/completions", body).unwrap();
    assert_eq!(
        (call.model.as_str(), call.home),
        ("gemini-2.5-flash", Dialect::Google)
    );
    let call = read(CHAT, body).unwrap();
    assert_eq!(call.model.as_str(), "models/gemini-2.5-flash");
}
