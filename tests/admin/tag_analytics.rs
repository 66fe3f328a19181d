//! What was spent under tags, and where their budgets stand.

use budgetguard::domain::id::{TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::tag::{TagShare, Weight};
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::usage::LedgerFilter;
use serde_json::{Value, json};

use crate::installation::{Installation, NOW};
use crate::support::{assert_fields, assert_refused, furnished, row};

const ANALYTICS: &str = "/admin/tenant/1/tag-analytics";
const TAGS: &str = "/admin/tenant/1/tags";
const DAY: i64 = 86_400_000_000;
const REFUSED: [(&str, u16, &str); 10] = [
    (
        "startDate=2026-02-30&endDate=2026-03-01",
        400,
        "Invalid date format",
    ),
    (
        "startDate=yesterday&endDate=today",
        400,
        "Invalid date format",
    ),
    (
        "startDate=2026-01-02&endDate=2026-01-01",
        400,
        "startDate must be before endDate",
    ),
    (
        "startDate=2026-01-02",
        400,
        "startDate and endDate need each other",
    ),
    ("days=0", 400, "days must be a whole number from 1 to 365"),
    ("days=366", 400, "days must be a whole number from 1 to 365"),
    ("tagId=team", 400, "tagId must be a whole number above zero"),
    (
        "tagId=1&tagId=-1",
        400,
        "tagId must be a whole number above zero",
    ),
    ("tagId=99", 404, "Tag not found"),
    ("tagId=1&tagId=5", 404, "Tag not found"),
];

fn tagged(number: u8, days_ago: i64, nanos: i64, tags: &[(i64, &str, bool)]) -> LedgerRow {
    let at = UtcMicros::new(NOW.get() - days_ago * DAY);
    let share = |(tag, weight, is_inherited): &(i64, &str, bool)| TagShare {
        tag: TagId(*tag),
        weight: weight.parse::<Weight>().unwrap(),
        is_inherited: *is_inherited,
    };
    LedgerRow {
        tags: tags.iter().map(share).collect(),
        ..row(number, at, "gpt-a", nanos)
    }
}

/// `company` (1) with `team` (2) with `agent` (3), and `other` (4); requests with and without them.
async fn with_usage() -> Installation {
    let installation = furnished().await;
    for tag in [
        json!({"name": "company"}),
        json!({"name": "team", "parentId": 1, "color": "#fff"}),
        json!({"name": "agent", "parentId": 2}),
        json!({"name": "other"}),
    ] {
        installation.post(TAGS, tag).await;
    }
    let mut blocked = tagged(3, 1, 0, &[(4, "1", false)]);
    blocked.status = Status::Blocked;
    let agent = [(3, "1", false), (2, "1", true), (1, "1", true)];
    let both = [(2, "0.5", false), (1, "0.5", true), (4, "1", false)];
    let rows = [
        tagged(1, 0, 1_000_000_001, &agent),
        tagged(2, 1, 2_000_000_000, &both),
        blocked,
        tagged(4, 0, 5_000_000_000, &[]),
        tagged(5, 40, 7_000_000_000, &[(4, "1", false)]),
    ];
    installation.state.store.append(&rows).await.unwrap();
    for (tag, budget) in [
        (1, json!({"period": "total", "amountUsd": 2})),
        (
            2,
            json!({"period": "monthly", "amountUsd": 20, "inheritanceMode": "STRICT"}),
        ),
        (4, json!({"period": "total", "amountUsd": 6, "weight": 0.5})),
        (4, json!({"period": "daily", "amountUsd": 0})),
    ] {
        let path = format!("{TAGS}/{tag}/budgets");
        installation.post(&path, budget).await;
    }
    installation
}

#[tokio::test]
async fn each_tag_is_shown_with_its_own_spending_and_a_request_is_summed_once() {
    let installation = with_usage().await;
    let shown = installation.get(ANALYTICS).await;
    let usage = json!([
        {"tagId": 4, "tagName": "other", "path": "other", "usage": 2, "requests": 2,
         "percentage": 50},
        {"tagId": 3, "tagName": "agent", "path": "company/team/agent", "usage": 1.000_000_001,
         "requests": 1, "percentage": 25},
        {"tagId": 2, "tagName": "team", "path": "company/team", "usage": 1, "requests": 1,
         "percentage": 25, "color": "#fff"},
    ]);
    assert_eq!(shown["usage"], usage);
    let hierarchy = json!([
        {"id": 1, "name": "company", "path": "company", "usage": 0, "budget": 2, "children": [
            {"id": 2, "name": "team", "path": "company/team", "usage": 1, "budget": 20, "children": [
                {"id": 3, "name": "agent", "path": "company/team/agent", "usage": 1.000_000_001,
                 "children": []},
            ]},
        ]},
        {"id": 4, "name": "other", "path": "other", "usage": 2, "budget": 6, "children": []},
    ]);
    assert_eq!(shown["hierarchy"], hierarchy);
    let sums = json!({
        "totalUsage": 3.000_000_001, "totalRequests": 3, "activeTags": 4, "criticalBudgets": 2,
        "trends": [],
    });
    assert_fields(&shown, &sums);
    let filter = LedgerFilter {
        tenant: Some(TenantId(1)),
        window: Window {
            start: UtcMicros::new(NOW.get() - 30 * DAY),
            end: UtcMicros::MAX,
        },
        ..LedgerFilter::default()
    };
    let ledger = installation.state.store.ledger_totals(&filter).await;
    let untagged = 5_000_000_000;
    assert_eq!(ledger.unwrap().cost.nanos() - untagged, 3_000_000_001);
}

#[tokio::test]
async fn budgets_show_the_figure_that_requests_are_decided_by() {
    let installation = with_usage().await;
    let shown = installation.get(&format!("{ANALYTICS}?days=1")).await;
    let health = shown["budgetHealth"].as_array().unwrap();
    let lines: Vec<Value> = health
        .iter()
        .map(|budget| {
            json!([
                budget["tagName"],
                budget["period"],
                budget["budget"],
                budget["usage"],
                budget["percentage"],
                budget["weight"],
                budget["inheritanceMode"],
                budget["status"],
            ])
        })
        .collect();
    let expected = json!([
        [
            "company",
            "total",
            2,
            2.000_000_001,
            100,
            1,
            "LENIENT",
            "exceeded"
        ],
        ["other", "total", 6, 4.5, 75, 0.5, "LENIENT", "warning"],
        ["other", "daily", 0, 0, 100, 1, "LENIENT", "exceeded"],
        [
            "team",
            "monthly",
            20,
            2.000_000_001,
            10,
            1,
            "STRICT",
            "healthy"
        ],
    ]);
    assert_eq!(Value::Array(lines), expected);
    assert!(health[0]["budgetId"].is_i64() && health[0]["tagId"] == 1);
}

#[tokio::test]
async fn what_was_spent_stays_when_its_tag_goes() {
    let installation = with_usage().await;
    installation.delete(&format!("{TAGS}/4")).await;
    let shown = installation.get(ANALYTICS).await;
    assert_fields(
        &shown["usage"][0],
        &json!({"tagId": 4, "tagName": "other", "path": "other", "usage": 2}),
    );
    assert_eq!(shown["hierarchy"].as_array().unwrap().len(), 1);
    let sums = json!({
        "totalUsage": 3.000_000_001, "totalRequests": 2, "activeTags": 3, "criticalBudgets": 1,
    });
    assert_fields(&shown, &sums);
}

#[tokio::test]
async fn a_question_about_some_tags_or_days_is_about_no_others() {
    let installation = with_usage().await;
    let ask = async |query: &str| installation.get(&format!("{ANALYTICS}?{query}")).await;
    let two = ask("tagId=2&tagId=3").await;
    let sums = json!({
        "totalUsage": 3.000_000_001, "totalRequests": 2, "activeTags": 2, "criticalBudgets": 0,
    });
    assert_fields(&two, &sums);
    assert_eq!(two["usage"].as_array().unwrap().len(), 2);
    assert_eq!(two["usage"][0]["percentage"], 50);
    // The parent is not asked for, and its child stands at the top.
    assert_fields(
        &two["hierarchy"][0],
        &json!({"id": 2, "path": "company/team"}),
    );
    assert_eq!(two["hierarchy"][0]["children"][0]["id"], 3);

    let long_ago = ask("startDate=2025-12-06&endDate=2025-12-06").await;
    assert_fields(&long_ago, &json!({"totalUsage": 7, "totalRequests": 1}));
    assert_eq!(ask("days=40&tagId=4").await["totalUsage"], 9);
    let none = ask("startDate=2025-01-01&endDate=2025-01-02").await;
    assert_fields(
        &none,
        &json!({"totalUsage": 0, "totalRequests": 0, "usage": []}),
    );
}

#[tokio::test]
async fn bad_dates_and_tags_of_others_are_refused_by_name() {
    let installation = with_usage().await;
    installation
        .post("/admin/tenant", json!({"name": "other"}))
        .await;
    installation
        .post("/admin/tenant/2/tags", json!({"name": "theirs"}))
        .await;
    for (query, status, reason) in REFUSED {
        let path = format!("{ANALYTICS}?{query}");
        let answer = installation.call("GET", &path, "").await;
        assert_refused(&answer, status, reason, query);
    }
    let many = format!("{ANALYTICS}?{}", "tagId=1&".repeat(101));
    let answer = installation.call("GET", &many, "");
    assert_refused(&answer.await, 400, "at most 100 times", "many tags");
    let theirs = installation.call("GET", "/admin/tenant/9/tag-analytics", "");
    assert_refused(&theirs.await, 404, "Tenant not found", "no tenant");
    let empty = installation.get("/admin/tenant/2/tag-analytics").await;
    assert_fields(
        &empty,
        &json!({"totalUsage": 0, "activeTags": 1, "usage": []}),
    );
}
