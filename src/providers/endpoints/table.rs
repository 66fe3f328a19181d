//! The table itself: every endpoint of the three providers that is passed on, and those that are
//! known and refused. docs/COVERAGE.md is printed from it.

use crate::domain::feature::Feature;
use crate::domain::object::ObjectKind::{Batch, CachedContent, File, Response, Upload};
use crate::providers::Dialect;
use crate::providers::endpoints::{Billing, Endpoint, ObjectUse, Operation};

use Billing::{Free, Metered, Never, Refused};
use Dialect::{Anthropic, Google, OpenAi};
use ObjectUse::{Creates, Deletes, Lists, Uses};
use Operation as Op;

/// Refused by any method.
const ANY: &str = super::ANY_METHOD;

/// What an endpoint costs, whether it streams, and what it does to objects behind the shared key.
type Traits = (Billing, bool, ObjectUse);

const METERED: Traits = (Metered, false, ObjectUse::None);
const STREAMED: Traits = (Metered, true, ObjectUse::None);
const FREE: Traits = (Free, false, ObjectUse::None);
const NEVER: Traits = (Never, false, ObjectUse::None);

/// Costs nothing, and does this to an object.
const fn object(object: ObjectUse) -> Traits {
    (Free, false, object)
}

const fn refused(feature: Feature) -> Traits {
    (Refused(feature), false, ObjectUse::None)
}

const fn row(
    method: &'static str,
    dialect: Dialect,
    label: &'static str,
    operation: Operation,
    (billing, streams, object): Traits,
) -> Endpoint {
    Endpoint {
        label,
        method,
        dialect,
        home: dialect,
        operation,
        billing,
        streams,
        object,
    }
}

/// Google serves some of `OpenAI`'s endpoints.
const fn at_google(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        home: Google,
        ..endpoint
    }
}

/// Every endpoint, the busiest first. Rows of one path differ in dialect; headers tell which one is
/// meant.
#[rustfmt::skip]
pub const ENDPOINTS: &[Endpoint] = &[
    row("POST", OpenAi, "/v1/chat/completions", Op::ChatCompletions, STREAMED),
    row("POST", Anthropic, "/v1/messages", Op::Messages, STREAMED),
    row("POST", OpenAi, "/v1/responses", Op::Responses, (Metered, true, Creates(Response))),
    row("POST", Google, "/v1beta/models/{model}:generateContent", Op::GenerateContent, METERED),
    row("POST", Google, "/v1beta/models/{model}:streamGenerateContent", Op::StreamGenerateContent, STREAMED),
    row("POST", OpenAi, "/v1/embeddings", Op::Embeddings, METERED),

    // OpenAI
    row("POST", OpenAi, "/v1/completions", Op::Completions, STREAMED),
    row("POST", OpenAi, "/v1/moderations", Op::Moderations, FREE),
    row("POST", OpenAi, "/v1/images/generations", Op::Images, STREAMED),
    row("POST", OpenAi, "/v1/images/edits", Op::Images, STREAMED),
    row("POST", OpenAi, "/v1/images/variations", Op::Images, METERED),
    row("POST", OpenAi, "/v1/audio/speech", Op::Speech, STREAMED),
    row("POST", OpenAi, "/v1/audio/transcriptions", Op::Transcriptions, STREAMED),
    row("POST", OpenAi, "/v1/audio/translations", Op::Transcriptions, METERED),
    row("GET", OpenAi, "/v1/models", Op::Models, FREE),
    row("GET", OpenAi, "/v1/models/{model}", Op::Models, FREE),
    row("POST", OpenAi, "/v1/responses/input_tokens", Op::CountTokens, FREE),
    row("POST", OpenAi, "/v1/responses/compact", Op::Compaction, METERED),
    row("GET", OpenAi, "/v1/responses/{id}", Op::Object, (Free, true, Uses(Response))),
    row("DELETE", OpenAi, "/v1/responses/{id}", Op::Object, object(Deletes(Response))),
    row("POST", OpenAi, "/v1/responses/{id}/cancel", Op::Object, object(Uses(Response))),
    row("GET", OpenAi, "/v1/responses/{id}/input_items", Op::Object, object(Uses(Response))),
    row("POST", OpenAi, "/v1/files", Op::Object, object(Creates(File))),
    row("GET", OpenAi, "/v1/files", Op::Object, object(Lists(File))),
    row("GET", OpenAi, "/v1/files/{id}", Op::Object, object(Uses(File))),
    row("DELETE", OpenAi, "/v1/files/{id}", Op::Object, object(Deletes(File))),
    row("GET", OpenAi, "/v1/files/{id}/content", Op::Object, object(Uses(File))),
    row("POST", OpenAi, "/v1/uploads", Op::Object, object(Creates(Upload))),
    row("POST", OpenAi, "/v1/uploads/{id}/parts", Op::Object, object(Uses(Upload))),
    row("POST", OpenAi, "/v1/uploads/{id}/complete", Op::Object, object(Uses(Upload))),
    row("POST", OpenAi, "/v1/uploads/{id}/cancel", Op::Object, object(Uses(Upload))),
    row("POST", OpenAi, "/v1/batches", Op::CreateBatch, (Metered, false, Creates(Batch))),
    row("GET", OpenAi, "/v1/batches", Op::Object, object(Lists(Batch))),
    row("GET", OpenAi, "/v1/batches/{id}", Op::Object, object(Uses(Batch))),
    row("POST", OpenAi, "/v1/batches/{id}/cancel", Op::Object, object(Uses(Batch))),
    row(ANY, OpenAi, "/v1/chat/completions/{rest}", Op::Unmetered, refused(Feature::StoredCompletions)),
    row(ANY, OpenAi, "/v1/fine_tuning/{rest}", Op::Unmetered, refused(Feature::FineTuning)),
    row("DELETE", OpenAi, "/v1/models/{model}", Op::Unmetered, refused(Feature::FineTuning)),
    row(ANY, OpenAi, "/v1/vector_stores", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, OpenAi, "/v1/vector_stores/{rest}", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, OpenAi, "/v1/containers", Op::Unmetered, refused(Feature::Containers)),
    row(ANY, OpenAi, "/v1/containers/{rest}", Op::Unmetered, refused(Feature::Containers)),
    row(ANY, OpenAi, "/v1/conversations", Op::Unmetered, refused(Feature::Conversations)),
    row(ANY, OpenAi, "/v1/conversations/{rest}", Op::Unmetered, refused(Feature::Conversations)),
    row(ANY, OpenAi, "/v1/evals", Op::Unmetered, refused(Feature::Evals)),
    row(ANY, OpenAi, "/v1/evals/{rest}", Op::Unmetered, refused(Feature::Evals)),
    row(ANY, OpenAi, "/v1/videos", Op::Unmetered, refused(Feature::Videos)),
    row(ANY, OpenAi, "/v1/videos/{rest}", Op::Unmetered, refused(Feature::Videos)),
    row(ANY, OpenAi, "/v1/skills", Op::Unmetered, refused(Feature::Skills)),
    row(ANY, OpenAi, "/v1/skills/{rest}", Op::Unmetered, refused(Feature::Skills)),
    row(ANY, OpenAi, "/v1/assistants", Op::Unmetered, refused(Feature::Assistants)),
    row(ANY, OpenAi, "/v1/assistants/{rest}", Op::Unmetered, refused(Feature::Assistants)),
    row(ANY, OpenAi, "/v1/threads", Op::Unmetered, refused(Feature::Assistants)),
    row(ANY, OpenAi, "/v1/threads/{rest}", Op::Unmetered, refused(Feature::Assistants)),
    row(ANY, OpenAi, "/v1/audio/voices", Op::Unmetered, refused(Feature::Voices)),
    row(ANY, OpenAi, "/v1/audio/voice_consents", Op::Unmetered, refused(Feature::Voices)),
    row(ANY, OpenAi, "/v1/audio/voice_consents/{rest}", Op::Unmetered, refused(Feature::Voices)),
    row("GET", OpenAi, "/v1/realtime", Op::Realtime, METERED),
    row(ANY, OpenAi, "/v1/realtime/calls", Op::Unmetered, refused(Feature::RealtimeCalls)),
    row(ANY, OpenAi, "/v1/realtime/calls/{rest}", Op::Unmetered, refused(Feature::RealtimeCalls)),
    row(ANY, OpenAi, "/v1/realtime/client_secrets", Op::Unmetered, NEVER),
    row(ANY, OpenAi, "/v1/realtime/sessions", Op::Unmetered, NEVER),
    row(ANY, OpenAi, "/v1/realtime/transcription_sessions", Op::Unmetered, NEVER),
    row(ANY, OpenAi, "/v1/realtime/translations/{rest}", Op::Unmetered, refused(Feature::RealtimeCalls)),
    row(ANY, OpenAi, "/v1/organization/{rest}", Op::Unmetered, NEVER),

    // Anthropic
    row("POST", Anthropic, "/v1/messages/count_tokens", Op::CountTokens, FREE),
    row("GET", Anthropic, "/v1/models", Op::Models, FREE),
    row("GET", Anthropic, "/v1/models/{model}", Op::Models, FREE),
    row("POST", Anthropic, "/v1/files", Op::Object, object(Creates(File))),
    row("GET", Anthropic, "/v1/files", Op::Object, object(Lists(File))),
    row("GET", Anthropic, "/v1/files/{id}", Op::Object, object(Uses(File))),
    row("DELETE", Anthropic, "/v1/files/{id}", Op::Object, object(Deletes(File))),
    row("GET", Anthropic, "/v1/files/{id}/content", Op::Object, object(Uses(File))),
    row("POST", Anthropic, "/v1/messages/batches", Op::CreateBatch, (Metered, false, Creates(Batch))),
    row("GET", Anthropic, "/v1/messages/batches", Op::Object, object(Lists(Batch))),
    row("GET", Anthropic, "/v1/messages/batches/{id}", Op::Object, object(Uses(Batch))),
    row("DELETE", Anthropic, "/v1/messages/batches/{id}", Op::Object, object(Deletes(Batch))),
    row("POST", Anthropic, "/v1/messages/batches/{id}/cancel", Op::Object, object(Uses(Batch))),
    row("GET", Anthropic, "/v1/messages/batches/{id}/results", Op::Object, object(Uses(Batch))),
    row(ANY, Anthropic, "/v1/complete", Op::Unmetered, refused(Feature::LegacyCompletions)),
    row(ANY, Anthropic, "/v1/skills", Op::Unmetered, refused(Feature::Skills)),
    row(ANY, Anthropic, "/v1/skills/{rest}", Op::Unmetered, refused(Feature::Skills)),
    row(ANY, Anthropic, "/v1/organizations/{rest}", Op::Unmetered, NEVER),

    // Google
    row("POST", Google, "/v1beta/models/{model}:embedContent", Op::EmbedContent, METERED),
    row("POST", Google, "/v1beta/models/{model}:batchEmbedContents", Op::BatchEmbedContents, METERED),
    row("POST", Google, "/v1beta/models/{model}:countTokens", Op::CountTokens, FREE),
    row("GET", Google, "/v1beta/models", Op::Models, FREE),
    row("GET", Google, "/v1beta/models/{model}", Op::Models, FREE),
    row("POST", Google, "/v1/models/{model}:generateContent", Op::GenerateContent, METERED),
    row("POST", Google, "/v1/models/{model}:streamGenerateContent", Op::StreamGenerateContent, STREAMED),
    row("POST", Google, "/v1/models/{model}:embedContent", Op::EmbedContent, METERED),
    row("POST", Google, "/v1/models/{model}:batchEmbedContents", Op::BatchEmbedContents, METERED),
    row("POST", Google, "/v1/models/{model}:countTokens", Op::CountTokens, FREE),
    row("GET", Google, "/v1/models", Op::Models, FREE),
    row("GET", Google, "/v1/models/{model}", Op::Models, FREE),
    row("POST", Google, "/v1beta/models/{model}:predict", Op::Unmetered, refused(Feature::Imagen)),
    row("POST", Google, "/v1/models/{model}:predict", Op::Unmetered, refused(Feature::Imagen)),
    row("POST", Google, "/v1beta/models/{model}:predictLongRunning", Op::Unmetered, refused(Feature::Videos)),
    row("POST", Google, "/v1/models/{model}:predictLongRunning", Op::Unmetered, refused(Feature::Videos)),
    row("POST", Google, "/upload/v1beta/files", Op::Object, object(Creates(File))),
    row("POST", Google, "/upload/v1/files", Op::Object, object(Creates(File))),
    row("GET", Google, "/v1beta/files", Op::Object, object(Lists(File))),
    row("GET", Google, "/v1/files", Op::Object, object(Lists(File))),
    row("GET", Google, "/v1beta/files/{id}", Op::Object, object(Uses(File))),
    row("GET", Google, "/v1/files/{id}", Op::Object, object(Uses(File))),
    row("DELETE", Google, "/v1beta/files/{id}", Op::Object, object(Deletes(File))),
    row("DELETE", Google, "/v1/files/{id}", Op::Object, object(Deletes(File))),
    row("GET", Google, "/v1beta/files/{id}:download", Op::Object, object(Uses(File))),
    row("GET", Google, "/v1/files/{id}:download", Op::Object, object(Uses(File))),
    row("GET", Google, "/download/v1beta/files/{id}:download", Op::Object, object(Uses(File))),
    row("GET", Google, "/download/v1/files/{id}:download", Op::Object, object(Uses(File))),
    row("POST", Google, "/v1beta/cachedContents", Op::CacheContents, (Metered, false, Creates(CachedContent))),
    row("POST", Google, "/v1/cachedContents", Op::CacheContents, (Metered, false, Creates(CachedContent))),
    row("GET", Google, "/v1beta/cachedContents", Op::Object, object(Lists(CachedContent))),
    row("GET", Google, "/v1/cachedContents", Op::Object, object(Lists(CachedContent))),
    row("GET", Google, "/v1beta/cachedContents/{id}", Op::Object, object(Uses(CachedContent))),
    row("GET", Google, "/v1/cachedContents/{id}", Op::Object, object(Uses(CachedContent))),
    row("DELETE", Google, "/v1beta/cachedContents/{id}", Op::Object, object(Deletes(CachedContent))),
    row("DELETE", Google, "/v1/cachedContents/{id}", Op::Object, object(Deletes(CachedContent))),
    row("PATCH", Google, "/v1beta/cachedContents/{id}", Op::CacheContents, (Metered, false, Uses(CachedContent))),
    row("PATCH", Google, "/v1/cachedContents/{id}", Op::CacheContents, (Metered, false, Uses(CachedContent))),
    row("POST", Google, "/v1beta/models/{model}:batchGenerateContent", Op::CreateBatch, (Metered, false, Creates(Batch))),
    row("POST", Google, "/v1/models/{model}:batchGenerateContent", Op::CreateBatch, (Metered, false, Creates(Batch))),
    row("POST", Google, "/v1beta/models/{model}:asyncBatchEmbedContent", Op::CreateEmbeddingBatch, (Metered, false, Creates(Batch))),
    row("POST", Google, "/v1/models/{model}:asyncBatchEmbedContent", Op::CreateEmbeddingBatch, (Metered, false, Creates(Batch))),
    row("GET", Google, "/v1beta/batches", Op::Object, object(Lists(Batch))),
    row("GET", Google, "/v1/batches", Op::Object, object(Lists(Batch))),
    row("GET", Google, "/v1beta/batches/{id}", Op::Object, object(Uses(Batch))),
    row("GET", Google, "/v1/batches/{id}", Op::Object, object(Uses(Batch))),
    row("DELETE", Google, "/v1beta/batches/{id}", Op::Object, object(Deletes(Batch))),
    row("DELETE", Google, "/v1/batches/{id}", Op::Object, object(Deletes(Batch))),
    row("POST", Google, "/v1beta/batches/{id}:cancel", Op::Object, object(Uses(Batch))),
    row("POST", Google, "/v1/batches/{id}:cancel", Op::Object, object(Uses(Batch))),
    row(ANY, Google, "/v1beta/tunedModels", Op::Unmetered, refused(Feature::FineTuning)),
    row(ANY, Google, "/v1beta/tunedModels/{rest}", Op::Unmetered, refused(Feature::FineTuning)),
    row(ANY, Google, "/v1beta/fileSearchStores", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, Google, "/v1beta/fileSearchStores/{rest}", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, Google, "/upload/v1beta/fileSearchStores/{rest}", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, Google, "/v1beta/corpora", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, Google, "/v1beta/corpora/{rest}", Op::Unmetered, refused(Feature::SearchStores)),
    row(ANY, Google, "/v1beta/interactions", Op::Unmetered, refused(Feature::Interactions)),
    row(ANY, Google, "/v1beta/interactions/{rest}", Op::Unmetered, refused(Feature::Interactions)),
    row(ANY, Google, "/ws/{rest}", Op::Unmetered, refused(Feature::Live)),
    row(ANY, Google, "/v1alpha/auth_tokens", Op::Unmetered, NEVER),
    row(ANY, Google, "/v1beta/auth_tokens", Op::Unmetered, NEVER),

    // Google, in OpenAI's words
    at_google(row("POST", OpenAi, "/v1beta/openai/chat/completions", Op::ChatCompletions, STREAMED)),
    at_google(row("POST", OpenAi, "/v1beta/openai/embeddings", Op::Embeddings, METERED)),
    at_google(row("POST", OpenAi, "/v1beta/openai/images/generations", Op::Images, METERED)),
    at_google(row("GET", OpenAi, "/v1beta/openai/models", Op::Models, FREE)),
    at_google(row("GET", OpenAi, "/v1beta/openai/models/{model}", Op::Models, FREE)),
];
