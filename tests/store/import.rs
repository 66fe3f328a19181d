//! The database of a TypeScript BudgetGuard comes over: whole, once, and to the nano-dollar.

#![expect(clippy::similar_names, reason = "each test tells one story")]

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::id::{ApiKeyId, ModelName, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{Inheritance, print_shares};
use budgetguard::domain::usage::RateKind;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::import::{Exact, ImportOptions, Report, run};
use budgetguard::store::budgets::BudgetRecord;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::{Page, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Database, NOW, STAMP, Schema, tenant};

on_both_databases![
    everything_comes_over_once,
    tenants_of_the_same_name_are_one,
    a_dry_run_writes_nothing,
    what_is_new_comes_over_later,
    spending_is_the_same_to_the_nano_dollar_whatever_it_is,
    prices_are_of_their_time_unless_they_are_wanted_now,
];

const SCHEMA: &str = include_str!("../fixtures/original/schema.sql");
const DATA: &str = include_str!("../fixtures/original/data.sql");
const OPTIONS: ImportOptions = ImportOptions {
    is_dry_run: false,
    prices_in_force: false,
    at: NOW,
};
const ALL: Page = Page {
    limit: 1_000,
    offset: 0,
};

/// The database of the original, in a schema of its own.
async fn original() -> Option<Schema> {
    let schema = Schema::new().await?;
    schema.run_inside(SCHEMA).await;
    Some(schema)
}

async fn imported(store: &Store, original: &Schema) -> Report {
    let report = run(store, &original.url(), OPTIONS).await.unwrap();
    assert!(report.adds_up(), "{report:#?}");
    report
}

/// The kinds in a report: found, imported, here already, left out.
fn figures(report: &Report) -> Vec<(&'static str, u64, u64, u64, u64)> {
    let kinds = report.kinds.iter().filter(|(_, tally)| tally.found > 0);
    let figures = kinds.map(|(kind, tally)| {
        let skipped = tally.skipped.values().map(|cases| cases.count).sum();
        (
            *kind,
            tally.found,
            tally.imported,
            tally.already_there,
            skipped,
        )
    });
    figures.collect()
}

async fn ledger(store: &Store) -> Vec<LedgerRow> {
    let listed = store.ledger_page(&LedgerFilter::default(), ALL).await;
    let mut rows: Vec<_> = listed.unwrap().rows.into_iter().map(|it| it.row).collect();
    rows.reverse();
    rows
}

async fn id_of(store: &Store, name: &str) -> TenantId {
    let found = store.tenant_named(name).await.unwrap();
    found.unwrap_or_else(|| panic!("no {name}")).tenant.id
}

async fn everything_comes_over_once(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    original.run_inside(DATA).await;
    let store = &database.store;
    let first = imported(store, &original).await;
    assert_eq!(
        figures(&first),
        [
            ("tenants", 4, 4, 0, 0),
            ("deleted tenants", 1, 1, 0, 0),
            ("tags", 8, 8, 0, 0),
            ("prices", 4, 2, 0, 2),
            ("sessions", 3, 3, 0, 0),
            ("ledger", 12, 10, 0, 2),
            ("budgets", 9, 6, 0, 3),
            ("tag budgets", 6, 4, 0, 2),
            ("keys", 5, 3, 0, 2),
            ("tagging rules", 1, 0, 0, 1),
            ("audit log", 1, 0, 0, 1),
        ]
    );
    assert_tenants(store).await;
    assert_tags(store).await;
    assert_budgets(store).await;
    assert_ledger(store, &first).await;
    assert_sessions(store).await;
    let catalog = store.load_catalog().await.unwrap();
    let second = imported(store, &original).await;
    for (kind, found, imported, already_there, skipped) in figures(&second) {
        assert_eq!(imported, 0, "{kind}");
        assert_eq!(already_there + skipped, found, "{kind}");
    }
    assert_eq!(second.spending, first.spending);
    let again = store.load_catalog().await.unwrap();
    assert_eq!(again, catalog, "the second run changed something");
    original.drop().await;
}

async fn assert_tenants(store: &Store) {
    let acme = store.tenant_named("acme").await.unwrap().unwrap();
    assert_eq!(acme.tenant.requests_per_minute, Some(0));
    let budget = Some(Usd::from_nanos(1_500_000_000));
    assert_eq!(acme.tenant.default_session_budget, budget);
    assert_eq!(acme.created_at.to_string(), "2025-06-02T10:00:00.000Z");
    let last = store.tenant_named("last").await.unwrap().unwrap();
    assert_eq!(last.tenant.default_session_budget, Some(Usd::ZERO));
    assert_eq!(store.tenant_named("gone").await.unwrap(), None);
    let keys = store.list_keys(acme.tenant.id).await.unwrap();
    let shown: Vec<_> = keys
        .iter()
        .map(|key| (&*key.prefix, key.is_active))
        .collect();
    assert_eq!(shown, [("3f9a1c7b", true), ("deadbeef", false)]);
    let catalog = store.load_catalog().await.unwrap();
    assert!(catalog.keys.is_empty(), "a key that nobody has shown yet");
    assert_eq!(catalog.legacy_keys.len(), 2, "{:?}", catalog.legacy_keys);
}

async fn tag(store: &Store, tenant: TenantId, name: &str) -> TagId {
    let tags = store.list_tags(tenant).await.unwrap();
    let found = tags.iter().find(|tag| tag.tag.name == name);
    found.unwrap_or_else(|| panic!("no {name}")).tag.id
}

async fn assert_tags(store: &Store) {
    let acme = id_of(store, "acme").await;
    let tags = store.list_tags(acme).await.unwrap();
    let (team, late) = (
        tag(store, acme, "team").await,
        tag(store, acme, "late").await,
    );
    let shown: Vec<_> = tags
        .iter()
        .map(|tag| (&*tag.tag.name, tag.tag.parent, tag.tag.is_active))
        .collect();
    assert_eq!(
        shown,
        [
            ("team", None, true),
            ("research", Some(team), true),
            ("retired", None, false),
            ("early", Some(late), true),
            ("late", None, true),
            ("round", None, true),
            ("and, round", None, true),
        ]
    );
    assert_eq!(tags[0].color.as_deref(), Some("#ff0000"));
    assert!(tags[0].metadata.as_deref().unwrap().contains("centre"));
    assert_eq!(tags[1].metadata, None);
    assert_eq!(
        tags[1].tag.session_budget,
        Some(Usd::from_nanos(750_000_000))
    );
}

/// Period, limit and whether it is in force.
fn terms(budgets: &[BudgetRecord]) -> Vec<(&'static str, String, bool)> {
    let terms = budgets.iter().map(|it| {
        let budget = &it.budget;
        (budget.period.name(), budget.limit.to_string(), it.is_active)
    });
    terms.collect()
}

async fn assert_budgets(store: &Store) {
    let acme = id_of(store, "acme").await;
    let own = store.list_budgets(Scope::Tenant(acme)).await.unwrap();
    let term = |period, limit: &str, is_active| (period, limit.to_owned(), is_active);
    assert_eq!(
        terms(&own),
        [
            term("monthly", "100", false),
            term("monthly", "50", true),
            term("custom", "7", false),
            term("custom", "9", true),
        ]
    );
    let Period::Custom(window) = own[3].budget.period else {
        panic!("{:?}", own[3]);
    };
    assert_eq!(window.end.to_string(), "2100-01-01T00:00:00.000Z");
    let odd = id_of(store, "Żółw & søn").await;
    let odd = store.list_budgets(Scope::Tenant(odd)).await.unwrap();
    assert_eq!(terms(&odd), [term("daily", "0", true)]);
    let last = id_of(store, "last").await;
    let last = store.list_budgets(Scope::Tenant(last)).await.unwrap();
    assert_eq!(last[0].budget.limit, Usd::MAX);
    let team = Scope::Tag(tag(store, acme, "team").await);
    let team = store.list_budgets(team).await.unwrap();
    assert_eq!(terms(&team), [term("daily", "5", true)]);
    assert_eq!(team[0].budget.coverage.weight.millionths(), 500_000);
    assert_eq!(team[0].budget.inheritance, Inheritance::Strict);
    assert!(team[0].thresholds.as_deref().unwrap().contains("80"));
    let research = Scope::Tag(tag(store, acme, "research").await);
    let research = store.list_budgets(research).await.unwrap();
    assert_eq!(
        terms(&research),
        [term("monthly", "3", true), term("daily", "3", false)]
    );
    assert_eq!(research[0].budget.coverage.weight.millionths(), 333_334);
    assert_eq!(research[0].budget.inheritance, Inheritance::Bypass);
}

async fn assert_ledger(store: &Store, report: &Report) {
    let rows = ledger(store).await;
    assert_eq!(rows.len(), 10);
    let acme = id_of(store, "acme").await;
    let (research, team) = (
        tag(store, acme, "research").await,
        tag(store, acme, "team").await,
    );
    let (early, late) = (
        tag(store, acme, "early").await,
        tag(store, acme, "late").await,
    );
    let first = &rows[0];
    assert_eq!(first.at.to_string(), "2025-06-05T11:00:00.001Z");
    assert_eq!(first.request.millis(), first.at.as_millis());
    assert_eq!((first.tenant, first.key), (acme, ApiKeyId(0)));
    assert_eq!(first.cost, Usd::from_nanos(7_500_000));
    assert_eq!((first.usage.input, first.usage.output), (100, 50));
    assert_eq!(first.provider.as_str(), "openai");
    let shares = format!("{research}:1000000,{team}:1000000^,{early}:500000,{late}:500000^");
    assert_eq!(print_shares(&first.tags), Some(shares));
    let by_status = |status| rows.iter().filter(|row| row.status == status).count();
    assert_eq!(by_status(Status::Success), 8);
    assert_eq!(by_status(Status::Blocked), 1);
    let odd = rows
        .iter()
        .find(|row| row.status == Status::Failed)
        .unwrap();
    assert_eq!(odd.reason.as_deref(), Some("gave_up"));
    let fine: Vec<i64> = rows.iter().map(|row| row.cost.nanos()).collect();
    assert!(fine.contains(&1), "{fine:?}");
    assert!(fine.contains(&2_000_000_000), "{fine:?}");
    let stranger = rows
        .iter()
        .find(|row| row.model.as_str() == "nobodys-model");
    assert_eq!(stranger.unwrap().provider.as_str(), "unknown");
    assert_spending(store, report, &fine).await;
}

async fn assert_spending(store: &Store, report: &Report, costs: &[i64]) {
    let acme = id_of(store, "acme").await;
    let team = tag(store, acme, "team").await;
    let exact = |text| Exact::parse(text).unwrap();
    let spending = &report.spending;
    assert_eq!(
        spending.source,
        exact("10000000002.682499999500000000000000000001")
    );
    assert_eq!(spending.skipped, exact("10000000000"));
    assert_eq!(spending.raised, exact("0.25"));
    let sum: i64 = costs.iter().sum();
    assert_eq!(spending.here, Exact::from_usd(Usd::from_nanos(sum)));
    let counted = store
        .spent(
            &[(&Coverage::all_of(Scope::Tenant(acme)), Window::TOTAL)],
            &[],
        )
        .await;
    assert_eq!(counted.unwrap(), [Usd::from_nanos(2_232_500_001)]);
    let of_team = Coverage::all_of(Scope::Tag(team));
    let counted = store.spent(&[(&of_team, Window::TOTAL)], &[]).await;
    assert_eq!(counted.unwrap(), [Usd::from_nanos(7_500_000)]);
}

async fn assert_sessions(store: &Store) {
    let acme = id_of(store, "acme").await;
    let agent = store.session(acme, "agent-1").await.unwrap().unwrap();
    assert_eq!(agent.name.as_deref(), Some("Agent"));
    assert_eq!(agent.path.as_deref(), Some("/a/b"));
    assert_eq!(agent.own_budget, None, "its tenant says the same");
    assert_eq!(agent.cost, Usd::from_nanos(7_500_001));
    let tagged = store.session(acme, "agent-2").await.unwrap().unwrap();
    assert_eq!(tagged.own_budget, None, "its tag says the same");
    assert_eq!(tagged.tags.len(), 2);
    let odd = id_of(store, "Żółw & søn").await;
    let own = store.session(odd, "agent-ü").await.unwrap().unwrap();
    assert_eq!(own.own_budget, Some(Usd::from_nanos(250_000_000)));
    assert!(store.session(acme, "unseen").await.unwrap().is_some());
}

async fn tenants_of_the_same_name_are_one(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    original.run_inside(DATA).await;
    let store = &database.store;
    let public = tenant(store, "public").await.tenant.id;
    let acme = tenant(store, "acme").await.tenant.id;
    store
        .set_default_session_budget(acme, Some(Usd::from_nanos(3)), &STAMP)
        .await
        .unwrap();
    imported(store, &original).await;
    assert_eq!(id_of(store, "public").await, public);
    let merged = store.tenant_named("acme").await.unwrap().unwrap();
    assert_eq!(merged.tenant.id, acme);
    assert_eq!(
        merged.tenant.default_session_budget,
        Some(Usd::from_nanos(3)),
        "what was set here stays"
    );
    assert_eq!(merged.tenant.requests_per_minute, Some(0));
    assert_eq!(store.list_keys(acme).await.unwrap().len(), 2);
    original.drop().await;
}

async fn a_dry_run_writes_nothing(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    original.run_inside(DATA).await;
    let store = &database.store;
    let before = store.load_catalog().await.unwrap();
    let dry = ImportOptions {
        is_dry_run: true,
        ..OPTIONS
    };
    let told = run(store, &original.url(), dry).await.unwrap();
    assert!(told.adds_up(), "{told:#?}");
    assert_eq!(store.load_catalog().await.unwrap(), before);
    assert!(ledger(store).await.is_empty());
    let done = imported(store, &original).await;
    let sorted = |report| {
        let mut figures = figures(report);
        figures.sort_unstable();
        figures
    };
    assert_eq!(sorted(&told), sorted(&done));
    assert_eq!(told.spending, done.spending);
    let told = run(store, &original.url(), dry).await.unwrap();
    for (kind, _, imported, ..) in figures(&told) {
        assert_eq!(imported, 0, "{kind}");
    }
    original.drop().await;
}

async fn what_is_new_comes_over_later(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    original.run_inside(DATA).await;
    let store = &database.store;
    imported(store, &original).await;
    let recounts = store.load_catalog().await.unwrap().recounts;
    assert_eq!(recounts, 1, "running gateways count anew");
    original
        .run_inside(
            "INSERT INTO \"UsageLedger\" (id, tenant, route, usd, \"promptTok\", \"compTok\", \
             \"tenantId\", model) VALUES (11, 'acme', '/v1/responses', 0.4, 1, 1, 2, 'x'), \
             (200000, 'acme', '/v1/responses', 0.6, 1, 1, 2, 'x'); \
             INSERT INTO \"Budget\" (id, \"tenantId\", period, \"amountUsd\") \
             VALUES (100, 2, 'daily', 4); \
             UPDATE \"ModelPricing\" SET \"outputPrice\" = 11, \"updatedAt\" = now() WHERE id = 1;",
        )
        .await;
    let later = imported(store, &original).await;
    let new: Vec<_> = figures(&later)
        .into_iter()
        .filter(|(_, _, imported, ..)| *imported > 0)
        .map(|(kind, _, imported, ..)| (kind, imported))
        .collect();
    assert_eq!(new, [("prices", 1), ("ledger", 2), ("budgets", 1)]);
    assert_eq!(ledger(store).await.len(), 12);
    assert_eq!(store.load_catalog().await.unwrap().recounts, 2);
    original.drop().await;
}

/// Decimals of up to thirty places, few of them alike.
fn amounts() -> impl Strategy<Value = Vec<(u32, u64, u64, bool)>> {
    let amount = (0_u32..2_000_000, any::<u64>(), any::<u64>(), any::<bool>());
    prop::collection::vec(amount, 1..40)
}

async fn spending_is_the_same_to_the_nano_dollar_whatever_it_is(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    let mut runner = TestRunner::new(Config::with_cases(8));
    for case in 0..8_u32 {
        let tree = amounts().new_tree(&mut runner).unwrap();
        for (number, (whole, nanos, rest, is_negative)) in tree.current().iter().enumerate() {
            let sign = if *is_negative && number % 5 == 0 {
                "-"
            } else {
                ""
            };
            let (nanos, rest) = (nanos % 1_000_000_000, rest % 10_u64.pow(18));
            original
                .run_inside(&format!(
                    "INSERT INTO \"UsageLedger\" (id, tenant, route, usd, \"promptTok\", \
                     \"compTok\", \"tenantId\", model) VALUES ({}, 'public', '/', \
                     {sign}{whole}.{nanos:09}{rest:021}, 1, 1, 1, 'x')",
                    case * 7_000 + u32::try_from(number).unwrap()
                ))
                .await;
        }
        let report = imported(&database.store, &original).await;
        let here: i64 = ledger(&database.store)
            .await
            .iter()
            .map(|row| row.cost.nanos())
            .sum();
        assert_eq!(report.spending.here, Exact::from_usd(Usd::from_nanos(here)));
        let rows = report.kind("ledger").unwrap().found;
        let most = Exact::from_usd(Usd::from_nanos(rows.cast_signed()));
        assert!(report.spending.rounded_up < most, "{report:?}");
    }
    original.drop().await;
}

async fn prices_are_of_their_time_unless_they_are_wanted_now(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    original.run_inside(DATA).await;
    let store = &database.store;
    imported(store, &original).await;
    let price = async |name, at| {
        let name = ModelName::new(name);
        let found = store.prices_of_model(&name, at).await;
        found.unwrap().remove(0)
    };
    let then = price("house-model", NOW).await;
    assert_eq!(then.effective_from.to_string(), "2025-06-01T12:00:00.000Z");
    let rates = &then.price.bands[0].rates;
    assert_eq!(rates.get(RateKind::CachedInput).unwrap().picos(), 1_250_000);
    let fine = price("fine-model", NOW).await;
    let rates = &fine.price.bands[0].rates;
    assert_eq!(rates.get(RateKind::Input).unwrap().picos(), 1);
    assert_eq!(rates.get(RateKind::CachedInput), None, "else it were free");
    original
        .run_inside("UPDATE \"ModelPricing\" SET \"outputPrice\" = 12 WHERE id = 1")
        .await;
    let now = ImportOptions {
        prices_in_force: true,
        at: UtcMicros::new(NOW.get() + 1),
        ..OPTIONS
    };
    run(store, &original.url(), now).await.unwrap();
    let in_force = price("house-model", now.at).await;
    assert_eq!(in_force.effective_from, now.at);
    let output = in_force.price.bands[0].rates.get(RateKind::Output);
    assert_eq!(output.unwrap().picos(), 12_000_000);
    original.drop().await;
}
