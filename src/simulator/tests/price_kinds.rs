//! One answer can be billed in every unit of the price lists, and says so in each dialect.

use serde_json::{Value, json};

use crate::simulator::{BilledTokens, Simulator};

use super::objects::{answer, call};
use super::{FLASH, chat, claude, events, gemini, simulator, with};

const DIRECTIVE: &str = "[[sim input=9000 cached=1000 cache_write=200 cache_write_1h=300 \
     audio_input=400 image_input=500 output=90 reasoning=20 audio_output=30 image_output=10 \
     searches=2 chunks=3 tier=priority]]";

const BILLED: BilledTokens = BilledTokens {
    stored_token_seconds: 0,
    input: 9000,
    cached_input: 1000,
    cache_write: 200,
    cache_write_1h: 300,
    audio_input: 400,
    image_input: 500,
    output: 90,
    reasoning: 20,
    audio_output: 30,
    image_output: 10,
    web_search_calls: 2,
    audio_seconds: 0,
    images: 0,
};

fn assert_booked(simulator: &Simulator) {
    let call = simulator.calls().pop().unwrap();
    assert_eq!(call.billed, BILLED, "{}", call.path);
    assert_eq!(call.tier, "priority", "{}", call.path);
}

#[tokio::test]
async fn chat_tells_them_in_its_details() {
    let simulator = simulator().await;
    let path = "/v1/chat/completions";
    let whole = answer(&simulator, path, &chat(DIRECTIVE)).await;
    assert_booked(&simulator);
    let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
    let stream = events(&simulator, path, &with(chat(DIRECTIVE), &asked)).await;
    assert_booked(&simulator);
    let streamed = &stream[stream.len() - 2].1;
    assert_eq!(streamed["usage"], whole["usage"]);
    let usage = &whole["usage"];
    assert_eq!(
        usage["prompt_tokens_details"],
        json!({"cached_tokens": 1000, "cache_write_tokens": 500, "audio_tokens": 400,
               "image_tokens": 500, "text_tokens": 8100})
    );
    let details = &usage["completion_tokens_details"];
    assert_eq!(
        (&details["reasoning_tokens"], &details["audio_tokens"]),
        (&json!(20), &json!(30))
    );
    assert_eq!(whole["service_tier"], "priority");
}

#[tokio::test]
async fn responses_list_their_searches() {
    let simulator = simulator().await;
    let body = json!({"model": "gpt-5", "input": DIRECTIVE});
    let whole = answer(&simulator, "/v1/responses", &body).await;
    assert_booked(&simulator);
    let searches = |output: &Value| {
        let items = output.as_array().unwrap().iter();
        items.filter(|i| i["type"] == "web_search_call").count()
    };
    assert_eq!(searches(&whole["output"]), 2);
    let streamed = with(body, &json!({"stream": true}));
    let stream = events(&simulator, "/v1/responses", &streamed).await;
    assert_booked(&simulator);
    let end = &stream.last().unwrap().1["response"];
    assert_eq!(
        (searches(&end["output"]), &end["usage"]),
        (2, &whole["usage"])
    );
}

#[tokio::test]
async fn anthropic_splits_its_cache_by_age_and_counts_searches() {
    let simulator = simulator().await;
    let whole = answer(&simulator, "/v1/messages", &claude(DIRECTIVE)).await;
    assert_booked(&simulator);
    let usage = &whole["usage"];
    assert_eq!(
        (
            &usage["input_tokens"],
            &usage["cache_creation_input_tokens"]
        ),
        (&json!(7500), &json!(500))
    );
    assert_eq!(
        usage["cache_creation"],
        json!({"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 300})
    );
    assert_eq!(usage["server_tool_use"]["web_search_requests"], 2);
    assert_eq!(usage["service_tier"], "priority");
    let streamed = with(claude(DIRECTIVE), &json!({"stream": true}));
    let stream = events(&simulator, "/v1/messages", &streamed).await;
    assert_booked(&simulator);
    let end = &stream[stream.len() - 2].1["usage"];
    assert_eq!(end["server_tool_use"], usage["server_tool_use"]);
}

#[tokio::test]
async fn gemini_counts_by_modality_and_names_its_traffic() {
    let simulator = simulator().await;
    let path = format!("{FLASH}:generateContent");
    let whole = answer(&simulator, &path, &gemini(DIRECTIVE)).await;
    assert_booked(&simulator);
    let usage = &whole["usageMetadata"];
    let count = |modality: &str, tokens: u64| json!({"modality": modality, "tokenCount": tokens});
    assert_eq!(
        usage["promptTokensDetails"],
        json!([
            count("TEXT", 8100),
            count("AUDIO", 400),
            count("IMAGE", 500)
        ])
    );
    assert_eq!(
        usage["candidatesTokensDetails"],
        json!([count("TEXT", 30), count("AUDIO", 30), count("IMAGE", 10)])
    );
    assert_eq!(
        (&usage["thoughtsTokenCount"], &usage["trafficType"]),
        (&json!(20), &json!("ON_DEMAND_PRIORITY"))
    );
    let queries = &whole["candidates"][0]["groundingMetadata"]["webSearchQueries"];
    assert_eq!(queries.as_array().unwrap().len(), 2);
    let stream = format!("{FLASH}:streamGenerateContent?alt=sse");
    let stream = events(&simulator, &stream, &gemini(DIRECTIVE)).await;
    assert_booked(&simulator);
    assert_eq!(&stream.last().unwrap().1["usageMetadata"], usage);
}

#[tokio::test]
async fn what_was_produced_before_a_break_is_billed_by_its_kind() {
    let simulator = simulator().await;
    let directive =
        "[[sim output=60 reasoning=20 audio_output=30 searches=1 chunks=10 cut_after=2]]";
    let body = with(chat(directive), &json!({"stream": true})).to_string();
    let url = format!("http://{}/v1/chat/completions", simulator.address());
    let broken = reqwest::Client::new().post(url).body(body).send().await;
    // The role and the first piece: one token behind all that precedes the text.
    assert!(broken.unwrap().bytes().await.is_err());
    let billed = simulator.calls().pop().unwrap().billed;
    assert_eq!(
        (
            billed.output,
            billed.reasoning,
            billed.audio_output,
            billed.web_search_calls
        ),
        (51, 20, 30, 1)
    );
    let bad = chat("[[sim end=never]]").to_string();
    let path = "/v1/chat/completions";
    assert_eq!(call(&simulator, "POST", path, &[], bad).await.0, 400);
}
