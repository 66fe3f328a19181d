//! The yardstick of `bench/run`: a Pingora proxy that decides nothing, so that what `BudgetGuard`
//! costs can be told apart from what any proxy costs.
//!
//! `bare-proxy --listen 127.0.0.1:3001 --upstream 127.0.0.1:3002 [--threads 2]`

use std::error::Error;
use std::net::SocketAddr;

use async_trait::async_trait;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora::upstreams::peer::HttpPeer;

/// The gateway uses the same allocator: the comparison is about its decisions alone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Idle connections kept to the upstream; more than the most clients that `bench/run` starts, so
/// that neither proxy is measured on connection set-up.
const UPSTREAM_KEEPALIVE_CONNECTIONS: usize = 1024;

struct BareProxy {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for BareProxy {
    type CTX = ();

    fn new_ctx(&self) -> Self::CTX {}

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        _ctx: &mut Self::CTX,
    ) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

struct Arguments {
    listen: String,
    upstream: SocketAddr,
    threads: usize,
}

impl Arguments {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut arguments = arguments;
        let (mut listen, mut upstream, mut threads) = (None, None, 2);
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--listen" => listen = Some(value),
                "--upstream" => upstream = Some(value.parse()?),
                "--threads" => threads = value.parse()?,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(Self {
            listen: listen.ok_or("--listen HOST:PORT is required")?,
            upstream: upstream.ok_or("--upstream ADDRESS:PORT is required")?,
            threads,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let configuration = ServerConf {
        threads: arguments.threads,
        upstream_keepalive_pool_size: UPSTREAM_KEEPALIVE_CONNECTIONS,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let mut service = http_proxy_service(
        &server.configuration,
        BareProxy {
            upstream: arguments.upstream,
        },
    );
    service.add_tcp(&arguments.listen);
    server.add_service(service);
    server.run(RunArgs::default());
    Ok(())
}
