//! Measures the spool against embedded databases: `bench-spool <engine> <requests> [paced]`.
//! Two threads append intent and outcome, one drains 500 at a time; `paced` makes each thread
//! rest between requests, as a proxy does, so that the latencies are not those of a full queue.

mod engines;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use budgetguard::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, RequestId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::ObjectNotes;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::tag::TagShares;
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::UtcMicros;
use budgetguard::spool::SyncPolicy;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::engines::{Engine, Fjall, Redb, SegmentLog};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const THREADS: u64 = 2;
const BATCH_ROWS: usize = 500;
const PACED_REST: Duration = Duration::from_micros(200);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().context("which engine?")?;
    let requests: u64 = arguments.next().context("how many requests?")?.parse()?;
    let rest = arguments.next().map(|_| PACED_REST);
    let folder = tempfile::tempdir_in(".")?;
    let engine: Box<dyn Engine> = match name.as_str() {
        "log" => Box::new(SegmentLog::open(folder.path(), SyncPolicy::Os)?),
        "log-sync" => Box::new(SegmentLog::open(folder.path(), SyncPolicy::Always)?),
        "fjall" => Box::new(Fjall::open(folder.path(), fjall::PersistMode::Buffer)?),
        "fjall-sync" => Box::new(Fjall::open(folder.path(), fjall::PersistMode::SyncData)?),
        "redb-unsafe" => Box::new(Redb::open(folder.path(), redb::Durability::None)?),
        "redb-sync" => Box::new(Redb::open(folder.path(), redb::Durability::Immediate)?),
        "nothing" => Box::new(Nothing),
        unknown => anyhow::bail!("no engine is called `{unknown}`"),
    };
    measure(&name, engine.as_ref(), requests, rest)
}

/// Encodes only: what the program itself costs.
struct Nothing;

impl Engine for Nothing {
    fn intent(&self, row: &LedgerRow) -> anyhow::Result<()> {
        std::hint::black_box(serde_json::to_vec(row)?);
        Ok(())
    }

    fn outcome(&self, row: &LedgerRow) -> anyhow::Result<()> {
        self.intent(row)
    }

    fn drain(&self, _rows_max: usize) -> anyhow::Result<usize> {
        Ok(0)
    }
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn measure(
    name: &str,
    engine: &dyn Engine,
    requests: u64,
    rest: Option<Duration>,
) -> anyhow::Result<()> {
    let appending = AtomicBool::new(true);
    let appenders_cpu = AtomicU64::new(0);
    let started = Instant::now();
    let cpu_before = cpu(UsageWho::RUSAGE_SELF)?;
    let (mut latencies, drained, elapsed) = thread::scope(|scope| {
        let drainer = scope.spawn(|| drain(engine, &appending));
        let appenders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let cpu_total = &appenders_cpu;
                scope.spawn(move || append(engine, thread, (requests / THREADS, rest), cpu_total))
            })
            .collect();
        let mut latencies = Vec::new();
        for appender in appenders {
            latencies.extend(join(appender)??);
        }
        let elapsed = started.elapsed();
        appending.store(false, Ordering::Release);
        anyhow::Ok((latencies, join(drainer)??, elapsed))
    })?;
    let cpu_all = cpu(UsageWho::RUSAGE_SELF)?.saturating_sub(cpu_before);
    latencies.sort_unstable();
    let quantile = |per_mille: usize| {
        let index = latencies.len() * per_mille / 1000;
        latencies.get(index).copied().unwrap_or_default()
    };
    println!(
        "{name}: {} appends/s, {} ns CPU per request on its thread, {} ns in all, append ns \
         p50 {} p99 {} p99.9 {} max {}, {drained} drained, RSS {} MB",
        latencies.len() as u128 * 1_000_000 / elapsed.as_micros().max(1),
        appenders_cpu.load(Ordering::Relaxed) * 1000 / requests.max(1),
        cpu_all * 1000 / requests.max(1),
        quantile(500),
        quantile(990),
        quantile(999),
        latencies.last().copied().unwrap_or_default(),
        (rss_kb()?.saturating_sub(latencies.len() as u64 * 4 / 1024)) / 1024,
    );
    Ok(())
}

fn append(
    engine: &dyn Engine,
    thread: u64,
    (requests, rest): (u64, Option<Duration>),
    cpu_total: &AtomicU64,
) -> anyhow::Result<Vec<u32>> {
    let mut latencies = Vec::with_capacity(usize::try_from(requests * 2)?);
    let cpu_before = cpu(UsageWho::RUSAGE_THREAD)?;
    for number in 0..requests {
        let mut row = example_row(number * THREADS + thread);
        latencies.push(timed(|| engine.intent(&row))?);
        row.status = Status::Success;
        latencies.push(timed(|| engine.outcome(&row))?);
        if let Some(rest) = rest {
            thread::sleep(rest);
        }
    }
    let used = cpu(UsageWho::RUSAGE_THREAD)?.saturating_sub(cpu_before);
    cpu_total.fetch_add(used, Ordering::Relaxed);
    Ok(latencies)
}

fn timed(step: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<u32> {
    let started = Instant::now();
    step()?;
    Ok(u32::try_from(started.elapsed().as_nanos()).unwrap_or(u32::MAX))
}

fn drain(engine: &dyn Engine, appending: &AtomicBool) -> anyhow::Result<usize> {
    let mut drained = 0;
    loop {
        let last_look = !appending.load(Ordering::Acquire);
        let rows = engine.drain(BATCH_ROWS)?;
        drained += rows;
        if rows == 0 && last_look {
            return Ok(drained);
        }
        if rows < BATCH_ROWS {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> anyhow::Result<T> {
    handle.join().ok().context("a thread panicked")
}

fn cpu(who: UsageWho) -> anyhow::Result<u64> {
    let usage = getrusage(who)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(u64::try_from(micros)?)
}

fn rss_kb() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes
        .context("no VmRSS in /proc/self/status")?
        .parse()?)
}

fn example_row(number: u64) -> LedgerRow {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&number.to_be_bytes());
    let at = UtcMicros::new(1_790_000_000_000_000 + i64::try_from(number).unwrap_or(0) * 50);
    LedgerRow {
        request: RequestId::new(at, random),
        at,
        tenant: TenantId(17),
        key: ApiKeyId(4711),
        session: None,
        tags: TagShares::new(),
        route: "/v1/chat/completions".into(),
        provider: ProviderName::new("openai"),
        model: ModelName::new("gpt-5-mini"),
        model_asked: None,
        attempt_of: None,
        model_served: Some(ModelName::new("gpt-5-mini-2026-08-07")),
        status: Status::Interrupted,
        reason: None,
        http_status: Some(200),
        streamed: true,
        usage: TokenUsage {
            input: 1234,
            output: 567,
            ..TokenUsage::default()
        },
        tier: Tier::Standard,
        price: Some(PriceId(390)),
        cost: Usd::from_nanos(1_442_500),
        held: Usd::from_nanos(9_000_000),
        basis: Basis::Measured,
        latency_us: 2_345_678,
        first_byte_us: Some(345_678),
        upstream_request_id: Some("req_0123456789abcdef0123456789abcdef".to_owned()),
        ruling: None,
        objects: ObjectNotes::default(),
    }
}
