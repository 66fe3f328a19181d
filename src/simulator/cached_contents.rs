//! Gemini's cached contents: what later requests name instead of sending it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::billed::BilledTokens;
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
    expires: u64,
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
    /// In Unix seconds, if it is said.
    fn expires(&self, now: u64) -> Result<Option<u64>, Refusal> {
        if let Some(time) = &self.expire_time {
            let time: Option<jiff::Timestamp> = time.parse().ok();
            let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
            let seconds = seconds.ok_or_else(|| Refusal::bad_request("expireTime is no time"))?;
            return Ok(Some(seconds));
        }
        let Some(ttl) = &self.ttl else {
            return Ok(None);
        };
        let whole = ttl.strip_suffix('s').and_then(|ttl| ttl.split('.').next());
        let seconds: u64 = whole
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(|| Refusal::bad_request("ttl is no duration"))?;
        Ok(Some(now.saturating_add(seconds)))
    }
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let target = exchange.target;
    let name = |id: &str| format!("cachedContents/{id}");
    match (&target.method, target.segments().as_slice()) {
        (&Method::POST, [_, "cachedContents"]) => create(exchange),
        (&Method::GET, [_, "cachedContents"]) => Ok(list(exchange)),
        (&Method::GET, [_, "cachedContents", id]) => read(exchange, &name(id)),
        (&Method::PATCH, [_, "cachedContents", id]) => keep(exchange, &name(id)),
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

fn read(exchange: &Exchange<'_>, name: &str) -> Result<Answer, Refusal> {
    let state = exchange.shared.store.lock();
    let cache = state.caches.get(name);
    let cache = cache.ok_or_else(|| not_found(name))?;
    Ok(Answer::free(&object(name, cache)))
}

/// More time is billed; less is not paid back.
fn keep(exchange: &Exchange<'_>, name: &str) -> Result<Answer, Refusal> {
    let request: Request<'_> = gemini::parse(exchange.body)?;
    let expires = request.expires(exchange.created)?;
    let mut state = exchange.shared.store.lock();
    let cache = state.caches.get_mut(name);
    let cache = cache.ok_or_else(|| not_found(name))?;
    let until = expires.unwrap_or(cache.expires);
    let billed = BilledTokens {
        stored_token_seconds: cache.tokens * until.saturating_sub(cache.expires),
        ..BilledTokens::default()
    };
    cache.expires = until;
    let model = cache.model.trim_start_matches("models/");
    let kept = object(name, cache).to_string();
    Ok(Answer::json(model, billed, kept).at_tier("standard"))
}

/// What is put into a cache is billed as input once, and for the time that it is to be kept.
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
    let input = exchange.input(exchange.input_tokens(&parts));
    let expires = request.expires(exchange.created)?;
    let expires = expires.unwrap_or(exchange.created + TTL.as_secs());
    let billed = BilledTokens {
        stored_token_seconds: input.input * expires.saturating_sub(exchange.created),
        ..input
    };
    let cache = Cache {
        tokens: billed.input,
        model: format!("models/{model}"),
        created: exchange.created,
        expires,
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
        "expireTime": timestamp(cache.expires), "usageMetadata": {"totalTokenCount": cache.tokens},
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
