//! The table of endpoints as a page: docs/COVERAGE.md, printed by `cargo run --example coverage`.

use crate::providers::endpoints::{
    ANY_METHOD, Billing, ENDPOINTS, Endpoint, ObjectKind, ObjectUse,
};

/// What stands above the table.
const HEAD: &str = "\
# Coverage

Every endpoint that is passed on or known and refused; any other path is refused as unknown. Printed from
the program's own table by `cargo run --example coverage > docs/COVERAGE.md`; a test compares the two.

* **reserved**: money is held before the request is sent. **metered**: the answer's usage is read and charged.
* **streamed**: the answer can be a stream. **cut off**: a stream that goes beyond what is held is ended properly.
* **objects**: what the endpoint does with what the provider keeps for its caller.
* **refused as**: the word that lets it pass, unmetered, in the setting
  `unmetered_features`; `always` has none.

| endpoint | method | dialect | at | reserved | metered | streamed | cut off | objects | refused as |
|---|---|---|---|---|---|---|---|---|---|
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for endpoint in ENDPOINTS {
        let cells = cells(endpoint).join(" | ");
        page.push_str("| ");
        page.push_str(&cells);
        page.push_str(" |\n");
    }
    page
}

fn cells(endpoint: &Endpoint) -> [String; 10] {
    let method = if endpoint.method == ANY_METHOD {
        "any"
    } else {
        endpoint.method
    };
    let refused = match endpoint.billing {
        Billing::Free | Billing::Metered => "no".to_owned(),
        Billing::Refused(feature) => format!("`{}`", feature.as_str()),
        Billing::Never => "always".to_owned(),
    };
    [
        format!("`{}`", endpoint.label),
        method.to_owned(),
        endpoint.dialect.as_str().to_owned(),
        endpoint.home.as_str().to_owned(),
        yes_or_no(endpoint.is_billed()),
        metered(endpoint).to_owned(),
        yes_or_no(endpoint.streams),
        yes_or_no(endpoint.is_cut_off()),
        object(endpoint.object),
        refused,
    ]
}

fn yes_or_no(is_so: bool) -> String {
    let word = if is_so { "yes" } else { "no" };
    word.to_owned()
}

fn metered(endpoint: &Endpoint) -> &'static str {
    match endpoint.billing {
        Billing::Free => "free",
        Billing::Metered => "yes",
        Billing::Refused(_) | Billing::Never => "no",
    }
}

fn object(used: ObjectUse) -> String {
    let (verb, kind) = match used {
        ObjectUse::None => return "none".to_owned(),
        ObjectUse::Creates(kind) => ("creates", kind),
        ObjectUse::Uses(kind) => ("uses", kind),
        ObjectUse::Deletes(kind) => ("deletes", kind),
        ObjectUse::Lists(kind) => ("lists", kind),
    };
    let kind = match kind {
        ObjectKind::File => "file",
        ObjectKind::Upload => "upload",
        ObjectKind::Batch => "batch",
        ObjectKind::Response => "response",
        ObjectKind::CachedContent => "cached content",
    };
    format!("{verb} {kind}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::providers::Dialect;
    use crate::providers::endpoints::{Hints, route};

    #[test]
    fn the_page_is_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/COVERAGE.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == page(),
            "print it anew: cargo run --example coverage > docs/COVERAGE.md"
        );
    }

    #[test]
    fn no_cell_is_blank() {
        for endpoint in ENDPOINTS {
            for cell in cells(endpoint) {
                assert!(!cell.trim().is_empty(), "{endpoint:?}");
            }
        }
    }

    #[test]
    fn an_endpoint_is_reserved_if_and_only_if_it_is_metered() {
        for endpoint in ENDPOINTS {
            let [_, _, _, _, reserved, metered, _, cut_off, ..] = cells(endpoint);
            assert_eq!(reserved == "yes", metered == "yes", "{endpoint:?}");
            assert!(cut_off == "no" || reserved == "yes", "{endpoint:?}");
        }
    }

    /// What the resources of the official SDKs call, written down by hand.
    const SDK_ENDPOINTS: &[(Dialect, &str, &str)] = &[
        (Dialect::OpenAi, "POST", "/v1/chat/completions"),
        (Dialect::OpenAi, "GET", "/v1/chat/completions/chatcmpl-1"),
        (
            Dialect::OpenAi,
            "GET",
            "/v1/chat/completions/chatcmpl-1/messages",
        ),
        (Dialect::OpenAi, "POST", "/v1/responses"),
        (Dialect::OpenAi, "POST", "/v1/responses/compact"),
        (Dialect::OpenAi, "POST", "/v1/completions"),
        (Dialect::OpenAi, "POST", "/v1/embeddings"),
        (Dialect::OpenAi, "POST", "/v1/moderations"),
        (Dialect::OpenAi, "GET", "/v1/models"),
        (Dialect::OpenAi, "GET", "/v1/models/gpt-4o"),
        (Dialect::OpenAi, "DELETE", "/v1/models/ft:gpt-4o"),
        (Dialect::OpenAi, "POST", "/v1/images/generations"),
        (Dialect::OpenAi, "POST", "/v1/images/edits"),
        (Dialect::OpenAi, "POST", "/v1/images/variations"),
        (Dialect::OpenAi, "POST", "/v1/audio/speech"),
        (Dialect::OpenAi, "POST", "/v1/audio/transcriptions"),
        (Dialect::OpenAi, "POST", "/v1/audio/translations"),
        (Dialect::OpenAi, "POST", "/v1/fine_tuning/jobs"),
        (Dialect::OpenAi, "POST", "/v1/fine_tuning/alpha/graders/run"),
        (Dialect::OpenAi, "POST", "/v1/vector_stores"),
        (Dialect::OpenAi, "POST", "/v1/vector_stores/vs_1/search"),
        (Dialect::OpenAi, "POST", "/v1/containers"),
        (Dialect::OpenAi, "GET", "/v1/containers/c/files"),
        (Dialect::OpenAi, "POST", "/v1/conversations"),
        (Dialect::OpenAi, "POST", "/v1/conversations/c/items"),
        (Dialect::OpenAi, "POST", "/v1/evals"),
        (Dialect::OpenAi, "POST", "/v1/evals/e/runs"),
        (Dialect::OpenAi, "POST", "/v1/videos"),
        (Dialect::OpenAi, "POST", "/v1/videos/v/remix"),
        (Dialect::OpenAi, "POST", "/v1/skills"),
        (Dialect::OpenAi, "GET", "/v1/skills/s/versions"),
        (Dialect::OpenAi, "POST", "/v1/assistants"),
        (Dialect::OpenAi, "POST", "/v1/threads/runs"),
        (Dialect::OpenAi, "POST", "/v1/realtime/client_secrets"),
        (Dialect::OpenAi, "POST", "/v1/realtime/sessions"),
        (
            Dialect::OpenAi,
            "POST",
            "/v1/realtime/transcription_sessions",
        ),
        (Dialect::OpenAi, "POST", "/v1/realtime/calls"),
        (Dialect::OpenAi, "POST", "/v1/realtime/calls/c/hangup"),
        (Dialect::OpenAi, "GET", "/v1/organization/usage/completions"),
        (Dialect::Anthropic, "POST", "/v1/messages"),
        (Dialect::Anthropic, "POST", "/v1/messages/count_tokens"),
        (Dialect::Anthropic, "GET", "/v1/models"),
        (Dialect::Anthropic, "GET", "/v1/models/claude-opus-5"),
        (Dialect::Anthropic, "POST", "/v1/complete"),
        (Dialect::Anthropic, "POST", "/v1/skills"),
        (Dialect::Google, "POST", "/v1beta/models/m:generateContent"),
        (
            Dialect::Google,
            "POST",
            "/v1beta/models/m:streamGenerateContent",
        ),
        (Dialect::Google, "POST", "/v1beta/models/m:countTokens"),
        (Dialect::Google, "POST", "/v1beta/models/m:embedContent"),
        (
            Dialect::Google,
            "POST",
            "/v1beta/models/m:batchEmbedContents",
        ),
        (
            Dialect::Google,
            "POST",
            "/v1beta/models/m:asyncBatchEmbedContent",
        ),
        (Dialect::Google, "POST", "/v1beta/models/m:predict"),
        (
            Dialect::Google,
            "POST",
            "/v1beta/models/m:predictLongRunning",
        ),
        (Dialect::Google, "POST", "/v1/models/m:generateContent"),
        (
            Dialect::Google,
            "POST",
            "/v1/models/m:streamGenerateContent",
        ),
        (Dialect::Google, "POST", "/v1/models/m:countTokens"),
        (Dialect::Google, "POST", "/v1/models/m:embedContent"),
        (Dialect::Google, "POST", "/v1/models/m:batchEmbedContents"),
        (Dialect::Google, "GET", "/v1beta/models"),
        (Dialect::Google, "GET", "/v1beta/models/m"),
        (Dialect::Google, "POST", "/v1beta/cachedContents"),
        (Dialect::Google, "GET", "/v1beta/tunedModels"),
        (Dialect::Google, "POST", "/v1beta/fileSearchStores"),
        (Dialect::Google, "POST", "/v1beta/interactions"),
        (Dialect::Google, "GET", "/v1beta/interactions/i"),
        (
            Dialect::Google,
            "POST",
            "/v1beta/fileSearchStores/f:importFile",
        ),
        (
            Dialect::Google,
            "POST",
            "/upload/v1beta/fileSearchStores/f:uploadToFileSearchStore",
        ),
        (
            Dialect::Google,
            "GET",
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        ),
        (
            Dialect::Google,
            "GET",
            "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained",
        ),
        (Dialect::Google, "POST", "/v1beta/auth_tokens"),
        (Dialect::Google, "POST", "/v1alpha/auth_tokens"),
        (Dialect::OpenAi, "POST", "/v1beta/openai/chat/completions"),
        (Dialect::OpenAi, "POST", "/v1beta/openai/embeddings"),
        (Dialect::OpenAi, "POST", "/v1beta/openai/images/generations"),
        (Dialect::OpenAi, "GET", "/v1beta/openai/models"),
    ];

    #[test]
    fn whatever_the_official_sdks_call_is_in_the_table() {
        for (dialect, method, path) in SDK_ENDPOINTS {
            let hints = Hints {
                anthropic_version: *dialect == Dialect::Anthropic,
                google_key: *dialect == Dialect::Google,
                ..Hints::default()
            };
            let found = route(method, path, &hints);
            let found = found.unwrap_or_else(|unrouted| panic!("{path}: {unrouted:?}"));
            assert_eq!(found.endpoint.dialect, *dialect, "{method} {path}");
        }
    }
}
