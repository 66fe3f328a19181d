//! The document of the API, in the words of `OpenAPI`. What routes say of themselves comes with the
//! routes; here is what all of them have in common, and what the gateway answers itself.

#[expect(dead_code, reason = "the document shows them, nobody makes one")]
pub(super) mod bodies;
#[expect(dead_code, reason = "the document shows them, nobody makes one")]
pub(super) mod bundles;
#[expect(dead_code, reason = "the document shows them, nobody makes one")]
pub(super) mod parameters;
pub(super) mod responses;
pub(super) mod schemas;
#[expect(dead_code, reason = "the document shows them, nobody makes one")]
pub(super) mod whatif;

pub(super) mod gateway;

use axum::http::Method;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Components, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr};
use utoipa::openapi::{LicenseBuilder, SecurityRequirement, tag::TagBuilder};
use utoipa::{PartialSchema, ToSchema};

use crate::admin::access::{Rule, rule_of};
use crate::admin::document::schemas::ErrorBody;

const TITLE: &str = "BudgetGuard API";
const DESCRIPTION: &str = "A reverse proxy between a company and its AI providers that never lets \
    anyone spend more than allowed. Amounts are exact decimals. Every error of the admin API is an \
    object with one member, `error`.";
/// What a response is that nothing else is said of.
const ASKED_FOR: &str = "What was asked for.";
const ADMIN_KEY: &str = "X-Admin-Key";
const TENANT_KEY: &str = "X-API-Key";
const BEARER: &str = "bearer";
/// Of those who logged in: with changes comes `X-CSRF-Token`.
const SESSION: &str = "Session";
const COOKIE: &str = "budgetguard";

pub(super) const HEALTH: &str = "Health & Monitoring";
pub(super) const TENANTS: &str = "Tenant Management";
pub(super) const BUDGETS: &str = "Budget Management";
pub(super) const KEYS: &str = "API Key Management";
pub(super) const LIMITS: &str = "Rate Limiting";
pub(super) const USAGE: &str = "Usage Analytics";
pub(super) const PRICES: &str = "Model Pricing";
pub(super) const PROVIDERS: &str = "Provider Management";
pub(super) const TAGS: &str = "Tag Management";
pub(super) const TAG_BUDGETS: &str = "Tag Budget Management";
pub(super) const TAG_ANALYTICS: &str = "Tag Analytics";
pub(super) const POLICIES: &str = "Policy Management";
pub(super) const SESSIONS: &str = "Session Management";
pub(super) const ALERTS: &str = "Alerts";
pub(super) const ACCESS: &str = "Access";
pub(super) const AUDIT: &str = "Audit";
pub(super) const DOCS: &str = "Documentation";
const PROXY: &str = "AI Proxy";
const OWN: &str = "Caller";

/// What each group of routes is about.
const GROUPS: [(&str, &str); 19] = [
    (PROXY, "What providers answer, for the keys of tenants."),
    (
        OWN,
        "What the holder of a key may know of its own limits and requests.",
    ),
    (
        HEALTH,
        "Whether this process can serve, and what it counts.",
    ),
    (TENANTS, "Who pays."),
    (
        BUDGETS,
        "Budgets of the installation, of tenants and of keys.",
    ),
    (KEYS, "Keys of tenants."),
    (
        LIMITS,
        "Requests and tokens a minute, and requests at once.",
    ),
    (USAGE, "What was spent, and the ledger's rows."),
    (PRICES, "What models cost, in versions."),
    (PROVIDERS, "Whether providers answer."),
    (
        TAGS,
        "Tags of tenants, which form trees, and the rules that give them to requests.",
    ),
    (TAG_BUDGETS, "Budgets of tags."),
    (TAG_ANALYTICS, "What was spent under tags."),
    (
        POLICIES,
        "Policies of tenants, which are asked after the installation's and can only tighten.",
    ),
    (SESSIONS, "Sessions, and what they may spend."),
    (ALERTS, "Thresholds of budgets that were passed."),
    (ACCESS, "Users of this API, and logging in to it."),
    (AUDIT, "Who changed what."),
    (DOCS, "This document."),
];

/// What the routes are put into.
pub(super) fn begun() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title(TITLE)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    let tag = |(name, about): (&str, &str)| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    };
    OpenApiBuilder::new()
        .info(info)
        .tags(Some(GROUPS.map(tag)))
        .components(Some(components()))
        .build()
}

fn components() -> Components {
    let header = |name| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    let mut components = ComponentsBuilder::new()
        .schema(ErrorBody::name(), ErrorBody::schema())
        .security_scheme(ADMIN_KEY, header(ADMIN_KEY))
        .security_scheme(
            SESSION,
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE))),
        )
        .security_scheme(TENANT_KEY, header(TENANT_KEY))
        .security_scheme(
            BEARER,
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    for (name, response) in responses::all() {
        components = components.response(name, response);
    }
    components.build()
}

/// Says of the admin routes what they have in common: who may ask, and how that ends when it fails.
pub(super) fn guarded(mut document: OpenApi) -> OpenApi {
    for (method, path, operation) in operations(&mut document) {
        operation.security = Some(shown_for(rule_of(&method, path)));
        for (status, name) in responses::OF_ALL_ADMIN_ROUTES {
            let response = RefOr::Ref(utoipa::openapi::Ref::from_response_name(name));
            operation
                .responses
                .responses
                .insert(status.to_owned(), response);
        }
        for parameter in operation.parameters.iter_mut().flatten() {
            if let Some(schema) = &mut parameter.schema {
                without_null(schema);
            }
        }
    }
    document
}

/// What is shown where a rule holds: either of the two, or nothing.
fn shown_for(rule: Rule) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    match rule {
        Rule::Open => Vec::new(),
        Rule::Needs(_) | Rule::NoMethod | Rule::NoPath => {
            let either = [ADMIN_KEY, SESSION].map(|name| SecurityRequirement::new(name, none));
            either.to_vec()
        }
    }
}

/// Callers show a key of a tenant, in either header.
fn of_callers() -> [SecurityRequirement; 2] {
    let none: [&str; 0] = [];
    [TENANT_KEY, BEARER].map(|name| SecurityRequirement::new(name, none))
}

/// Adds what the gateway answers itself.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    document.merge(gateway::document());
    for (_, _, operation) in operations(&mut document) {
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                ASKED_FOR.clone_into(&mut response.description);
            }
        }
    }
    document
}

/// Parameters that are left out are not there: none can be `null`.
fn without_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let SchemaType::Array(types) = &object.schema_type
    {
        let mut others = types.iter().filter(|known| **known != Type::Null);
        if let (Some(only), None) = (others.next(), others.next()) {
            object.schema_type = SchemaType::Type(only.clone());
        }
    } else if let RefOr::T(Schema::OneOf(choices)) = schema {
        choices.items.retain(|choice| !is_null(choice));
        if let [only] = choices.items.as_slice() {
            *schema = only.clone();
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let null = SchemaType::Type(Type::Null);
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == null)
}

/// Every operation with its method and its path.
fn operations(document: &mut OpenApi) -> impl Iterator<Item = (Method, &str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem {
            get,
            put,
            post,
            delete,
            patch,
            ..
        } = item;
        let operations = [
            (Method::GET, get),
            (Method::PUT, put),
            (Method::POST, post),
            (Method::DELETE, delete),
            (Method::PATCH, patch),
        ];
        let known = operations.into_iter();
        known.filter_map(move |(method, known)| Some((method, path.as_str(), known.as_mut()?)))
    })
}
