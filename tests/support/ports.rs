//! Ports for the servers that tests start.

use std::net::TcpListener;

/// Below the ports that outgoing connections get: one of those may be taken by anybody at any time, and whoever
/// connects to one on which nobody listens may reach itself.
const PORTS: std::ops::Range<u16> = 12_000..30_000;
const BLOCK: u16 = 10;
const BLOCKS: u16 = (PORTS.end - PORTS.start) / BLOCK;

pub(crate) fn free_port() -> u16 {
    loop {
        // Each test is a process: those that run at once choose among different ports, for one that is
        // chosen is free until its server listens.
        let block = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap();
        let port = PORTS.start + block * BLOCK + rand::random_range(0..BLOCK);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
