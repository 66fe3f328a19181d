//! Refusals and upstream failures on the wire: the one place that knows their status, headers and
//! words. The shape of the body is the dialect's business (`providers/errors.rs`).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora_proxy::Session;

use crate::domain::budget::Exhausted;
use crate::domain::denial::{Denial, Dependency, OverBudget};
use crate::domain::feature::Feature;
use crate::domain::rate::{RateSubject, RateUnit, TooMany};
use crate::gateway::context::RequestContext;
use crate::gateway::reply::words::{
    BODY_TIMEOUT, HANDS_OUT_CREDENTIALS, HEADERS_TOO_LARGE, INVALID_KEY, MISSING_KEY, NO_RECEIPT,
    PROVIDER_FAILS, UNDECIDED, UNKNOWN_ROUTE,
};
use crate::gateway::standing;
use crate::providers::Dialect;
use crate::providers::errors::{ErrorFacts, ErrorKind, budget_code, render};

mod policy;
mod words;

/// The longest wait for the rest of a body that nobody wants.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How refusals by budget are put.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BudgetWording {
    /// 402 or 429.
    pub(crate) status: u16,
    /// Whether amounts are left out.
    pub(crate) hides_amounts: bool,
}

/// What happened on the way to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpstreamFailure {
    /// It could not be reached, or broke the connection.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
}

impl UpstreamFailure {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Unreachable => 502,
            Self::TimedOut => 504,
        }
    }

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "upstream_unreachable",
            Self::TimedOut => "upstream_timeout",
        }
    }
}

/// An answer of our own.
struct Answer {
    status: u16,
    kind: ErrorKind,
    code: &'static str,
    message: String,
    param: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(status: u16, kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        let (message, headers) = (message.into(), Vec::new());
        Self {
            status,
            kind,
            code,
            message,
            param: None,
            retry_after: None,
            headers,
        }
    }

    fn body(&self, dialect: Dialect, request_id: &str) -> Bytes {
        let facts = ErrorFacts {
            status: self.status,
            kind: self.kind,
            code: self.code,
            message: &self.message,
            param: self.param.as_deref(),
            request_id,
            retry_after: self.retry_after,
        };
        render(dialect, &facts)
    }
}

/// The body of a refusal where there is no HTTP answer to put it into.
pub(crate) fn refusal(denial: &Denial, dialect: Dialect, wording: BudgetWording) -> Bytes {
    answer(denial, dialect, wording).body(dialect, "")
}

/// The body of a refusal that ends an answer which has begun.
pub(crate) fn late_refusal(
    context: &RequestContext,
    denial: &Denial,
    wording: BudgetWording,
) -> Bytes {
    let answer = answer(denial, context.dialect, wording);
    answer.body(context.dialect, &context.request.to_string())
}

/// Tells the caller why its request is refused.
pub(crate) async fn refuse(
    session: &mut Session,
    context: &RequestContext,
    denial: &Denial,
    wording: BudgetWording,
) -> Result<()> {
    let mut answer = answer(denial, context.dialect, wording);
    if let Denial::OverBudget(over) = denial {
        let resets_at = over.exhausted.resets_at;
        answer.retry_after = resets_at.map(|resets_at| resets_at.since(context.at));
    }
    send(session, context, answer).await
}

/// Tells the caller that the provider failed.
pub(crate) async fn upstream_failure(
    session: &mut Session,
    context: &RequestContext,
    failure: UpstreamFailure,
) -> Result<()> {
    let (kind, message) = match failure {
        UpstreamFailure::Unreachable => (ErrorKind::Internal, "the provider could not be reached"),
        UpstreamFailure::TimedOut => (ErrorKind::Timeout, "the provider did not answer in time"),
    };
    let answer = Answer::new(failure.status(), kind, failure.reason(), message);
    send(session, context, answer).await
}

/// Says which request it was, in each answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-budgetguard-request-id");

async fn send(session: &mut Session, context: &RequestContext, answer: Answer) -> Result<()> {
    let (dialect, request) = (context.dialect, context.request.to_string());
    let body = answer.body(dialect, &request);
    let mut response = ResponseHeader::build(answer.status, Some(8 + answer.headers.len()))?;
    response.insert_header(header::CONTENT_TYPE, "application/json")?;
    response.insert_header(header::CONTENT_LENGTH, body.len())?;
    response.insert_header(header::CACHE_CONTROL, "no-store")?;
    response.insert_header(REQUEST_ID, &request)?;
    let own_id = match dialect {
        Dialect::OpenAi | Dialect::Google => "x-request-id",
        Dialect::Anthropic => "request-id",
    };
    response.insert_header(own_id, &request)?;
    if let Some(after) = answer.retry_after {
        response.insert_header(header::RETRY_AFTER, seconds_up(after).to_string())?;
    }
    for (name, value) in answer.headers {
        response.insert_header(name, value)?;
    }
    write(session, response, body).await
}

/// Answers with JSON that is nobody's but the caller's.
pub(crate) async fn json(
    session: &mut Session,
    context: &RequestContext,
    status: u16,
    body: Bytes,
) -> Result<()> {
    let mut response = ResponseHeader::build(status, Some(4))?;
    response.insert_header(header::CONTENT_TYPE, "application/json")?;
    response.insert_header(header::CONTENT_LENGTH, body.len())?;
    response.insert_header(header::CACHE_CONTROL, "no-store")?;
    response.insert_header(REQUEST_ID, context.request.to_string())?;
    write(session, response, body).await
}

async fn write(session: &mut Session, response: ResponseHeader, body: Bytes) -> Result<()> {
    let is_head = session.req_header().method == http::Method::HEAD;
    session.set_total_drain_timeout(Some(DRAIN_TIMEOUT));
    if session.drain_request_body().await.is_err() {
        session.set_keepalive(None);
    }
    session
        .write_response_header(Box::new(response), is_head)
        .await?;
    if !is_head {
        session.write_response_body(Some(body), true).await?;
    }
    Ok(())
}

fn answer(denial: &Denial, dialect: Dialect, wording: BudgetWording) -> Answer {
    use ErrorKind::{Authentication, InvalidRequest, NotFound, Permission};
    let new = |status, kind, code, message: &str| Answer::new(status, kind, code, message);
    match denial {
        Denial::UnknownRoute => new(404, NotFound, "unknown_route", UNKNOWN_ROUTE),
        Denial::Unmetered { feature } => unmetered(*feature),
        Denial::NoSuchObject { kind, id } => new(
            404,
            NotFound,
            denial.code(),
            &format!("there is no {kind} `{id}`"),
        ),
        Denial::HandsOutCredentials => new(403, Permission, denial.code(), HANDS_OUT_CREDENTIALS),
        Denial::MethodNotAllowed { allowed } => wrong_method(allowed),
        Denial::MissingKey => new(401, Authentication, "missing_api_key", MISSING_KEY),
        Denial::InvalidKey => new(401, Authentication, "invalid_api_key", INVALID_KEY),
        Denial::TenantClosed => new(403, Permission, "tenant_closed", "this account is closed"),
        Denial::RateLimited(too_many) => rate_limited(too_many),
        Denial::BadRequest(bad) => Answer {
            param: bad.param.clone(),
            ..new(400, InvalidRequest, "invalid_request", &bad.message)
        },
        Denial::HeadersTooLarge => new(431, InvalidRequest, denial.code(), HEADERS_TOO_LARGE),
        Denial::BodyTooLarge { bytes_max } => too_large(*bytes_max),
        Denial::BodyTimeout => new(408, InvalidRequest, "request_timeout", BODY_TIMEOUT),
        Denial::UnpricedModel { model } => unpriced_model(model),
        Denial::Unpriced { what } => unpriced(what),
        Denial::NoReceipt => new(404, NotFound, denial.code(), NO_RECEIPT),
        Denial::Policy { reason } => policy::denied(reason.as_deref()),
        Denial::Effect(misfit) => policy::unfit(misfit),
        Denial::OverBudget(over) => over_budget(over, dialect, wording),
        Denial::ProviderNotConfigured { provider } => {
            let message = format!("no key for {provider} is configured");
            unavailable(denial.code(), message, None)
        }
        Denial::Unavailable { what, retry_after } => {
            let (code, message) = match what {
                Dependency::Provider => ("provider_unavailable", PROVIDER_FAILS),
                Dependency::Budgets
                | Dependency::Spool
                | Dependency::Ledger
                | Dependency::Policy
                | Dependency::Objects
                | Dependency::Keys
                | Dependency::Draining => (denial.code(), UNDECIDED),
            };
            unavailable(code, message, Some(*retry_after))
        }
    }
}

fn too_large(bytes_max: usize) -> Answer {
    let message = format!("the request body is larger than {bytes_max} bytes");
    Answer::new(413, ErrorKind::TooLarge, "request_too_large", message)
}

fn unpriced(what: &str) -> Answer {
    let message = format!("there is no price for {what}, and a budget applies");
    Answer::new(400, ErrorKind::InvalidRequest, "unpriced", message)
}

fn unavailable(
    code: &'static str,
    message: impl Into<String>,
    retry_after: Option<Duration>,
) -> Answer {
    Answer {
        retry_after,
        ..Answer::new(503, ErrorKind::Unavailable, code, message)
    }
}

fn unmetered(feature: Feature) -> Answer {
    let feature = feature.as_str();
    let message = format!(
        "this gateway does not meter `{feature}`, so it does not pass it on; \
         `limits.unmetered_features` lets it pass"
    );
    Answer {
        headers: vec![(NO_RETRY.0, NO_RETRY.1.to_owned())],
        ..Answer::new(403, ErrorKind::Permission, "unmetered", message)
    }
}

fn wrong_method(allowed: &str) -> Answer {
    let message = format!("this path takes {allowed} only");
    Answer {
        headers: vec![("allow", allowed.to_owned())],
        ..Answer::new(
            405,
            ErrorKind::InvalidRequest,
            "method_not_allowed",
            message,
        )
    }
}

fn rate_limited(too_many: &TooMany) -> Answer {
    let limit = too_many.standing.limit;
    let of_key = match too_many.subject {
        RateSubject::Tenant => "",
        RateSubject::Key => " of this key",
    };
    let message = match too_many.unit {
        RateUnit::Requests => format!("the limit{of_key} of {limit} requests a minute is reached"),
        RateUnit::Tokens => format!(
            "the limit{of_key} of {limit} tokens a minute has no room for this request; {} are left",
            too_many.standing.remaining
        ),
        RateUnit::Concurrent => format!("the limit{of_key} of {limit} requests at once is reached"),
    };
    Answer {
        retry_after: Some(too_many.retry_after),
        headers: standing::rate_headers(too_many),
        ..Answer::new(429, ErrorKind::RateLimit, "rate_limit_exceeded", message)
    }
}

fn unpriced_model(model: &str) -> Answer {
    let message = format!("the model `{model}` is not in the price book, and a budget applies");
    Answer {
        param: Some("model".into()),
        ..Answer::new(404, ErrorKind::NotFound, "model_not_found", message)
    }
}

/// A refused request is refused again: SDKs that retry it only add load.
const NO_RETRY: (&str, &str) = ("x-should-retry", "false");

fn over_budget(over: &OverBudget, dialect: Dialect, wording: BudgetWording) -> Answer {
    let exhausted = &over.exhausted;
    let spent_all = exhausted.balance.spent >= exhausted.limit;
    let cap_would_help = !spent_all && over.affordable_output_tokens.is_some();
    let code = budget_code(dialect, cap_would_help);
    let message = budget_message(over, wording);
    let mut headers = vec![
        (NO_RETRY.0, NO_RETRY.1.to_owned()),
        (
            "x-budgetguard-denied-scope",
            exhausted.scope.kind().to_owned(),
        ),
    ];
    if let Some(resets_at) = exhausted.resets_at {
        headers.push(("x-budgetguard-resets-at", resets_at.to_string()));
    }
    if !wording.hides_amounts {
        headers.push(("x-budgetguard-limit-usd", exhausted.limit.to_string()));
        headers.push((
            "x-budgetguard-spent-usd",
            exhausted.balance.spent.to_string(),
        ));
        headers.push(("x-budgetguard-held-usd", exhausted.balance.held.to_string()));
    }
    Answer {
        headers,
        ..Answer::new(wording.status, ErrorKind::Budget, code, message)
    }
}

fn budget_message(over: &OverBudget, wording: BudgetWording) -> String {
    let Exhausted {
        scope,
        period,
        limit,
        balance,
        needed,
        ..
    } = &over.exhausted;
    let (period, scope) = (period.name(), scope.kind());
    let whose = match &over.whose {
        Some(name) => format!("the {scope} `{name}`"),
        None => format!("this {scope}"),
    };
    let mut message = format!("the {period} budget of {whose} has no room for this request");
    if !wording.hides_amounts {
        // Writing to a string cannot fail.
        let _ = write!(
            message,
            ": of ${limit}, ${} is spent and ${} held, and it can cost ${needed}",
            balance.spent, balance.held
        );
    }
    if let Some(cap) = over.affordable_output_tokens {
        let _ = write!(message, "; an output limit of {cap} tokens would fit");
    }
    if let Some(resets_at) = over.exhausted.resets_at {
        let _ = write!(message, "; it starts again at {resets_at}");
    }
    message
}

/// Whole seconds, never so few that the caller comes back too early.
fn seconds_up(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
}
