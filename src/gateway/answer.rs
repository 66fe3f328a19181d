//! The provider's answer on its way to the caller: read, forwarded at once, and settled before its
//! end is released. A stream that goes beyond what is held for it is ended here.

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, Version};
use pingora::Result;
use pingora::http::{ResponseHeader, StatusCode};
use pingora_proxy::Session;

use crate::domain::id::RequestId;
use crate::gateway::admit::Admitted;
use crate::gateway::context::{Exchange, RequestContext};
use crate::gateway::objects;
use crate::gateway::settle::{Ending, micros};
use crate::gateway::standing;
use crate::providers::meter::{AnswerStart, Forward, meter};
use crate::providers::object::ObjectReader;
use crate::providers::translate::{AnswerFacts, AnswerTranslator, status_for_openai};

/// Where providers put their id of a request.
const REQUEST_ID_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
];
/// Where Google says which tier it served.
const TIER_HEADER: HeaderName = HeaderName::from_static("x-gemini-service-tier");
/// The longest provider's id that is kept.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Whether a provider says something before its answer (RFC 9110, section 15.2), which tells of no outcome.
pub(crate) fn is_interim(head: &ResponseHeader) -> bool {
    head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS
}

/// Looks at the answer's head, starts the meter, and adds what the caller may know.
pub(crate) fn begin(
    context: &mut RequestContext,
    head: &mut ResponseHeader,
    session: &Session,
) -> Result<()> {
    let request = context.request;
    // By its head: the session may stand for another.
    let is_http2 = session.req_header().version == Version::HTTP_2;
    let exchange = context.admitted()?;
    let Exchange {
        admitted,
        progress,
        meter: slot,
        translator,
        ..
    } = exchange;
    let status = head.status.as_u16();
    progress.upstream_status = Some(status);
    progress.upstream_request_id = upstream_request_id(&head.headers);
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    progress.objects = ObjectReader::new(admitted.objects(), text(header::CONTENT_TYPE));
    let meter = slot.insert(meter(
        &admitted.call,
        AnswerStart {
            status,
            content_type: text(header::CONTENT_TYPE),
            tier_header: text(TIER_HEADER),
            request_body: admitted.body.clone(),
            input_bound: admitted.input_bound,
            hides_usage: admitted.hides_usage,
            output_allowance: admitted.output_allowance,
        },
    ));
    *translator = begin_translation(admitted, head, request)?;
    if let (Some(_), Some(id)) = (&translator, &progress.upstream_request_id) {
        head.insert_header("x-request-id", id)?;
    }
    let may_change_length = meter.may_change_length() || translator.is_some();
    if may_change_length && head.headers.contains_key(header::CONTENT_LENGTH) {
        // The caller's stream may be shorter than the provider's.
        head.remove_header(&header::CONTENT_LENGTH);
        if !is_http2 {
            head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
        }
    }
    objects::stay_here(session, head)?;
    let standing = &admitted.standing;
    let effects = admitted.ruling.as_ref().map(|ruling| &ruling.effects);
    standing::add_standing(
        head,
        request,
        standing.hold.as_ref(),
        &standing.rate,
        effects,
    )
}

/// What rewrites the answer of a provider that speaks another dialect than its caller.
fn begin_translation(
    admitted: &Admitted,
    head: &mut ResponseHeader,
    request: RequestId,
) -> Result<Option<Box<AnswerTranslator>>> {
    let Some(translated) = &admitted.aim.translated else {
        return Ok(None);
    };
    let status = head.status.as_u16();
    let translator = translated.answer(&AnswerFacts {
        status,
        model: admitted.call.model.as_str(),
        request_id: &request.to_string(),
        created: u64::try_from(admitted.at.as_millis()).unwrap_or_default() / 1_000,
    });
    head.set_status(status_for_openai(status))?;
    Ok(Some(Box::new(translator)))
}

fn upstream_request_id(headers: &HeaderMap) -> Option<String> {
    REQUEST_ID_HEADERS
        .into_iter()
        .find_map(|name| headers.get(name)?.to_str().ok())
        .filter(|id| id.len() <= REQUEST_ID_BYTES_MAX)
        .map(str::to_owned)
}

/// What follows a piece of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// More of it, as the provider sends it.
    Provider,
    /// Nothing: this was the last piece that the caller gets.
    End,
}

/// Meters a piece of the answer. The outcome is in the spool before the last piece leaves here.
pub(crate) fn observe(context: &mut RequestContext, body: &mut Option<Bytes>, end: bool) -> Next {
    let Some(exchange) = &mut context.exchange else {
        return Next::Provider;
    };
    let progress = &mut exchange.progress;
    let chunk = body.clone().unwrap_or_default();
    if progress.first_byte_us.is_none() && !chunk.is_empty() {
        progress.first_byte_us = Some(micros(progress.started.elapsed()));
    }
    if progress.is_cut_off {
        // What came together with the piece that was the last.
        *body = Some(Bytes::new());
        return Next::Provider;
    }
    if let Some(objects) = &mut progress.objects {
        objects.observe(&chunk, end);
    }
    let Some(meter) = &mut exchange.meter else {
        return Next::Provider;
    };
    let translator = &mut exchange.translator;
    let mut in_callers_words = |shown: &Bytes, is_last: bool| {
        let made = translator.as_mut()?;
        Some(made.push(shown, is_last))
    };
    match meter.observe(&chunk, end) {
        Forward::Same => {
            if let Some(shown) = in_callers_words(&chunk, end) {
                *body = Some(shown);
            }
        }
        // An empty chunk instead of none: none would end the stream.
        Forward::Replaced(shown) => {
            *body = Some(in_callers_words(&shown, end).unwrap_or(shown));
        }
        Forward::Last(shown) => {
            *body = Some(in_callers_words(&shown, true).unwrap_or(shown));
            progress.is_cut_off = true;
            exchange.settle(Ending::CutOff);
            return Next::End;
        }
    }
    if end || meter.has_ended() {
        exchange.settle(Ending::Answered);
    }
    Next::Provider
}
