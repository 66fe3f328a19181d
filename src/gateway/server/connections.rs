//! Connections of callers: how many there may be, and how long one may be silent. Pingora hands each
//! connection over before it reads from it. What Pingora bounds by itself is the silence between two reads,
//! which somebody who sends a byte now and then never exceeds.

use std::future::pending;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dashmap::DashMap;
use ipnet::IpNet;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp};
use pingora::http::ResponseHeader;
use pingora::listeners::PreTlsProcess;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::H2Options;
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{GetProxyDigest as _, GetSocketDigest, Stream};
use pingora::server::ShutdownWatch;
use pingora::{Error, ErrorType, Result};
use pingora_proxy::{HttpProxy, ProcessCustomSession};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

use crate::gateway::Gateway;
use crate::gateway::connector::BodyConnector;
use crate::metrics::Metrics;
use crate::metrics::connections::Refused;

/// What a caller beyond the limits is told. On HTTP/2 and before TLS there are no words for it.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
    content-length: 0\r\n\r\n";
/// How long it may take to tell.
const TELL_MAX: Duration = Duration::from_secs(1);

/// Neither idle nor over: a request is under way.
const BUSY: i64 = -1;
/// Requests of HTTP/2 run beside each other; Pingora looks after its idle connections.
const HTTP2: i64 = -2;

tokio::task_local! {
    /// The connection that a task serves.
    static SERVED: Arc<Kept>;
}

/// How many connections there may be, and how long one may be silent.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// In all; 0 for no limit.
    pub total: usize,
    /// From one address; 0 for no limit.
    pub per_address: usize,
    /// Proxies in front of us, whose connections are those of many.
    pub proxies: Vec<IpNet>,
    /// From the beginning of a connection to the end of its first request's head.
    pub header: Duration,
    /// From the end of a request to the end of the next one's head.
    pub idle: Duration,
}

/// All connections that are open.
#[derive(Debug)]
pub(super) struct Connections {
    limits: ConnectionLimits,
    open: AtomicUsize,
    by_address: DashMap<IpAddr, usize>,
    metrics: Arc<Metrics>,
}

/// A connection that counts for as long as this lives.
struct Entered {
    among: Arc<Connections>,
    address: Option<IpAddr>,
}

impl Connections {
    pub(super) fn new(limits: ConnectionLimits, metrics: Arc<Metrics>) -> Self {
        Self {
            limits,
            open: AtomicUsize::new(0),
            by_address: DashMap::new(),
            metrics,
        }
    }

    fn enter(
        self: &Arc<Self>,
        peer: &(impl GetSocketDigest + ?Sized),
    ) -> std::result::Result<Entered, Refused> {
        let digest = peer.get_socket_digest();
        let address = digest.and_then(|digest| Some(digest.peer_addr()?.as_inet()?.ip()));
        let limits = &self.limits;
        if self.open.fetch_add(1, Ordering::AcqRel) >= limits.total && limits.total > 0 {
            self.open.fetch_sub(1, Ordering::AcqRel);
            self.metrics.connection_refused(Refused::Total);
            return Err(Refused::Total);
        }
        let is_proxy = |it: &IpAddr| limits.proxies.iter().any(|network| network.contains(it));
        let address = address.filter(|it| limits.per_address > 0 && !is_proxy(it));
        if let Some(address) = address {
            let mut count = self.by_address.entry(address).or_insert(0);
            if *count >= limits.per_address {
                self.open.fetch_sub(1, Ordering::AcqRel);
                self.metrics.connection_refused(Refused::Address);
                return Err(Refused::Address);
            }
            *count += 1;
        }
        self.metrics.connection_opened();
        let among = Arc::clone(self);
        Ok(Entered { among, address })
    }

    /// Serves a connection to its end.
    async fn serve(
        self: Arc<Self>,
        proxy: Arc<HttpProxy<Gateway, BodyConnector>>,
        mut stream: Stream,
        shutdown: ShutdownWatch,
    ) {
        // One with TLS was counted before its handshake.
        let is_counted = stream.get_ssl_digest().is_some();
        let _entered = if is_counted {
            None
        } else {
            match self.enter(&*stream) {
                Ok(entered) => Some(entered),
                Err(_refused) => {
                    let told = async {
                        stream.write_all(TOO_MANY).await?;
                        stream.shutdown().await
                    };
                    // Whoever is refused need not listen.
                    let _ = timeout(TELL_MAX, told).await;
                    return;
                }
            }
        };
        let kept = Arc::new(Kept::new());
        let http = Arc::new(Http {
            proxy,
            options: options(&self.limits),
        });
        tokio::select! {
            _ = SERVED.scope(Arc::clone(&kept), http.process_new(stream, &shutdown)) => {}
            () = kept.expired(&self.limits) => self.metrics.connection_expired(),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let among = &self.among;
        among.open.fetch_sub(1, Ordering::AcqRel);
        among.metrics.connection_closed();
        if let Some(address) = self.address {
            among.by_address.remove_if_mut(&address, |_, count| {
                *count = count.saturating_sub(1);
                *count == 0
            });
        }
    }
}

/// Where Pingora hands connections over that do not speak HTTP/2 by TLS.
pub(super) fn served_by(
    connections: &Arc<Connections>,
) -> ProcessCustomSession<Gateway, BodyConnector> {
    let connections = Arc::clone(connections);
    Arc::new(move |proxy, stream, shutdown| {
        let (connections, shutdown) = (Arc::clone(&connections), shutdown.clone());
        Box::pin(async move {
            connections.serve(proxy, stream, shutdown).await;
            None
        })
    })
}

/// What Pingora is told of HTTP, for connections that it serves by itself.
pub(super) fn options(limits: &ConnectionLimits) -> HttpServerOptions {
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    options.h2_idle_timeout = Some(limits.idle);
    options
}

/// Counts a connection before its handshake.
pub(super) struct Doorkeeper(pub(super) Arc<Connections>);

#[async_trait]
impl PreTlsProcess for Doorkeeper {
    async fn process(&self, stream: &mut TcpStream) -> Result<()> {
        let Ok(entered) = self.0.enter(&*stream) else {
            return Error::e_explain(ErrorType::ConnectionClosed, "too many connections");
        };
        // The one place of a stream that keeps what somebody gives it until the stream is gone.
        let unused = Box::new(ResponseHeader::build(200, Some(0))?);
        stream.set_proxy_digest(ProxyDigest::new(unused, Some(Box::new(entered))));
        Ok(())
    }
}

/// Pingora's own handling of HTTP, behind the hook.
struct Http {
    proxy: Arc<HttpProxy<Gateway, BodyConnector>>,
    options: HttpServerOptions,
}

#[async_trait]
impl HttpServerApp for Http {
    /// Pingora's own future as it is: one around it would move the session twice more for each request.
    fn process_new_http<'app, 'watch, 'both>(
        self: &'app Arc<Self>,
        session: ServerSession,
        shutdown: &'watch ShutdownWatch,
    ) -> Pin<Box<dyn Future<Output = Option<ReusedHttpStream>> + Send + 'both>>
    where
        'app: 'both,
        'watch: 'both,
    {
        self.proxy.process_new_http(session, shutdown)
    }

    /// Asked when a connection turns out to be HTTP/2, by the task that serves it.
    fn h2_options(&self) -> Option<H2Options> {
        let _ = SERVED.try_with(|kept| kept.since_ms.store(HTTP2, Ordering::Release));
        None
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}

/// A connection of HTTP/1.1, and since when it waits for a request.
#[derive(Debug)]
struct Kept {
    opened: Instant,
    since_ms: AtomicI64,
    has_asked: AtomicBool,
}

impl Kept {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            since_ms: AtomicI64::new(0),
            has_asked: AtomicBool::new(false),
        }
    }

    /// Waits until it has waited for too long.
    async fn expired(&self, limits: &ConnectionLimits) {
        loop {
            let since_ms = self.since_ms.load(Ordering::Acquire);
            let left = match u64::try_from(since_ms) {
                Ok(since_ms) => {
                    let is_first = !self.has_asked.load(Ordering::Acquire);
                    let limit = if is_first { limits.header } else { limits.idle };
                    let end = Duration::from_millis(since_ms).saturating_add(limit);
                    end.saturating_sub(self.opened.elapsed())
                }
                Err(_) if since_ms == HTTP2 => return pending().await,
                Err(_) => limits.idle,
            };
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }
}

/// A request on a connection, for as long as this lives. Not on HTTP/2, where requests have tasks of their own.
#[derive(Debug)]
pub(crate) struct OnConnection(Option<Arc<Kept>>);

impl OnConnection {
    pub(crate) fn begin() -> Self {
        let kept = SERVED.try_with(Arc::clone).ok();
        if let Some(kept) = &kept {
            kept.since_ms.store(BUSY, Ordering::Release);
        }
        Self(kept)
    }
}

impl Drop for OnConnection {
    fn drop(&mut self) {
        if let Some(kept) = &self.0 {
            let elapsed = kept.opened.elapsed().as_millis();
            let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX);
            kept.has_asked.store(true, Ordering::Release);
            kept.since_ms.store(elapsed, Ordering::Release);
        }
    }
}
