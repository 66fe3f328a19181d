//! What was spent: by period, day and model, and the ledger's rows.

use budgetguard::domain::ledger::Status;
use budgetguard::domain::ledger::chain::ExportLine;
use budgetguard::domain::window::UtcMicros;
use serde_json::{Value, json};

use crate::installation::{Installation, NOW};
use crate::support::{assert_fields, assert_refused, furnished, row};

const DAY: i64 = 86_400_000_000;
/// Queries to the rows of [`with_rows`], and how many of them match.
const QUERIES: [(&str, u64); 10] = [
    ("", 3),
    ("model=gpt-C", 1),
    ("model=%25", 0),
    ("route=CHAT", 3),
    ("status=blocked", 1),
    ("startDate=2026-01-13&endDate=2026-01-14", 2),
    (
        "startDate=2026-01-13T12:00:00Z&endDate=2026-01-14T11:00:00Z",
        1,
    ),
    (
        "startDate=2026-01-15T12:00:00Z&endDate=2026-01-15T12:00:00Z",
        1,
    ),
    ("days=1", 2),
    ("model=&status=", 3),
];

fn before(days: i64) -> UtcMicros {
    UtcMicros::new(NOW.get() - days * DAY)
}

/// One row today, a blocked one yesterday, and one the day before.
async fn with_rows() -> Installation {
    let installation = furnished().await;
    let mut blocked = row(2, before(1), "gpt-b", 0);
    blocked.status = Status::Blocked;
    let (today, before) = (
        row(1, NOW, "gpt-a", 7_500_000),
        row(3, before(2), "GPT-c", 1),
    );
    let rows = [today, blocked, before];
    installation.state.store.append(&rows).await.unwrap();
    installation
}

#[tokio::test]
async fn usage_is_told_by_day_and_by_model_from_the_ledger() {
    let installation = furnished().await;
    let rows = [
        row(1, NOW, "dear", 2_000_000_000),
        row(2, before(1), "dear", 1),
        row(3, before(1), "cheap", 1_000_000_000),
        row(4, before(2), "free", 0),
        row(5, before(40), "old", 5_000_000_000),
    ];
    installation.state.store.append(&rows).await.unwrap();
    let history = "/admin/tenant/1/usage/history";
    let days = installation.get(&format!("{history}?days=2")).await;
    assert_eq!(
        days.to_string(),
        r#"[{"date":"2026-01-13","usage":0},{"date":"2026-01-14","usage":1.000000001},{"date":"2026-01-15","usage":2}]"#
    );
    let default = installation.get(history).await;
    assert_eq!(default.as_array().unwrap().len(), 31);
    let range = format!("{history}?startDate=2025-12-06&endDate=2025-12-06");
    let day = installation.get(&range).await;
    assert_eq!(
        day,
        json!([{"date": "2025-12-06", "usage": 5}]),
        "the end day counts as a whole"
    );

    let models = installation
        .call("GET", "/admin/tenant/1/usage/models", "")
        .await;
    assert_eq!(
        models.text,
        r#"[{"model":"dear","usage":2.000000001,"percentage":66.7,"requests":2},{"model":"cheap","usage":1,"percentage":33.3,"requests":1}]"#
    );
    let usage = installation.call("GET", "/admin/tenant/1/usage", "").await;
    assert!(
        usage.text.contains(r#""monthly":3.000000001"#),
        "{}",
        usage.text
    );
}

#[tokio::test]
async fn a_ledger_row_shows_the_originals_fields() {
    let installation = with_rows().await;
    let page = installation.get("/admin/tenant/1/usage/ledger").await;
    assert_fields(&page, &json!({"total": 3, "page": 0, "limit": 100}));
    let newest = json!({
        "ts": "2026-01-15T12:00:00.000Z", "tenant": "acme", "route": "/v1/chat/completions",
        "model": "gpt-a", "usd": "0.0075", "promptTok": 15, "compTok": 7, "tenantId": 1,
        "sessionId": null, "status": "success", "tags": [],
    });
    assert_fields(&page["data"][0], &newest);
    assert!(page["data"][0]["id"].is_string());
}

#[tokio::test]
async fn the_ledger_is_paged_and_filtered() {
    let installation = with_rows().await;
    for base in [
        "/admin/tenant/1/usage/ledger?",
        "/admin/usage/ledger?",
        "/admin/usage/ledger?tenantId=1&tenant=ACM&",
    ] {
        let last = installation.get(&format!("{base}page=1&limit=2")).await;
        assert_fields(&last, &json!({"total": 3, "page": 1, "limit": 2}));
        assert_eq!(last["data"].as_array().unwrap().len(), 1);
        for (query, count) in QUERIES {
            let page = installation.get(&format!("{base}{query}")).await;
            assert_eq!(page["total"], count, "{base}{query}");
        }
    }
    let nobody = "/admin/usage/ledger?tenant=nobody";
    let none: Value = installation.get(nobody).await;
    assert_fields(&none, &json!({"data": [], "total": 0}));
}

#[tokio::test]
async fn a_page_says_where_the_next_one_begins() {
    let installation = with_rows().await;
    let list = "/admin/usage/ledger?limit=2";
    let first = installation.get(list).await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = installation.get(&format!("{list}&cursor={cursor}")).await;
    let models = |page: &Value| {
        let rows = page["data"].as_array().unwrap();
        let models = rows
            .iter()
            .map(|row| row["model"].as_str().unwrap().to_owned());
        models.collect::<Vec<_>>()
    };
    assert_eq!(
        (models(&first), models(&second)),
        (
            vec!["gpt-a".to_owned(), "gpt-b".to_owned()],
            vec!["GPT-c".to_owned()]
        )
    );
    assert_eq!(
        (&second["total"], &second["nextCursor"]),
        (&json!(3), &Value::Null)
    );
    for cursor in ["x", "AAAA", "%2F%2F"] {
        let answer = installation
            .call("GET", &format!("{list}&cursor={cursor}"), "")
            .await;
        assert_refused(&answer, 400, "cursor", cursor);
    }
}

#[tokio::test]
async fn the_ledger_is_exported_as_lines_and_as_a_table() {
    let installation = with_rows().await;
    let export = async |query: &str| {
        let path = format!("/admin/usage/ledger/export?{query}");
        let answer = installation.call("GET", &path, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (
            answer.headers["content-type"].to_str().unwrap().to_owned(),
            answer.text,
        )
    };
    let (kind, lines) = export("").await;
    assert_eq!(kind, "application/jsonl");
    let costs: Vec<String> = lines
        .lines()
        .map(|line| ExportLine::parse(line).unwrap().to_string())
        .collect();
    assert_eq!(costs.len(), 3);
    assert!(
        costs[0].contains(r#""cost":"1""#),
        "oldest first: {}",
        costs[0]
    );
    let (kind, table) = export("format=csv&status=blocked").await;
    assert!(kind.starts_with("text/csv"));
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains(",gpt-b,"), "{table}");
    let (_, nothing) = export("format=csv&model=none").await;
    assert_eq!(nothing.lines().count(), 1, "its head");
    let answer = installation
        .call("GET", "/admin/usage/ledger/export?format=xml", "")
        .await;
    assert_refused(&answer, 400, "format must be one of: jsonl, csv", "xml");
}
