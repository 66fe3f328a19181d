//! What would have happened: the replay of recorded requests, against models that reckon in the plainest way.

#![expect(clippy::too_many_lines, reason = "each test tells one story")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use budgetguard::catalog::Catalog;
use budgetguard::domain::budget::shadow::Mode;
use budgetguard::domain::budget::{Budget, Coverage, Scope};
use budgetguard::domain::id::{ApiKeyId, BudgetId, ModelName, RequestId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::Inheritance;
use budgetguard::domain::usage::TokenUsage;
use budgetguard::domain::window::{Clock, ManualClock, Period, UtcMicros, Window};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::policy::installed::InstalledPolicy;
use budgetguard::store::Store;
use budgetguard::store::budgets::BudgetSettings;
use budgetguard::whatif::change::{BudgetChange, Changes, RateChange, RateOwner, new_id};
use budgetguard::whatif::figures::Answer;
use budgetguard::whatif::{Bounds, Question, WhatIf, WhatIfError};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::refresher::{refresher, spool};
use crate::support::{Database, STAMP, key, row, session, tenant};

/// Monday 2026-06-01 12:00 UTC, from where on is asked.
const FROM: UtcMicros = UtcMicros::new(1_780_315_200_000_000);
const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;
const STREAMS: usize = 24;

on_both_databases![
    a_budget_refuses_what_a_plain_model_refuses,
    without_a_change_what_was_admitted_is_admitted_and_what_was_refused_is_not,
    rules_refuse_exactly_the_rows_that_they_name,
    rules_see_what_the_budgets_stood_at,
    a_rate_limit_admits_as_many_a_minute_as_it_says,
    the_same_question_has_the_same_answer,
    a_question_is_bounded_in_rows_and_in_time,
    one_question_at_a_time,
    what_others_spend_counts_on_the_installations_budget,
    a_later_try_is_not_made_where_the_first_is_refused,
    a_session_counts_what_it_cost_before,
    a_model_without_a_price_is_refused_by_the_first_budget,
    a_refused_request_comes_through_only_where_there_is_more_room_than_before,
    nothing_is_written,
];

fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

fn after(micros: i64) -> UtcMicros {
    UtcMicros::new(FROM.get() + micros)
}

fn id(number: u64, at: UtcMicros) -> RequestId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    RequestId::new(at, random)
}

/// A request at so many microseconds after [`FROM`].
fn request(number: u64, at: i64, held: i64, cost: i64) -> LedgerRow {
    LedgerRow {
        request: id(number, after(at)),
        at: after(at),
        key: ApiKeyId(1),
        held: usd(held),
        ..row(number, 1, cost)
    }
}

fn refused(number: u64, at: i64, reason: &'static str) -> LedgerRow {
    LedgerRow {
        status: Status::Blocked,
        reason: Some(reason.into()),
        latency_us: 0,
        price: None,
        ..request(number, at, 0, 0)
    }
}

/// A database with a tenant and its key, both with the id 1, and what answers questions about it.
struct Room {
    store: Store,
    whatif: WhatIf,
    _folder: TempDir,
}

impl Room {
    async fn new(database: &Database, rows: &[LedgerRow]) -> Self {
        let store = database.store.clone();
        let acme = tenant(&store, "acme").await.tenant.id;
        assert_eq!(acme, TenantId(1));
        store.create_key(&key(acme, 7), &STAMP).await.unwrap();
        store.append(rows).await.unwrap();
        let mut room = Self {
            whatif: WhatIf {
                store: store.clone(),
                catalog: Arc::new(Catalog::default()),
                defaults: Arc::new(NoDefaults),
                policy: Arc::new(InstalledPolicy::load(None).unwrap()),
                default_requests_per_minute: 0,
                new_engine: || Arc::new(LocalEngine::default()),
                bounds: Bounds::default(),
                turn: WhatIf::one_at_a_time(),
            },
            store,
            _folder: TempDir::new().unwrap(),
        };
        room.take_over().await;
        room
    }

    /// Has everything in force that is in the store.
    async fn take_over(&mut self) {
        let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(FROM));
        let folder = TempDir::new().unwrap();
        let rows = Arc::new(spool(folder.path()));
        let refresher = refresher(&self.store, &rows, &engine, &clock);
        refresher.refresh().await.unwrap();
        self.whatif.catalog = Arc::clone(&refresher.catalog);
    }

    async fn set(&mut self, scope: Scope, period: Period, limit: i64) {
        let plain = BudgetSettings::plain(period, usd(limit));
        let set = self.store.set_budgets(scope, &[plain], &STAMP).await;
        set.unwrap().unwrap();
        self.take_over().await;
    }

    async fn ask(&self, changes: Changes) -> Answer {
        self.whatif.ask(question(changes)).await.unwrap()
    }
}

use crate::refresher::NoDefaults;

fn question(changes: Changes) -> Question {
    Question {
        window: Window {
            start: FROM,
            end: after(40 * DAY),
        },
        tenant: None,
        key: None,
        changes,
    }
}

fn budget(scope: Scope, period: Period, limit: i64) -> Budget {
    Budget {
        id: new_id(0),
        tenant: (scope != Scope::Installation).then_some(TenantId(1)),
        coverage: Coverage::all_of(scope),
        period,
        limit: usd(limit),
        inheritance: Inheritance::default(),
        thresholds: None,
        mode: Mode::Enforced,
    }
}

fn put(budget: Budget) -> Changes {
    Changes {
        budgets: vec![BudgetChange::Put(Box::new(budget))],
        ..Changes::default()
    }
}

fn tenants_budget(period: Period, limit: i64) -> Changes {
    put(budget(Scope::Tenant(TenantId(1)), period, limit))
}

fn rules(text: &str) -> Changes {
    let text = format!("package budgetguard.policy\nimport rego.v1\n{text}");
    Changes {
        policy: Some(text),
        ..Changes::default()
    }
}

/// A stream of requests as numbers: how long after the one before, for how long, what was held, and what part
/// of it was paid, in percent.
fn stream() -> impl Strategy<Value = Stream> {
    let gap = prop_oneof![4 => 0_i64..2_000_000, 1 => 0_i64..DAY / 2, 1 => Just(0)];
    let one = (gap, 0_u64..90_000_000, 0_i64..200, 0_i64..=120);
    proptest::collection::vec(one, 1..60)
}

fn rows_of(stream: &[(i64, u64, i64, i64)], start: i64) -> Vec<LedgerRow> {
    let mut at = start;
    let rows = (1_u64..).zip(stream);
    let rows = rows.map(|(number, (gap, latency_us, held, percent))| {
        at += gap;
        LedgerRow {
            latency_us: *latency_us,
            ..request(number, at, *held, held * percent / 100)
        }
    });
    rows.collect()
}

/// A daily or an endless budget of one tenant, reckoned in the plainest way.
struct Model {
    period: Period,
    limit: i64,
    /// What is spent and held, by day; all under one day where there are none.
    accounts: BTreeMap<i64, (i64, i64)>,
    under_way: Vec<(UtcMicros, RequestId, i64, i64, i64)>,
    highest: i64,
}

impl Model {
    fn new(period: Period, limit: i64) -> Self {
        Self {
            period,
            limit,
            accounts: BTreeMap::new(),
            under_way: Vec::new(),
            highest: 0,
        }
    }

    fn day(&self, at: UtcMicros) -> i64 {
        if self.period == Period::Total {
            return 0;
        }
        at.get().div_euclid(DAY)
    }

    fn spend(&mut self, row: &LedgerRow) {
        let day = self.day(row.at);
        self.accounts.entry(day).or_default().0 += row.cost.nanos();
    }

    fn look(&mut self, day: i64) {
        let (spent, held) = self.accounts[&day];
        self.highest = self.highest.max(spent + held);
    }

    fn admits(&mut self, row: &LedgerRow) -> bool {
        self.under_way.sort();
        while let Some((end, id, day, held, cost)) = self.under_way.first().copied() {
            if (end, id) >= (row.at, row.request) {
                break;
            }
            self.under_way.remove(0);
            let account = self.accounts.get_mut(&day).unwrap();
            *account = (account.0 + cost, account.1 - held);
            self.look(day);
        }
        let (day, held) = (self.day(row.at), row.held.nanos());
        let account = self.accounts.entry(day).or_default();
        if account.0 + account.1 + held > self.limit {
            return false;
        }
        account.1 += held;
        self.look(day);
        let end = UtcMicros::new(row.at.get() + i64::try_from(row.latency_us).unwrap());
        let entry = (end, row.request, day, held, row.cost.nanos());
        self.under_way.push(entry);
        true
    }
}

fn digest(decisions: &[(RequestId, &str)]) -> String {
    let mut hasher = Sha256::new();
    for (request, decision) in decisions {
        hasher.update(request.as_bytes());
        hasher.update(format!("{decision}\n"));
    }
    let bytes = hasher.finalize();
    hex::encode(bytes)
}

/// Of each request: when it came, for how long, what it held, and what it cost.
type Stream = Vec<(i64, u64, i64, i64)>;

/// Some streams, each with a limit and a period: the same in each run.
fn some_streams() -> impl Iterator<Item = (Stream, i64, Period)> {
    let mut runner = TestRunner::deterministic();
    let every = (stream(), 50_i64..1_500, any::<bool>());
    (0..STREAMS).map(move |_| {
        let (stream, limit, is_daily) = every.new_tree(&mut runner).unwrap().current();
        let period = if is_daily {
            Period::Daily
        } else {
            Period::Total
        };
        (stream, limit, period)
    })
}

/// Moves rows so that each stream has a tenant's time of its own.
fn shifted(stream: &[(i64, u64, i64, i64)], number: usize) -> (Vec<LedgerRow>, i64) {
    let start = i64::try_from(number).unwrap() * 400 * DAY;
    let mut rows = rows_of(stream, start);
    for (index, row) in rows.iter_mut().enumerate() {
        let number = u64::try_from(number * 1_000 + index).unwrap();
        row.request = id(number, row.at);
    }
    (rows, start)
}

async fn a_budget_refuses_what_a_plain_model_refuses(database: Database) {
    let room = Room::new(&database, &[]).await;
    let mut refusals = 0;
    for (number, (stream, limit, period)) in some_streams().enumerate() {
        let (rows, start) = shifted(&stream, number);
        room.store.append(&rows).await.unwrap();
        // The first third came before the time that is asked about. It is spent when that begins.
        let asked = Window {
            start: rows[rows.len() / 3].at,
            end: after(start + 300 * DAY),
        };
        let mut model = Model::new(period, limit);
        let (before, inside): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.at < asked.start);
        // Whatever other streams spent counts on a budget without end.
        let earlier = Window {
            start: UtcMicros::MIN,
            end: after(start),
        };
        let everything = Coverage::all_of(Scope::Tenant(TenantId(1)));
        let spent = room
            .store
            .spent(&[(&everything, earlier)], &[])
            .await
            .unwrap()[0];
        let limit = if period == Period::Total {
            limit + spent.nanos()
        } else {
            limit
        };
        model.limit = limit;
        if period == Period::Total {
            model.accounts.insert(0, (spent.nanos(), 0));
        }
        for row in &before {
            model.spend(row);
        }
        let mut decisions = Vec::new();
        let mut saved = 0;
        let mut first = None;
        for row in &inside {
            if model.admits(row) {
                decisions.push((row.request, "admitted:"));
            } else {
                decisions.push((row.request, "budget_exceeded:tenant"));
                saved += row.cost.nanos();
                first.get_or_insert(row.at);
            }
        }
        let question = Question {
            window: asked,
            ..question(tenants_budget(period, limit))
        };
        let answer = room.whatif.ask(question).await.unwrap().changed;
        assert_eq!(
            answer.decisions_hash(),
            digest(&decisions),
            "{stream:?} {limit} {period:?}"
        );
        assert_eq!(answer.total.saved, usd(saved));
        assert_eq!(answer.total.requests, u64::try_from(inside.len()).unwrap());
        let sums = &answer.budgets[&new_id(0)];
        assert_eq!(sums.first_refused_at, first);
        refusals += sums.refused;
        // What ends after the last request began is not awaited, by either.
        if sums.charged > 0 {
            assert_eq!(sums.highest_use, usd(model.highest), "{stream:?}");
        }
        let costs_within_what_was_held = inside.iter().all(|row| row.cost <= row.held);
        let began_within = model.accounts.values().all(|(spent, _)| *spent <= limit);
        if costs_within_what_was_held && began_within {
            assert!(sums.highest_use <= usd(limit));
        }
    }
    assert!(refusals > 100, "{refusals} are too few to prove anything");
}

async fn without_a_change_what_was_admitted_is_admitted_and_what_was_refused_is_not(
    database: Database,
) {
    let mut room = Room::new(&database, &[]).await;
    for (number, (stream, limit, _)) in some_streams().enumerate() {
        let (rows, start) = shifted(&stream, number);
        // As the gateway would have recorded it under the limit.
        let mut model = Model::new(Period::Daily, limit);
        let mut recorded = Vec::new();
        for mut row in rows {
            row.cost = row.cost.min(row.held);
            recorded.push(if model.admits(&row) {
                row
            } else {
                LedgerRow {
                    status: Status::Blocked,
                    reason: Some("budget_exceeded".into()),
                    latency_us: 0,
                    price: None,
                    cost: Usd::ZERO,
                    held: Usd::ZERO,
                    ..row
                }
            });
        }
        room.store.append(&recorded).await.unwrap();
        room.set(Scope::Tenant(TenantId(1)), Period::Daily, limit)
            .await;
        let question = Question {
            window: Window {
                start: after(start),
                end: after(start + 300 * DAY),
            },
            ..question(Changes::default())
        };
        let answer = room.whatif.ask(question).await.unwrap();
        let were_refused = recorded.iter().filter(|row| row.status == Status::Blocked);
        let were_refused = u64::try_from(were_refused.count()).unwrap();
        let total = answer.changed.total;
        assert_eq!(
            (total.refused, total.were_refused),
            (were_refused, were_refused)
        );
        assert_eq!(
            (total.saved, total.newly_admitted),
            (Usd::ZERO, 0),
            "{stream:?}"
        );
        let same = answer.in_force.decisions_hash();
        assert_eq!(same, answer.changed.decisions_hash());
    }
}

async fn rules_refuse_exactly_the_rows_that_they_name(database: Database) {
    let of = |number: u64, model: &str, at: i64| LedgerRow {
        model: ModelName::new(model),
        ..request(number, at, 10, 5)
    };
    // At noon, and at one o'clock in the night.
    let rows = [
        of(1, "o1-pro", 0),
        of(2, "gpt-4o-mini", 1),
        of(3, "o1-pro", 13 * 60 * MINUTE),
        of(4, "gpt-4o-mini", 13 * 60 * MINUTE),
        refused(5, 14 * 60 * MINUTE, "policy_denied"),
    ];
    let room = Room::new(&database, &rows).await;
    let changes = rules(
        "default allow := false\nallow if not startswith(input.model, \"o1\")\n\
         allow if input.time == 12",
    );
    let answer = room.ask(changes).await.changed;
    let decisions = [
        (rows[0].request, "admitted:"),
        (rows[1].request, "admitted:"),
        (rows[2].request, "policy_denied:"),
        (rows[3].request, "admitted:"),
        (rows[4].request, "admitted:"),
    ];
    assert_eq!(answer.decisions_hash(), digest(&decisions));
    assert_eq!(answer.refused_by, BTreeMap::from([("policy_denied", 1)]));
    let total = answer.total;
    assert_eq!((total.saved, total.newly_admitted), (usd(5), 1));

    let broken = room.whatif.ask(question(rules("allow if {"))).await;
    let Err(WhatIfError::Policy(problem)) = broken else {
        panic!("{broken:?}")
    };
    assert!(problem.to_string().contains("policy:3:"), "{problem}");
    // None of these may cost the process its stack, or much time.
    let started = Instant::now();
    for (opened, closed) in [
        ("[", "]"),
        ("(", ")"),
        ("{", "}"),
        ("1 +\n", "1"),
        ("not ", "1"),
    ] {
        for depth in [8, 31, 8_000] {
            let deep = format!("allow if {}{}", opened.repeat(depth), closed.repeat(depth));
            let answer = room.whatif.ask(question(rules(&deep))).await;
            let is_told = matches!(answer, Ok(_) | Err(WhatIfError::Policy(_)));
            assert!(is_told, "{depth} {opened:?}: {answer:?}");
        }
    }
    assert!(
        started.elapsed() < Duration::from_mins(1),
        "{:?}",
        started.elapsed()
    );
}

async fn rules_see_what_the_budgets_stood_at(database: Database) {
    let rows: Vec<LedgerRow> = (1..=4)
        .map(|it| request(it, i64::try_from(it).unwrap() * MINUTE, 100, 60))
        .collect();
    let mut room = Room::new(&database, &rows).await;
    room.set(Scope::Tenant(TenantId(1)), Period::Daily, 1_000_000_000_000)
        .await;
    // 120 of nano-dollars are spent when the third comes.
    let changes = rules(
        "default allow := true\nallow := false if {\n some budget in input.budgets\n \
         budget.usage > 0.0000001\n}",
    );
    let answer = room.ask(changes).await.changed;
    assert_eq!(answer.refused_by, BTreeMap::from([("policy_denied", 2)]));
}

async fn a_rate_limit_admits_as_many_a_minute_as_it_says(database: Database) {
    let rows: Vec<LedgerRow> = (0..30)
        .map(|number| LedgerRow {
            usage: TokenUsage {
                input: 40,
                output: 60,
                ..TokenUsage::default()
            },
            // Ten at a time, a minute and two seconds apart, each five seconds long.
            latency_us: 5_000_000,
            ..request(
                number,
                i64::try_from(number / 10).unwrap() * (MINUTE + 2_000_000),
                10,
                5,
            )
        })
        .collect();
    let room = Room::new(&database, &rows).await;
    let limited = |subject, requests, tokens, concurrent| Changes {
        rates: vec![RateChange {
            subject,
            requests,
            tokens,
            concurrent,
        }],
        ..Changes::default()
    };
    let (acme, ci) = (RateOwner::Tenant(TenantId(1)), RateOwner::Key(ApiKeyId(1)));
    for (changes, admitted) in [
        (limited(acme, Some(4), None, None), 12),
        (limited(ci, Some(7), None, None), 21),
        (limited(ci, None, Some(350), None), 9),
        (limited(acme, None, None, Some(2)), 6),
        (limited(acme, Some(0), None, None), 30),
    ] {
        let answer = room.ask(changes).await.changed;
        assert_eq!(answer.total.admitted, admitted);
        let limited = answer.refused_by.get("rate_limited").copied();
        assert_eq!(limited.unwrap_or_default(), 30 - admitted);
    }
}

async fn the_same_question_has_the_same_answer(database: Database) {
    let (stream, ..) = some_streams()
        .max_by_key(|(stream, ..)| stream.len())
        .unwrap();
    let rows = rows_of(&stream, 0);
    let room = Room::new(&database, &rows).await;
    let ask = async || room.ask(tenants_budget(Period::Total, 400)).await.changed;
    let (one, other) = (ask().await, ask().await);
    assert_eq!(one.decisions_hash(), other.decisions_hash());
    assert!(one.total.refused > 0);
    // The same on the other database: this is what the test of either says.
    assert_eq!(
        one.decisions_hash(),
        "76e0dfee0373c35b65b571f5e9e4371b8549deb5217b994087aff292398ca6f9"
    );
}

async fn a_question_is_bounded_in_rows_and_in_time(database: Database) {
    let rows: Vec<LedgerRow> = (1..=10).map(|number| request(number, 0, 1, 1)).collect();
    let mut room = Room::new(&database, &rows).await;
    room.whatif.bounds.rows_max = 10;
    assert_eq!(room.ask(Changes::default()).await.changed.rows, 10);
    room.whatif.bounds.rows_max = 9;
    let asked = room.whatif.ask(question(Changes::default())).await;
    assert!(
        matches!(asked, Err(WhatIfError::TooManyRows(9))),
        "{asked:?}"
    );
    room.whatif.bounds = Bounds {
        time_max: Duration::ZERO,
        ..Bounds::default()
    };
    let asked = room.whatif.ask(question(Changes::default())).await;
    assert!(matches!(asked, Err(WhatIfError::TooLong(_))), "{asked:?}");
}

async fn one_question_at_a_time(database: Database) {
    let room = Room::new(&database, &[request(1, 0, 1, 1)]).await;
    let taken = Arc::clone(&room.whatif.turn).try_acquire_owned().unwrap();
    let asked = room.whatif.ask(question(Changes::default())).await;
    assert!(matches!(asked, Err(WhatIfError::Busy)), "{asked:?}");
    drop(taken);
    for _ in 0..3 {
        assert_eq!(room.ask(Changes::default()).await.changed.rows, 1);
    }
}

async fn what_others_spend_counts_on_the_installations_budget(database: Database) {
    let of_other = |number, at| LedgerRow {
        tenant: TenantId(2),
        key: ApiKeyId(2),
        ..request(number, at, 50, 50)
    };
    let rows = [
        of_other(1, 0),
        of_other(2, MINUTE),
        request(3, 2 * MINUTE, 50, 50),
    ];
    let room = Room::new(&database, &rows).await;
    tenant(&room.store, "other").await;
    let mut room = room;
    room.take_over().await;
    let only_acme = |changes| Question {
        tenant: Some(TenantId(1)),
        ..question(changes)
    };
    let everybodys = put(budget(Scope::Installation, Period::Daily, 100));
    let answer = room
        .whatif
        .ask(only_acme(everybodys))
        .await
        .unwrap()
        .changed;
    assert_eq!((answer.rows, answer.total.requests), (3, 1));
    assert_eq!(answer.total.refused, 1);
    // Without it, the others' rows are not even read.
    let own = tenants_budget(Period::Daily, 100);
    let answer = room.whatif.ask(only_acme(own)).await.unwrap().changed;
    assert_eq!((answer.rows, answer.total.refused), (1, 0));
}

async fn a_later_try_is_not_made_where_the_first_is_refused(database: Database) {
    let first = request(1, 0, 80, 0);
    let second = LedgerRow {
        attempt_of: Some(first.request),
        ..request(2, MINUTE, 10, 10)
    };
    let room = Room::new(&database, &[first, second]).await;
    let answer = room.ask(tenants_budget(Period::Total, 50)).await.changed;
    let expected = BTreeMap::from([("budget_exceeded", 1), ("first_try_refused", 1)]);
    assert_eq!(answer.refused_by, expected);
    // A try counts as no request of its own.
    let changes = Changes {
        rates: vec![RateChange {
            subject: RateOwner::Tenant(TenantId(1)),
            requests: Some(1),
            tokens: None,
            concurrent: None,
        }],
        ..Changes::default()
    };
    assert_eq!(room.ask(changes).await.changed.total.admitted, 2);
}

async fn a_session_counts_what_it_cost_before(database: Database) {
    let of = |number, at, name: &str| LedgerRow {
        session: Some(session(name)),
        ..request(number, at, 40, 40)
    };
    let rows = [
        of(1, -MINUTE, "chat"),
        of(2, MINUTE, "chat"),
        of(3, 2 * MINUTE, "chat"),
        of(4, 3 * MINUTE, "other"),
        of(5, 4 * MINUTE, "other"),
        of(6, 5 * MINUTE, "other"),
    ];
    let mut room = Room::new(&database, &rows).await;
    let set = room
        .store
        .set_default_session_budget(TenantId(1), Some(usd(100)), &STAMP);
    set.await.unwrap();
    room.take_over().await;
    let answer = room.ask(Changes::default()).await.changed;
    let decisions = [
        (rows[1].request, "admitted:"),
        (rows[2].request, "budget_exceeded:session"),
        (rows[3].request, "admitted:"),
        (rows[4].request, "admitted:"),
        (rows[5].request, "budget_exceeded:session"),
    ];
    assert_eq!(answer.decisions_hash(), digest(&decisions));
}

async fn a_model_without_a_price_is_refused_by_the_first_budget(database: Database) {
    let unpriced = LedgerRow {
        price: None,
        ..request(1, 0, 0, 0)
    };
    let free = LedgerRow {
        route: "/v1/models".into(),
        price: None,
        ..request(2, 1, 0, 0)
    };
    let room = Room::new(&database, &[unpriced, free]).await;
    assert_eq!(room.ask(Changes::default()).await.changed.total.refused, 0);
    let answer = room.ask(tenants_budget(Period::Total, 50)).await.changed;
    assert_eq!(answer.refused_by, BTreeMap::from([("unpriced_model", 1)]));
    let mut shadow = budget(Scope::Tenant(TenantId(1)), Period::Total, 50);
    shadow.mode = Mode::Shadow;
    assert_eq!(room.ask(put(shadow)).await.changed.total.refused, 0);
}

async fn a_refused_request_comes_through_only_where_there_is_more_room_than_before(
    database: Database,
) {
    let rows = [
        request(1, 0, 60, 60),
        refused(2, MINUTE, "budget_exceeded"),
        refused(3, 2 * MINUTE, "budget_exceeded"),
    ];
    let mut room = Room::new(&database, &rows).await;
    room.set(Scope::Tenant(TenantId(1)), Period::Daily, 100)
        .await;
    // There were 40 left, and it needed more. With 50 in all the first one would not have been admitted.
    for (limit, newly_admitted) in [(50, 2), (60, 0), (100, 0), (101, 2)] {
        let answer = room.ask(tenants_budget(Period::Daily, limit)).await.changed;
        assert_eq!(answer.total.newly_admitted, newly_admitted, "{limit}");
    }
    let removed = Changes {
        budgets: vec![BudgetChange::Remove(BudgetId(1))],
        ..Changes::default()
    };
    assert_eq!(room.ask(removed).await.changed.total.newly_admitted, 2);
}

async fn nothing_is_written(database: Database) {
    let rows = [request(1, 0, 60, 60), request(2, MINUTE, 60, 60)];
    let room = Room::new(&database, &rows).await;
    let version = room.store.catalog_version().await.unwrap();
    let answer = room.ask(tenants_budget(Period::Total, 100)).await.changed;
    assert_eq!(answer.total.refused, 1);
    assert_eq!(room.store.catalog_version().await.unwrap(), version);
    let budgets = room.store.list_budgets(Scope::Tenant(TenantId(1))).await;
    assert_eq!(budgets.unwrap(), []);
    let everything = Coverage::all_of(Scope::Installation);
    let spent = room.store.spent(&[(&everything, Window::TOTAL)], &[]).await;
    assert_eq!(spent.unwrap(), [usd(120)]);
}
