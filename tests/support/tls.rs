//! Certificates made for a test, a provider that speaks TLS, and a client that does.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::upstream::{Book, RecordingUpstream};

/// A certificate authority, and a certificate of it for this machine.
pub(crate) struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = authority.self_signed(&authority_key).unwrap();
        write("ca.pem", authority.pem());
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = CertificateParams::new(names).unwrap();
        let own = own.signed_by(&key, &authority, &authority_key).unwrap();
        write("cert.pem", own.pem());
        write("key.pem", key.serialize_pem());
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path as a TOML string.
    pub(crate) fn quoted(&self, name: &str) -> String {
        format!("{:?}", self.path(name).to_string_lossy())
    }

    pub(crate) fn acceptor(&self, protocol: &[u8]) -> TlsAcceptor {
        let chain = CertificateDer::pem_file_iter(self.path("cert.pem")).unwrap();
        let chain = chain.map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(self.path("key.pem")).unwrap();
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Connects to this machine by TLS and says which protocol both agreed on.
    pub(crate) async fn connect(
        &self,
        port: u16,
        protocols: &[&str],
    ) -> io::Result<(client::TlsStream<TcpStream>, Option<String>)> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.path("ca.pem")).unwrap();
        roots.add(authority).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        let agreed = agreed.map(|it| String::from_utf8(it.to_vec()).unwrap());
        Ok((stream, agreed))
    }
}

/// Speaks HTTP/2 over a connection.
#[expect(clippy::disallowed_methods, reason = "ends with the connection")]
pub(crate) async fn http2(stream: client::TlsStream<TcpStream>) -> SendRequest<axum::body::Body> {
    let executor = TokioExecutor::new();
    let begun = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await;
    let (sender, connection) = begun.unwrap();
    tokio::spawn(connection);
    sender
}

/// A recording provider behind TLS that offers one protocol, `h2` or `http/1.1`.
pub(crate) async fn provider(certificates: &Certificates, protocol: &str) -> RecordingUpstream {
    let received = Book::default();
    let address = serve(certificates, protocol, received.router()).await;
    RecordingUpstream { address, received }
}

/// A server behind TLS that offers one protocol.
#[expect(clippy::disallowed_methods, reason = "ends with the test")]
pub(crate) async fn serve(
    certificates: &Certificates,
    protocol: &str,
    router: Router,
) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = certificates.acceptor(protocol.as_bytes());
    let listener = TlsListener { listener, acceptor };
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = server::TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // Who does not trust us hangs up.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
