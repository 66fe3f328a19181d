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
    paths.extend(of_figures());
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
