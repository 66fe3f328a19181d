//! `/docs`: the document of the API, and the page that shows it. Everything that the page needs is in
//! this program; it may load nothing from elsewhere, and no other page may frame it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::Config;

use crate::admin::AdminState;
use crate::admin::document::DOCS;
use crate::admin::error::AdminError;

/// The page sets styles of its elements itself, and has small pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// Where the page finds the document, from where it is itself.
const DOCUMENT: &str = "json";

/// The document as it is sent.
#[derive(Debug)]
pub(super) struct Written {
    json: Bytes,
    yaml: Bytes,
}

impl Written {
    /// A document of texts and lists: writing it cannot fail.
    pub(super) fn new(document: &OpenApi) -> Self {
        Self {
            json: document.to_json().unwrap_or_default().into(),
            yaml: document.to_yaml().unwrap_or_default().into(),
        }
    }
}

/// What is in the document itself.
pub(super) fn routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(json))
        .routes(routes!(yaml))
}

/// The page and its files.
pub(super) fn page() -> axum::Router<Arc<AdminState>> {
    axum::Router::new()
        .route("/docs", get(Redirect::permanent("docs/")))
        .route("/docs/", get(index))
        .route("/docs/{file}", get(file))
        .layer(map_response(shielded))
}

/// This document.
#[utoipa::path(get, path = "/docs/json", tag = DOCS, operation_id = "document", security(()),
    responses((status = 200, body = Object, description = "This document.")))]
async fn json(Extension(document): Extension<Arc<Written>>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, kind)], document.json.clone())
}

/// This document, as YAML.
#[utoipa::path(get, path = "/docs/yaml", tag = DOCS, operation_id = "documentAsYaml", security(()),
    responses((status = 200, body = Object, content_type = "application/yaml",
        description = "This document, as YAML.")))]
async fn yaml(Extension(document): Extension<Arc<Written>>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("application/yaml");
    ([(CONTENT_TYPE, kind)], document.yaml.clone())
}

async fn index() -> Result<Response, AdminError> {
    found("index.html")
}

async fn file(Path(name): Path<String>) -> Result<Response, AdminError> {
    found(&name)
}

fn found(name: &str) -> Result<Response, AdminError> {
    let config = Config::from(DOCUMENT)
        .validator_url("none")
        .display_operation_id(true)
        .filter(true);
    let file = utoipa_swagger_ui::serve(name, Arc::new(config));
    let file = file.map_err(|_cause| AdminError::Internal)?;
    let file = file.ok_or(AdminError::NotFound("Not found"))?;
    let kind = HeaderValue::from_str(&file.content_type);
    let kind = kind.map_err(|_cause| AdminError::Internal)?;
    Ok(([(CONTENT_TYPE, kind)], file.bytes.into_owned()).into_response())
}

async fn shielded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
