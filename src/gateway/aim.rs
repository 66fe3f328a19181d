//! A request as it is put to one provider: in its words, under the name that it has for the model.

use std::sync::Arc;

use bytes::Bytes;
use http::Uri;

use crate::catalog::Snapshot;
use crate::domain::denial::{BadRequest, Denial};
use crate::domain::id::ModelName;
use crate::domain::window::UtcMicros;
use crate::gateway::Gateway;
use crate::gateway::routing::{Target, UpstreamId, is_routed};
use crate::gateway::upstream::provider::Upstream;
use crate::providers::Dialect;
use crate::providers::call::{Call, read_call};
use crate::providers::edit::{Edits, edit_body};
use crate::providers::endpoints::{ENDPOINTS, Endpoint, Operation, Route, check_model};
use crate::providers::translate::{self, Translated, translate_request};

/// What a caller asked for, before it is known who serves it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) uri: Uri,
    pub(crate) call: Arc<Call>,
    pub(crate) body: Bytes,
    /// The model that the caller named, where the policy has named another since.
    pub(crate) named: Option<ModelName>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    pub(crate) upstream: UpstreamId,
    /// The path there, where it is not the caller's.
    pub(crate) path: Option<String>,
    /// How its answer is put into the caller's words, where it is in others.
    pub(crate) translated: Option<Box<Translated>>,
    /// The name that the caller wrote, where the model has another.
    pub(crate) model_asked: Option<ModelName>,
}

/// A request as one provider gets it.
#[derive(Debug)]
pub(crate) struct Aimed {
    pub(crate) aim: Aim,
    pub(crate) call: Arc<Call>,
    pub(crate) body: Bytes,
    /// The name that the model has there, where it is not the one in the body.
    pub(crate) model_sent: Option<String>,
    endpoint: &'static Endpoint,
    uri: Uri,
    /// What it was translated from.
    original: Option<Box<Original>>,
}

/// Puts a request to a target.
pub(crate) fn aim(
    gateway: &Gateway,
    (snapshot, at): (&Snapshot, UtcMicros),
    source: Source,
    target: &Target,
) -> Result<Aimed, Denial> {
    let upstream = gateway.upstreams.get(target.upstream);
    let upstream = upstream.map_err(|_missing| Denial::UnknownRoute)?;
    if source.endpoint.home == upstream.dialect || source.endpoint.dialect == upstream.dialect {
        return renamed(source, target, upstream).map_err(Denial::BadRequest);
    }
    translated((snapshot, at), source, target, upstream).map_err(Denial::BadRequest)
}

/// The caller's own words, with another name of the model where it has one.
fn renamed(source: Source, target: &Target, upstream: &Upstream) -> Result<Aimed, BadRequest> {
    let Source {
        endpoint,
        uri,
        mut call,
        body,
        named,
    } = source;
    let mut aim = Aim {
        upstream: target.upstream,
        path: None,
        translated: None,
        model_asked: None,
    };
    if call.is_background && target.upstream != UpstreamId::from(endpoint.home) {
        let message = "Only OpenAI itself answers in the background.";
        return Err(BadRequest::field("background", message));
    }
    let priced = target.model.as_ref().unwrap_or(&call.model);
    let sent = upstream.name_of(priced.as_str());
    let mut model_sent = None;
    let is_in_path = endpoint.label.contains("{model}");
    // The path that the caller wrote has the model that it named.
    if is_in_path && (sent != call.model.as_str() || named.is_some()) {
        aim.path = Some(path_of(endpoint, sent, uri.query()));
    }
    if sent != call.model.as_str() {
        if !is_in_path && !call.names_model_in_body() {
            let message = "This model has another name at its provider, which cannot be put into \
                           this kind of request.";
            return Err(BadRequest::field("model", message));
        }
        model_sent = Some(sent.to_owned());
    }
    if let Some(priced) = &target.model {
        let call = Arc::make_mut(&mut call);
        aim.model_asked = Some(std::mem::replace(&mut call.model, priced.clone()));
    }
    aim.model_asked = named.or(aim.model_asked);
    Ok(Aimed {
        aim,
        call,
        body,
        model_sent,
        endpoint,
        uri,
        original: None,
    })
}

fn path_of(endpoint: &Endpoint, model: &str, query: Option<&str>) -> String {
    let mut path = endpoint.label.replace("{model}", model);
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}

/// The words of another dialect.
fn translated(
    (snapshot, at): (&Snapshot, UtcMicros),
    source: Source,
    target: &Target,
    upstream: &Upstream,
) -> Result<Aimed, BadRequest> {
    let operation = source.endpoint.operation;
    let is_translated = matches!(operation, Operation::ChatCompletions | Operation::Responses);
    if source.endpoint.dialect != Dialect::OpenAi || !is_translated {
        let message = "This model's provider does not speak the API of this endpoint.";
        return Err(BadRequest::field("model", message));
    }
    let model = target.model.as_ref().unwrap_or(&source.call.model).clone();
    let price = snapshot.prices.find(upstream.prices.as_str(), &model, at);
    let original = Original {
        operation,
        body: source.body,
        call: source.call,
        dialect: upstream.dialect,
        name: upstream.name_of(model.as_str()).to_owned(),
        model,
        output_tokens_max: price.and_then(|price| price.output_tokens_max),
    };
    let (translated, call) = original.translate(None)?;
    let mut path = translated.path.clone();
    if let Some(query) = translated.query {
        path.push('?');
        path.push_str(query);
    }
    let asked = &original.call.model;
    let model_asked = (*asked != original.model).then(|| asked.clone());
    let aim = Aim {
        upstream: target.upstream,
        path: Some(path),
        model_asked: source.named.or(model_asked),
        translated: None,
    };
    Ok(Aimed {
        body: translated.body.clone(),
        aim: Aim {
            translated: Some(Box::new(translated)),
            ..aim
        },
        call: Arc::new(call),
        model_sent: None,
        endpoint: source.endpoint,
        uri: source.uri,
        original: Some(Box::new(original)),
    })
}

/// What was translated, and for whom.
#[derive(Debug)]
struct Original {
    operation: Operation,
    body: Bytes,
    call: Arc<Call>,
    dialect: Dialect,
    /// What the model is called there, and what it is priced as.
    name: String,
    model: ModelName,
    output_tokens_max: Option<u64>,
}

impl Original {
    fn translate(&self, cap: Option<u64>) -> Result<(Translated, Call), BadRequest> {
        let target = translate::Target {
            dialect: self.dialect,
            model: &self.name,
            output_tokens_max: self.output_tokens_max,
            cap,
        };
        let translated = translate_request(self.operation, &target, &self.body)?;
        let endpoint = ENDPOINTS
            .iter()
            .find(|row| row.dialect == self.dialect && row.operation == translated.operation);
        let missing = || BadRequest::field("model", "This model cannot be asked here.");
        let route = route_to(endpoint.ok_or_else(missing)?, &self.model);
        let mut call = read_call(&route, &translated.body)?;
        call.model = self.model.clone();
        // A cap that the provider's API asks for is not the caller's: it may be lowered.
        call.output_cap = translated.caller_cap;
        Ok((translated, call))
    }
}

impl Source {
    /// The same request as if its caller had named another model. It is read anew: what its images and
    /// its silence about limits mean is up to the model.
    pub(crate) fn with_model(self, model: &ModelName) -> Result<Self, BadRequest> {
        let impossible = |why: &str| BadRequest::field("model", why);
        let endpoint = self.endpoint;
        let is_in_path = endpoint.label.contains("{model}");
        if !is_routed(endpoint.operation) || !(is_in_path || self.call.names_model_in_body()) {
            return Err(impossible("This kind of request stays with its model."));
        }
        if is_in_path {
            check_model(model.as_str())?;
        }
        let edits = Edits {
            model: Some(model.as_str()),
            ..Edits::default()
        };
        let body = edit_body(&self.call, &edits, &self.body).unwrap_or(self.body);
        let route = Route {
            endpoint,
            model_in_path: is_in_path.then_some(model.as_str()),
            object_in_path: None,
            asks_long_context: self.call.input.has_long_context,
        };
        Ok(Self {
            call: Arc::new(read_call(&route, &body)?),
            body,
            named: self.named.or_else(|| Some(self.call.model.clone())),
            ..self
        })
    }
}

impl Aimed {
    /// What it was made of, while the policy has not named another model.
    pub(crate) fn source(&self) -> Source {
        let (call, body) = if let Some(original) = &self.original {
            (Arc::clone(&original.call), original.body.clone())
        } else {
            let mut call = Arc::clone(&self.call);
            if call.model != *self.model_asked() {
                Arc::make_mut(&mut call).model = self.model_asked().clone();
            }
            (call, self.body.clone())
        };
        Source {
            endpoint: self.endpoint,
            uri: self.uri.clone(),
            call,
            body,
            named: None,
        }
    }

    /// The model as the caller wrote it.
    pub(crate) fn model_asked(&self) -> &ModelName {
        self.aim.model_asked.as_ref().unwrap_or(&self.call.model)
    }

    /// The same request for an answer of at most so many tokens. What a model may think depends on
    /// that, so a translation is made anew.
    pub(crate) fn capped(mut self, cap: Option<u64>) -> Self {
        let original = self.original.take();
        if let (Some(cap), Some(original)) = (cap, original)
            && let Ok((translated, call)) = original.translate(Some(cap))
        {
            self.body = translated.body.clone();
            self.aim.translated = Some(Box::new(translated));
            self.call = Arc::new(call);
        }
        self
    }
}

fn route_to<'a>(endpoint: &'static Endpoint, model: &'a ModelName) -> Route<'a> {
    let in_path = endpoint.label.contains("{model}");
    Route {
        endpoint,
        model_in_path: in_path.then_some(model.as_str()),
        object_in_path: None,
        asks_long_context: false,
    }
}
