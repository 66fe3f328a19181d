//! The admin API from the command line: where it is, what opens it, and what it answers. One request at a time, each
//! bounded in time and size.

pub(super) mod answer;
pub(super) mod table;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use serde::Deserialize;

use crate::app;
use crate::commands::api::answer::Answer;
use crate::commands::terminal::say;
use crate::https::{self, Connector};
use crate::settings::Settings;
use crate::settings::secret::Secret;

const AGENT: &str = concat!("BudgetGuard/", env!("CARGO_PKG_VERSION"));
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From the request to the last byte of the answer.
const ANSWER_MAX: Duration = Duration::from_mins(1);
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const ADMIN_KEY_HEADER: &str = "x-admin-key";

/// Where the admin API is, and how its answers are shown.
#[derive(Clone, Debug, Args)]
pub(super) struct Target {
    /// The address of the gateway or of its admin API (default: that of the settings). The admin key is
    /// taken from `ADMIN_API_KEY`, the settings, or the data folder.
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// Print the answer of the API as it is.
    #[arg(long, global = true)]
    json: bool,
}

/// The admin API.
pub(super) struct Api {
    base: String,
    key: Secret,
    client: Client<Connector, Full<Bytes>>,
    is_json: bool,
}

/// The fields of a body: texts and numbers by name.
pub(super) type Fields = serde_json::Map<String, serde_json::Value>;

/// A refusal, in the words of the API.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    words: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words)
    }
}

impl std::error::Error for Refused {}

/// Whether the API knows no such thing.
pub(super) fn is_not_found(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

impl Api {
    /// The API that the command line and the settings name.
    pub(super) fn new(target: &Target, settings: &Settings) -> Result<Self> {
        let base = match target.url.as_ref().or(settings.admin.url.as_ref()) {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => own_address(settings),
        };
        let roots = if base.starts_with("https:") {
            app::trusted_roots(settings)?
        } else {
            RootCertStore::empty()
        };
        let connector = https::connector(roots, CONNECT_MAX)?;
        Ok(Self {
            base,
            key: app::admin_key(settings)?,
            client: Client::builder(TokioExecutor::new()).build(connector),
            is_json: target.json,
        })
    }

    /// Reads something.
    pub(super) async fn get(&self, path: &str) -> Result<Answer> {
        self.ask(Method::GET, path, None).await
    }

    /// Changes something.
    pub(super) async fn send(&self, method: Method, path: &str, fields: Fields) -> Result<Answer> {
        self.ask(method, path, Some(fields)).await
    }

    /// Changes something about which there is nothing to say.
    pub(super) async fn tell(&self, method: Method, path: &str) -> Result<Answer> {
        self.ask(method, path, None).await
    }

    async fn ask(&self, method: Method, path: &str, fields: Option<Fields>) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(USER_AGENT, AGENT)
            .header(ADMIN_KEY_HEADER, self.key.expose());
        let body = match fields {
            Some(fields) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(&fields)?)
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::from(body));
        let request = request.with_context(|| format!("`{}` is no address", self.base))?;
        let answered = tokio::time::timeout(ANSWER_MAX, self.heard(request)).await;
        let (status, text) =
            answered.with_context(|| format!("{} did not answer in time", self.base))??;
        if status.is_success() {
            return Ok(Answer::new(text, self.is_json));
        }
        let told = serde_json::from_str::<ErrorBody>(&text).map(|body| body.error);
        let words = match (status, told) {
            (StatusCode::UNAUTHORIZED, _) => format!(
                "{} does not accept the admin key: set ADMIN_API_KEY to that of the gateway",
                self.base
            ),
            (_, Ok(words)) => words,
            (status, Err(_)) => format!("{} answered {status}", self.base),
        };
        Err(Refused { status, words }.into())
    }

    async fn heard(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String)> {
        let answer = self.client.request(request).await.map_err(|error| {
            if error.is_connect() {
                anyhow!(
                    "{} cannot be reached: start the gateway with `budgetguard serve`, or name \
                     another with --url or BUDGETGUARD_URL",
                    self.base
                )
            } else {
                anyhow!("{} broke off", self.base)
            }
        })?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await;
        let body = body.map_err(|_cause| anyhow!("{} broke off, or says too much", self.base))?;
        let text = String::from_utf8(body.to_bytes().to_vec());
        Ok((status, text.context("the answer is no text")?))
    }

    /// The id of a tenant that is named by it, or by its name. A name of digits only is taken for an id.
    pub(super) async fn tenant(&self, named: &str) -> Result<String> {
        if is_id(named) {
            return Ok(named.to_owned());
        }
        let tenants = self.get("/admin/tenant").await?;
        tenants
            .id_of("name", named)?
            .with_context(|| format!("there is no tenant `{named}`"))
    }

    /// The id of a tenant's tag that is named by it, or by its name.
    pub(super) async fn tag(&self, tenant: &str, named: &str) -> Result<String> {
        if is_id(named) {
            return Ok(named.to_owned());
        }
        let path = format!("/admin/tenant/{tenant}/tags?includeInactive=true");
        let tags = self.get(&path).await?;
        tags.id_of("name", named)?
            .with_context(|| format!("the tenant has no tag `{named}`"))
    }

    /// Says that something was done; with `--json`, in the words of the API.
    pub(super) fn done(&self, answer: &Answer, words: &str) {
        say(if self.is_json { answer.text() } else { words });
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A part of a path as URLs have it.
pub(super) fn part(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hex::encode_upper([byte]));
        }
    }
    escaped
}

/// A path with those parameters that have a value.
pub(super) fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let pairs = parameters
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", part(value.as_ref()?))));
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{query}")
}

/// The fields of a body that have a value.
pub(super) fn fields<const COUNT: usize>(values: [(&str, Option<&str>); COUNT]) -> Fields {
    let given = values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    given.collect()
}

/// Sets a field whose value may be a word for nothing.
pub(super) fn set_or_clear(fields: &mut Fields, name: &str, value: Option<&str>, nothing: &str) {
    let Some(value) = value else { return };
    let value = (value != nothing).then(|| value.to_owned());
    fields.insert(name.to_owned(), value.into());
}

/// A list that is written with commas, as a field.
pub(super) fn set_list(fields: &mut Fields, name: &str, values: Option<&[String]>) {
    if let Some(values) = values {
        fields.insert(name.to_owned(), values.to_vec().into());
    }
}

/// Refuses a change that changes nothing.
pub(super) fn something(fields: Fields) -> Result<Fields> {
    if fields.is_empty() {
        bail!("nothing to change: name something, see --help");
    }
    Ok(fields)
}

/// The gateway of the settings, as this machine reaches it.
fn own_address(settings: &Settings) -> String {
    let server = &settings.server;
    // Its own address has no TLS.
    let (scheme, listen) = match &server.admin_listen {
        Some(listen) => ("http", listen.clone()),
        None if server.tls.is_some() => ("https", server.listen()),
        None => ("http", server.listen()),
    };
    let listen = listen.replace("0.0.0.0", "127.0.0.1");
    format!("{scheme}://{}", listen.replace("[::]", "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_path_is_escaped() {
        assert_eq!(part("gpt-4o/é?"), "gpt-4o%2F%C3%A9%3F");
        let parameters = [("a", Some("1 2")), ("b", None), ("c", Some("x&y"))];
        assert_eq!(with_query("/p", &parameters), "/p?a=1%202&c=x%26y");
        assert_eq!(with_query("/p", &[]), "/p");
    }

    #[test]
    fn only_what_is_given_becomes_a_field() {
        let mut body = fields([("name", Some("a")), ("color", None)]);
        set_or_clear(&mut body, "budget", Some("none"), "none");
        set_or_clear(&mut body, "other", None, "none");
        let text = serde_json::to_string(&body).unwrap();
        assert_eq!(text, r#"{"budget":null,"name":"a"}"#);
        assert!(something(Fields::new()).is_err());
    }
}
