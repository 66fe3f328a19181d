//! HTTP/1.1 by hand, for what no HTTP library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::dialect::{Call, Dialect};
use crate::gateway::{Tenant, TestGateway};

const WAIT_MAX: Duration = Duration::from_secs(10);

pub(crate) struct RawConnection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer whose length was told.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl RawConnection {
    pub(crate) async fn open(gateway: &TestGateway) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", gateway.port))
            .await
            .unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Writes as much as the other side takes: it may have hung up on what it refuses.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = timeout(WAIT_MAX, self.stream.write_all(bytes)).await;
        written.expect("nobody reads").is_ok()
    }

    /// The next answer, or nothing if the connection was closed instead.
    pub(crate) async fn answer(&mut self) -> Option<RawAnswer> {
        let end = self.until(b"\r\n\r\n").await?;
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head.get(9..12).unwrap().parse().unwrap();
        let lower = head.to_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
        while self.read.len() < length {
            if !self.more().await {
                return None;
            }
        }
        let body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        Some(RawAnswer {
            status,
            head: lower,
            body,
        })
    }

    /// The body of the next answer, which comes in chunks; nothing if the connection was closed instead.
    pub(crate) async fn chunked(&mut self) -> Option<String> {
        let end = self.until(b"\r\n\r\n").await?;
        self.read.drain(..end);
        let mut body = Vec::new();
        loop {
            let end = self.until(b"\r\n").await?;
            let line: Vec<u8> = self.read.drain(..end).collect();
            let length = String::from_utf8(line).unwrap();
            let length = usize::from_str_radix(length.trim(), 16).unwrap();
            while self.read.len() < length + 2 {
                if !self.more().await {
                    return None;
                }
            }
            body.extend(self.read.drain(..length));
            self.read.drain(..2);
            if length == 0 {
                return Some(String::from_utf8(body).unwrap());
            }
        }
    }

    /// Whether the other side has closed the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    async fn until(&mut self, mark: &[u8]) -> Option<usize> {
        loop {
            let found = self.read.windows(mark.len()).position(|it| it == mark);
            if let Some(at) = found {
                return Some(at + mark.len());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 16_384];
        let read = timeout(WAIT_MAX, self.stream.read(&mut buffer)).await;
        let read = read.expect("no answer").unwrap_or_default();
        self.read.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

/// The head of a call, up to and with the empty line, with more header lines in it.
pub(crate) fn head(call: &Call, tenant: &Tenant, lines: &[&str]) -> String {
    let (name, value) = call.dialect.key_header(&tenant.key);
    let value = value.to_str().unwrap();
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: gateway\r\n{name}: {value}\r\n",
        call.path
    );
    for line in lines {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head + "\r\n"
}

/// A whole small request of a dialect.
pub(crate) fn small(dialect: Dialect, tenant: &Tenant) -> Vec<u8> {
    let call = dialect.call("hello", Some(16), false);
    let length = format!("content-length: {}", call.body.len());
    (head(&call, tenant, &[&length]) + &call.body).into_bytes()
}
