//! Connections to providers on which a request's head and body leave together, and chunks of the answer
//! that arrived together stay together.
//!
//! Pingora flushes a head before it turns to the body: two packets, two system calls and two
//! wake-ups of the provider for one small request. The body is in memory before the head is
//! written, so the head waits for it here.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora::Result;
use pingora::connectors::http::custom::{Connection, Connector};
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::{ALPN, CustomALPN, SslDigest, TlsRef};
use pingora::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream,
    TimingDigest, UniqueID, UniqueIDType,
};
use pingora::upstreams::peer::{HttpPeer, Peer};
use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};

use crate::gateway::connector::chunks::Chunks;

mod chunks;

/// A head and a body up to this size together leave at once; of a longer one, the head leaves
/// first, as ever.
const TOGETHER_BYTES_MAX: usize = 8 * 1024;
/// How much is read of an answer at once.
const READ_BYTES: usize = 16 * 1024;
/// Keeps these connections apart from others to the same provider: on them, a head without a
/// body would wait for ever.
const GROUP: u64 = 1;
/// How Pingora is told to ask this connector; never sent.
const MARK: &str = "head-with-body";

/// Has a request whose body follows at once go out on a connection of this connector, over HTTP/1.1.
pub(crate) fn send_together(peer: &mut HttpPeer) {
    peer.group_key = GROUP;
    peer.options.alpn = ALPN::Custom(CustomALPN::new(MARK.into()));
}

/// Opens connections; Pingora keeps the unused ones.
pub(crate) struct BodyConnector {
    transport: TransportConnector,
    head_max: Duration,
}

impl BodyConnector {
    /// Gives up an answer whose head is not whole after `head_max`. Pingora bounds each read by itself, which somebody
    /// who sends a byte now and then never exceeds.
    pub(crate) fn new(options: ConnectorOptions, head_max: Duration) -> Self {
        Self {
            transport: TransportConnector::new(Some(options)),
            head_max,
        }
    }
}

#[async_trait]
impl Connector for BodyConnector {
    /// None of our own: requests go by Pingora's sessions.
    type Session = ();

    async fn get_http_session<P: Peer + Send + Sync + 'static>(
        &self,
        peer: &P,
    ) -> Result<(Connection<()>, bool)> {
        // Instead of the mark, in the handshake.
        self.transport.prefer_h1(peer);
        let stream = self.transport.new_stream(peer).await?;
        let stream = HeadWithBody::new(stream, self.head_max);
        Ok((Connection::Stream(Box::new(stream)), false))
    }

    async fn reused_http_session<P: Peer + Send + Sync + 'static>(&self, _peer: &P) -> Option<()> {
        None
    }

    async fn release_http_session<P: Peer + Send + Sync + 'static>(
        &self,
        _session: (),
        _peer: &P,
        _idle_timeout: Option<Duration>,
    ) {
    }
}

/// What was written of the request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Nothing,
    /// In the buffer: the flush that comes next is for the head alone and is left out.
    Head,
    HeadAndMore,
}

/// A connection on which the first flush of each request is left out.
struct HeadWithBody {
    stream: BufWriter<Stream>,
    written: Written,
    answer: Chunks,
    /// How long after the request its answer's head has to be whole.
    head_max: Duration,
    /// When that is, until it is.
    head_due: Option<Instant>,
}

impl HeadWithBody {
    fn new(stream: Stream, head_max: Duration) -> Self {
        Self {
            stream: BufWriter::with_capacity(TOGETHER_BYTES_MAX, stream),
            written: Written::Nothing,
            answer: Chunks::default(),
            head_max,
            head_due: None,
        }
    }

    /// Refuses what has arrived if the head should have been whole before.
    fn check_head(&mut self) -> io::Result<()> {
        let Some(due) = self.head_due else {
            return Ok(());
        };
        if !self.answer.is_in_head() {
            self.head_due = None;
        } else if Instant::now() > due {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    fn stream(&self) -> &Stream {
        self.stream.get_ref()
    }
}

impl AsyncWrite for HeadWithBody {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.head_due = Instant::now().checked_add(self.head_max);
        if self.written == Written::Nothing {
            self.written = Written::Head;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.written == Written::Head {
            self.written = Written::HeadAndMore;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for HeadWithBody {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while buffer.remaining() > 0 && !self.answer.hand_on(buffer) {
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut arrived = ReadBuf::uninit(&mut space);
            let outcome = ready!(Pin::new(&mut self.stream).poll_read(context, &mut arrived));
            // An answer: what is written next is another request's head. Should the answer come while
            // the body is still being sent, one flush inside the body is left out instead, never the
            // one at its end, which has nothing between it and the flush before.
            self.written = Written::Nothing;
            outcome?;
            if arrived.filled().is_empty() {
                self.answer.end();
                self.answer.hand_on(buffer);
                break;
            }
            self.answer.take(arrived.filled());
            self.check_head()?;
        }
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for HeadWithBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HeadWithBody")
            .field("stream", self.stream())
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Shutdown for HeadWithBody {
    async fn shutdown(&mut self) {
        self.stream.get_mut().shutdown().await;
    }
}

#[async_trait]
impl Peek for HeadWithBody {
    async fn try_peek(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        self.stream.get_mut().try_peek(bytes).await
    }
}

impl UniqueID for HeadWithBody {
    fn id(&self) -> UniqueIDType {
        self.stream().id()
    }
}

impl Ssl for HeadWithBody {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.stream().get_ssl()
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream().get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream().selected_alpn_proto()
    }
}

impl GetTimingDigest for HeadWithBody {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream().get_timing_digest()
    }
    fn get_read_pending_time(&self) -> Duration {
        self.stream().get_read_pending_time()
    }
    fn get_write_pending_time(&self) -> Duration {
        self.stream().get_write_pending_time()
    }
}

impl GetProxyDigest for HeadWithBody {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream().get_proxy_digest()
    }
}

impl GetSocketDigest for HeadWithBody {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream().get_socket_digest()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const HEAD: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n";
    const BODY: &[u8] = b"[1, 2, 3]";
    const HEAD_MAX: Duration = Duration::from_millis(50);
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    fn connect() -> (HeadWithBody, DuplexStream) {
        let (ours, providers) = duplex(1 << 20);
        (HeadWithBody::new(Box::new(ours), HEAD_MAX), providers)
    }

    /// As Pingora sends it: the last piece is flushed, and once more when all is done.
    async fn write(connection: &mut HeadWithBody, pieces: &[&[u8]]) {
        for piece in pieces {
            connection.write_all(piece).await.unwrap();
        }
        connection.flush().await.unwrap();
    }

    fn arrived(provider: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 1 << 20];
        while let Some(count) = provider.read(&mut buffer).now_or_never() {
            bytes.extend_from_slice(&buffer[..count.unwrap()]);
        }
        bytes
    }

    async fn answer(connection: &mut HeadWithBody, provider: &mut DuplexStream) {
        provider.write_all(ANSWER).await.unwrap();
        let mut buffer = vec![0; ANSWER.len()];
        connection.read_exact(&mut buffer).await.unwrap();
    }

    #[tokio::test]
    async fn the_head_of_each_request_waits_for_its_body() {
        let (mut connection, mut provider) = connect();
        for _ in 0..3 {
            write(&mut connection, &[HEAD]).await;
            assert!(arrived(&mut provider).is_empty());
            write(&mut connection, &[BODY]).await;
            assert_eq!(arrived(&mut provider), [HEAD, BODY].concat());
            answer(&mut connection, &mut provider).await;
        }
    }

    #[tokio::test]
    async fn a_body_of_any_length_arrives_whole() {
        for length in [
            1,
            TOGETHER_BYTES_MAX - HEAD.len(),
            TOGETHER_BYTES_MAX,
            300_000,
        ] {
            let (mut connection, mut provider) = connect();
            let body = vec![b'x'; length];
            write(&mut connection, &[HEAD]).await;
            write(&mut connection, &[&body]).await;
            assert_eq!(arrived(&mut provider), [HEAD, &body].concat(), "{length}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_comes_early_keeps_nothing_of_the_body_back() {
        for answered_after in 0..BODY.len() {
            let (mut connection, mut provider) = connect();
            write(&mut connection, &[HEAD]).await;
            for (sent, byte) in BODY.chunks(1).enumerate() {
                connection.write_all(byte).await.unwrap();
                if sent == answered_after {
                    answer(&mut connection, &mut provider).await;
                }
            }
            connection.flush().await.unwrap();
            connection.flush().await.unwrap();
            let whole = [HEAD, BODY].concat();
            assert_eq!(arrived(&mut provider), whole, "{answered_after}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_the_provider_closed_reads_as_closed() {
        let (mut connection, provider) = connect();
        drop(provider);
        assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_head_that_comes_byte_by_byte_is_given_up() {
        let interim: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";
        for (first, next) in [
            (&b"HTTP/1.1 200 OK\r\nx-slow: "[..], &b"x"[..]),
            (interim, interim),
        ] {
            let (mut connection, mut provider) = connect();
            write(&mut connection, &[HEAD]).await;
            write(&mut connection, &[BODY]).await;
            provider.write_all(first).await.unwrap();
            let began = Instant::now();
            let failure = loop {
                provider.write_all(next).await.unwrap();
                tokio::time::sleep(HEAD_MAX / 10).await;
                if let Err(failure) = connection.read(&mut [0; 64]).await {
                    break failure;
                }
                assert!(began.elapsed() < HEAD_MAX * 100);
            };
            assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test]
    async fn a_body_may_take_longer_than_a_head() {
        let (mut connection, mut provider) = connect();
        write(&mut connection, &[HEAD]).await;
        write(&mut connection, &[BODY]).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        provider.write_all(head).await.unwrap();
        connection
            .read_exact(&mut vec![0; head.len()])
            .await
            .unwrap();
        for _ in 0..2 {
            tokio::time::sleep(HEAD_MAX).await;
            provider.write_all(b"x").await.unwrap();
            assert_eq!(connection.read(&mut [0]).await.unwrap(), 1);
        }
    }
}
