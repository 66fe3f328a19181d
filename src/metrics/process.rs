//! What the process itself uses, under the names that all Prometheus clients give it. Only Linux
//! tells; elsewhere these metrics are absent.

use std::fs;
use std::str::FromStr;

use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};

/// The unit of times in `/proc`: fixed for programs, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;
const BYTES_PER_KIB: f64 = 1024.0;

pub(super) fn families() -> Vec<MetricFamily> {
    [
        cpu_seconds().map(|seconds| {
            let mut counter = Counter::default();
            counter.set_value(seconds);
            let mut metric = Metric::default();
            metric.set_counter(counter);
            family(
                "process_cpu_seconds_total",
                "Processor time, in user and system mode.",
                MetricType::COUNTER,
                metric,
            )
        }),
        open_files().map(|count| {
            gauge(
                "process_open_fds",
                "Open files, sockets among them.",
                f64::from(count),
            )
        }),
        resident_bytes().map(|bytes| {
            gauge(
                "process_resident_memory_bytes",
                "Memory that is in use.",
                bytes,
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let user: f64 = number(times.next())?;
    let system: f64 = number(times.next())?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn open_files() -> Option<u32> {
    let entries = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is this very folder.
    u32::try_from(entries).ok()?.checked_sub(1)
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = number(line.split_ascii_whitespace().next())?;
    Some(kib * BYTES_PER_KIB)
}

fn number<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    family(name, help, MetricType::GAUGE, Metric::from_gauge(gauge))
}

fn family(name: &str, help: &str, kind: MetricType, metric: Metric) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(vec![metric]);
    family
}
