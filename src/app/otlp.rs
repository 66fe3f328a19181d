//! Who sends spans and metrics to a collector, if the settings name one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::admin::{self, AdminState};
use crate::app::{Core, trust};
use crate::domain::id::RequestId;
use crate::domain::window::Clock;
use crate::https::Undelivered;
use crate::metrics::Metrics;
use crate::metrics::otlp::Signal;
use crate::settings::Settings;
use crate::settings::otlp::Otlp;
use crate::telemetry::otlp::{Client, Sender, encode_metrics, encode_spans};
use crate::telemetry::spans::{Span, Tracer};

/// Spans in one message.
const BATCH_MAX: usize = 512;
/// How long an incomplete batch waits for more.
const GATHER: Duration = Duration::from_millis(500);
/// How long a stop waits for the collector.
const LAST_MAX: Duration = Duration::from_secs(3);

/// Both ends of the queue of spans, if there is a collector.
pub(super) fn queue(settings: &Otlp) -> (Option<Tracer>, Option<mpsc::Receiver<Span>>) {
    let both = settings.endpoint.as_ref().map(|_| Tracer::new(settings));
    both.unzip()
}

/// Starts whoever sends.
#[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
pub(super) fn start(
    settings: &Settings,
    core: &Core,
    (spans, state): (Option<mpsc::Receiver<Span>>, Arc<AdminState>),
    stopped: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>> {
    let otlp = &settings.otlp;
    let (Some(endpoint), Some(spans)) = (&otlp.endpoint, spans) else {
        return Ok(Vec::new());
    };
    let roots = trust::roots(settings.upstream.ca_file.as_deref())?;
    let client = Client::new(otlp, endpoint, roots).context("could not prepare OTLP")?;
    let instance = RequestId::new(core.clock.now(), rand::random()).to_string();
    let exporter = Arc::new(Exporter {
        client,
        sender: Sender {
            service: otlp.service_name.clone(),
            instance,
        },
        metrics: Arc::clone(&core.metrics),
        clock: Arc::clone(&core.clock),
    });
    let sending = Arc::clone(&exporter).send_spans(spans, stopped.clone());
    let mut tasks = vec![tokio::spawn(sending)];
    if let Some(interval) = otlp.metrics_interval {
        let sending = exporter.send_metrics(state, interval, stopped.clone());
        tasks.push(tokio::spawn(sending));
    }
    Ok(tasks)
}

struct Exporter {
    client: Client,
    sender: Sender,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Exporter {
    async fn send_spans(
        self: Arc<Self>,
        mut spans: mpsc::Receiver<Span>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while gather(&mut spans, &mut batch, &mut stop).await {
            self.send_batch(&mut batch).await;
        }
        while let Ok(span) = spans.try_recv() {
            batch.push(span);
        }
        if !batch.is_empty() {
            let _ = timeout(LAST_MAX, self.send_batch(&mut batch)).await;
        }
    }

    async fn send_batch(&self, batch: &mut Vec<Span>) {
        let message = encode_spans(&self.sender, batch);
        let sent = self.client.send_spans(message).await;
        if sent.is_err() {
            let lost = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.metrics.spans_lost(lost);
        }
        self.note(Signal::Traces, sent);
        batch.clear();
    }

    /// The last time when everything has ended: what the last requests counted is sent, too.
    async fn send_metrics(
        self: Arc<Self>,
        state: Arc<AdminState>,
        interval: Duration,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut is_last = false;
        while !is_last {
            is_last = timeout(interval, stop.wait_for(|told| *told)).await.is_ok();
            let sending = self.send_all_metrics(&state);
            if timeout(LAST_MAX.max(interval), sending).await.is_err() {
                tracing::warn!("metrics could not be sent in time");
            }
        }
    }

    async fn send_all_metrics(&self, state: &AdminState) {
        let families = admin::gathered(state).await;
        let times = (state.options.started_at, self.clock.now());
        let message = encode_metrics(&self.sender, &families, times);
        let sent = self.client.send_metrics(message).await;
        self.note(Signal::Metrics, sent);
    }

    fn note(&self, signal: Signal, sent: Result<(), Undelivered>) {
        self.metrics.otlp_sent(signal, sent.is_ok());
        if let Err(error) = sent {
            tracing::warn!(%error, "the collector of traces and metrics has not got a message");
        }
    }
}

/// Waits for spans, and a little longer for more. False once there is a stop.
async fn gather(
    spans: &mut mpsc::Receiver<Span>,
    batch: &mut Vec<Span>,
    stop: &mut watch::Receiver<bool>,
) -> bool {
    let first = tokio::select! {
        span = spans.recv() => span,
        _ = stop.wait_for(|told| *told) => None,
    };
    let Some(first) = first else { return false };
    batch.push(first);
    let more = async {
        while batch.len() < BATCH_MAX
            && let Some(span) = spans.recv().await
        {
            batch.push(span);
        }
    };
    // A stop ends the wait; what came so far is sent.
    tokio::select! {
        () = more => {}
        () = sleep(GATHER) => {}
        _ = stop.wait_for(|told| *told) => {}
    }
    true
}
