//! The list of models as a question that costs nothing: whether a provider answers, and knows a key.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::providers::Dialect;

/// The header by which a caller of the admin API brings its own key of each provider.
pub fn key_header(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "x-openai-key",
        Dialect::Anthropic => "x-anthropic-key",
        Dialect::Google => "x-google-api-key",
    }
}

/// What is asked for, below a provider's base URL: one page, as short as the provider allows.
pub fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "/v1/models",
        Dialect::Anthropic => "/v1/models?limit=1",
        Dialect::Google => "/v1beta/models?pageSize=1",
    }
}

#[derive(Deserialize)]
struct List {
    #[expect(dead_code, reason = "it is enough that it is there")]
    #[serde(alias = "models")]
    data: Vec<IgnoredAny>,
}

/// Whether an answer is such a list.
pub fn is_list(body: &[u8]) -> bool {
    serde_json::from_slice::<List>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_of_models_is_one() {
        for list in [r#"{"data":[{"id":"gpt-5"}]}"#, r#"{"models":[]}"#] {
            assert!(is_list(list.as_bytes()), "{list}");
        }
        for other in [
            "",
            "[]",
            "{}",
            r#"{"data":{}}"#,
            "<html>",
            r#"{"error":{}}"#,
        ] {
            assert!(!is_list(other.as_bytes()), "{other}");
        }
    }
}
