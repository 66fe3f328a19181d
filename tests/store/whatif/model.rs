//! Streams of requests, and a budget reckoned in the plainest way.

use std::collections::BTreeMap;

use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{Period, UtcMicros};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{DAY, id, request, usd};

const STREAMS: usize = 24;

/// A stream of requests as numbers: how long after the one before, for how long, what was held, and what part
/// of it was paid, in percent.
pub(super) type Stream = Vec<(i64, u64, i64, i64)>;

fn stream() -> impl Strategy<Value = Stream> {
    let gap = prop_oneof![4 => 0_i64..2_000_000, 1 => 0_i64..DAY / 2, 1 => Just(0)];
    let one = (gap, 0_u64..90_000_000, 0_i64..200, 0_i64..=120);
    proptest::collection::vec(one, 1..60)
}

pub(super) fn rows_of(stream: &[(i64, u64, i64, i64)], start: i64) -> Vec<LedgerRow> {
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

/// Some streams, each with a limit and a period: the same in each run.
pub(super) fn some_streams() -> impl Iterator<Item = (Stream, i64, Period)> {
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

/// The rows of a stream in a time that no other stream has, and when it begins.
pub(super) fn shifted(stream: &[(i64, u64, i64, i64)], number: usize) -> (Vec<LedgerRow>, i64) {
    let start = i64::try_from(number).unwrap() * 400 * DAY;
    let mut rows = rows_of(stream, start);
    for (index, row) in rows.iter_mut().enumerate() {
        let number = u64::try_from(number * 1_000 + index).unwrap();
        row.request = id(number, row.at);
    }
    (rows, start)
}

/// What has to be spent and held by whom.
struct UnderWay {
    end: (UtcMicros, RequestId),
    day: i64,
    held: i64,
    cost: i64,
}

/// A daily or an endless budget of one tenant.
pub(super) struct Model {
    period: Period,
    pub(super) limit: i64,
    /// What is spent and held, by day; all under one day where there are none.
    accounts: BTreeMap<i64, (i64, i64)>,
    under_way: Vec<UnderWay>,
    pub(super) highest: i64,
}

/// What a model says of some requests.
pub(super) struct Expected {
    pub(super) decisions: Vec<(RequestId, &'static str)>,
    pub(super) saved: Usd,
    pub(super) first_refused_at: Option<UtcMicros>,
}

impl Model {
    pub(super) fn new(period: Period, limit: i64) -> Self {
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

    pub(super) fn spend(&mut self, at: UtcMicros, cost: Usd) {
        let day = self.day(at);
        self.accounts.entry(day).or_default().0 += cost.nanos();
    }

    pub(super) fn is_within(&self) -> bool {
        let mut spent = self.accounts.values().map(|(spent, _)| *spent);
        spent.all(|spent| spent <= self.limit)
    }

    fn look(&mut self, day: i64) {
        let (spent, held) = self.accounts[&day];
        self.highest = self.highest.max(spent + held);
    }

    fn end_before(&mut self, next: (UtcMicros, RequestId)) {
        self.under_way.sort_by_key(|it| it.end);
        let ended = self.under_way.partition_point(|it| it.end < next);
        let ended: Vec<UnderWay> = self.under_way.drain(..ended).collect();
        for it in ended {
            let (spent, held) = self.accounts[&it.day];
            self.accounts
                .insert(it.day, (spent + it.cost, held - it.held));
            self.look(it.day);
        }
    }

    /// What a request holds, if it is admitted: what it held, or what there is room for if it cost no more.
    pub(super) fn admits(&mut self, row: &LedgerRow) -> Option<Usd> {
        self.end_before((row.at, row.request));
        let day = self.day(row.at);
        let (held, cost) = (row.held.nanos(), row.cost.nanos());
        let account = self.accounts.entry(day).or_default();
        let room = self.limit - account.0 - account.1;
        if room < cost.max(1).min(held) {
            return None;
        }
        let held = held.min(room);
        account.1 += held;
        self.look(day);
        let end = UtcMicros::new(row.at.get() + i64::try_from(row.latency_us).unwrap());
        self.under_way.push(UnderWay {
            end: (end, row.request),
            day,
            held,
            cost,
        });
        Some(usd(held))
    }

    /// Decides on some requests, one after the other.
    pub(super) fn replay(&mut self, rows: &[LedgerRow]) -> Expected {
        let mut expected = Expected {
            decisions: Vec::new(),
            saved: Usd::ZERO,
            first_refused_at: None,
        };
        for row in rows {
            let is_admitted = self.admits(row).is_some();
            let decision = if is_admitted {
                "admitted:"
            } else {
                expected.saved = expected.saved.saturating_add(row.cost);
                expected.first_refused_at.get_or_insert(row.at);
                "budget_exceeded:tenant"
            };
            expected.decisions.push((row.request, decision));
        }
        expected
    }

    /// What the gateway would have written of a request under this budget.
    pub(super) fn recorded(&mut self, row: LedgerRow) -> LedgerRow {
        match self.admits(&row) {
            Some(held) => LedgerRow { held, ..row },
            None => LedgerRow {
                status: Status::Blocked,
                reason: Some("budget_exceeded".into()),
                latency_us: 0,
                price: None,
                cost: Usd::ZERO,
                held: Usd::ZERO,
                ..row
            },
        }
    }
}
