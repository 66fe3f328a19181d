//! A truthful stand-in for OpenAI, Anthropic and Gemini, for the demo, tests and benchmarks: it
//! speaks their wire formats, bills what it says it bills and keeps its own books. It holds no
//! model: every answer is the same word, as often as asked.
//!
//! It keeps what the providers keep (files, uploads, batches, responses, cached contents), for all
//! callers together and bounded, and speaks OpenAI's realtime protocol over WebSocket.
//!
//! A request steers its answer by a directive anywhere in its text, best in the last message; the
//! last directive in the body counts, and an unknown word is a 400. For example
//! `[[sim output=200 chunks=64 delay_ms=5]]`:
//!
//! | word | effect |
//! |---|---|
//! | `output=N` | output tokens of each choice, reasoning included (default 16, or reasoning + 1) |
//! | `reasoning=N` | that many of them are reasoning; it is produced first |
//! | `input=N` | input tokens (default: text bytes / 4 and a little, never above the body's bytes) |
//! | `cached=N`, `cache_write=N`, `cache_write_1h=N`, `audio_input=N`, `image_input=N` | parts of the input; they raise it up to the body's bytes |
//! | `audio_output=N`, `image_output=N` | parts of the output, produced after reasoning and before text |
//! | `searches=N` | searches of the web that are billed by the call |
//! | `seconds=N` | how long the sound of a transcription lasts (default by its bytes) |
//! | `chunks=N` | pieces of text in a stream (default one per token, at most 256) |
//! | `delay_ms=N` | pause between the events of a stream |
//! | `first_byte_ms=N` | pause before the answer begins |
//! | `status=N` | the provider's error of that status (400 to 599) |
//! | `retry_after=N` | its `retry-after` in seconds (default 1 on a 429) |
//! | `cut_after=N` | the connection breaks after N events (a JSON answer: in its middle); after 0, unanswered |
//! | `error_after=N` | after N events the stream ends in the provider's error event |
//! | `hang` | no answer until the client gives up or the simulator stops |
//! | `no_usage` | the answer reports no usage |
//! | `ignore_usage_option` | `stream_options.include_usage` has no effect |
//! | `ignore_cap` | the caller's maximum of output tokens has no effect |
//! | `no_tools` | text, although tools are offered (default: the first or the named tool is called) |
//! | `tier=NAME` | the service tier that the answer names |
//! | `polls=N` | a batch or a response in the background ends at the Nth read (default 2) |
//! | `after_ms=N` | it ends so long after it was made instead |
//! | `end=WORD` | it ends `completed`, `failed` or `expired` |
//! | `done=N` | lines of a batch worked off before it is canceled, fails or expires (default 0) |
//!
//! Limits, `max_tokens` and the like, are otherwise kept. An error bills nothing. A call that ends
//! early bills its input and the output of the events that were handed to the connection; one
//! that is not streamed has produced nothing before its answer begins.
//!
//! In a form, a directive stands in a field of text or in a file's name; in a batch, in the lines,
//! and for the batch itself in OpenAI's `metadata` or in any line of the others' (the last one
//! counts). Each line of a batch is a call in the books, of the tier `batch`. A response in the
//! background is a call in flight until it ends. Each answer of a realtime session is a call.
//!
//! `GET /__simulator/calls` answers `{"totals": {..}, "calls": [..]}` with the newest calls in the
//! order they arrived ([`CallRecord`]); `POST /__simulator/reset` forgets them.

mod anthropic;
mod anthropic_files;
mod batches;
mod billed;
mod cached_contents;
mod directives;
mod dispatch;
mod embeddings;
mod exchange;
mod files;
mod form;
mod gemini;
mod gemini_batches;
mod gemini_files;
mod handler;
mod images;
mod jobs;
mod message_batches;
mod models;
mod openai;
mod predict;
mod prompt;
mod realtime;
mod realtime_turn;
mod record;
mod refusal;
mod reply;
mod responses;
mod route;
mod shelf;
mod speech;
mod store;
mod stored_responses;
mod target;
mod tools;
mod transcripts;
mod uploads;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::billed::BilledTokens;
pub use self::record::{CALLS_KEPT_MAX, CallOutcome, CallRecord, Totals};
pub use self::route::{Dialect, Operation};

use self::handler::Shared;
use self::record::Recorder;
use self::store::Store;

/// How long [`Simulator::stop`] waits for answers that are still being sent.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// How the simulated provider behaves where a request's directive does not say.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// Port 0 takes a free one; [`Simulator::address`] tells which.
    pub listen: SocketAddr,
    /// Pause before the first byte of every answer.
    pub latency: Duration,
    /// Pause between the events of a stream.
    pub chunk_delay: Duration,
    /// The keys it accepts; any and none if it should not look.
    pub require_keys: Option<ProviderKeys>,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            latency: Duration::ZERO,
            chunk_delay: Duration::ZERO,
            require_keys: None,
        }
    }
}

/// The key that each provider accepts; every other is answered 401.
#[derive(Clone)]
pub struct ProviderKeys {
    /// For OpenAI's endpoints.
    pub openai: String,
    /// For Anthropic's endpoints.
    pub anthropic: String,
    /// For Gemini's endpoints.
    pub gemini: String,
}

/// A running simulated provider. Dropping it leaves the server running; [`Simulator::stop`] ends it.
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    stopping: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Simulator {
    /// Listens and serves HTTP/1.1 and HTTP/2 without TLS in the background.
    #[expect(
        clippy::disallowed_methods,
        reason = "a server of its own, ended by `stop`"
    )]
    pub async fn start(options: SimulatorOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (stopping, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            options,
            recorder: Arc::new(Recorder::default()),
            store: Store::default(),
            stopped,
        });
        let router = handler::router(Arc::clone(&shared));
        // A stream's events are small: none may wait for the next one.
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        let mut stopped = stopping.subscribe();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        });
        let server = tokio::spawn(server.into_future());
        Ok(Self {
            address,
            shared,
            stopping,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The newest calls, at most [`CALLS_KEPT_MAX`], in the order they arrived.
    pub fn calls(&self) -> Vec<CallRecord> {
        handler::advance(&self.shared);
        self.shared.recorder.calls()
    }

    /// Sums over all calls since the start or the last reset.
    pub fn totals(&self) -> Totals {
        handler::advance(&self.shared);
        self.shared.recorder.totals()
    }

    /// Forgets all calls.
    pub fn reset(&self) {
        self.shared.recorder.reset();
    }

    /// Stops listening and ends; answers that take longer than a second are left to themselves.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(STOP_GRACE, &mut self.server)
            .await
            .is_err()
        {
            self.server.abort();
        }
    }
}

/// Serves until `shutdown` resolves.
pub async fn run(
    options: SimulatorOptions,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let simulator = Simulator::start(options).await?;
    tracing::info!(address = %simulator.address(), "simulated providers are listening");
    shutdown.await;
    simulator.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests;
