//! Gemini's cached contents: what later requests name instead of sending it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::exchange::{Answer, Exchange, set};
use super::gemini;
use super::openai::tools_text;
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::shelf::Page;
use super::store::{timestamp, token_list};

/// The documented life of a cache whose maker says nothing.
const TTL: Duration = Duration::from_hours(1);

/// Contents that are kept.
pub(super) struct Cache {
    pub(super) tokens: u64,
    model: String,
    display_name: Option<String>,
    created: u64,
    expires: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    model: Option<String>,
    contents: Option<Prompt>,
    #[serde(alias = "system_instruction")]
    system_instruction: Option<Prompt>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(alias = "display_name")]
    display_name: Option<String>,
    ttl: Option<String>,
    #[serde(alias = "expire_time")]
    expire_time: Option<String>,
}

impl Request<'_> {
    fn expires(&self, now: u64) -> Result<String, Refusal> {
        if let Some(time) = &self.expire_time {
            return Ok(time.clone());
        }
        let Some(ttl) = &self.ttl else {
            return Ok(timestamp(now + TTL.as_secs()));
        };
        let whole = ttl.strip_suffix('s').and_then(|ttl| ttl.split('.').next());
        let seconds: u64 = whole
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(|| Refusal::bad_request("ttl is no duration"))?;
        Ok(timestamp(now.saturating_add(seconds)))
    }
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    let name = |id: &str| format!("cachedContents/{id}");
    match (&target.method, target.segments().as_slice()) {
        (&Method::POST, [_, "cachedContents"]) => create(exchange),
        (&Method::GET, [_, "cachedContents"]) => Ok(list(exchange)),
        (&Method::GET, [_, "cachedContents", id]) => with(exchange, &name(id), |_| Ok(())),
        (&Method::PATCH, [_, "cachedContents", id]) => with(exchange, &name(id), |cache| {
            let request: Request<'_> = gemini::parse(exchange.body)?;
            cache.expires = request.expires(exchange.created)?;
            Ok(())
        }),
        (&Method::DELETE, [_, "cachedContents", id]) => {
            let gone = exchange.shared.store.lock().caches.remove(&name(id));
            gone.map(|_| Answer::free(&json!({})))
                .ok_or_else(|| not_found(id))
        }
        _ => Err(target.refusal()),
    }
}

/// The tokens of a cache that a request names.
pub(super) fn tokens(exchange: &Exchange<'_>, name: &str) -> Result<u64, Refusal> {
    let state = exchange.shared.store.lock();
    let cache = state.caches.get(name);
    cache
        .map(|cache| cache.tokens)
        .ok_or_else(|| not_found(name))
}

/// Gemini does not say whether it is somebody else's.
fn not_found(name: &str) -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        format!("CachedContent not found (or permission denied): {name}"),
    )
}

fn with(
    exchange: &Exchange<'_>,
    name: &str,
    edit: impl FnOnce(&mut Cache) -> Result<(), Refusal>,
) -> Result<Answer, Refusal> {
    let mut state = exchange.shared.store.lock();
    let cache = state.caches.get_mut(name);
    let cache = cache.ok_or_else(|| not_found(name))?;
    edit(cache)?;
    Ok(Answer::free(&object(name, cache)))
}

/// What is put into a cache is billed as input once.
fn create(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request<'_> = gemini::parse(exchange.body)?;
    let asked = request
        .model
        .as_deref()
        .ok_or_else(|| Refusal::bad_request("* CreateCachedContentRequest.model: required"))?;
    let model = asked.strip_prefix("models/").unwrap_or(asked).to_owned();
    let definitions = tools_text(request.tools);
    let parts = [
        request.contents.as_ref(),
        request.system_instruction.as_ref(),
        definitions.as_ref(),
    ];
    let billed = exchange.input(exchange.input_tokens(&parts));
    let cache = Cache {
        tokens: billed.input,
        model: format!("models/{model}"),
        created: exchange.created,
        expires: request.expires(exchange.created)?,
        display_name: request.display_name,
    };
    let mut created = object("", &cache);
    let mut state = exchange.shared.store.lock();
    let number = state.caches.insert(|_| cache);
    set(&mut created, "name", json!(state.caches.id(number)));
    Ok(Answer::json(&model, billed, created.to_string()).at_tier("standard"))
}

fn object(name: &str, cache: &Cache) -> Value {
    json!({
        "name": name, "model": cache.model, "displayName": cache.display_name,
        "createTime": timestamp(cache.created), "updateTime": timestamp(cache.created),
        "expireTime": cache.expires, "usageMetadata": {"totalTokenCount": cache.tokens},
    })
}

fn list(exchange: &Exchange<'_>) -> Answer {
    let target = exchange.target;
    let page = Page::of_google(target);
    let state = exchange.shared.store.lock();
    let (found, more) = state.caches.page(&page, |_| true);
    let objects: Vec<Value> = found
        .iter()
        .map(|(name, cache)| object(name, cache))
        .collect();
    Answer::free(&token_list("cachedContents", &objects, more))
}
