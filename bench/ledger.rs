//! What pages cost on a large ledger: `cargo run --release --example ledger -- ROWS [URL]`.
//! Fills an empty database with a year of requests as the recorder writes them, then asks every route that tells
//! of usage through the admin API, and fails if the median of one is above 50 ms. Without a URL of Postgres it is
//! a SQLite file. `bench/ledger` starts a Postgres of its own for it.

#![expect(
    clippy::cognitive_complexity,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::too_many_lines,
    reason = "a benchmark ends where something is not as it expects"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::http::{Request, StatusCode};
use budgetguard::admin::{AdminOptions, AdminState, Proxies, router};
use budgetguard::catalog::Catalog;
use budgetguard::catalog::accounts::AccountOpener;
use budgetguard::catalog::refresh::{DefaultBudgets, Refresher};
use budgetguard::domain::budget::Budget;
use budgetguard::domain::id::{ApiKeyId, ModelName, ProviderName, RequestId, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::ObjectNotes;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::session::SessionRef;
use budgetguard::domain::tag::{TagShare, TagShares, Weight};
use budgetguard::domain::tenant::Tenant;
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::{Clock, Period, SystemClock, UtcMicros};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::keys::KeyHasher;
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::objects::client::ProviderClient;
use budgetguard::policy::rego::RegoPolicy;
use budgetguard::recorder::{Batching, Recorder};
use budgetguard::settings::secret::Secret;
use budgetguard::settings::{Settings, Source};
use budgetguard::spool::{Spool, SpoolOptions, SyncPolicy};
use budgetguard::store::Store;
use budgetguard::store::driver::Driver;
use budgetguard::store::postgres::Postgres;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::value::Value;
use budgetguard::whatif::{Bounds, WhatIf};
use http_body_util::BodyExt;
use rustls::RootCertStore;
use serde_json::Value as Json;
use tokio::sync::Mutex;
use tower::ServiceExt;

const TENANTS: u64 = 50;
const KEYS_EACH: u64 = 4;
const TAGS_EACH: u64 = 8;
const MODELS: [(&str, &str, &str); 12] = [
    ("openai", "gpt-5", "/v1/chat/completions"),
    ("openai", "gpt-5-mini", "/v1/chat/completions"),
    ("openai", "gpt-5", "/v1/responses"),
    ("openai", "text-embedding-3-small", "/v1/embeddings"),
    ("openai", "gpt-4o-mini", "/v1/chat/completions"),
    ("anthropic", "claude-sonnet-4-5", "/v1/messages"),
    ("anthropic", "claude-haiku-4-5", "/v1/messages"),
    ("anthropic", "claude-opus-4-1", "/v1/messages"),
    ("google", "gemini-2.5-pro", "/v1beta/models/generateContent"),
    (
        "google",
        "gemini-2.5-flash",
        "/v1beta/models/streamGenerateContent",
    ),
    ("openai", "o3", "/v1/responses"),
    ("openai", "gpt-image-1", "/v1/images/generations"),
];
const DAY: i64 = 86_400_000_000;
const YEAR: i64 = 365 * DAY;
const BATCH: u64 = 2_000;
const WRITERS: u64 = 2;
const CONNECTIONS_MAX: usize = 6;
const ADMIN_KEY: &str = "the admin key of the benchmark";
const MEDIAN_MAX: Duration = Duration::from_millis(50);
const CALLS: usize = 21;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Debug)]
struct NoDefaults;

impl DefaultBudgets for NoDefaults {
    fn budgets(&self, _tenant: &Tenant, _own: &[Budget]) -> Vec<Budget> {
        Vec::new()
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().ok_or("ledger ROWS [URL]")?.parse()?;
    let folder = tempfile::tempdir()?;
    let driver: Arc<dyn Driver> = match arguments.next() {
        Some(url) => Arc::new(Postgres::open(&url, CONNECTIONS_MAX)?),
        None => Arc::new(Sqlite::open(&folder.path().join("bench.db")).await?),
    };
    let store = Store::new(Arc::clone(&driver));
    store.migrate().await?;
    let now = SystemClock.now();
    if store.ledger_totals(&LedgerFilter::default()).await?.rows == 0 {
        fill(&driver, &store, (rows, now)).await?;
    }
    let router = admin(&store, folder.path()).await?;
    let mut is_fast = true;
    say(&format!("{:<66} {:>9} {:>9}", "route", "median", "p95"));
    for question in questions(&router).await? {
        is_fast &= measure(&router, &question).await?;
    }
    if is_fast {
        return Ok(());
    }
    Err(format!("a median is above {MEDIAN_MAX:?}").into())
}

/// Tenants, keys and tags, a year's months, and the rows by several writers at once.
async fn fill(
    driver: &Arc<dyn Driver>,
    store: &Store,
    (rows, now): (u64, UtcMicros),
) -> Outcome<()> {
    const TENANT: &str = "INSERT INTO tenant (name, created_at, updated_at) VALUES ($1, 1, 1)";
    const KEY: &str = "INSERT INTO api_key (tenant_id, name, prefix, lookup, hash, created_at) \
         VALUES ($1, 'service', 'bg_1234', $2, $3, 1)";
    const TAG: &str = "INSERT INTO tag (tenant_id, parent_id, name, created_at, updated_at) VALUES ($1, $2, $3, 1, 1)";
    const BUDGET: &str = "INSERT INTO budget (tenant_id, scope_kind, scope_id, period, amount, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 1000000000000000, 1, 1)";
    let mut change = driver.begin().await?;
    for tenant in 1..=TENANTS {
        let id = Value::from(tenant);
        let name = Value::from(format!("customer-{tenant}").as_str());
        change.execute(TENANT, &[name]).await?;
        for key in 0..KEYS_EACH {
            let lookup = Value::from(tenant * 1_000 + key);
            change
                .execute(KEY, &[id.clone(), lookup, Value::from(&[7_u8; 32][..])])
                .await?;
        }
        for tag in 1..=TAGS_EACH {
            let root = (tenant - 1) * TAGS_EACH + 1;
            let parent = if tag == 1 {
                Value::Null
            } else {
                Value::from(root)
            };
            let name = Value::from(format!("team-{tag}").as_str());
            change.execute(TAG, &[id.clone(), parent, name]).await?;
            let scope = Value::from(root + tag - 1);
            change
                .execute(
                    BUDGET,
                    &[
                        id.clone(),
                        Value::from("tag"),
                        scope,
                        Value::from("monthly"),
                    ],
                )
                .await?;
        }
        for period in ["daily", "monthly", "total"] {
            let scope = [
                id.clone(),
                Value::from("tenant"),
                id.clone(),
                Value::from(period),
            ];
            change.execute(BUDGET, &scope).await?;
        }
    }
    change.commit().await?;
    store
        .make_partitions(UtcMicros::new(now.get() - YEAR), 15)
        .await?;
    let started = Instant::now();
    let written = (0..WRITERS).map(|writer| {
        let driver = Arc::clone(driver);
        tokio::spawn(write(driver, writer, (rows, now)))
    });
    for writer in futures::future::join_all(written).await {
        writer?.map_err(|error| error.to_string())?;
    }
    let seconds = started.elapsed().as_secs_f64();
    say(&format!(
        "{}: {rows} rows written in {seconds:.0} s",
        driver.name()
    ));
    if driver.name() == "postgres" {
        driver.execute("VACUUM ANALYZE", &[]).await?;
    }
    Ok(())
}

/// Every so-manieth batch, in the order of time.
async fn write(
    driver: Arc<dyn Driver>,
    writer: u64,
    (rows, now): (u64, UtcMicros),
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let store = Store::new(driver);
    let first = now.get() - YEAR;
    let step = YEAR / i64::try_from(rows)?.max(1);
    for batch in (writer..rows.div_ceil(BATCH)).step_by(usize::try_from(WRITERS)?) {
        let numbers = batch * BATCH..rows.min((batch + 1) * BATCH);
        let made: Vec<LedgerRow> = numbers
            .map(|number| row(number, first + step * number.cast_signed()))
            .collect();
        while let Err(error) = store.append(&made).await {
            say(&format!("once more: {error}"));
        }
    }
    Ok(())
}

/// The same request for the same number, as if by chance.
fn row(number: u64, at: i64) -> LedgerRow {
    let chance = mix(number);
    let dice = |shift: u32, sides: u64| (chance >> shift) % sides;
    // A few tenants make most of the requests.
    let tenant = 1 + dice(0, TENANTS).min(dice(8, TENANTS));
    let key = (tenant - 1) * KEYS_EACH + 1 + dice(16, KEYS_EACH);
    let place = (key * 5 + dice(20, 4)) % 12;
    let (provider, model, route) = MODELS[usize::try_from(place).unwrap_or_default()];
    let status = match dice(24, 200) {
        0..=3 => Status::Blocked,
        4..=7 => Status::Failed,
        8..=9 => Status::Aborted,
        10 => Status::Interrupted,
        _ => Status::Success,
    };
    let mut random = [0; 10];
    random[2..].copy_from_slice(&chance.to_be_bytes());
    let at = UtcMicros::new(at);
    let input = 200 + dice(30, 4_000);
    LedgerRow {
        request: RequestId::new(at, random),
        at,
        tenant: TenantId(tenant.cast_signed()),
        key: ApiKeyId(key.cast_signed()),
        session: (dice(40, 10) < 3).then(|| session(number / 4_000, tenant)),
        tags: tags(tenant, dice(44, 20)),
        route: route.into(),
        provider: ProviderName::new(provider),
        model: ModelName::new(model),
        model_asked: None,
        attempt_of: None,
        model_served: None,
        status,
        reason: None,
        http_status: Some(200),
        streamed: dice(50, 2) == 0,
        usage: TokenUsage {
            input,
            output: input / 3,
            ..TokenUsage::default()
        },
        tier: Tier::Standard,
        price: None,
        cost: Usd::from_nanos((input * 3_750).cast_signed()),
        held: Usd::from_nanos(50_000_000),
        basis: Basis::Measured,
        latency_us: 900_000 + input,
        first_byte_us: Some(300_000),
        upstream_request_id: Some(format!("req_{chance:016x}")),
        objects: ObjectNotes::default(),
    }
}

fn session(block: u64, tenant: u64) -> SessionRef {
    SessionRef {
        id: format!("session-{block}-{tenant}"),
        name: None,
        path: None,
    }
}

/// Two of five requests name a tag, which counts on the tenant's first as well.
fn tags(tenant: u64, dice: u64) -> TagShares {
    let root = (tenant - 1) * TAGS_EACH + 1;
    let share = |tag: u64, is_inherited| TagShare {
        tag: TagId(tag.cast_signed()),
        weight: Weight::ONE,
        is_inherited,
    };
    let own = root + dice;
    (1..TAGS_EACH)
        .contains(&dice)
        .then(|| [share(own, false), share(root, true)])
        .into_iter()
        .flatten()
        .collect()
}

fn mix(number: u64) -> u64 {
    let mut chance = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    chance = (chance ^ (chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    chance = (chance ^ (chance >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    chance ^ (chance >> 31)
}

/// The admin API on the store, with the budgets' accounts opened as at a start.
async fn admin(store: &Store, folder: &Path) -> Outcome<Router> {
    let spool = Arc::new(Spool::open(SpoolOptions {
        folder: folder.join("spool"),
        sync: SyncPolicy::Os,
        entries_max: 1_000,
    })?);
    let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    let batching = Batching {
        rows_max: 100,
        interval: Duration::ZERO,
    };
    let recorder = Recorder::new(
        store.clone(),
        Arc::clone(&spool),
        Arc::clone(&engine),
        Arc::clone(&metrics),
        batching,
    );
    let accounts = AccountOpener::new(
        store.clone(),
        Arc::clone(&engine),
        Arc::clone(&spool),
        Arc::new(recorder),
    );
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let refresher = Refresher {
        store: store.clone(),
        catalog: Arc::new(Catalog::default()),
        accounts: Arc::new(accounts),
        clock: Arc::clone(&clock),
        defaults: Arc::new(NoDefaults),
        turn: Mutex::default(),
        check_interval: Duration::from_secs(1),
        reopen: Arc::default(),
    };
    let settings = Settings::load(&Source {
        config: None,
        environment: BTreeMap::new(),
        working_dir: "/nonexistent".into(),
    })?;
    let providers = ProviderClient::new(
        &settings.providers,
        &settings.upstream,
        RootCertStore::empty(),
    )?;
    let whatif = WhatIf {
        store: store.clone(),
        catalog: Arc::clone(&refresher.catalog),
        defaults: Arc::clone(&refresher.defaults),
        policy: Arc::new(RegoPolicy::embedded()?),
        default_requests_per_minute: 0,
        new_engine: || Arc::new(LocalEngine::default()),
        bounds: Bounds::default(),
        turn: WhatIf::one_at_a_time(),
    };
    let started = Instant::now();
    refresher.refresh().await?;
    say(&format!(
        "budgets of {TENANTS} tenants counted in {:?}",
        started.elapsed()
    ));
    Ok(router(Arc::new(AdminState {
        store: store.clone(),
        catalog: Arc::clone(&refresher.catalog),
        refresher: Arc::new(refresher),
        engine,
        spool,
        metrics,
        hasher: KeyHasher::new(b"the pepper of the benchmark")?,
        clock,
        providers: Arc::new(providers),
        webhook: None,
        whatif: Arc::new(whatif),
        options: AdminOptions {
            admin_key: Some(Secret::new(ADMIN_KEY)),
            trusted_proxies: Proxies::default(),
            metrics_token: None,
            default_requests_per_minute: 100,
            usage_periods: vec![
                Period::Hourly,
                Period::Daily,
                Period::Weekly,
                Period::Monthly,
                Period::Total,
            ],
            providers_configured: 3,
            store_is_embedded: false,
        },
    })))
}

/// What is asked, and whether only the first bytes of the answer are waited for.
struct Question {
    path: String,
    is_streamed: bool,
}

async fn questions(router: &Router) -> Outcome<Vec<Question>> {
    let mut paths = Vec::new();
    let all = "startDate=1970-01-01&endDate=2100-01-01";
    for list in ["/admin/usage/ledger", "/admin/tenant/1/usage/ledger"] {
        for filter in [
            "",
            "&status=blocked",
            "&model=o3",
            "&route=images&status=failed",
            "&model=no-such",
        ] {
            let pages = pages(router, &format!("{list}?{all}{filter}")).await?;
            paths.extend(pages);
        }
        paths.push(format!("{list}?limit=1000"));
    }
    paths.push(format!(
        "/admin/usage/ledger?{all}&tenant=customer-3&page=50"
    ));
    paths.push("/admin/tenant/1/usage".to_owned());
    for route in ["usage/history", "usage/models"] {
        for days in [
            "",
            "?days=365",
            "?startDate=2026-03-03T01:15:00Z&endDate=2026-10-10T13:45:00Z",
        ] {
            paths.push(format!("/admin/tenant/1/{route}{days}"));
        }
    }
    for days in ["", "?days=365", "?days=7", "?tagId=2&tagId=3&days=365"] {
        paths.push(format!("/admin/tenant/1/tag-analytics{days}"));
    }
    for route in ["tags", "budgets", "apikeys", "tags/1/budgets"] {
        paths.push(format!("/admin/tenant/1/{route}"));
    }
    paths.extend(pages_from(router, "/admin/tenant/1/sessions?limit=100".to_owned(), 1).await?);
    let sessions = ask(router, "/admin/tenant/1/sessions").await?.1;
    let session = sessions["sessions"][0]["sessionId"]
        .as_str()
        .unwrap_or_default();
    paths.push(format!("/admin/sessions/{session}/usage?tenantId=1"));
    let mut questions: Vec<_> = paths
        .into_iter()
        .map(|path| Question {
            path,
            is_streamed: false,
        })
        .collect();
    for filter in ["", "&tenantId=1", "&status=blocked"] {
        let path = format!("/admin/usage/ledger/export?format=csv&{all}{filter}");
        questions.push(Question {
            path,
            is_streamed: true,
        });
    }
    Ok(questions)
}

/// The first, the middle and the last page, and the second by its cursor.
async fn pages(router: &Router, list: &str) -> Outcome<Vec<String>> {
    let first = ask(router, list).await?.1;
    let total = first["total"].as_u64().ok_or("no total")?;
    let last = total.saturating_sub(1) / 100;
    let mut paths: Vec<String> = [0, last / 2, last]
        .map(|page| format!("{list}&page={page}"))
        .into();
    paths.dedup();
    if let Some(cursor) = first["nextCursor"].as_str() {
        paths.push(format!("{list}&cursor={cursor}"));
    }
    Ok(paths)
}

async fn pages_from(router: &Router, list: String, first: u64) -> Outcome<Vec<String>> {
    let total = ask(router, &list).await?.1["pagination"]["total"]
        .as_u64()
        .unwrap_or(1);
    let last = total.div_ceil(100).max(first);
    Ok([first, last.div_ceil(2), last]
        .map(|page| format!("{list}&page={page}"))
        .into())
}

fn request(path: &str) -> Outcome<Request<Body>> {
    let request = Request::builder()
        .uri(path)
        .header("x-admin-key", ADMIN_KEY);
    Ok(request.body(Body::empty())?)
}

async fn ask(router: &Router, path: &str) -> Outcome<(Duration, Json)> {
    let started = Instant::now();
    let response = router.clone().oneshot(request(path)?).await?;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await?;
    let took = started.elapsed();
    if parts.status != StatusCode::OK {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok((took, serde_json::from_slice(&body)?))
}

async fn first_bytes(router: &Router, path: &str) -> Outcome<Duration> {
    let started = Instant::now();
    let mut response = router.clone().oneshot(request(path)?).await?;
    let first = response.body_mut().frame().await;
    let took = started.elapsed();
    if response.status() != StatusCode::OK || first.is_none() || response.body().is_end_stream() {
        return Err(format!("{path}: {}", response.status()).into());
    }
    Ok(took)
}

/// Prints the figures of a question, and tells whether it is answered fast enough.
async fn measure(router: &Router, question: &Question) -> Outcome<bool> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        times.push(if question.is_streamed {
            first_bytes(router, &question.path).await?
        } else {
            ask(router, &question.path).await?.0
        });
    }
    times.sort_unstable();
    let (median, p95) = (times[CALLS / 2], times[CALLS * 95 / 100]);
    let is_fast = median <= MEDIAN_MAX;
    let mark = if is_fast { "" } else { "  too slow" };
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    say(&format!(
        "{:<66} {:>6.1} ms {:>6.1} ms{mark}",
        shown(&question.path),
        ms(median),
        ms(p95)
    ));
    Ok(is_fast)
}

fn shown(path: &str) -> String {
    let path = path.replace("startDate=1970-01-01&endDate=2100-01-01", "all");
    match path.split_once("cursor=") {
        Some((before, _)) => format!("{before}cursor=.."),
        None => path,
    }
}

fn say(line: &str) {
    // A closed pipe is the reader's wish, not a failure.
    let _ = writeln!(io::stdout(), "{line}");
}
