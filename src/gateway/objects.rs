//! Objects behind the key that tenants share: a request may name what its tenant made, and nothing else.
//!
//! A caller that brings its own key for the provider sees what that key sees: nothing is checked or noted.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Uri, header};
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora_proxy::Session;

use crate::domain::denial::{BadRequest, Denial, Dependency};
use crate::domain::object::{ObjectChange, ObjectKind, ObjectNotes, ObjectRef};
use crate::gateway::Gateway;
use crate::gateway::admit::Admitted;
use crate::gateway::authenticate::{Authenticated, shown_key};
use crate::gateway::context::{Exchange, Progress, RequestContext};
use crate::gateway::reply::{self, UpstreamFailure};
use crate::gateway::reserve::UNDECIDED_RETRY;
use crate::gateway::routing::UpstreamId;
use crate::gateway::settle::Ending;
use crate::objects::client::Unheard;
use crate::objects::list::{ListAsked, Unlisted};
use crate::providers::Dialect;
use crate::providers::call::Call;
use crate::providers::endpoints::{ObjectUse, Route};
use crate::providers::listing::list_query;
use crate::providers::object::ObjectReader;
use crate::providers::reference::{Reference, ReferenceKind};

mod lookup;

/// Headers of the caller that decide what a provider shows of an object.
const SHOWN_BY: [HeaderName; 2] = [
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
];
/// More things than one request is looked up for.
const REFERENCES_MAX: usize = 1_000;
const OWN_CONTENTS: &str = "cached contents that only your own key can read cannot be priced here; \
                            keep them for longer without the gateway";
const OWN_BATCH: &str = "a batch whose input file only your own key can read cannot be priced here; \
                         upload the file without that key";

/// Refuses what names something that its tenant did not make. Reads what a batch asks for where that is
/// kept by the provider.
pub(crate) async fn check(
    gateway: &Gateway,
    caller: &Authenticated,
    route: &Route<'_>,
    (call, body): (&mut Call, &Bytes),
) -> std::result::Result<(), Denial> {
    let in_path = match route.endpoint.object {
        ObjectUse::Uses(kind) | ObjectUse::Deletes(kind) => Some(kind),
        ObjectUse::None | ObjectUse::Creates(_) | ObjectUse::Lists(_) => None,
    };
    let is_later = call.is_background || call.operation.is_batch();
    if is_later && !gateway.objects.has_room() {
        return Err(unavailable());
    }
    let asked = call.cache_term;
    call.cache_term = asked.map(|term| term.asked_at(gateway.clock.now()));
    if in_path.is_none() && call.references.is_empty() {
        return Ok(());
    }
    let is_elsewhere = call.operation.is_batch() && call.lines.is_empty();
    let is_longer = call.cache_term.is_some() && in_path.is_some();
    if caller.provider_key().is_some() {
        return match (is_elsewhere, is_longer) {
            (true, _) => Err(Denial::BadRequest(BadRequest::new(OWN_BATCH))),
            (_, true) => Err(Denial::BadRequest(BadRequest::new(OWN_CONTENTS))),
            (false, false) => Ok(()),
        };
    }
    // What few requests come to is boxed: it would enlarge the future of all others.
    Box::pin(async {
        check_each(gateway, caller, in_path, (route, call)).await?;
        if is_elsewhere {
            lookup::read_lines(gateway, call, body).await?;
            check_each(gateway, caller, in_path, (route, call)).await?;
        }
        if is_longer {
            lookup::read_contents(gateway, call).await?;
        }
        Ok(())
    })
    .await
}

async fn check_each(
    gateway: &Gateway,
    caller: &Authenticated,
    in_path: Option<ObjectKind>,
    (route, call): (&Route<'_>, &Call),
) -> std::result::Result<(), Denial> {
    let home = route.endpoint.home;
    if let (Some(kind), Some(id)) = (in_path, route.object_in_path) {
        check_object(gateway, caller, home, (kind, id)).await?;
    }
    let references: BTreeSet<_> = call.references.iter().collect();
    if references.len() > REFERENCES_MAX {
        let message = format!("a request may name at most {REFERENCES_MAX} files");
        return Err(Denial::BadRequest(BadRequest::new(message)));
    }
    for Reference { kind, id } in references {
        match kind {
            ReferenceKind::Object(kind) => {
                check_object(gateway, caller, home, (*kind, id)).await?;
            }
            ReferenceKind::Of(feature) if gateway.unmetered.contains(feature) => {}
            ReferenceKind::Of(feature) => {
                return Err(Denial::Unmetered { feature: *feature });
            }
        }
    }
    Ok(())
}

async fn check_object(
    gateway: &Gateway,
    caller: &Authenticated,
    home: Dialect,
    (kind, id): (ObjectKind, &str),
) -> std::result::Result<(), Denial> {
    let object = ObjectRef {
        provider: home.provider(),
        kind,
        id: id.to_owned(),
    };
    let tenant = caller.tenant().tenant.id;
    match gateway.objects.book.is_of(tenant, &object).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Denial::NoSuchObject {
            kind: kind.as_str(),
            id: object.id,
        }),
        Err(error) => {
            tracing::warn!(%error, "nobody knows whose an object is");
            Err(unavailable())
        }
    }
}

fn unavailable() -> Denial {
    Denial::Unavailable {
        what: Dependency::Objects,
        retry_after: UNDECIDED_RETRY,
    }
}

impl Admitted {
    /// What becomes of objects, if it is of interest here.
    pub(crate) fn objects(&self) -> ObjectUse {
        if self.call.is_kept && self.caller.provider_key().is_none() {
            return self.endpoint.object;
        }
        ObjectUse::None
    }
}

/// What an admitted request changed, as far as its answer says so.
pub(crate) fn notes(admitted: &Admitted, progress: &Progress) -> ObjectNotes {
    let is_done = matches!(progress.upstream_status, Some(200..300));
    // What another provider keeps is not asked for at the endpoint's home.
    let is_elsewhere = admitted.aim.upstream != UpstreamId::from(admitted.endpoint.home);
    if !is_done || is_elsewhere || admitted.caller.provider_key().is_some() {
        return ObjectNotes::default();
    }
    let provider = admitted.endpoint.home.provider();
    let named = |kind, id: &str| ObjectRef {
        provider: provider.clone(),
        kind,
        id: id.to_owned(),
    };
    if let ObjectUse::Deletes(kind) = admitted.endpoint.object {
        let id = admitted.call.object.as_deref().unwrap_or_default();
        return ObjectNotes {
            changes: vec![(named(kind, id), ObjectChange::Gone)],
            settles_with: None,
        };
    }
    let found = progress.objects.as_ref().map(ObjectReader::found);
    let found = found.unwrap_or_default();
    let objects = found.objects.iter();
    let changes: Vec<_> = objects
        .map(|(kind, id, change)| (named(*kind, id), *change))
        .collect();
    let is_deferred = found.is_under_way && is_finished_later(admitted);
    let made = changes.first().map(|(object, _)| object.clone());
    ObjectNotes {
        settles_with: made.filter(|_| is_deferred),
        changes,
    }
}

/// Where Google wants the parts of an upload: they come here, with the key that the upload was begun with.
const UPLOAD_ADDRESS: HeaderName = HeaderName::from_static("x-goog-upload-url");

/// Keeps a caller here that the provider would send to itself, where nobody would note what it made.
pub(crate) fn stay_here(session: &Session, answer: &mut ResponseHeader) -> Result<()> {
    let Some(there) = answer.headers.get(UPLOAD_ADDRESS) else {
        return Ok(());
    };
    let there = there
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    let asked = session.req_header();
    let host = asked.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let host = host.or_else(|| asked.uri.authority().map(http::uri::Authority::as_str));
    let here = there.zip(host).and_then(|(there, host)| {
        let is_tls = session
            .digest()
            .is_some_and(|digest| digest.ssl_digest.is_some());
        let scheme = if is_tls { "https" } else { "http" };
        let path = there.path_and_query()?;
        let separator = if path.query().is_some() { '&' } else { '?' };
        let key = shown_key(&asked.headers, asked.uri.query()).unwrap_or_default();
        Some(format!("{scheme}://{host}{path}{separator}key={key}"))
    });
    match here {
        Some(here) => answer.insert_header(UPLOAD_ADDRESS, here)?,
        None => {
            answer.remove_header(&UPLOAD_ADDRESS);
        }
    }
    Ok(())
}

/// Whether the provider may go on with what was asked when it has answered.
pub(crate) fn is_finished_later(admitted: &Admitted) -> bool {
    let is_batch = admitted.endpoint.object == ObjectUse::Creates(ObjectKind::Batch);
    admitted.endpoint.is_billed() && (is_batch || admitted.call.is_background)
}

/// Whether the list that a request asks for is made here.
pub(crate) fn is_own_list(exchange: &Exchange) -> bool {
    let admitted = &exchange.admitted;
    let is_list = matches!(admitted.endpoint.object, ObjectUse::Lists(_));
    is_list && admitted.caller.provider_key().is_none()
}

/// Answers with the tenant's own objects in place of the provider's list.
pub(crate) async fn answer_list(
    gateway: &Gateway,
    session: &mut Session,
    context: &mut RequestContext,
) -> Result<bool> {
    let exchange = context.admitted()?;
    let head = session.req_header();
    let listed = match asked(&exchange.admitted, head.uri.query(), &head.headers) {
        Ok(asked) => gateway.objects.lists.list(&asked).await.map_err(refusal),
        Err(bad) => Err(Refused::Denied(Denial::BadRequest(bad))),
    };
    match listed {
        Ok(body) => {
            exchange.progress.upstream_status = Some(200);
            exchange.settle(Ending::Answered);
            reply::json(session, context, 200, body.into())
                .await
                .map(|()| true)
        }
        Err(Refused::Denied(denial)) => {
            exchange.settle(Ending::Refused);
            gateway.refuse(session, context, &denial).await
        }
        Err(Refused::Failed(failure)) => {
            exchange.settle(Ending::UpstreamFailed {
                reason: failure.reason(),
                http_status: Some(failure.status()),
            });
            let told = reply::upstream_failure(session, context, failure);
            told.await.map(|()| true)
        }
    }
}

fn asked(
    admitted: &Admitted,
    query: Option<&str>,
    headers: &HeaderMap,
) -> std::result::Result<ListAsked, BadRequest> {
    let endpoint = admitted.endpoint;
    let kind = match endpoint.object {
        ObjectUse::Lists(kind) => kind,
        ObjectUse::None | ObjectUse::Creates(_) | ObjectUse::Uses(_) | ObjectUse::Deletes(_) => {
            return Err(BadRequest::new("this is no list"));
        }
    };
    let mut shown_by = HeaderMap::new();
    for name in SHOWN_BY {
        for value in headers.get_all(&name) {
            shown_by.append(name.clone(), value.clone());
        }
    }
    Ok(ListAsked {
        tenant: admitted.caller.tenant().tenant.id,
        dialect: endpoint.dialect,
        home: endpoint.home,
        kind,
        path: endpoint.label,
        query: list_query(endpoint.dialect, query)?,
        headers: shown_by,
    })
}

/// How a list that there is not is answered.
enum Refused {
    Denied(Denial),
    Failed(UpstreamFailure),
}

fn refusal(why: Unlisted) -> Refused {
    tracing::warn!(error = %why, "a list of objects cannot be made");
    match why {
        Unlisted::UnknownCursor(id) => Refused::Denied(Denial::NoSuchObject { kind: "object", id }),
        Unlisted::Provider(Unheard::TimedOut) => Refused::Failed(UpstreamFailure::TimedOut),
        Unlisted::Provider(_) | Unlisted::Answered(_) => {
            Refused::Failed(UpstreamFailure::Unreachable)
        }
        Unlisted::Store(_) | Unlisted::Recorder(_) | Unlisted::NotRecorded => {
            Refused::Denied(unavailable())
        }
    }
}
