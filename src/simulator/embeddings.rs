//! Embeddings of OpenAI and Gemini: the same vector for every input, as only its size and its
//! price matter here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Exchange, quoted};
use super::gemini;
use super::openai::{missing, parse};
use super::prompt::Prompt;
use super::refusal::Refusal;

const INPUTS_MAX: u64 = 2048;
const DIMENSIONS_MAX: usize = 4096;
const OPENAI_DIMENSIONS: usize = 1536;
const GEMINI_DIMENSIONS: usize = 3072;

#[derive(Deserialize)]
struct OpenAiRequest {
    model: Option<String>,
    input: Option<Prompt>,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
}

pub(super) fn openai(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: OpenAiRequest = parse(exchange.body)?;
    let model = request.model.as_deref().ok_or_else(|| missing("model"))?;
    let input = request.input.as_ref().ok_or_else(|| missing("input"))?;
    // A flat list of token ids is one input; the parser cannot tell it from a list of lists.
    let flat = input.token_ids > 0 && input.token_ids == input.elements;
    let inputs = if flat { 1 } else { input.elements };
    if inputs == 0 || inputs > INPUTS_MAX {
        return Err(Refusal::bad_request("'$.input' is invalid."));
    }
    let vector = vector(request.dimensions.unwrap_or(OPENAI_DIMENSIONS))?;
    let embedding = match request.encoding_format.as_deref() {
        None | Some("float") => floats(&vector),
        Some("base64") => base64(&vector),
        Some(_) => return Err(Refusal::bad_request("Invalid value for 'encoding_format'.")),
    };
    let billed = exchange.input(exchange.input_tokens(&[Some(input)]));
    let data: Vec<String> = (0..inputs)
        .map(|index| format!(r#"{{"object":"embedding","index":{index},"embedding":{embedding}}}"#))
        .collect();
    let body = format!(
        r#"{{"object":"list","data":[{}],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}}"#,
        data.join(","),
        quoted(model),
        billed.input,
        billed.input
    );
    Ok(Answer::json(model, billed, body).at_tier("default"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiRequest {
    content: Option<Prompt>,
    #[serde(alias = "output_dimensionality")]
    output_dimensionality: Option<usize>,
}

#[derive(Deserialize)]
struct GeminiBatch {
    #[serde(default)]
    requests: Vec<GeminiRequest>,
}

pub(super) fn gemini(exchange: &Exchange<'_>, model: &str) -> Result<Answer, Refusal> {
    let request: GeminiRequest = gemini::parse(exchange.body)?;
    let (values, billed) = embed(exchange, std::slice::from_ref(&request))?;
    let usage = if exchange.batched {
        token_count(exchange, billed)
    } else {
        usage(billed)
    };
    let body = format!(r#"{{"embedding":{}{usage}}}"#, values.join(","));
    Ok(Answer::json(model, billed, body).at_tier("standard"))
}

pub(super) fn gemini_batch(exchange: &Exchange<'_>, model: &str) -> Result<Answer, Refusal> {
    let batch: GeminiBatch = gemini::parse(exchange.body)?;
    let (values, billed) = embed(exchange, &batch.requests)?;
    let body = format!(
        r#"{{"embeddings":[{}]{}}}"#,
        values.join(","),
        usage(billed)
    );
    Ok(Answer::json(model, billed, body).at_tier("standard"))
}

fn embed(
    exchange: &Exchange<'_>,
    requests: &[GeminiRequest],
) -> Result<(Vec<String>, BilledTokens), Refusal> {
    let contents: Vec<Option<&Prompt>> = requests
        .iter()
        .map(|request| request.content.as_ref())
        .collect();
    if contents.is_empty() || contents.contains(&None) {
        return Err(Refusal::bad_request(
            "* EmbedContentRequest.content: contents is not specified",
        ));
    }
    let values = requests
        .iter()
        .map(|request| {
            let vector = vector(request.output_dimensionality.unwrap_or(GEMINI_DIMENSIONS))?;
            Ok(format!(r#"{{"values":{}}}"#, floats(&vector)))
        })
        .collect::<Result<_, Refusal>>()?;
    Ok((values, exchange.input(exchange.input_tokens(&contents))))
}

/// In a batch a 64-bit integer, which Google writes as a text.
fn token_count(exchange: &Exchange<'_>, billed: BilledTokens) -> String {
    if exchange.directives.has(Flag::NoUsage) {
        return String::new();
    }
    format!(r#","tokenCount":"{}""#, billed.input)
}

fn usage(billed: BilledTokens) -> String {
    format!(
        r#","usageMetadata":{{"promptTokenCount":{},"totalTokenCount":{}}}"#,
        billed.input, billed.input
    )
}

fn vector(dimensions: usize) -> Result<Vec<f32>, Refusal> {
    if dimensions == 0 || dimensions > DIMENSIONS_MAX {
        return Err(Refusal::bad_request(
            "The number of dimensions is out of range.",
        ));
    }
    Ok([0.0125, -0.0125, 0.025]
        .into_iter()
        .cycle()
        .take(dimensions)
        .collect())
}

fn floats(vector: &[f32]) -> String {
    let values: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", values.join(","))
}

fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    format!("\"{}\"", STANDARD.encode(bytes))
}
