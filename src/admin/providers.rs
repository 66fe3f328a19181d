//! Whether providers answer: asked for their models, which costs nothing. With the installation's key,
//! with one that a header brings, or with one that is to be tried. Nothing of a key or of a provider's
//! own words is in an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use futures::future::join3;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::PROVIDERS;
use crate::admin::document::bodies::ProviderKey;
use crate::admin::document::parameters::{ProviderKeysHeader, ProviderPath};
use crate::admin::document::responses::{Invalid, InvalidBody};
use crate::admin::document::schemas::KnownProvider;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::PathProvider;
use crate::objects::client::{Heard, Question, Unheard};
use crate::providers::{Dialect, models};
use crate::settings::secret::Secret;

/// How long a provider may take. Whoever asks is waiting.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The longest list of models that is taken.
const LIST_BYTES_MAX: usize = 1024 * 1024;

/// How it went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckBody {
    healthy: bool,
    /// In milliseconds; absent where nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// In milliseconds since 1970.
    last_checked: i64,
}

/// A provider, and whether there is a key for it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusBody {
    configured: bool,
    #[serde(flatten)]
    check: CheckBody,
}

/// All providers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusesBody {
    providers: ByProvider,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderStatuses)]
struct ByProvider {
    openai: StatusBody,
    anthropic: StatusBody,
    google: StatusBody,
}

/// One provider by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderHealthBody {
    #[schema(value_type = KnownProvider, inline)]
    provider: &'static str,
    #[serde(flatten)]
    status: StatusBody,
}

/// One provider with a key that was tried.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderTestBody {
    #[schema(value_type = KnownProvider, inline)]
    provider: &'static str,
    #[serde(flatten)]
    check: CheckBody,
}

#[utoipa::path(get, path = "/admin/providers/status", tag = PROVIDERS, operation_id = "providersStatus",
    summary = "Whether each provider answers.",
    params(ProviderKeysHeader), responses((status = 200, body = StatusesBody)))]
pub(super) async fn status(
    State(state): State<Arc<AdminState>>,
    headers: HeaderMap,
) -> Json<StatusesBody> {
    let [openai, anthropic, google] = Dialect::ALL.map(|home| look(&state, home, &headers));
    let (openai, anthropic, google) = join3(openai, anthropic, google).await;
    Json(StatusesBody {
        providers: ByProvider {
            openai,
            anthropic,
            google,
        },
    })
}

#[utoipa::path(get, path = "/admin/providers/{provider}/health", tag = PROVIDERS, operation_id = "providerHealth",
    summary = "Whether a provider answers.",
    params(ProviderPath, ProviderKeysHeader),
    responses((status = 200, body = ProviderHealthBody), Invalid))]
pub(super) async fn health(
    State(state): State<Arc<AdminState>>,
    PathProvider(home): PathProvider,
    headers: HeaderMap,
) -> Json<ProviderHealthBody> {
    Json(ProviderHealthBody {
        provider: home.as_str(),
        status: look(&state, home, &headers).await,
    })
}

#[utoipa::path(post, path = "/admin/providers/{provider}/test", tag = PROVIDERS, operation_id = "testProviderKey",
    summary = "Tries a key of a provider.",
    params(ProviderPath), request_body = ProviderKey,
    responses((status = 200, body = ProviderTestBody), InvalidBody))]
pub(super) async fn test(
    State(state): State<Arc<AdminState>>,
    PathProvider(home): PathProvider,
    fields: Fields,
) -> Result<Json<ProviderTestBody>, AdminError> {
    let key = fields.text("apiKey")?.filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| fields.required("apiKey"))?;
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fields.problem("apiKey", "must be printable ASCII without blanks"));
    }
    Ok(Json(ProviderTestBody {
        provider: home.as_str(),
        check: check(&state, home, Some(Secret::new(key))).await,
    }))
}

async fn look(state: &AdminState, home: Dialect, headers: &HeaderMap) -> StatusBody {
    let brought = headers.get(models::key_header(home));
    let brought = brought.and_then(|value| value.to_str().ok());
    let brought = brought.filter(|key| !key.is_empty()).map(Secret::new);
    if brought.is_none() && !state.providers.has_key(home) {
        return StatusBody {
            configured: false,
            check: CheckBody {
                healthy: false,
                response_time: None,
                error: Some("Provider not configured".to_owned()),
                last_checked: state.clock.now().as_millis(),
            },
        };
    }
    StatusBody {
        configured: true,
        check: check(state, home, brought).await,
    }
}

async fn check(state: &AdminState, home: Dialect, key: Option<Secret>) -> CheckBody {
    let question = Question {
        home,
        path: models::path(home),
        headers: HeaderMap::new(),
        bytes_max: LIST_BYTES_MAX,
    };
    let started = Instant::now();
    let heard = timeout(ANSWER_MAX, async {
        match &key {
            Some(key) => state.providers.ask_with(&question, key).await,
            None => state.providers.ask(&question).await,
        }
    });
    let heard = heard.await.unwrap_or(Err(Unheard::TimedOut));
    let error = match &heard {
        Ok(heard) => what_is_wrong(heard),
        Err(unheard) => Some(unheard.to_string()),
    };
    CheckBody {
        healthy: error.is_none(),
        response_time: u64::try_from(started.elapsed().as_millis()).ok(),
        error,
        last_checked: state.clock.now().as_millis(),
    }
}

fn what_is_wrong(heard: &Heard) -> Option<String> {
    let status = StatusCode::from_u16(heard.status).ok();
    if status != Some(StatusCode::OK) {
        let reason = status.and_then(|status| status.canonical_reason());
        return Some(format!("HTTP {}: {}", heard.status, reason.unwrap_or("?")));
    }
    let is_list = models::is_list(&heard.body);
    (!is_list).then(|| "The answer is not a list of models".to_owned())
}
