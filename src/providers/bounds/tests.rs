//! What bounds a request, and what has no bound.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, Rate, Rates};
use crate::domain::usage::RateKind;
use crate::providers::Dialect;
use crate::providers::call::read_call;
use crate::providers::endpoints::{Hints, route};

fn call(path: &str, body: &str) -> Call {
    let route = route("POST", path, &Hints::default()).unwrap();
    read_call(&route, &Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn price(window: Option<u64>, output: Option<u64>) -> ModelPrice {
    let mut rates = Rates::default();
    rates.set(RateKind::Input, Rate::from_picos(1_000_000));
    rates.set(RateKind::Output, Rate::from_picos(4_000_000));
    ModelPrice {
        id: PriceId(1),
        provider: ProviderName::new("openai"),
        model: ModelName::new("m"),
        mode: "chat".to_owned(),
        input_tokens_max: window,
        output_tokens_max: output,
        bands: vec![Band {
            tier: Tier::Standard,
            above_input_tokens: 0,
            rates,
        }],
    }
}

const CHAT: &str = "/v1/chat/completions";
const PLAIN: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;

#[test]
fn text_is_bounded_by_its_length_and_never_above_the_window() {
    let call = call(CHAT, PLAIN);
    let length = u64::try_from(PLAIN.len()).unwrap();
    assert_eq!(input_bound(&call, &price(None, None)), Ok(length + 64));
    assert_eq!(input_bound(&call, &price(Some(50), None)), Ok(50));
    assert_eq!(counted_input_bound(&call, &price(None, None), 9), Ok(73));
}

#[test]
fn a_conversation_in_short_is_bounded_by_the_longest_answer_whatever_the_caller_asks() {
    let body = r#"{"model":"m","input":"hello","max_output_tokens":5,"stream":true}"#;
    let call = call("/v1/responses/compact", body);
    assert!(!takes_cap(call.operation) && !call.streamed);
    assert_eq!(output_bound(&call, &price(None, Some(70)), None), Some(70));
    assert_eq!(output_bound(&call, &price(None, None), None), None);
}

#[test]
fn what_is_not_in_the_body_is_bounded_by_the_window_or_not_at_all() {
    let earlier = call(
        "/v1/responses",
        r#"{"model":"m","previous_response_id":"r"}"#,
    );
    assert_eq!(input_bound(&earlier, &price(Some(9_000), None)), Ok(9_000));
    assert_eq!(
        input_bound(&earlier, &price(None, None)),
        Err(Unbounded::NoWindow)
    );
    let tools = r#"{"model":"m","max_tool_calls":2,"tools":[{"type":"web_search"}]}"#;
    let searching = call("/v1/responses", tools);
    assert_eq!(
        input_bound(&searching, &price(Some(9_000), None)),
        Ok(27_000)
    );
    assert_eq!(usage_bound(&searching, 27_000).unwrap().web_search_calls, 2);
    let endless = call(
        "/v1/responses",
        &tools.replace(r#""max_tool_calls":2,"#, ""),
    );
    assert_eq!(
        input_bound(&endless, &price(Some(9_000), None)),
        Err(Unbounded::ServerTools)
    );
}

#[test]
fn each_of_several_inputs_may_fill_the_window() {
    let many = call(
        "/v1/embeddings",
        r#"{"model":"m","input":["aaaaaaaaaa","bbbbbbbbbb","c"]}"#,
    );
    assert_eq!(input_bound(&many, &price(Some(10), None)), Ok(30));
    assert_eq!(
        output_bound(&many, &price(Some(10), Some(10)), None),
        Some(0)
    );
}

#[test]
fn output_is_bounded_by_the_cap_times_the_answers_else_by_the_model() {
    let asked = call(CHAT, r#"{"model":"m","max_tokens":100,"n":3}"#);
    assert_eq!(
        output_bound(&asked, &price(None, Some(4_096)), None),
        Some(300)
    );
    assert_eq!(
        output_bound(&asked, &price(None, Some(4_096)), Some(50)),
        Some(150)
    );
    let open = call(CHAT, PLAIN);
    assert_eq!(
        output_bound(&open, &price(None, Some(4_096)), None),
        Some(4_096)
    );
    assert_eq!(output_bound(&open, &price(None, None), Some(50)), Some(50));
    assert_eq!(output_bound(&open, &price(None, None), None), None);
}

#[test]
fn a_longer_context_than_the_price_knows_has_no_bound() {
    let mut long = call(CHAT, PLAIN);
    long.input.has_long_context = true;
    assert_eq!(
        input_bound(&long, &price(Some(50), None)),
        Err(Unbounded::LongContext)
    );
    assert!(input_bound(&long, &price(Some(5_000), None)).is_ok());
}

#[test]
fn whatever_has_no_price_is_named() {
    let named = |body: &str| match check_priced(&call(CHAT, body), &price(None, None)) {
        Err(Denial::Unpriced { what }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(check_priced(&call(CHAT, PLAIN), &price(None, None)), Ok(()));
    assert_eq!(
        named(r#"{"model":"m","service_tier":"flex"}"#),
        "the flex tier of m"
    );
    assert_eq!(
        named(r#"{"model":"m","service_tier":"scale"}"#),
        "this service tier"
    );
    assert_eq!(
        named(r#"{"model":"m","modalities":["audio"]}"#),
        "audio_output of m"
    );
    assert_eq!(
        named(r#"{"model":"m","web_search_options":{}}"#),
        "web_search_call of m"
    );
    assert_eq!(
        named(r#"{"model":"m","tools":[{"type":"x"}]}"#),
        "a tool of an unknown type"
    );
}

proptest! {
    #[test]
    fn the_bound_by_length_is_never_below_the_exact_count(text in "\\PC{0,400}") {
        let text = serde_json::to_string(&text).unwrap();
        let body = format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":{text}}}]}}"#);
        let content: String = serde_json::from_str(&text).unwrap();
        let exact = u64::try_from(bpe_openai::o200k_base().count(content.as_str())).unwrap();
        let bound = input_bound(&call(CHAT, &body), &price(None, None)).unwrap();
        let counted = crate::providers::tokens::count_upper(Dialect::OpenAi, "gpt-4o", body.as_bytes());
        prop_assert!(bound >= exact + 7);
        prop_assert!(counted.unwrap() >= exact + 7);
    }
}
