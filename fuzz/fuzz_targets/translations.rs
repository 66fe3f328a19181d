//! The translators: whatever a caller sends, what comes out is a request of the other API or a refusal;
//! whatever a provider answers, what comes out does not depend on the pieces in which it came.
#![no_main]

use budgetguard::providers::Dialect;
use budgetguard::providers::endpoints::Operation;
use budgetguard::providers::translate::{AnswerFacts, Target, Translated, translate_request};
use libfuzzer_sys::fuzz_target;

const ASKED: [&str; 4] = [
    r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":9}"#,
    r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":9,"stream":true}"#,
    r#"{"model":"m","input":"x","max_output_tokens":9}"#,
    r#"{"model":"m","input":"x","max_output_tokens":9,"stream":true}"#,
];

fuzz_target!(|data: &[u8]| {
    let Some(([kind, size, status], bytes)) = data.split_first_chunk::<3>() else {
        return;
    };
    let dialect = if kind & 1 == 0 { Dialect::Anthropic } else { Dialect::Google };
    let form = usize::from(kind >> 1) % ASKED.len();
    let operation = if form < 2 { Operation::ChatCompletions } else { Operation::Responses };
    let target = Target { dialect, model: "m", cap: (kind & 64 != 0).then_some(5), output_tokens_max: Some(100) };
    if let Ok(translated) = translate_request(operation, &target, bytes) {
        let json = serde_json::from_slice::<serde_json::Value>(&translated.body);
        assert!(json.is_ok_and(|json| json.is_object()), "no request came out");
    }
    let asked = translate_request(operation, &target, ASKED[form].as_bytes());
    let asked = asked.expect("a request that can be translated");
    let status = if *status > 200 { 429 } else { 200 };
    let whole = answer(&asked, status, bytes, bytes.len().max(1));
    let split = answer(&asked, status, bytes, usize::from(*size).max(1));
    assert_eq!(whole, split, "the answer depends on the pieces");
});

fn answer(asked: &Translated, status: u16, bytes: &[u8], piece_bytes: usize) -> Vec<u8> {
    let mut translator = asked.answer(&AnswerFacts {
        status,
        model: "m",
        request_id: "01a2280b-d35f-7dbb-b039-d9d7a504e948",
        created: 1,
    });
    let mut shown = Vec::new();
    let last = bytes.len().div_ceil(piece_bytes).saturating_sub(1);
    for (index, piece) in bytes.chunks(piece_bytes).enumerate() {
        shown.extend_from_slice(&translator.push(piece, index == last));
    }
    shown
}
