//! Where traces and metrics are sent.

use std::time::Duration;

use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

/// `[otlp]`
#[derive(Debug, Clone)]
pub struct Otlp {
    /// The collector's base URL; without it nothing is sent.
    pub endpoint: Option<String>,
    /// What it is shown beside each message.
    pub headers: Vec<(String, Secret)>,
    /// What this installation is called there.
    pub service_name: String,
    /// Of a hundred requests without a trace, so many begin one.
    pub sample_percent: u32,
    /// Whether providers are told of traces.
    pub tells_providers: bool,
    /// Between two times that metrics are sent; nothing for never.
    pub metrics_interval: Option<Duration>,
    /// How many spans may wait.
    pub spans_waiting_max: usize,
    /// Longest wait for the collector's answer.
    pub timeout: Duration,
}

impl Otlp {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let seconds = reader.integer("otlp.metrics_interval_s", 0..=3_600);
        Self {
            endpoint: reader.optional("otlp.endpoint", address),
            headers: headers(reader),
            service_name: reader.required("otlp.service_name", |it| Ok::<_, String>(it.to_owned())),
            sample_percent: reader.integer("otlp.sample_percent", 0..=100),
            tells_providers: reader.flag("otlp.trace_to_providers"),
            metrics_interval: (seconds > 0).then(|| Duration::from_secs(seconds)),
            spans_waiting_max: reader.integer("otlp.spans_waiting_max", 1..=1_000_000),
            timeout: Duration::from_millis(reader.integer("otlp.timeout_ms", 1..=60_000)),
        }
    }
}

fn address(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#']) => Ok(text.to_owned()),
        Some(_) | None => Err("must be an http:// or https:// address without a query"),
    }
}

/// As OpenTelemetry has them in its variable: `name=value`, with commas between and values escaped as in URLs.
fn headers(reader: &mut Reader<'_>) -> Vec<(String, Secret)> {
    let Some(text) = reader.secret("otlp.headers", 1) else {
        return Vec::new();
    };
    let pairs = text.expose().split(',').map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        let name = (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_lowercase());
        Some((name?, Secret::new(unescaped(value)?)))
    });
    let pairs: Option<Vec<_>> = pairs.collect();
    pairs.unwrap_or_else(|| {
        let problem = "must be name=value, with commas between and values escaped as in URLs";
        reader.problem("otlp.headers", problem);
        Vec::new()
    })
}

/// Visible ASCII characters and blanks only: it becomes a header.
fn unescaped(text: &str) -> Option<String> {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        let next = if next == '%' {
            let (high, low) = (rest.next()?.to_digit(16)?, rest.next()?.to_digit(16)?);
            char::from_u32(high * 16 + low)?
        } else {
            next
        };
        if !next.is_ascii_graphic() && next != ' ' {
            return None;
        }
        shown.push(next);
    }
    Some(shown)
}
