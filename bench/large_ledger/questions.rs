//! What is asked: every route that tells of usage, at its cheapest and at its dearest.

use axum::Router;
use serde_json::Value as Json;

use crate::Outcome;
use crate::ask::ask;

const ALL_DAYS: &str = "startDate=1970-01-01&endDate=2100-01-01";

/// What is asked, and whether only the first bytes of the answer are waited for.
pub(crate) struct Question {
    pub(crate) path: String,
    pub(crate) is_streamed: bool,
}

impl Question {
    /// How it is printed.
    pub(crate) fn shown(&self) -> String {
        let path = self.path.replace(ALL_DAYS, "all");
        match path.split_once("cursor=") {
            Some((before, _)) => format!("{before}cursor=.."),
            None => path,
        }
    }
}

/// All of them.
pub(crate) async fn all(router: &Router) -> Outcome<Vec<Question>> {
    let mut paths = of_pages(router).await?;
    paths.extend(of_costs(router).await?);
    paths.extend(of_figures());
    paths.extend(of_breakdowns());
    paths.extend(of_sessions(router).await?);
    let whole = paths.into_iter().map(|path| (path, false));
    let exports = ["", "&tenantId=1", "&status=blocked"].map(|filter| {
        let path = format!("/admin/usage/ledger/export?format=csv&{ALL_DAYS}{filter}");
        (path, true)
    });
    let questions = whole.chain(exports);
    let questions = questions.map(|(path, is_streamed)| Question { path, is_streamed });
    Ok(questions.collect())
}

async fn of_pages(router: &Router) -> Outcome<Vec<String>> {
    let mut paths = Vec::new();
    for list in ["/admin/usage/ledger", "/admin/tenant/1/usage/ledger"] {
        for filter in [
            "",
            "&status=blocked",
            "&model=o3",
            "&route=images&status=failed",
            "&model=no-such",
        ] {
            let list = format!("{list}?{ALL_DAYS}{filter}");
            paths.extend(pages(router, &list).await?);
        }
        paths.push(format!("{list}?limit=1000"));
    }
    paths.push(format!(
        "/admin/usage/ledger?{ALL_DAYS}&tenant=customer-3&page=50"
    ));
    Ok(paths)
}

/// By cost, of some costs, and of keys: where sums do not tell.
async fn of_costs(router: &Router) -> Outcome<Vec<String>> {
    let list = "/admin/usage/ledger";
    let mut paths = Vec::new();
    for filter in [
        "&sort=cost",
        "&sort=cost&order=asc",
        "&sort=cost&tenantId=1",
        "&sort=cost&tenantId=900",
        "&sort=cost&model=o3",
        "&sort=cost&status=blocked",
        "&minCost=0.1",
        "&minCost=0.0001&maxCost=0.01",
        "&keyId=1",
        "&keyId=1&status=failed",
        "&provider=anthropic",
        "&order=asc",
    ] {
        let first = format!("{list}?{ALL_DAYS}{filter}");
        let answer = ask(router, &first).await?.1;
        if let Some(cursor) = answer.get("nextCursor").and_then(Json::as_str) {
            paths.push(format!("{first}&cursor={cursor}"));
        }
        paths.push(first);
    }
    paths.push(format!("{list}?{ALL_DAYS}&sort=cost&page=99"));
    paths.push(format!("{list}?days=1&sort=cost"));
    let newest = ask(router, list).await?.1;
    let id = newest.pointer("/data/0/id").and_then(Json::as_str);
    paths.push(format!("{list}/{}", id.ok_or("no row")?));
    Ok(paths)
}

fn of_breakdowns() -> Vec<String> {
    let route = "/admin/usage/breakdown?days=365&by=";
    let dimensions = [
        "day",
        "tenant",
        "key",
        "provider",
        "model",
        "route",
        "status",
        "day,provider",
        "day,model",
        "day,tenant",
        "model,status",
        "tenant,model",
        "day&tenantId=1",
        "model&tenantId=1",
        "key&tenantId=1",
        "day,key&tenantId=1",
    ];
    let mut paths: Vec<String> = dimensions.map(|by| format!("{route}{by}")).into();
    paths.push("/admin/budget-health".to_owned());
    paths.push("/admin/status".to_owned());
    paths
}

fn of_figures() -> Vec<String> {
    let of_tenant = |route: &str| format!("/admin/tenant/1/{route}");
    let mut paths = vec![of_tenant("usage")];
    for route in ["usage/history", "usage/models"] {
        for days in [
            "",
            "?days=365",
            "?startDate=2026-03-03T01:15:00Z&endDate=2026-10-10T13:45:00Z",
        ] {
            paths.push(of_tenant(&format!("{route}{days}")));
        }
    }
    for days in ["", "?days=365", "?days=7", "?tagId=2&tagId=3&days=365"] {
        paths.push(of_tenant(&format!("tag-analytics{days}")));
    }
    paths.extend(["tags", "budgets", "apikeys", "tags/1/budgets"].map(of_tenant));
    paths
}

/// The first, the middle and the last page of sessions, and the rows of the first session.
async fn of_sessions(router: &Router) -> Outcome<Vec<String>> {
    let route = "/admin/tenant/1/sessions?limit=100";
    let first = ask(router, route).await?.1;
    let total = first
        .pointer("/pagination/total")
        .and_then(Json::as_u64)
        .ok_or("no total")?;
    let last = total.div_ceil(100).max(1);
    let numbers = [1, last.div_ceil(2), last];
    let mut paths = Vec::from(numbers.map(|page| format!("{route}&page={page}")));
    let session = first
        .pointer("/sessions/0/sessionId")
        .and_then(Json::as_str);
    let session = session.ok_or("no session")?;
    paths.push(format!("/admin/sessions/{session}/usage?tenantId=1"));
    Ok(paths)
}

/// The first, the middle and the last page, and the second by its cursor.
async fn pages(router: &Router, route: &str) -> Outcome<Vec<String>> {
    let first = ask(router, route).await?.1;
    let total = first
        .get("total")
        .and_then(Json::as_u64)
        .ok_or("no total")?;
    let last = total.saturating_sub(1) / 100;
    let numbers = [0, last / 2, last];
    let mut paths = Vec::from(numbers.map(|page| format!("{route}&page={page}")));
    paths.dedup();
    if let Some(cursor) = first.get("nextCursor").and_then(Json::as_str) {
        paths.push(format!("{route}&cursor={cursor}"));
    }
    Ok(paths)
}
