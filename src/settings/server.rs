//! Where the gateway listens, and the limits it sets to callers before anything costs money.

use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use rustls_pemfile::{certs, private_key};

use crate::domain::feature::Feature;
use crate::settings::choice::Choice;
use crate::settings::reader::Reader;
use crate::settings::text::read_bounded;

/// Longest PEM file that is read.
const PEM_BYTES_MAX: u64 = 4 << 20;

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// IP address or host name.
    pub host: String,
    /// Port of the gateway.
    pub port: u16,
    /// Own `host:port` of the admin side, if it has one.
    pub admin_listen: Option<String>,
    /// Proxies in front of it whose word about their clients is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate and key, if the gateway itself speaks TLS.
    pub tls: Option<Tls>,
    /// Worker threads; 0 = one for each core.
    pub threads: usize,
    /// How long a stop waits for what is under way.
    pub shutdown_drain_s: u64,
    /// How long a stop goes on taking requests first.
    pub shutdown_delay_s: u64,
}

/// Files of the gateway's own certificate.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate chain in PEM.
    pub cert: PathBuf,
    /// Private key in PEM.
    pub key: PathBuf,
}

/// `[limits]`
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Most header fields.
    pub header_count_max: usize,
    /// Largest request head.
    pub header_bytes_max: usize,
    /// For tenants without a limit of their own; 0 = unlimited.
    pub default_requests_per_minute: u32,
    /// Most ledger rows for refused requests.
    pub blocked_rows_per_minute: u32,
    /// What passes although it is not metered.
    pub unmetered_features: Vec<Feature>,
    /// Most connections at once; 0 = unlimited.
    pub connections_max: usize,
    /// Most of one address; 0 = unlimited.
    pub connections_per_address_max: usize,
    /// Longest wait for the head of a connection's first request.
    pub header_timeout_s: u64,
    /// Longest wait for a whole body.
    pub body_timeout_s: u64,
    /// Longest wait for the next request of a connection.
    pub idle_timeout_s: u64,
}

impl Server {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let server = Self {
            host: reader.required("server.host", host),
            port: reader.integer("server.port", 1..=u16::MAX),
            admin_listen: reader.optional("server.admin_listen", host_and_port),
            trusted_proxies: reader
                .optional("server.trusted_proxies", networks)
                .unwrap_or_default(),
            tls: Tls::read(reader),
            threads: reader.integer("server.threads", 0..=1024),
            shutdown_drain_s: reader.integer("server.shutdown_drain_s", 0..=3600),
            shutdown_delay_s: reader.integer("server.shutdown_delay_s", 0..=3600),
        };
        if server.admin_listen.as_deref() == Some(server.listen().as_str()) {
            reader.problem(
                "server.admin_listen",
                "must differ from the address of the gateway",
            );
        }
        server
    }

    /// `host:port` of the gateway.
    pub fn listen(&self) -> String {
        if self.host.parse::<Ipv6Addr>().is_ok() {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Tls {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let cert = reader.checked_path("server.tls_cert", holds_certificate);
        let key = reader.checked_path("server.tls_key", holds_private_key);
        match (cert, key) {
            (Some(cert), Some(key)) => Some(Self { cert, key }),
            (None, None) => None,
            (Some(_), None) => {
                reader.problem("server.tls_cert", "needs server.tls_key too");
                None
            }
            (None, Some(_)) => {
                reader.problem("server.tls_key", "needs server.tls_cert too");
                None
            }
        }
    }
}

/// Addresses and networks, with commas between them.
fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let words = text.split(',').map(str::trim);
    let network = |word: &str| {
        let address = word.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| word.parse::<IpNet>())
    };
    let networks = words.map(network).collect::<Result<_, _>>();
    networks.map_err(|_error| "must be addresses or networks such as 10.0.0.0/8".to_owned())
}

impl Choice for Feature {
    const NAMES: &'static [(&'static str, Self)] = &[
        (Self::Assistants.as_str(), Self::Assistants),
        (Self::Containers.as_str(), Self::Containers),
        (Self::Conversations.as_str(), Self::Conversations),
        (Self::Evals.as_str(), Self::Evals),
        (Self::FineTuning.as_str(), Self::FineTuning),
        (Self::Imagen.as_str(), Self::Imagen),
        (Self::Interactions.as_str(), Self::Interactions),
        (Self::LegacyCompletions.as_str(), Self::LegacyCompletions),
        (Self::Live.as_str(), Self::Live),
        (Self::RealtimeCalls.as_str(), Self::RealtimeCalls),
        (
            Self::RealtimeTranscription.as_str(),
            Self::RealtimeTranscription,
        ),
        (Self::SearchStores.as_str(), Self::SearchStores),
        (Self::Skills.as_str(), Self::Skills),
        (Self::StoredCompletions.as_str(), Self::StoredCompletions),
        (Self::Videos.as_str(), Self::Videos),
        (Self::Voices.as_str(), Self::Voices),
    ];
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            body_bytes_max: reader.integer("limits.body_bytes_max", 1024..=1 << 30),
            // Pingora reads no more header fields and no larger heads than these maxima.
            header_count_max: reader.integer("limits.header_count_max", 8..=256),
            header_bytes_max: reader.integer("limits.header_bytes_max", 1024..=1_048_575),
            default_requests_per_minute: reader
                .integer("limits.default_requests_per_minute", 0..=1_000_000_000),
            blocked_rows_per_minute: reader
                .integer("limits.blocked_rows_per_minute", 0..=1_000_000),
            unmetered_features: reader.choices("limits.unmetered_features"),
            connections_max: reader.integer("limits.connections_max", 0..=10_000_000),
            connections_per_address_max: reader
                .integer("limits.connections_per_address_max", 0..=10_000_000),
            header_timeout_s: reader.integer("limits.header_timeout_s", 1..=3_600),
            body_timeout_s: reader.integer("limits.body_timeout_s", 1..=86_400),
            idle_timeout_s: reader.integer("limits.idle_timeout_s", 1..=3_600),
        }
    }
}

/// Whether `path` is a PEM file with at least one certificate.
pub(super) fn holds_certificate(path: &Path) -> Result<(), String> {
    let text = read_bounded(path, PEM_BYTES_MAX).map_err(|error| error.to_string())?;
    match certs(&mut text.as_bytes()).next() {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("holds no certificate in PEM".into()),
    }
}

fn holds_private_key(path: &Path) -> Result<(), String> {
    let text = read_bounded(path, PEM_BYTES_MAX).map_err(|error| error.to_string())?;
    match private_key(&mut text.as_bytes()) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("holds no private key in PEM".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn host(text: &str) -> Result<String, &'static str> {
    let is_name = !text.is_empty()
        && text
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_'));
    if is_name || text.parse::<IpAddr>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("must be an IP address or a host name")
    }
}

fn host_and_port(text: &str) -> Result<String, &'static str> {
    let expected = "must be host:port";
    let (name, port) = text.rsplit_once(':').ok_or(expected)?;
    let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let valid_host = match bare {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !name.contains(':') && host(name).is_ok(),
    };
    let valid_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    if valid_host && valid_port {
        Ok(text.to_owned())
    } else {
        Err(expected)
    }
}
