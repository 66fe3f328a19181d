//! Which code answers which operation.

use axum::http::StatusCode;

use super::exchange::{Answer, Exchange};
use super::gemini::{self, Delivery};
use super::refusal::Refusal;
use super::route::{Dialect, Operation, Route};
use super::{
    anthropic, anthropic_files, batches, cached_contents, embeddings, files, gemini_batches,
    gemini_files, images, message_batches, models, openai, predict, responses, speech,
    stored_responses, transcripts, uploads,
};

pub(super) fn answer(exchange: &Exchange<'_>, route: &Route) -> Result<Answer, Refusal> {
    let model = route.model.as_deref().unwrap_or_default();
    let streamed = if route.sse {
        Delivery::Events
    } else {
        Delivery::Array
    };
    match route.operation {
        Operation::ChatCompletions => openai::chat(exchange),
        Operation::Completions => openai::completion(exchange),
        Operation::Responses => responses::answer(exchange),
        Operation::Compaction => responses::compaction(exchange),
        Operation::Embeddings => embeddings::openai(exchange),
        Operation::Moderations => models::moderation(exchange),
        Operation::ImageGenerations => images::generation(exchange),
        Operation::ImageEdits => images::edit(exchange),
        Operation::ImageVariations => images::variation(exchange),
        Operation::Speech => speech::answer(exchange),
        Operation::Transcriptions => transcripts::transcription(exchange),
        Operation::Translations => transcripts::translation(exchange),
        Operation::Messages => anthropic::message(exchange),
        Operation::CountTokens => match route.dialect {
            Dialect::OpenAi => responses::input_tokens(exchange),
            Dialect::Anthropic => anthropic::count_tokens(exchange),
            Dialect::Gemini => gemini::count_tokens(exchange, model),
        },
        Operation::GenerateContent => gemini::generate(exchange, model, Delivery::Whole),
        Operation::StreamGenerateContent => gemini::generate(exchange, model, streamed),
        Operation::EmbedContent => embeddings::gemini(exchange, model),
        Operation::BatchEmbedContents => embeddings::gemini_batch(exchange, model),
        Operation::Predict => predict::answer(exchange, model),
        Operation::Models => Ok(models::models(
            route.dialect,
            route.provider,
            route.model.as_deref(),
        )),
        Operation::StoredResponses
        | Operation::Files
        | Operation::Uploads
        | Operation::Batches
        | Operation::EmbeddingBatches
        | Operation::CachedContents => object(exchange, route),
        Operation::WrongMethod => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!(
                "Not allowed to {} on {}.",
                exchange.target.method, exchange.target.path
            ),
        )),
        Operation::Realtime | Operation::Unknown => Err(exchange.target.refusal()),
    }
}

/// What is made, listed, read and deleted.
fn object(exchange: &Exchange<'_>, route: &Route) -> Result<Answer, Refusal> {
    if exchange.batched {
        return Err(exchange.target.refusal());
    }
    match (route.operation, route.dialect) {
        (Operation::StoredResponses, _) => stored_responses::answer(exchange),
        (Operation::Uploads, _) => uploads::answer(exchange),
        (Operation::CachedContents, _) => cached_contents::answer(exchange),
        (Operation::Files, Dialect::OpenAi) => files::answer(exchange),
        (Operation::Files, Dialect::Anthropic) => anthropic_files::answer(exchange),
        (Operation::Files, Dialect::Gemini) => gemini_files::answer(exchange),
        (_, Dialect::OpenAi) => batches::answer(exchange),
        (_, Dialect::Anthropic) => message_batches::answer(exchange),
        (operation, Dialect::Gemini) => {
            gemini_batches::answer(exchange, operation, route.model.as_deref())
        }
    }
}
