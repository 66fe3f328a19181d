//! Gemini's `:predict`, which makes pictures and tells no usage: each picture has a price.

use serde::Deserialize;
use serde_json::{Value, json};

use super::billed::BilledTokens;
use super::exchange::{Answer, Exchange};
use super::gemini;
use super::images::PNG;
use super::refusal::Refusal;

const IMAGES_MAX: u64 = 4;

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    instances: Vec<Value>,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    sample_count: Option<u64>,
}

pub(super) fn answer(exchange: &Exchange<'_>, model: &str) -> Result<Answer, Refusal> {
    let request: Request = gemini::parse(exchange.body)?;
    let count = request.parameters.sample_count.unwrap_or(IMAGES_MAX);
    if request.instances.is_empty() || count == 0 || count > IMAGES_MAX {
        return Err(Refusal::bad_request(
            "instances or sampleCount is out of range",
        ));
    }
    let picture = json!({"mimeType": "image/png", "bytesBase64Encoded": PNG});
    let pictures: Vec<Value> = (0..count).map(|_| picture.clone()).collect();
    let billed = BilledTokens {
        images: count,
        ..BilledTokens::default()
    };
    let body = json!({ "predictions": pictures });
    Ok(Answer::json(model, billed, body.to_string()).at_tier("standard"))
}
