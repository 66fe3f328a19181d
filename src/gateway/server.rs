//! Runs the gateway under Pingora: its listener, and what is above it until a request is read.

pub mod certificate;
pub mod connections;
mod door;
pub mod stop;

use std::io;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::listeners::tls::TlsSettings;
use pingora::server::configuration::{Opt, ServerConf};
use pingora::server::{RunArgs, Server};
use thiserror::Error;
use tokio::net::TcpSocket;

use crate::gateway::connector::BodyConnector;
use crate::gateway::server::certificate::Certificate;
use crate::gateway::server::connections::{ConnectionLimits, Connections, Doorkeeper, served_by};
use crate::gateway::server::door::Door;
use crate::gateway::server::stop::{Drain, StopOn};
use crate::gateway::{Gateway, PEERS_MAX};

/// The socket by which a process hands its listener over to the next.
pub const UPGRADE_SOCKET: &str = "upgrade.sock";
/// The longest path that such a socket can have.
const SOCKET_PATH_MAX: usize = 107;

/// Where and how the gateway listens.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `host:port`.
    pub listen: String,
    /// Its certificate, if it speaks TLS itself.
    pub certificate: Option<Arc<Certificate>>,
    /// How many connections it takes, and for how long they may be silent.
    pub connections: ConnectionLimits,
    /// Threads that serve requests.
    pub threads: usize,
    /// How many unused connections to providers are kept.
    pub keepalive_pool_size: usize,
    /// Every certificate that providers are trusted by, if not the system's.
    pub trusted_certificates: Option<PathBuf>,
    /// Where the socket for handing over is.
    pub run_folder: PathBuf,
    /// How long a stop goes on letting callers in.
    pub delay: Duration,
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
    /// A socket's name is bounded by the system.
    #[error("the path of the data folder is too long to hand a listener over in it")]
    PathTooLong,
}

/// Where the listener comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// It is made.
    New,
    /// A running process hands it over. Callers that connect meanwhile wait.
    HandedOver,
}

/// A server that has its listener, or will make it.
pub struct Prepared(Server);

impl Prepared {
    /// Waits for the listener if it is handed over: some seconds, after which the process ends.
    pub fn new(options: &ServerOptions, listener: Listener) -> Result<Self, ServerError> {
        let mut opt = Opt::default();
        match listener {
            Listener::New => check_address(&options.listen)?,
            Listener::HandedOver => {
                let socket = options.run_folder.join(UPGRADE_SOCKET);
                if socket.as_os_str().len() > SOCKET_PATH_MAX {
                    return Err(ServerError::PathTooLong);
                }
                opt.upgrade = true;
            }
        }
        let mut server = Server::new_with_opt_and_conf(Some(opt), configuration(options));
        server.bootstrap();
        Ok(Self(server))
    }

    /// Serves until told to stop, and until the requests that are under way have ended.
    pub fn run(
        self,
        mut gateway: Gateway,
        options: &ServerOptions,
        stop: StopOn,
    ) -> Result<(), ServerError> {
        let mut server = self.0;
        let door = Door::default();
        let drain = Drain {
            in_flight: Arc::clone(&gateway.in_flight),
            stopping: gateway.stopping.clone(),
            stop,
            delay: options.delay,
            door: door.clone(),
            wait_max: options.drain,
        };
        let to_providers = ConnectorOptions::from_server_conf(&server.configuration);
        gateway.transport = Some(TransportConnector::new(Some(to_providers.clone())));
        let head_max = gateway.upstreams.first_byte_max();
        let limits = options.connections.clone();
        let connections = Arc::new(Connections::new(limits, Arc::clone(&gateway.metrics)));
        let mut service = pingora_proxy::http_proxy_service_with_name_custom(
            &server.configuration,
            gateway,
            "gateway",
            BodyConnector::new(to_providers, head_max),
            served_by(&connections),
        );
        // What does not speak HTTP/2 by TLS goes through the hook, which has the limits.
        let mut http = connections::options(&options.connections);
        http.force_custom = true;
        // Left to the hook, too: it would be taken for granted here.
        http.h2c = false;
        service
            .app_logic_mut()
            .ok_or(ServerError::NoApplication)?
            .server_options = Some(http);
        match &options.certificate {
            Some(certificate) => {
                let mut settings = TlsSettings::intermediate("", "")?;
                let resolver = Arc::clone(certificate);
                settings.set_cert_resolver(resolver);
                settings.enable_h2();
                service
                    .endpoints()
                    .set_pre_tls_callback(Arc::new(Doorkeeper(connections)));
                service.add_tls_with_settings(&options.listen, None, settings);
            }
            None => service.add_tcp(&options.listen),
        }
        server.add_service(service);
        server.add_service(door);
        server.run(RunArgs {
            shutdown_signal: Box::new(drain),
        });
        Ok(())
    }
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
        pid_file: in_run_folder("pingora.pid"),
        upgrade_sock: in_run_folder(UPGRADE_SOCKET),
        // Requests have ended by then: `Drain` waited for them.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}
