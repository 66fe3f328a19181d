//! `/dashboard`: the pages for people. Everything is in this program, and only what is in it is sent: no
//! file is looked for while it runs. The pages ask the API below `../admin`, so they work under any
//! prefix, and may load nothing from elsewhere.

mod negotiation;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use include_dir::{Dir, File, include_dir};

use crate::admin::AdminState;
use crate::admin::dashboard::negotiation::Encoding;
use crate::admin::error::AdminError;

const INDEX: &str = "index.html";
/// What stands in the index where the nonce belongs.
const NONCE_PLACE: &str = "__CSP_NONCE__";
const NONCE_BYTES: usize = 16;
/// Names below it change with what is in the file.
const HASHED: &str = "assets/";
const FOREVER: &str = "public, max-age=31536000, immutable";
const AN_HOUR: &str = "public, max-age=3600";
/// What is there instead when the dashboard was not built.
const MISSING: &str = include_str!("dashboard/missing.html");
const NOT_FOUND: AdminError = AdminError::NotFound("Not found");

/// What `build.rs` found.
static BUILT: Dir<'_> = include_dir!("$OUT_DIR/dashboard");

/// The content of a file by its name, if there is one.
type Files = fn(&str) -> Option<&'static [u8]>;

/// The pages and their files.
pub(super) fn routes() -> Router<Arc<AdminState>> {
    routes_of(|name| BUILT.get_file(name).map(File::contents))
}

fn routes_of<S: Clone + Send + Sync + 'static>(files: Files) -> Router<S> {
    let at_place = Router::new()
        .route("/dashboard/", get(index))
        .route("/dashboard/{*path}", get(below))
        .with_state(files);
    Router::new()
        .route("/dashboard", get(Redirect::permanent("dashboard/")))
        .merge(at_place)
}

/// The page, with a nonce that no other answer has: only styles that carry it count.
async fn index(State(files): State<Files>) -> Result<Response, AdminError> {
    let Some(page) = files(INDEX) else {
        return Ok(missing());
    };
    let nonce = STANDARD_NO_PAD.encode(rand::random::<[u8; NONCE_BYTES]>());
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(|_cause| AdminError::Internal)?;
    let page = std::str::from_utf8(page).map_err(|_cause| AdminError::Internal)?;
    let page = page.replace(NONCE_PLACE, &nonce);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((
        [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, policy)],
        page,
    )
        .into_response())
}

fn missing() -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, kind)], MISSING).into_response()
}

/// A file; or the page, at what an old link means.
async fn below(
    State(files): State<Files>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, AdminError> {
    if !is_plain(&path) {
        return Err(NOT_FOUND);
    }
    if is_file_name(&path) {
        return file(files, &path, &headers).ok_or(NOT_FOUND);
    }
    if files(INDEX).is_none() {
        return Ok(missing());
    }
    // What is plain is the same in the address: nothing has to be written in another way.
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let up = match path.matches('/').count() {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    };
    Ok(Redirect::permanent(&format!("{up}#/{path}{query}")).into_response())
}

/// Whether a path is of names that neither leave the folder nor mean something to a browser.
fn is_plain(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').all(|name| {
        let is_known = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        !name.is_empty() && !name.starts_with('.') && name.chars().all(is_known)
    })
}

fn is_file_name(path: &str) -> bool {
    path.starts_with(HASHED)
        || path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains('.'))
}

/// In the shortest form that whoever asks understands.
fn file(files: Files, name: &str, headers: &HeaderMap) -> Option<Response> {
    if name == INDEX || Encoding::of_name(name).is_some() {
        return None;
    }
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let mut encoded = Encoding::accepted_in(accepted.unwrap_or_default());
    let encoded = encoded.find_map(|encoding| {
        let content = files(&format!("{name}{}", encoding.ending()))?;
        Some((Some(encoding), content))
    });
    let plain = || files(name).map(|content| (None, content));
    let (encoding, content) = encoded.or_else(plain)?;
    let lasting = if name.starts_with(HASHED) {
        FOREVER
    } else {
        AN_HOUR
    };
    let headers = [
        (CONTENT_TYPE, content_type(name)),
        (CACHE_CONTROL, lasting),
        (VARY, "accept-encoding"),
    ];
    let mut response = (headers, content).into_response();
    if let Some(encoding) = encoding {
        let value = HeaderValue::from_static(encoding.as_str());
        response.headers_mut().insert(CONTENT_ENCODING, value);
    }
    Some(response)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
