//! Who is at the other end of a connection, as whoever accepted it knows.

use std::net::IpAddr;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address; nothing where the connection has none.
    pub address: Option<IpAddr>,
    /// Whether it speaks TLS with us.
    pub is_tls: bool,
}
