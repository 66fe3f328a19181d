//! The readers of answers in one piece: whatever a provider says that it used, it has a price.
#![no_main]

use budgetguard::domain::money::Usd;
use budgetguard::domain::pricing::{Band, ModelPrice, Rate, Rates, Tier};
use budgetguard::domain::usage::RateKind;
use budgetguard::providers::call::read_call;
use budgetguard::providers::endpoints::{Hints, route};
use budgetguard::providers::meter::{AnswerStart, meter};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const REQUESTS: [(&str, &str); 6] = [
    ("/v1/chat/completions", r#"{"model":"gpt-4o-mini","messages":[]}"#),
    ("/v1/responses", r#"{"model":"gpt-5-mini","input":"x"}"#),
    ("/v1/messages", r#"{"model":"claude-haiku-4-5","messages":[],"max_tokens":9}"#),
    ("/v1beta/models/gemini-2.5-flash:generateContent", r#"{"contents":[]}"#),
    ("/v1/embeddings", r#"{"model":"text-embedding-3-small","input":"x"}"#),
    ("/v1beta/models/gemini-embedding-001:embedContent", r#"{"content":{}}"#),
];

fuzz_target!(|data: &[u8]| {
    let Some(([kind, status], answer)) = data.split_first_chunk::<2>() else {
        return;
    };
    let (path, body) = REQUESTS[usize::from(*kind) % REQUESTS.len()];
    let body = Bytes::from_static(body.as_bytes());
    let found = route("POST", path, &Hints::default()).expect("a path of the table");
    let call = read_call(&found, &body).expect("a request that can be read");
    let mut meter = meter(
        &call,
        AnswerStart {
            status: if *status > 200 { 429 } else { 200 },
            content_type: Some("application/json"),
            tier_header: None,
            request_body: body.clone(),
            input_bound: 1_000,
            hides_usage: false,
            output_allowance: None,
        },
    );
    meter.observe(&Bytes::copy_from_slice(answer), true);
    let metered = meter.finish();
    let cost = price().cost(metered.tier_served.unwrap_or(Tier::Standard), &metered.usage);
    assert!(cost.usd >= Usd::ZERO, "{metered:?} costs {}", cost.usd);
    if *status > 200 {
        assert_eq!(metered.usage.input_total() + metered.usage.output_total(), 0);
    }
});

/// A price of a dollar a million for everything.
fn price() -> ModelPrice {
    let mut rates = Rates::default();
    for kind in RateKind::ALL {
        rates.set(kind, Rate::from_picos(1_000_000));
    }
    let band = Band { tier: Tier::Standard, above_input_tokens: 0, rates };
    ModelPrice {
        id: budgetguard::domain::id::PriceId(1),
        provider: budgetguard::domain::id::ProviderName::new("x"),
        model: budgetguard::domain::id::ModelName::new("x"),
        mode: "chat".to_owned(),
        input_tokens_max: None,
        output_tokens_max: None,
        bands: vec![band],
    }
}
