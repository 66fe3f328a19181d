//! Counts against the public tokenisers.

use super::*;

fn count(model: &str, body: &str) -> Option<u64> {
    count_upper(Dialect::OpenAi, model, body.as_bytes())
}

#[test]
fn a_tokenizer_is_known_only_for_models_whose_encoding_is_published() {
    let name = |model| encoding(Dialect::OpenAi, model).map(|found| found == Encoding::O200k);
    for model in [
        "gpt-4o",
        "gpt-4.1-mini",
        "gpt-5.1",
        "gpt-oss-20b",
        "openai/gpt-oss-120b",
        "o3-mini",
        "ft:gpt-4o-mini-2024-07-18:acme::x",
    ] {
        assert_eq!(name(model), Some(true), "{model}");
    }
    for model in [
        "gpt-4",
        "gpt-4-turbo",
        "gpt-3.5-turbo",
        "text-embedding-3-small",
        "ft:davinci-002:acme",
    ] {
        assert_eq!(name(model), Some(false), "{model}");
    }
    assert_eq!(name("gpt-6-sol"), None);
    assert_eq!(name("gpt-45"), None);
    assert!(encoding(Dialect::Anthropic, "gpt-4o").is_none());
}

#[test]
fn text_is_counted_as_the_provider_decodes_it() {
    // A tab before `ext` is two tokens, but `\text`, as it is written in JSON, is one.
    let body = |text: &str| format!(r#"{{"messages":[{{"content":"{text}"}}]}}"#);
    let without = count("gpt-4o", &body("")).unwrap();
    let with = count("gpt-4o", &body(&r"\text".repeat(50))).unwrap();
    let exact = bpe_openai::o200k_base().count("\text".repeat(50).as_str());
    assert_eq!(with - without, u64::try_from(exact).unwrap());
}

#[test]
fn the_count_is_above_what_documented_examples_are_billed() {
    // The example of the provider's own guide: six messages that are billed as 129 tokens.
    let guide = [
        (
            "system",
            "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        ),
        ("system", "New synergies will help drive top-line growth."),
        (
            "system",
            "Things working well together will increase revenue.",
        ),
        (
            "system",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ),
        (
            "system",
            "Let's talk later when we're less busy about how to do better.",
        ),
        (
            "user",
            "This late pivot means we don't have time to boil the ocean for the client deliverable.",
        ),
    ];
    let messages: Vec<_> = guide
        .iter()
        .map(|(role, content)| serde_json::json!({"role": role, "content": content}))
        .collect();
    let body = serde_json::json!({"model": "gpt-4", "messages": messages}).to_string();
    let counted = count("gpt-4", &body).unwrap();
    assert!((129..260).contains(&counted), "{counted}");
    assert!(
        counted < u64::try_from(body.len()).unwrap() / 2,
        "much closer than the bytes"
    );
}

#[test]
fn what_is_no_json_is_not_counted() {
    assert_eq!(count("gpt-4o", "{"), None);
}
