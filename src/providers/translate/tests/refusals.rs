//! What cannot be translated is named, whatever it is.

use super::*;

fn refused(answer: Result<Value, BadRequest>) -> String {
    let refused = answer.unwrap_err();
    let param = refused.param.unwrap();
    assert!(refused.message.contains(&*param), "{}", refused.message);
    param.into_owned()
}

#[test]
fn members_of_a_chat_that_other_providers_lack_are_named() {
    for model in ["claude-opus-5", "gemini-2.5-pro"] {
        for (members, named) in [
            (json!({"logprobs": true}), "logprobs"),
            (json!({"top_logprobs": 2}), "top_logprobs"),
            (json!({"logit_bias": {"5": 1}}), "logit_bias"),
            (json!({"store": true}), "store"),
            (json!({"audio": {"voice": "x"}}), "audio"),
            (json!({"modalities": ["text", "audio"]}), "modalities"),
            (json!({"prediction": {"type": "content"}}), "prediction"),
            (json!({"web_search_options": {}}), "web_search_options"),
            (json!({"verbosity": "low"}), "verbosity"),
            (json!({"functions": []}), "functions"),
            (json!({"service_tier": "scale"}), "service_tier"),
            (json!({"of_our_own": 1}), "of_our_own"),
            (json!({"tools": [{"type": "custom"}]}), "tools[0].type"),
            (
                json!({"tool_choice": {"type": "allowed_tools"}}),
                "tool_choice.type",
            ),
            (json!({"stream_options": {"x": 1}}), "stream_options.x"),
            (
                json!({"max_tokens": 1, "max_completion_tokens": 2}),
                "max_tokens",
            ),
            (json!({"max_tokens": 0}), "max_tokens"),
            (
                json!({"messages": [{"role": "function"}]}),
                "messages[0].role",
            ),
            (
                json!({"messages": [{"role": "user"}]}),
                "messages[0].content",
            ),
            (
                json!({"messages": [{"role": "user", "content": "x", "name": "Ann"}]}),
                "messages[0].name",
            ),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
                "messages[0].content[0].type",
            ),
            (
                json!({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}),
                "messages[0].audio",
            ),
        ] {
            assert_eq!(refused(chat(model, members)), named, "{model}");
        }
    }
}

#[test]
fn members_of_a_response_that_other_providers_lack_are_named() {
    for model in ["claude-opus-5", "gemini-2.5-pro"] {
        for (members, named) in [
            (
                json!({"previous_response_id": "resp_1"}),
                "previous_response_id",
            ),
            (json!({"conversation": "c"}), "conversation"),
            (json!({"background": true}), "background"),
            (json!({"prompt": {"id": "p"}}), "prompt"),
            (json!({"store": true}), "store"),
            (json!({"truncation": "auto"}), "truncation"),
            (json!({"context_management": []}), "context_management"),
            (
                json!({"include": ["message.output_text.logprobs"]}),
                "include[0]",
            ),
            (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
            (json!({"tools": [{"type": "file_search"}]}), "tools[0].type"),
            (json!({"tools": [{"type": "mcp"}]}), "tools[0].type"),
            (
                json!({"input": [{"type": "item_reference", "id": "x"}]}),
                "input[0].type",
            ),
            (
                json!({"input": [{"role": "user", "content": [
                    {"type": "input_image", "file_id": "file-1"},
                ]}]}),
                "input[0].content[0].file_id",
            ),
            (json!({"text": {"verbosity": "high"}}), "text.verbosity"),
        ] {
            assert_eq!(refused(responses(model, members)), named, "{model}");
        }
    }
}

#[test]
fn what_one_provider_lacks_is_named_for_it_alone() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}});
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let orphan = json!([{"role": "tool", "tool_call_id": "x", "content": "1"}]);
    for (members, claude, gemini) in [
        (json!({"n": 2}), Some("n"), None),
        (json!({"seed": 1}), Some("seed"), None),
        (json!({"temperature": 1.5}), Some("temperature"), None),
        (
            json!({"presence_penalty": 0.5}),
            Some("presence_penalty"),
            None,
        ),
        (json!({"service_tier": "flex"}), Some("service_tier"), None),
        (
            json!({"response_format": {"type": "json_object"}}),
            Some("response_format.type"),
            None,
        ),
        (
            json!({"tools": tools, "parallel_tool_calls": false}),
            None,
            Some("parallel_tool_calls"),
        ),
        (
            json!({"messages": [{"role": "user", "content": [image]}]}),
            None,
            Some("messages[0].content[0].image_url.url"),
        ),
        (
            json!({"messages": orphan}),
            None,
            Some("messages[0].tool_call_id"),
        ),
        (
            json!({"reasoning_effort": "none"}),
            None,
            Some("reasoning_effort"),
        ),
    ] {
        for (model, named) in [
            ("claude-opus-5", claude),
            ("gemini-3.1-pro-preview", gemini),
        ] {
            let answer = chat(model, members.clone());
            match named {
                Some(named) => assert_eq!(refused(answer), named),
                None => assert!(answer.is_ok(), "{model}: {members}"),
            }
        }
    }
}

#[test]
fn what_says_nothing_is_not_refused() {
    for members in [
        json!({"presence_penalty": 0, "frequency_penalty": 0.0}),
        json!({"parallel_tool_calls": false}),
        json!({"n": 1, "logprobs": false, "top_logprobs": 0, "logit_bias": {}}),
        json!({"modalities": [ "text" ], "verbosity": "medium", "store": false}),
        json!({"user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "seed": null}),
    ] {
        chat("claude-opus-5", members).unwrap();
    }
}

#[test]
fn thoughts_of_others_are_not_shown_to_claude_as_its_own() {
    let thought = json!([{"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}]);
    let members = json!({"input": thought});
    let answer = responses("claude-opus-5", members.clone());
    assert_eq!(refused(answer), "input[0].encrypted_content");
    responses("gemini-2.5-pro", members).unwrap();
}

#[test]
fn a_cap_that_leaves_no_room_to_think_is_named() {
    let members = json!({"reasoning_effort": "low", "max_completion_tokens": 1_000});
    assert_eq!(
        refused(chat("claude-haiku-4-5", members)),
        "max_completion_tokens"
    );
    let members = json!({"thinking_budget": 500, "max_tokens": 4_000});
    assert_eq!(
        refused(chat("claude-haiku-4-5", members)),
        "thinking_budget"
    );
}
