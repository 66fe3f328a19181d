//! Asks providers on the gateway's own behalf: for the objects of a list, and how far they are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use thiserror::Error;

use crate::https::{self, Connector};
use crate::providers::Dialect;
use crate::providers::upstream::{ANTHROPIC_VERSION_DEFAULT, credential_header};
use crate::settings::secret::{Secret, WeightedKey};
use crate::settings::upstream::{Provider, Providers, Upstream};

/// How long an answer may take, from the request to its last byte.
const ANSWER_MAX: Duration = Duration::from_mins(1);
/// The longest line.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Connections that wait for the next question, for each provider.
const IDLE_CONNECTIONS_MAX: usize = 8;
/// Less than providers keep them.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// Why a provider was not heard. None of these names an address or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unheard {
    /// There is no key to ask with.
    #[error("no key of the provider is configured")]
    NoKey,
    /// No connection, or it broke, or the answer is longer than it may be.
    #[error("the provider cannot be reached, or answers too much")]
    Unreachable,
    /// It takes too long.
    #[error("the provider did not answer in time")]
    TimedOut,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Something to be asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Whose servers are asked.
    pub home: Dialect,
    /// Path and query.
    pub path: &'a str,
    /// Headers beside those that are always sent.
    pub headers: HeaderMap,
    /// The longest answer that is taken.
    pub bytes_max: usize,
}

/// What shows a key to a provider.
type Credential = (HeaderName, HeaderValue);

/// The one client for all three providers.
pub struct ProviderClient {
    client: Client<Connector, Empty<Bytes>>,
    openai: Home,
    anthropic: Home,
    google: Home,
}

/// Where a provider is, and what shows our key to it.
struct Home {
    base: String,
    dialect: Dialect,
    credential: ArcSwapOption<Credential>,
}

impl fmt::Debug for ProviderClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProviderClient(..)")
    }
}

impl ProviderClient {
    /// A client that trusts these certificates.
    pub fn new(
        providers: &Providers,
        upstream: &Upstream,
        roots: RootCertStore,
    ) -> Result<Self, rustls::Error> {
        let connect_max = Duration::from_millis(upstream.connect_timeout_ms);
        let connector = https::connector(roots, connect_max)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .build(connector);
        Ok(Self {
            client,
            openai: Home::new(Dialect::OpenAi, &providers.openai),
            anthropic: Home::new(Dialect::Anthropic, &providers.anthropic),
            google: Home::new(Dialect::Google, &providers.google),
        })
    }

    /// Asks with the keys of these settings from now on.
    pub fn take_keys(&self, providers: &Providers) {
        self.openai.take_keys(&providers.openai.keys);
        self.anthropic.take_keys(&providers.anthropic.keys);
        self.google.take_keys(&providers.google.keys);
    }

    /// Whether there is a key to ask with.
    pub fn has_key(&self, home: Dialect) -> bool {
        self.home(home).credential.load().is_some()
    }

    /// Asks, and waits for the whole answer.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Heard, Unheard> {
        let credential = self.own_credential(question)?;
        self.hear_in_time(question, &credential).await
    }

    /// Asks with another key than the installation's.
    pub async fn ask_with(&self, question: &Question<'_>, key: &Secret) -> Result<Heard, Unheard> {
        let credential = credential_header(question.home, key.expose());
        let credential = credential.map_err(|_invalid| Unheard::NoKey)?;
        self.hear_in_time(question, &credential).await
    }

    /// Asks, and hands out the answer line by line; tells its status. Lines of an answer that is no
    /// success are not handed out.
    pub async fn ask_lines(
        &self,
        question: &Question<'_>,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<u16, Unheard> {
        let credential = self.own_credential(question)?;
        let begun = tokio::time::timeout(ANSWER_MAX, self.begin(question, &credential)).await;
        let answer = begun.map_err(|_elapsed| Unheard::TimedOut)??;
        let status = answer.status().as_u16();
        if status != 200 {
            return Ok(status);
        }
        let mut body = Limited::new(answer.into_body(), question.bytes_max);
        let mut rest: Vec<u8> = Vec::new();
        loop {
            let frame = tokio::time::timeout(ANSWER_MAX, body.frame()).await;
            let Some(frame) = frame.map_err(|_elapsed| Unheard::TimedOut)? else {
                break;
            };
            let frame = frame.map_err(|_cause| Unheard::Unreachable)?;
            rest.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            rest = hand_out(rest, each);
            if rest.len() > LINE_BYTES_MAX {
                return Err(Unheard::Unreachable);
            }
        }
        if !rest.trim_ascii().is_empty() {
            each(&rest);
        }
        Ok(status)
    }

    fn own_credential(&self, question: &Question<'_>) -> Result<Arc<Credential>, Unheard> {
        let credential = self.home(question.home).credential.load_full();
        credential.ok_or(Unheard::NoKey)
    }

    async fn hear_in_time(
        &self,
        question: &Question<'_>,
        credential: &Credential,
    ) -> Result<Heard, Unheard> {
        match tokio::time::timeout(ANSWER_MAX, self.hear(question, credential)).await {
            Ok(heard) => heard,
            Err(_elapsed) => Err(Unheard::TimedOut),
        }
    }

    async fn hear(
        &self,
        question: &Question<'_>,
        credential: &Credential,
    ) -> Result<Heard, Unheard> {
        let answer = self.begin(question, credential).await?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), question.bytes_max).collect();
        let body = body.await.map_err(|_cause| Unheard::Unreachable)?;
        Ok(Heard {
            status,
            body: body.to_bytes(),
        })
    }

    async fn begin(
        &self,
        question: &Question<'_>,
        (name, credential): &Credential,
    ) -> Result<Response<Incoming>, Unheard> {
        let home = self.home(question.home);
        let address: Uri = [home.base.as_str(), question.path]
            .concat()
            .parse()
            .map_err(|_invalid| Unheard::Unreachable)?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = address;
        let headers = request.headers_mut();
        if question.home == Dialect::Anthropic {
            let (name, version) = ANTHROPIC_VERSION_DEFAULT;
            headers.insert(name, HeaderValue::from_static(version));
        }
        headers.extend(question.headers.clone());
        headers.insert(name, credential.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let answer = self.client.request(request).await;
        answer.map_err(|_cause| Unheard::Unreachable)
    }

    fn home(&self, dialect: Dialect) -> &Home {
        match dialect {
            Dialect::OpenAi => &self.openai,
            Dialect::Anthropic => &self.anthropic,
            Dialect::Google => &self.google,
        }
    }
}

/// Hands out the whole lines, and gives back what has no end yet.
fn hand_out(bytes: Vec<u8>, each: &mut (dyn FnMut(&[u8]) + Send)) -> Vec<u8> {
    let Some(end) = memchr::memrchr(b'\n', &bytes) else {
        return bytes;
    };
    let (lines, rest) = bytes.split_at(end.saturating_add(1));
    let lines = lines.split(|byte| *byte == b'\n');
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        each(line);
    }
    rest.to_vec()
}

impl Home {
    fn new(dialect: Dialect, provider: &Provider) -> Self {
        let base = &provider.base_url;
        let scheme = if base.tls() { "https://" } else { "http://" };
        let home = Self {
            base: [scheme, &base.host_header(), base.path_prefix()].concat(),
            dialect,
            credential: ArcSwapOption::empty(),
        };
        home.take_keys(&provider.keys);
        home
    }

    /// All keys of a provider are of one account: each sees what was made with the others.
    fn take_keys(&self, keys: &[WeightedKey]) {
        let key = keys.first().map(|key| key.secret.expose());
        let credential = key.and_then(|key| credential_header(self.dialect, key).ok());
        self.credential.store(credential.map(Arc::new));
    }
}
