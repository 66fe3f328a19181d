//! What a request is labelled with: its tags and its session, from the headers.

use std::sync::Arc;

use http::HeaderMap;
use http::header::HeaderName;
use smallvec::SmallVec;

use crate::catalog::accounts::AccountOpener;
use crate::catalog::refresh::RefreshError;
use crate::catalog::{Snapshot, TenantEntry};
use crate::domain::denial::{BadRequest, Denial};
use crate::domain::id::{ApiKeyId, TagId};
use crate::domain::money::Usd;
use crate::domain::session::{SESSION_TEXT_MAX, SessionKey, SessionRef};
use crate::domain::tag::{TAGS_PER_REQUEST_MAX, TagShares, Weight};

const TAGS: HeaderName = HeaderName::from_static("x-tags");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
const SESSION_NAME: HeaderName = HeaderName::from_static("x-session-name");
const SESSION_PATH: HeaderName = HeaderName::from_static("x-session-path");

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    /// The tags that the request has itself.
    own: SmallVec<[(TagId, Weight); 4]>,
    /// Everything that it counts on.
    pub(crate) shares: TagShares,
    /// The session that it belongs to.
    pub(crate) session: Option<SessionRef>,
    /// What the session was tagged with when it began.
    session_tags: Arc<[TagId]>,
}

impl Labels {
    /// Reads them; tags that the tenant does not have are refused by name.
    pub(crate) fn read(headers: &HeaderMap, entry: &TenantEntry) -> Result<Self, Denial> {
        let own = tags(headers, entry)?;
        Ok(Self {
            shares: entry.tags.shares(&own),
            own,
            session: session(headers)?,
            session_tags: Arc::default(),
        })
    }

    /// Adds the tags of the rules that the request meets. What its caller named comes first, then
    /// the rules in their order: each tag counts by whoever names it first.
    pub(crate) fn apply_rules(
        &mut self,
        entry: &TenantEntry,
        (route, model): (&str, &str),
        key: ApiKeyId,
        headers: &HeaderMap,
    ) {
        if entry.rules.is_empty() {
            return;
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        for rule in &entry.rules {
            if !rule.conditions.are_met(route, model, key, header) {
                continue;
            }
            for (tag, weight) in &rule.tags {
                let is_active = entry.tags.get(*tag).is_some_and(|tag| tag.is_active);
                let is_named = self.own.iter().any(|(known, _)| known == tag);
                if is_active && !is_named && self.own.len() < TAGS_PER_REQUEST_MAX {
                    self.own.push((*tag, *weight));
                }
            }
        }
        self.shares = entry.tags.shares(&self.own);
    }

    /// The session as counters know it.
    pub(crate) fn session_key(&self, entry: &TenantEntry) -> Option<SessionKey> {
        let session = self.session.as_ref()?;
        Some(SessionKey::new(entry.tenant.id, &session.id))
    }

    /// Whether what the session was tagged with when it began says what it may spend.
    pub(crate) fn has_session_to_recall(&self, entry: &TenantEntry) -> bool {
        self.session.is_some() && entry.tags.limits_sessions()
    }

    /// Adds what the session was tagged with when it began.
    pub(crate) async fn recall_session(
        &mut self,
        entry: &TenantEntry,
        accounts: &AccountOpener,
    ) -> Result<(), RefreshError> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let own: Vec<TagId> = self.own.iter().map(|(tag, _)| *tag).collect();
        self.session_tags = accounts.first_tags(entry.tenant.id, session, &own).await?;
        Ok(())
    }

    /// What the session may spend: its own budget, else the least of its tags', else the tenant's
    /// default.
    pub(crate) fn session_budget(
        &self,
        session: SessionKey,
        entry: &TenantEntry,
        snapshot: &Snapshot,
    ) -> Option<Usd> {
        let tags = self.own.iter().map(|(tag, _)| *tag);
        let tags = tags.chain(self.session_tags.iter().copied());
        snapshot.session_budget(session, entry, tags)
    }
}

fn tags(
    headers: &HeaderMap,
    entry: &TenantEntry,
) -> Result<SmallVec<[(TagId, Weight); 4]>, Denial> {
    let mut own: SmallVec<[(TagId, Weight); 4]> = SmallVec::new();
    let mut unknown: Vec<&str> = Vec::new();
    for value in headers.get_all(TAGS) {
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_error| {
            Denial::BadRequest(BadRequest::field("x-tags", "X-Tags must be UTF-8 text"))
        })?;
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match entry.tags.named(name) {
                Some(tag) if own.iter().any(|(known, _)| *known == tag) => {}
                Some(tag) => own.push((tag, Weight::ONE)),
                None => unknown.push(name),
            }
        }
    }
    if !unknown.is_empty() {
        let message = format!("Tags not found for this tenant: {}", unknown.join(", "));
        return Err(Denial::BadRequest(BadRequest::field("x-tags", message)));
    }
    if own.len() > TAGS_PER_REQUEST_MAX {
        let message = format!("a request may have at most {TAGS_PER_REQUEST_MAX} tags");
        return Err(Denial::BadRequest(BadRequest::field("x-tags", message)));
    }
    Ok(own)
}

fn session(headers: &HeaderMap) -> Result<Option<SessionRef>, Denial> {
    let Some(id) = text(headers, &SESSION_ID, "x-session-id")? else {
        return Ok(None);
    };
    Ok(Some(SessionRef {
        id,
        name: text(headers, &SESSION_NAME, "x-session-name")?,
        path: text(headers, &SESSION_PATH, "x-session-path")?,
    }))
}

fn text(
    headers: &HeaderMap,
    name: &HeaderName,
    param: &'static str,
) -> Result<Option<String>, Denial> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let bad = |what: String| Denial::BadRequest(BadRequest::field(param, what));
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_error| bad(format!("{param} must be UTF-8 text")))?
        .trim();
    if text.chars().count() > SESSION_TEXT_MAX {
        let message = format!("{param} is longer than {SESSION_TEXT_MAX} characters");
        return Err(bad(message));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
