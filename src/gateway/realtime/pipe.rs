//! Bytes between the caller's connection, which Pingora keeps, and the WebSocket that is spoken on it.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use pingora::protocols::http::ServerSession;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split};

/// How long a caller may take to accept what is written to it.
const WRITE_MAX: Duration = Duration::from_secs(30);

/// Moves bytes both ways until either side has no more.
pub(super) async fn pump(caller: &mut ServerSession, ours: DuplexStream) {
    // Silence is the business of those who know what is said.
    caller.set_read_timeout(None);
    caller.set_write_timeout(Some(WRITE_MAX));
    let (from_us, to_us) = split(ours);
    let mut pipe = Pipe {
        caller,
        from_us,
        to_us,
        inbound: Bytes::new(),
        outbound: BytesMut::new(),
        is_heard_out: false,
    };
    while pipe.step().await.is_continue() {}
}

struct Pipe<'a> {
    caller: &'a mut ServerSession,
    from_us: ReadHalf<DuplexStream>,
    to_us: WriteHalf<DuplexStream>,
    /// What the caller sent; it waits here without stopping what goes to it.
    inbound: Bytes,
    outbound: BytesMut,
    /// The caller sends nothing more.
    is_heard_out: bool,
}

impl Pipe<'_> {
    async fn step(&mut self) -> ControlFlow<()> {
        let may_read = self.inbound.is_empty() && !self.is_heard_out;
        tokio::select! {
            read = self.caller.read_request_body(), if may_read => {
                match read.ok().flatten() {
                    Some(bytes) => self.inbound = bytes,
                    None => self.hear_out().await,
                }
                ControlFlow::Continue(())
            }
            written = self.to_us.write(&self.inbound), if !self.inbound.is_empty() => {
                match written {
                    Ok(count) => self.inbound.advance(count),
                    Err(_closed) => return ControlFlow::Break(()),
                }
                ControlFlow::Continue(())
            }
            read = self.from_us.read_buf(&mut self.outbound) => match read {
                Ok(1..) => self.write_out().await,
                Ok(0) | Err(_) => ControlFlow::Break(()),
            },
        }
    }

    async fn hear_out(&mut self) {
        self.is_heard_out = true;
        // It fails only if nobody listens any more, which the next read tells.
        let _ = self.to_us.shutdown().await;
    }

    async fn write_out(&mut self) -> ControlFlow<()> {
        let bytes = self.outbound.split().freeze();
        match self.caller.write_response_body(bytes, false).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                tracing::debug!(%error, "a caller could not be written to");
                ControlFlow::Break(())
            }
        }
    }
}
