//! The ledger in either order, by time and by cost, and only rows of some costs, keys and providers.

use budgetguard::domain::id::{ApiKeyId, ProviderName};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::window::UtcMicros;
use serde_json::Value;

use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::support::{Refused, assert_all_refused, furnish, row};

on_both_databases!(
    rows_come_in_the_order_that_is_asked_for,
    rows_that_match_come_in_the_same_order,
    pages_and_cursors_go_through_all_rows_in_each_order,
    filters_are_those_of_the_export_too,
    what_cannot_be_asked_is_refused_by_name,
);

/// Number, cost, key, provider and status of rows, each a second after the one before.
const ROWS: [(u8, i64, i64, &str, Status); 6] = [
    (1, 5, 1, "openai", Status::Success),
    (2, 1, 1, "openai", Status::Success),
    (3, 9, 2, "azure", Status::Success),
    (4, 0, 2, "openai", Status::Blocked),
    (5, 5, 1, "azure", Status::Failed),
    (6, 3, 2, "openai", Status::Success),
];

async fn with_rows(place: &Place) -> Installation {
    let installation = place.installation(options()).await;
    furnish(&installation).await;
    let rows = ROWS.map(|(number, cost, key, provider, status)| LedgerRow {
        key: ApiKeyId(key),
        provider: ProviderName::new(provider),
        status,
        latency_us: u64::from(number) * 1_000,
        ..row(
            number,
            UtcMicros::new(NOW.get() + i64::from(number) * 1_000_000),
            "gpt-a",
            cost * 1_000_000_000,
        )
    });
    installation.state.store.append(&rows).await.unwrap();
    installation
}

/// The numbers of the rows of a page.
fn numbers(page: &Value) -> Vec<u64> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| row["latencyMs"].as_u64().unwrap()).collect()
}

const ORDERS: [(&str, [u64; 6]); 5] = [
    ("", [6, 5, 4, 3, 2, 1]),
    ("order=asc", [1, 2, 3, 4, 5, 6]),
    ("sort=at&order=desc", [6, 5, 4, 3, 2, 1]),
    ("sort=cost", [3, 5, 1, 6, 2, 4]),
    ("sort=cost&order=asc", [4, 2, 6, 1, 5, 3]),
];
const BASES: [&str; 2] = ["/admin/tenant/1/usage/ledger?", "/admin/usage/ledger?"];

async fn rows_come_in_the_order_that_is_asked_for(place: Place) {
    let installation = with_rows(&place).await;
    for base in BASES {
        for (query, expected) in ORDERS {
            let page = installation.get(&format!("{base}{query}")).await;
            assert_eq!(numbers(&page), expected, "{base}{query}");
            assert_eq!(page["total"], 6, "{base}{query}");
            assert_eq!(page["isTotalExact"], true, "{base}{query}");
        }
    }
}

async fn rows_that_match_come_in_the_same_order(place: Place) {
    let installation = with_rows(&place).await;
    for base in BASES {
        for (query, expected) in FILTERS {
            for (order, all) in ORDERS {
                let query = format!("{base}{query}&{order}");
                let page = installation.get(&query).await;
                let mut wanted = all.to_vec();
                wanted.retain(|number| expected.contains(number));
                assert_eq!(numbers(&page), wanted, "{query}");
                assert_eq!(page["total"], expected.len(), "{query}");
            }
        }
    }
}

const FILTERS: [(&str, &[u64]); 10] = [
    ("keyId=1", &[1, 2, 5]),
    ("keyId=9", &[]),
    ("keyId=2&status=success", &[3, 6]),
    ("provider=azure", &[3, 5]),
    ("provider=azu", &[]),
    ("minCost=5", &[1, 3, 5]),
    ("maxCost=1", &[2, 4]),
    ("minCost=1&maxCost=5&provider=openai", &[1, 2, 6]),
    ("minCost=3.000000001&keyId=1", &[1, 5]),
    ("minCost=5&maxCost=4", &[]),
];

async fn pages_and_cursors_go_through_all_rows_in_each_order(place: Place) {
    let installation = with_rows(&place).await;
    for (query, expected) in ORDERS {
        let base = format!("/admin/usage/ledger?{query}&limit=4");
        let first = installation.get(&base).await;
        let second = installation.get(&format!("{base}&page=1")).await;
        let all = [numbers(&first), numbers(&second)].concat();
        assert_eq!(all, expected, "{query}");
        let cursor = first["nextCursor"].as_str().unwrap();
        let after = installation.get(&format!("{base}&cursor={cursor}")).await;
        assert_eq!(numbers(&after), numbers(&second), "{query}");
        assert_eq!(after["nextCursor"], Value::Null, "{query}");
    }
}

async fn filters_are_those_of_the_export_too(place: Place) {
    let installation = with_rows(&place).await;
    for (query, expected) in FILTERS {
        let path = format!("/admin/usage/ledger/export?{query}");
        let answer = installation.call("GET", &path, "").await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let lines = answer.text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["row"]["latency_us"]
                .as_str()
                .unwrap()
                .parse::<u64>()
                .unwrap()
                / 1_000
        });
        assert_eq!(lines.collect::<Vec<_>>(), expected, "{query}");
    }
}

async fn what_cannot_be_asked_is_refused_by_name(place: Place) {
    let installation = with_rows(&place).await;
    #[rustfmt::skip]
    let refused: [Refused; 11] = [
        ("GET", "/admin/usage/ledger?sort=price", "", 400, "sort must be one of: at, cost"),
        ("GET", "/admin/usage/ledger?order=up", "", 400, "order must be one of: asc, desc"),
        ("GET", "/admin/usage/ledger?keyId=0", "", 400, "keyId must be"),
        ("GET", "/admin/usage/ledger?keyId=abc", "", 400, "keyId must be"),
        ("GET", "/admin/usage/ledger?minCost=-1", "", 400, "minCost must be an amount"),
        ("GET", "/admin/usage/ledger?maxCost=much", "", 400, "maxCost must be an amount"),
        ("GET", "/admin/usage/ledger?minCost=0.0000000001", "", 400, "minCost must be an amount"),
        ("GET", "/admin/usage/ledger?sort=cost&page=100&limit=100", "", 400, "page reaches only the first 10000"),
        ("GET", "/admin/usage/ledger?minCost=1&page=1000000000", "", 400, "page reaches only the first 10000"),
        ("GET", "/admin/usage/ledger?sort=cost&cursor=AAAA", "", 400, "cursor must be"),
        ("GET", "/admin/usage/ledger/export?minCost=x", "", 400, "minCost must be an amount"),
    ];
    assert_all_refused(&installation, &refused).await;
    let by_time = installation.get("/admin/usage/ledger?limit=1").await;
    let cursor = by_time["nextCursor"].as_str().unwrap();
    let mixed = format!("/admin/usage/ledger?sort=cost&cursor={cursor}");
    let answer = installation.call("GET", &mixed, "").await;
    crate::support::assert_refused(&answer, 400, "in the same order", &mixed);
}
