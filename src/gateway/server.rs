//! Runs the gateway under Pingora: listeners, and a stop that first lets requests end.

use std::future::ready;
use std::io;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::HttpServerOptions;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::listeners::tls::TlsSettings;
use pingora::server::configuration::{Opt, ServerConf};
use pingora::server::{RunArgs, Server, ShutdownSignal, ShutdownSignalWatch};
use thiserror::Error;
use tokio::net::TcpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::gateway::connector::BodyConnector;
use crate::gateway::{Gateway, PEERS_MAX};
use crate::settings::server::Tls;

/// How often a stop looks whether requests are still under way.
const DRAIN_CHECK: Duration = Duration::from_millis(20);

/// Where and how the gateway listens.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `host:port`.
    pub listen: String,
    /// Certificate and key, if it speaks TLS itself.
    pub tls: Option<Tls>,
    /// Threads that serve requests.
    pub threads: usize,
    /// How many unused connections to providers are kept.
    pub keepalive_pool_size: usize,
    /// Every certificate that providers are trusted by, if not the system's.
    pub trusted_certificates: Option<PathBuf>,
    /// Where Pingora puts its socket for upgrades.
    pub run_folder: PathBuf,
    /// How long a stop waits for requests.
    pub drain: Duration,
}

/// Why the gateway does not listen.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Somebody else listens there, or nobody may.
    #[error("could not listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Pingora refuses the configuration.
    #[error("could not start the server: {0}")]
    Start(#[from] Box<pingora::Error>),
    /// The service has lost its application, which Pingora never does.
    #[error("the proxy service has no application")]
    NoApplication,
}

/// What tells the gateway to stop.
#[derive(Debug)]
pub enum StopOn {
    /// SIGTERM and SIGINT, as operators send them.
    Signals,
    /// A flag, for a gateway inside another command.
    Flag(watch::Receiver<bool>),
}

/// Serves until told to stop, and until the requests that are under way have ended.
pub fn run(mut gateway: Gateway, options: &ServerOptions, stop: StopOn) -> Result<(), ServerError> {
    check_address(&options.listen)?;
    let in_flight = Arc::clone(&gateway.in_flight);
    let is_draining = Arc::clone(&gateway.is_draining);
    let mut server = Server::new_with_opt_and_conf(Some(Opt::default()), configuration(options));
    server.bootstrap();
    let options_of_upstreams = ConnectorOptions::from_server_conf(&server.configuration);
    gateway.transport = Some(TransportConnector::new(Some(options_of_upstreams.clone())));
    let mut service = pingora_proxy::http_proxy_service_with_name_custom(
        &server.configuration,
        gateway,
        "gateway",
        BodyConnector::new(options_of_upstreams),
        // Callers speak HTTP/1.1 and HTTP/2 only.
        Arc::new(|_, _, _| Box::pin(ready(None))),
    );
    let mut http = HttpServerOptions::default();
    http.h2c = true;
    service
        .app_logic_mut()
        .ok_or(ServerError::NoApplication)?
        .server_options = Some(http);
    match &options.tls {
        Some(tls) => {
            let (cert, key) = (tls.cert.to_string_lossy(), tls.key.to_string_lossy());
            let mut settings = TlsSettings::intermediate(&cert, &key)?;
            settings.enable_h2();
            service.add_tls_with_settings(&options.listen, None, settings);
        }
        None => service.add_tcp(&options.listen),
    }
    server.add_service(service);
    let drain = Drain {
        in_flight,
        is_draining,
        stop,
        wait_max: options.drain,
    };
    server.run(RunArgs {
        shutdown_signal: Box::new(drain),
    });
    Ok(())
}

/// Pingora would wait for the address and then panic.
fn check_address(address: &str) -> Result<(), ServerError> {
    bind(address).map_err(|source| ServerError::Listen {
        address: address.to_owned(),
        source,
    })
}

/// Binds without listening: nobody can connect before there is somebody to answer.
fn bind(address: &str) -> io::Result<()> {
    let mut bound = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for address in address.to_socket_addrs()? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        bound = socket.bind(address);
        if bound.is_ok() {
            break;
        }
    }
    bound
}

fn configuration(options: &ServerOptions) -> ServerConf {
    let in_run_folder = |name| options.run_folder.join(name).to_string_lossy().into_owned();
    let ca_file = options.trusted_certificates.as_ref();
    ServerConf {
        threads: options.threads,
        max_retries: PEERS_MAX,
        upstream_keepalive_pool_size: options.keepalive_pool_size,
        ca_file: ca_file.map(|path| path.to_string_lossy().into_owned()),
        pid_file: in_run_folder("budgetguard.pid"),
        upgrade_sock: in_run_folder("upgrade.sock"),
        // Requests have ended by then: `Drain` waited for them.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

/// Pingora drops requests that outlast its own grace period, so it is told to stop only when none
/// is left.
struct Drain {
    in_flight: Arc<AtomicUsize>,
    is_draining: Arc<AtomicBool>,
    stop: StopOn,
    wait_max: Duration,
}

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        match &self.stop {
            StopOn::Signals => until_signal().await,
            StopOn::Flag(flag) => {
                let mut flag = flag.clone();
                // An error means that whoever could raise the flag is gone.
                let _ = flag.wait_for(|raised| *raised).await;
            }
        }
        self.is_draining.store(true, Ordering::Release);
        let end = Instant::now() + self.wait_max;
        tracing::info!(
            in_flight = self.in_flight.load(Ordering::Acquire),
            "stopping"
        );
        while self.in_flight.load(Ordering::Acquire) > 0 && Instant::now() < end {
            tokio::time::sleep(DRAIN_CHECK).await;
        }
        ShutdownSignal::GracefulTerminate
    }
}

/// Waits for SIGTERM or SIGINT.
pub async fn until_signal() {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(terminate), Ok(interrupt)) = signals else {
        tracing::error!("signals cannot be waited for; only SIGKILL stops the gateway");
        return std::future::pending().await;
    };
    either(terminate, interrupt).await;
}

async fn either(mut one: Signal, mut other: Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
