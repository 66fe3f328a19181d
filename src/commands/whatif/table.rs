//! The answer as tables for people.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Deserialize;

/// What of the answer is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    from: String,
    to: String,
    recorded: Side,
    in_force: Side,
    with_changes: Side,
    saved_usd: String,
    tenants: Vec<Row>,
    api_keys: Vec<Row>,
    budgets: Vec<Budget>,
    left_out: u64,
    decisions_hash: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    admitted: u64,
    refused: u64,
    cost_usd: String,
    #[serde(default)]
    refused_by_reason: BTreeMap<String, u64>,
    #[serde(default)]
    newly_admitted: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    tenant_id: i64,
    tenant: Option<String>,
    api_key_id: Option<i64>,
    requests: u64,
    cost_usd: String,
    admitted: u64,
    refused: u64,
    saved_usd: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Budget {
    #[serde(rename = "budgetId")]
    id: Option<i64>,
    scope: String,
    tenant_id: Option<i64>,
    api_key_id: Option<i64>,
    tag_id: Option<i64>,
    period: String,
    amount_usd: String,
    enforcement: String,
    charged: u64,
    refused: u64,
    would_have_refused: u64,
    first_refused_at: Option<String>,
    highest_use_usd: String,
}

impl Answer {
    /// One for all requests, and one for each list that has rows.
    pub(super) fn tables(&self) -> Vec<Table> {
        let mut tables = vec![self.sides()];
        if self.tenants.len() > 1 {
            tables.push(rows("tenant", &self.tenants));
        }
        if !self.api_keys.is_empty() {
            tables.push(rows("API key", &self.api_keys));
        }
        if !self.budgets.is_empty() {
            tables.push(budgets(&self.budgets));
        }
        tables
    }

    /// What no table says.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} to {}: ${} less spent.",
            self.from, self.to, self.saved_usd
        )];
        if self.with_changes.newly_admitted > 0 {
            lines.push(format!(
                "{} requests that were refused would have been sent; nobody knows what they would have cost.",
                self.with_changes.newly_admitted
            ));
        }
        if self.left_out > 0 {
            lines.push(format!("{} more rows are left out.", self.left_out));
        }
        lines.push(format!("Decisions: {}", self.decisions_hash));
        lines
    }

    fn sides(&self) -> Table {
        let mut table = Table::new();
        table.set_header(["", "admitted", "refused", "cost USD", "reasons"]);
        let sides = [
            ("as recorded", &self.recorded),
            ("by what is in force", &self.in_force),
            ("with the changes", &self.with_changes),
        ];
        for (name, side) in sides {
            let reasons = side.refused_by_reason.iter();
            let reasons: Vec<String> = reasons
                .map(|(reason, count)| format!("{reason}: {count}"))
                .collect();
            table.add_row([
                name.to_owned(),
                side.admitted.to_string(),
                side.refused.to_string(),
                side.cost_usd.clone(),
                reasons.join(", "),
            ]);
        }
        table
    }
}

fn rows(what: &str, rows: &[Row]) -> Table {
    let mut table = Table::new();
    let header = [
        what,
        "requests",
        "cost USD",
        "admitted",
        "refused",
        "saved USD",
    ];
    table.set_header(header);
    for row in rows {
        let tenant = row.tenant.clone();
        let tenant = tenant.unwrap_or_else(|| row.tenant_id.to_string());
        table.add_row([
            row.api_key_id.map_or(tenant, |key| key.to_string()),
            row.requests.to_string(),
            row.cost_usd.clone(),
            row.admitted.to_string(),
            row.refused.to_string(),
            row.saved_usd.clone(),
        ]);
    }
    table
}

fn budgets(budgets: &[Budget]) -> Table {
    let mut table = Table::new();
    table.set_header([
        "budget",
        "of",
        "period",
        "limit USD",
        "counted",
        "refused",
        "first refusal",
        "highest use USD",
    ]);
    for budget in budgets {
        let id = budget.id.map_or("new".to_owned(), |id| id.to_string());
        let whose = budget.tag_id.or(budget.api_key_id).or(budget.tenant_id);
        let whose = whose.map_or_else(String::new, |id| format!(" {id}"));
        let refused = if budget.enforcement == "shadow" {
            format!("({})", budget.would_have_refused)
        } else {
            budget.refused.to_string()
        };
        table.add_row([
            id,
            format!("{}{whose}", budget.scope),
            budget.period.clone(),
            budget.amount_usd.clone(),
            budget.charged.to_string(),
            refused,
            budget.first_refused_at.clone().unwrap_or_default(),
            budget.highest_use_usd.clone(),
        ]);
    }
    table
}
