//! Which provider serves a model: what the settings say, else what the model's name says, else the
//! one whose API the caller speaks.

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

use crate::domain::filter::Patterns;
use crate::domain::id::ModelName;
use crate::providers::Dialect;
use crate::providers::endpoints::{Endpoint, Operation};
use crate::settings::routing::{BUILT_IN, Routing};

/// A provider, by its place among all of them: first the three, then those of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamId(pub(super) usize);

impl UpstreamId {
    /// Whether it is one of the three.
    pub(crate) fn is_built_in(self) -> bool {
        self.0 < BUILT_IN.len()
    }
}

impl From<Dialect> for UpstreamId {
    fn from(home: Dialect) -> Self {
        Self(match home {
            Dialect::OpenAi => 0,
            Dialect::Anthropic => 1,
            Dialect::Google => 2,
        })
    }
}

/// Who is to serve a request, and as which model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) upstream: UpstreamId,
    /// The model's name in the price book, where it is not what the caller wrote.
    pub(crate) model: Option<ModelName>,
}

/// Targets in the order in which they are tried.
pub(crate) type Targets = SmallVec<[Target; 1]>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Router {
    models: HashMap<String, Targets>,
    patterns: Vec<(UpstreamId, Patterns)>,
    names: HashMap<String, UpstreamId>,
}

impl Router {
    pub(crate) fn new(routing: &Routing) -> Self {
        let own = routing.upstreams.iter().map(|upstream| &*upstream.name);
        let names: HashMap<String, UpstreamId> = BUILT_IN
            .into_iter()
            .chain(own)
            .zip(0..)
            .map(|(name, index)| (name.to_owned(), UpstreamId(index)))
            .collect();
        let models = routing.models.iter().map(|model| {
            let targets = model.targets.iter().filter_map(|(provider, name)| {
                Some(Target {
                    upstream: *names.get(provider)?,
                    model: (*name != model.model).then(|| ModelName::new(name)),
                })
            });
            (model.model.clone(), targets.collect())
        });
        let patterns = (BUILT_IN.len()..).zip(&routing.upstreams);
        let patterns = patterns
            .filter(|(_, upstream)| !upstream.models.is_empty())
            .map(|(index, upstream)| (UpstreamId(index), upstream.models.clone()));
        Self {
            models: models.collect(),
            patterns: patterns.collect(),
            names,
        }
    }

    /// Who can serve the model at an endpoint.
    pub(crate) fn targets(&self, endpoint: &Endpoint, model: &ModelName) -> Targets {
        let home = UpstreamId::from(endpoint.home);
        if !is_routed(endpoint.operation) {
            return smallvec![Target {
                upstream: home,
                model: None
            }];
        }
        if let Some(targets) = self.models.get(model.as_str()) {
            return targets.clone();
        }
        let is_openai = endpoint.dialect == Dialect::OpenAi && endpoint.home == Dialect::OpenAi;
        let found = is_openai.then(|| self.by_name(endpoint, model)).flatten();
        smallvec![found.unwrap_or(Target {
            upstream: home,
            model: None,
        })]
    }

    /// Whom the name of a model means, for callers of `OpenAI`'s API.
    fn by_name(&self, endpoint: &Endpoint, model: &ModelName) -> Option<Target> {
        let name = model.as_str();
        let fits = |(_, patterns): &&(UpstreamId, Patterns)| patterns.match_any(name);
        if let Some((upstream, _)) = self.patterns.iter().find(fits) {
            let (upstream, model) = (*upstream, None);
            return Some(Target { upstream, model });
        }
        if let Some((provider, rest)) = name.split_once('/')
            && let Some(upstream) = self.names.get(provider)
        {
            return Some(Target {
                upstream: *upstream,
                model: Some(ModelName::new(rest)),
            });
        }
        let is_translated = matches!(
            endpoint.operation,
            Operation::ChatCompletions | Operation::Responses
        );
        let home = family_of(name).filter(|_| is_translated)?;
        Some(Target {
            upstream: home.into(),
            model: None,
        })
    }
}

/// Whether a request is one to a model, and nothing but that: what an account keeps is where it was
/// made, and the connection of a conversation is there before the model is asked.
pub(crate) fn is_routed(operation: Operation) -> bool {
    match operation {
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Embeddings
        | Operation::Completions
        | Operation::Moderations
        | Operation::Messages
        | Operation::CountTokens
        | Operation::GenerateContent
        | Operation::StreamGenerateContent
        | Operation::EmbedContent
        | Operation::BatchEmbedContents
        | Operation::Images
        | Operation::Speech
        | Operation::Transcriptions => true,
        Operation::Realtime
        | Operation::CacheContents
        | Operation::Object
        | Operation::Compaction
        | Operation::CreateBatch
        | Operation::CreateEmbeddingBatch
        | Operation::Models
        | Operation::Unmetered => false,
    }
}

/// Whose models have names like this one.
fn family_of(model: &str) -> Option<Dialect> {
    if model.starts_with("claude-") {
        Some(Dialect::Anthropic)
    } else if model.starts_with("gemini-") {
        Some(Dialect::Google)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::endpoints::ENDPOINTS;
    use crate::settings::routing::{ModelTargets, OwnUpstream};

    fn router() -> Router {
        let upstream = |name: &str, models: &str| OwnUpstream {
            name: name.to_owned(),
            base_url: "http://127.0.0.1:1".parse_base(),
            keys: Vec::new(),
            key_header: crate::settings::routing::KeyHeader::Bearer,
            models: Patterns::parse(models).unwrap(),
            names: std::collections::BTreeMap::new(),
            prices: name.to_owned(),
            query: None,
        };
        Router::new(&Routing {
            upstreams: vec![
                upstream("groq", "llama-*,openai/gpt-oss-*"),
                upstream("azure", ""),
            ],
            models: vec![ModelTargets {
                model: "fast".to_owned(),
                targets: vec![
                    ("openai".to_owned(), "gpt-5-mini".to_owned()),
                    ("anthropic".to_owned(), "claude-haiku-4-5".to_owned()),
                    ("azure".to_owned(), "fast".to_owned()),
                ],
            }],
        })
    }

    trait ParseBase {
        fn parse_base(&self) -> crate::settings::base_url::BaseUrl;
    }
    impl ParseBase for str {
        fn parse_base(&self) -> crate::settings::base_url::BaseUrl {
            crate::settings::base_url::BaseUrl::parse(self, "/v1").unwrap()
        }
    }

    fn targets(label: &str, model: &str) -> Vec<(usize, Option<String>)> {
        let endpoint = ENDPOINTS.iter().find(|row| row.label == label).unwrap();
        let targets = router().targets(endpoint, &ModelName::new(model));
        let shown = targets.into_iter().map(|target| {
            let model = target.model.map(|model| model.to_string());
            (target.upstream.0, model)
        });
        shown.collect()
    }

    #[test]
    fn a_models_name_says_who_serves_it() {
        const CHAT: &str = "/v1/chat/completions";
        let named = |model: &str| Some(model.to_owned());
        for (label, model, expected) in [
            (CHAT, "gpt-5", (0, None)),
            (CHAT, "claude-opus-5", (1, None)),
            ("/v1/responses", "gemini-2.5-pro", (2, None)),
            ("/v1/embeddings", "gemini-embedding-001", (0, None)),
            (CHAT, "llama-4", (3, None)),
            (CHAT, "openai/gpt-oss-120b", (3, None)),
            (CHAT, "azure/gpt-5", (4, named("gpt-5"))),
            (CHAT, "openai/gpt-5", (0, named("gpt-5"))),
            (CHAT, "meta-llama/llama-4", (0, None)),
            ("/v1/messages", "claude-opus-5", (1, None)),
            ("/v1/messages", "llama-4", (1, None)),
            ("/v1beta/openai/chat/completions", "claude-x", (2, None)),
        ] {
            assert_eq!(targets(label, model), [expected], "{label} {model}");
        }
    }

    #[test]
    fn what_an_account_keeps_is_asked_for_where_it_is() {
        for label in [
            "/v1/batches",
            "/v1/files",
            "/v1/files/{id}",
            "/v1/realtime",
            "/v1/models",
            "/v1/fine_tuning/{rest}",
        ] {
            for model in ["", "llama-4", "fast", "azure/gpt-5"] {
                assert_eq!(targets(label, model), [(0, None)], "{label} {model}");
            }
        }
    }

    #[test]
    fn the_settings_come_before_the_name() {
        let expected = [
            (0, Some("gpt-5-mini".to_owned())),
            (1, Some("claude-haiku-4-5".to_owned())),
            (4, None),
        ];
        assert_eq!(targets("/v1/chat/completions", "fast"), expected);
    }
}
