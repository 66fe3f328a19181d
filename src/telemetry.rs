//! The log: one subscriber for the whole process, on stderr. It writes events, it makes none. Below it, spans
//! and how they and metrics are brought to a collector.

pub mod otlp;
pub mod spans;
pub mod trace;

use std::error::Error;
use std::fmt;
use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::filter::{FilterExt as _, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::settings::operations::{LogFormat, Telemetry};

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not valid; settings from `Settings::load` never have such a one.
    #[error("could not read the log filter: {0}")]
    Filter(#[from] ParseError),
    /// The process has a subscriber or a logger already.
    #[error("could not install the log: {0}")]
    Install(#[source] Box<dyn Error + Send + Sync>),
}

/// Which events are logged, however it was written.
type EventFilter = Box<dyn Filter<Registry> + Send + Sync>;

/// By which another filter is put in the place of the first.
#[derive(Clone)]
pub struct LogControl(Handle<EventFilter, Registry>);

impl fmt::Debug for LogControl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LogControl(..)")
    }
}

impl LogControl {
    /// Logs what this filter lets through, from now on.
    pub fn set_filter(&self, filter: &str) -> Result<(), TelemetryError> {
        let filter = event_filter(filter)?;
        let set = self.0.reload(filter);
        set.map_err(|error| TelemetryError::Install(error.into()))
    }
}

/// Sets the log of the process up; once, before anything else runs.
pub fn init(telemetry: &Telemetry) -> Result<LogControl, TelemetryError> {
    let colours = std::io::stderr().is_terminal();
    let (subscriber, control) = subscriber(telemetry, colours, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| TelemetryError::Install(error.into()))?;
    // Pingora logs through `log`. What is switched off there costs one comparison.
    let level = LevelFilter::current().min(LevelFilter::INFO);
    let bridge = LogTracer::builder().with_max_level(level.as_log());
    bridge
        .init()
        .map_err(|error| TelemetryError::Install(error.into()))?;
    Ok(control)
}

fn event_filter(text: &str) -> Result<EventFilter, ParseError> {
    let filter = text.parse::<EnvFilter>()?.and(filter_fn(cannot_leak));
    Ok(Box::new(filter))
}

fn subscriber<W>(
    telemetry: &Telemetry,
    colours: bool,
    writer: W,
) -> Result<(Box<dyn Subscriber + Send + Sync>, LogControl), ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, control) = reload::Layer::new(event_filter(&telemetry.log_filter)?);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let subscriber: Box<dyn Subscriber + Send + Sync> = match telemetry.log_format {
        LogFormat::Text => {
            Box::new(Registry::default().with(layer.with_ansi(colours).with_filter(filter)))
        }
        LogFormat::Json => {
            Box::new(Registry::default().with(layer.json().flatten_event(true).with_filter(filter)))
        }
    };
    Ok((subscriber, LogControl(control)))
}

/// Below info, Pingora prints whole request heads with the provider's key in them, and other
/// libraries may do the same: only our own events may go that far.
fn cannot_leak(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("budgetguard")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(log_format: LogFormat, log_filter: &str) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let telemetry = Telemetry {
            log_format,
            log_filter: log_filter.to_owned(),
            tenant_series: false,
            budget_series_max: 0,
        };
        let (subscriber, _) = subscriber(&telemetry, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, emit);
        let bytes = lines.0.lock().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[expect(
        clippy::cognitive_complexity,
        reason = "the macros count, not what stands here"
    )]
    fn emit() {
        tracing::info!(request_id = "r-1", "started");
        tracing::debug!("own detail");
        tracing::debug!(target: "pingora_proxy::proxy_h1", "authorization: Bearer sk-secret");
        tracing::info!(target: "pingora_core::server", "pingora is chatty");
        tracing::warn!(target: "pingora_core::server", "pingora is worried");
    }

    #[test]
    fn the_default_filter_keeps_pingora_at_warn() {
        let lines = logged(LogFormat::Text, "info,pingora=warn");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("started") && lines[0].contains("r-1"));
        assert!(lines[1].contains("pingora is worried"));
    }

    #[test]
    fn another_filter_is_in_force_at_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let telemetry = Telemetry {
            log_format: LogFormat::Text,
            log_filter: "warn".to_owned(),
            tenant_series: false,
            budget_series_max: 0,
        };
        let (subscriber, control) = subscriber(&telemetry, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            emit();
            control.set_filter("trace").unwrap();
            emit();
            control.set_filter("no such=level").unwrap_err();
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        assert_eq!(text.matches("pingora is worried").count(), 2, "{text}");
        assert_eq!(text.matches("own detail").count(), 1, "{text}");
        assert!(!text.contains("sk-secret"));
    }

    #[test]
    fn json_has_one_object_with_its_fields_for_each_line() {
        for line in logged(LogFormat::Json, "info") {
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert!(
                event["message"].is_string() && event["level"].is_string(),
                "{line}"
            );
        }
    }

    #[test]
    fn libraries_are_never_logged_below_info() {
        let text = logged(LogFormat::Text, "trace").join("\n");
        assert!(text.contains("own detail"));
        assert!(!text.contains("sk-secret"));
    }
}
