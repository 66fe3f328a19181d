//! Errors before an answer, in the middle of it, and answers that are none.

use super::answers::{CHAT, CLAUDE, GEMINI, RESPONSES, at_once, document, events, streamed};
use super::*;

const CLAUDE_ERROR: &str = include_str!("../../../../tests/fixtures/anthropic/error.sse");

#[test]
fn errors_in_a_stream_are_told_as_openai_tells_them() {
    let out = streamed(CHAT, "claude-opus-5", CLAUDE_ERROR);
    let last = events(&out).pop().unwrap();
    assert_eq!(
        last,
        json!({"error": {
            "message": "Overloaded",
            "type": "server_error",
            "param": null,
            "code": "server_overloaded",
        }})
    );
    let out = streamed(RESPONSES, "claude-opus-5", CLAUDE_ERROR);
    let last = events(&out).pop().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["error"]["message"], "Overloaded");
    let text = &last["response"]["output"][0]["content"][0]["text"];
    assert_eq!(text, "Hello, here are thirty letters!");
}

#[test]
fn streams_that_break_off_do_not_look_whole() {
    for (model, stream) in [("claude-opus-5", CLAUDE), ("gemini-3.5-flash", GEMINI)] {
        let (half, _) = stream.split_once("look up").unwrap();
        let out = at_once(CHAT, model, half);
        assert!(!out.contains("[DONE]"));
        assert_eq!(events(&out).pop().unwrap()["error"]["code"], "server_error");
        let out = at_once(RESPONSES, model, half);
        assert_eq!(events(&out).pop().unwrap()["type"], "response.failed");
    }
}

/// Status, the provider's word for it, and `OpenAI`'s type and code.
const REFUSALS: &str = "
    400 invalid_request_error invalid_request_error invalid_request
    401 authentication_error  invalid_request_error invalid_api_key
    402 billing_error         insufficient_quota    insufficient_quota
    403 permission_error      permission_denied     permission_denied
    404 not_found_error       invalid_request_error model_not_found
    413 request_too_large     invalid_request_error request_too_large
    429 rate_limit_error      rate_limit_exceeded   rate_limit_exceeded
    500 api_error             server_error          server_error
    529 overloaded_error      server_error          server_overloaded
    400 INVALID_ARGUMENT      invalid_request_error invalid_request
    403 PERMISSION_DENIED     permission_denied     permission_denied
    404 NOT_FOUND             invalid_request_error model_not_found
    429 RESOURCE_EXHAUSTED    rate_limit_exceeded   rate_limit_exceeded
    503 UNAVAILABLE           server_error          server_overloaded
    504 DEADLINE_EXCEEDED     server_error          timeout
    418 ?                     invalid_request_error invalid_request
    502 ?                     server_error          server_overloaded
";

#[test]
fn refusals_of_providers_are_told_in_openais_words() {
    for line in REFUSALS.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (status, word) = (words[0].parse().unwrap(), words[1]);
        let claude = json!({"type": "error", "error": {"type": word, "message": "Why."}});
        let gemini = json!([{"error": {"code": 400, "message": "Why.", "status": word}}]);
        for body in [claude, gemini] {
            let answer = document(CHAT, "claude-opus-5", status, &body.to_string());
            assert_eq!(answer["error"]["type"], words[2], "{line}");
            assert_eq!(answer["error"]["code"], words[3], "{line}");
            assert_eq!(answer["error"]["message"], "Why.");
        }
    }
    assert_eq!(status_for_openai(529), 503);
    assert_eq!(status_for_openai(429), 429);
}

#[test]
fn prompts_that_are_too_long_have_the_code_that_callers_look_for() {
    for message in [
        "prompt is too long: 200001 tokens > 200000 maximum",
        "The input token count (9) exceeds the maximum number of tokens allowed (8).",
    ] {
        let body = json!({"error": {"type": "invalid_request_error", "message": message}});
        let answer = document(CHAT, "claude-opus-5", 400, &body.to_string());
        assert_eq!(answer["error"]["code"], "context_length_exceeded");
    }
}

#[test]
fn a_refusal_in_no_known_form_still_has_a_message() {
    let answer = document(CHAT, "claude-opus-5", 502, "<html>");
    let message = &answer["error"]["message"];
    assert_eq!(message, "The provider answered with status 502.");
}

#[test]
fn an_answer_that_cannot_be_read_is_an_error() {
    for model in ["claude-opus-5", "gemini-2.5-flash"] {
        let answer = document(CHAT, model, 200, "<html>");
        assert_eq!(answer["error"]["type"], "server_error");
    }
}
