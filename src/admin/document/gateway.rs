//! What the gateway answers to callers, beside the admin API: in short, for the words are those of the
//! providers. It comes from the table of endpoints, so what is not passed on is not told of.

#[expect(dead_code, reason = "the document shows it, others write it")]
pub(in crate::admin) mod own;

use utoipa::OpenApi as _;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, Paths,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Required};

use crate::admin::document::PROXY;
use crate::providers::Dialect;
use crate::providers::endpoints::{Billing, ENDPOINTS, Endpoint};

/// Of endpoints that share a path and a method, headers tell which is meant.
type Shared = Vec<&'static Endpoint>;

/// The endpoints that are passed on, and those about a caller's own limits and requests.
pub(super) fn document() -> OpenApi {
    let mut document = own::Own::openapi();
    document.info = super::begun().info;
    let mut told: Vec<Shared> = Vec::new();
    for endpoint in ENDPOINTS.iter().filter(|endpoint| is_passed_on(endpoint)) {
        let same = |known: &&mut Shared| {
            let first = known.first();
            first.is_some_and(|one| (one.label, one.method) == (endpoint.label, endpoint.method))
        };
        match told.iter_mut().find(same) {
            Some(known) => known.push(endpoint),
            None => told.push(vec![endpoint]),
        }
    }
    for endpoints in &told {
        add(&mut document.paths, endpoints);
    }
    document
}

fn is_passed_on(endpoint: &Endpoint) -> bool {
    match endpoint.billing {
        Billing::Free | Billing::Metered => true,
        Billing::Refused(_) | Billing::Never => false,
    }
}

fn add(paths: &mut Paths, endpoints: &[&Endpoint]) {
    let Some(first) = endpoints.first() else {
        return;
    };
    let method = match first.method {
        "GET" => HttpMethod::Get,
        "DELETE" => HttpMethod::Delete,
        "PATCH" => HttpMethod::Patch,
        "PUT" => HttpMethod::Put,
        _ => HttpMethod::Post,
    };
    let has_body = matches!(
        method,
        HttpMethod::Post | HttpMethod::Patch | HttpMethod::Put
    );
    paths.add_path_operation(first.label, vec![method], operation(endpoints, has_body));
}

fn operation(endpoints: &[&Endpoint], has_body: bool) -> Operation {
    let label = endpoints.first().map_or("", |first| first.label);
    let method = endpoints.first().map_or("", |first| first.method);
    let words: Vec<&str> = endpoints.iter().map(|one| provider(one.dialect)).collect();
    let is_metered = endpoints.iter().any(|one| one.billing == Billing::Metered);
    let streams = endpoints.iter().any(|one| one.streams);
    let mut about = format!("In the words of {}.", words.join(" or of "));
    about.push_str(if is_metered {
        " Held on every budget that counts it before it is sent, and charged by what is answered."
    } else {
        " It costs nothing."
    });
    if streams {
        about.push_str(" It can be answered as a stream.");
    }
    let operation = OperationBuilder::new()
        .tag(PROXY)
        .operation_id(Some(operation_id(method, label)))
        .summary(endpoints.first().map(|one| one.operation.as_str()))
        .description(Some(about))
        .securities(Some(super::of_callers()))
        .responses(responses());
    let parameters = parameters(label);
    let operation = operation.parameters(Some(parameters));
    let body = has_body.then(|| {
        RequestBodyBuilder::new()
            .description(Some("As the provider documents it."))
            .content("*/*", ContentBuilder::new().build())
            .build()
    });
    operation.request_body(body).build()
}

fn responses() -> utoipa::openapi::Responses {
    let answer = ResponseBuilder::new()
        .description("The provider's answer, as it is.")
        .content("*/*", ContentBuilder::new().build());
    let otherwise = ResponseBuilder::new()
        .description(
            "What the provider answers otherwise, or a refusal in the provider's form: 401 for an \
             unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit.",
        )
        .content("application/json", ContentBuilder::new().build());
    ResponsesBuilder::new()
        .response("200", answer)
        .response("default", otherwise)
        .build()
}

fn parameters(label: &str) -> Vec<utoipa::openapi::path::Parameter> {
    let names = label.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    let parameters = names.map(|name| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    });
    parameters.collect()
}

/// Such as `post_v1_chat_completions`.
fn operation_id(method: &str, label: &str) -> String {
    let label = label.replace(':', "_do_");
    let words = label.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let method = method.to_ascii_lowercase();
    std::iter::once(method.as_str())
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn provider(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "OpenAI",
        Dialect::Anthropic => "Anthropic",
        Dialect::Google => "Google",
    }
}
