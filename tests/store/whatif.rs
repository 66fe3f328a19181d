//! What would have happened: the replay of recorded requests, against models that reckon in the plainest way.

mod bounds;
mod budgets;
mod model;
mod needs;
mod rates;
mod rules;

use std::sync::Arc;

use budgetguard::catalog::Catalog;
use budgetguard::domain::budget::shadow::Mode;
use budgetguard::domain::budget::{Budget, Coverage, Scope};
use budgetguard::domain::id::{ApiKeyId, RequestId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::Inheritance;
use budgetguard::domain::window::{Clock, ManualClock, Period, UtcMicros, Window};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::policy::installed::InstalledPolicy;
use budgetguard::store::Store;
use budgetguard::store::budgets::BudgetSettings;
use budgetguard::whatif::change::{BudgetChange, Changes, new_id};
use budgetguard::whatif::figures::{Answer, Figures};
use budgetguard::whatif::{Bounds, Question, WhatIf};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::refresher::{NoDefaults, refresher, spool};
use crate::support::{Database, STAMP, key, row, tenant};

/// Monday 2026-06-01 12:00 UTC, from where on is asked.
const FROM: UtcMicros = UtcMicros::new(1_780_315_200_000_000);
const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;
const ACME: TenantId = TenantId(1);

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
}

impl Room {
    async fn new(database: &Database, rows: &[LedgerRow]) -> Self {
        let store = database.store.clone();
        let acme = tenant(&store, "acme").await.tenant.id;
        assert_eq!(acme, ACME);
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

    /// What a budget of the tenant's would have done.
    async fn with_budget(&self, period: Period, limit: i64) -> Figures {
        self.ask(tenants_budget(period, limit)).await.changed
    }
}

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
        tenant: (scope != Scope::Installation).then_some(ACME),
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
    put(budget(Scope::Tenant(ACME), period, limit))
}

fn digest(decisions: &[(RequestId, &str)]) -> String {
    let mut hasher = Sha256::new();
    for (request, decision) in decisions {
        hasher.update(request.as_bytes());
        hasher.update(format!("{decision}\n"));
    }
    hex::encode(hasher.finalize())
}
