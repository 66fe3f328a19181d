//! What a webhook says: a line for people, in the form that Slack and those like it take, and the same in
//! fields for programs.

use serde::Serialize;
use utoipa::ToSchema;

use crate::alerts::policy::PolicyNews;
use crate::catalog::{BudgetEntry, Snapshot};
use crate::domain::alert::{Alert, Percent};
use crate::domain::budget::Scope;
use crate::domain::budget::shadow::Mode;
use crate::domain::id::{AlertId, BudgetId, TagId, TenantId};
use crate::domain::window::UtcMicros;
use crate::store::alerts::AlertRecord;

/// An alert as programs read it, in webhooks and in the admin API. Amounts are exact decimals.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertBody {
    id: AlertId,
    budget_id: BudgetId,
    scope: &'static str,
    /// The row of the tenant, key or tag; the installation has none.
    #[schema(required)]
    scope_id: Option<i64>,
    #[schema(required)]
    tenant_id: Option<TenantId>,
    /// The tenant's present name.
    #[schema(required)]
    tenant: Option<String>,
    /// The tag's present path.
    #[schema(required)]
    tag_path: Option<String>,
    period: &'static str,
    /// Nothing for a period without beginning and end.
    #[schema(required, format = DateTime)]
    window_start: Option<String>,
    #[schema(required, format = DateTime)]
    window_end: Option<String>,
    threshold: Percent,
    limit_usd: String,
    spent_usd: String,
    #[schema(format = DateTime)]
    raised_at: String,
    /// Only where the budget is one that counts and refuses nothing: `shadow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<&'static str>,
}

impl AlertBody {
    /// An alert, with the names that a snapshot knows.
    pub fn new(record: &AlertRecord, snapshot: &Snapshot) -> Self {
        let alert = &record.alert;
        let entry = alert.tenant.and_then(|id| snapshot.tenants.get(&id));
        let path_of = |tag: TagId| entry.and_then(|entry| entry.tags.path(tag));
        let (scope_id, tag_path) = match alert.scope {
            Scope::Installation | Scope::Session(_) => (None, None),
            Scope::Tenant(id) => (Some(id.0), None),
            Scope::Key(id) => (Some(id.0), None),
            Scope::Tag(id) => (Some(id.0), path_of(id)),
        };
        let known = |at: UtcMicros| at.to_timestamp().map(|_| at.to_string());
        Self {
            id: record.id,
            budget_id: alert.budget,
            scope: alert.scope.kind(),
            scope_id,
            tenant_id: alert.tenant,
            tenant: entry.map(|entry| entry.tenant.name.clone()),
            tag_path,
            period: alert.period.name(),
            window_start: known(alert.window.start),
            window_end: known(alert.window.end),
            threshold: alert.threshold,
            limit_usd: alert.limit.to_string(),
            spent_usd: alert.spent.to_string(),
            raised_at: record.raised_at.to_string(),
            enforcement: is_shadow(alert, snapshot).then(|| Mode::Shadow.as_str()),
        }
    }

    /// Whose spending it is about.
    fn whose(&self) -> String {
        let number = self.scope_id.unwrap_or_default();
        let tenant = match (&self.tenant, self.tenant_id) {
            (Some(name), _) => format!("tenant {name}"),
            (None, Some(id)) => format!("tenant {id}"),
            (None, None) => return "the installation".to_owned(),
        };
        match (self.scope, &self.tag_path) {
            ("tag", Some(path)) => format!("tag {path} of {tenant}"),
            ("tenant", _) => tenant,
            (scope, _) => format!("{scope} {number} of {tenant}"),
        }
    }

    fn line(&self) -> String {
        let until = self.window_end.as_ref();
        let until = until.map_or_else(String::new, |end| format!(", until {end}"));
        let shadow = self.enforcement.map_or("", |_| "shadow ");
        format!(
            "Budget alert: {whose} has spent ${spent} of ${limit} ({shadow}{period} budget{until}), which is \
             {threshold} % or more.",
            whose = self.whose(),
            spent = self.spent_usd,
            limit = self.limit_usd,
            period = self.period,
            threshold = self.threshold,
        )
    }
}

/// Whether an alert's budget only counts, as far as a snapshot knows.
fn is_shadow(alert: &Alert, snapshot: &Snapshot) -> bool {
    let is_its = |entry: &BudgetEntry| entry.budget.id == alert.budget;
    let found = match alert.tenant {
        Some(tenant) => snapshot
            .tenants
            .get(&tenant)
            .and_then(|entry| entry.budgets().find(|budget| is_its(budget))),
        None => snapshot.installation().find(|budget| is_its(budget)),
    };
    found.is_some_and(|entry| entry.budget.mode == Mode::Shadow)
}

/// A message on its way: Slack reads `text`; the rest has the shape that the Standard Webhooks
/// specification recommends.
#[derive(Debug)]
pub struct Message {
    /// The same for each try, so that a receiver can tell a repetition.
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    text: String,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Option<&'a T>,
}

impl Message {
    /// Tells of an alert.
    pub fn of_alert(record: &AlertRecord, snapshot: &Snapshot) -> Self {
        let body = AlertBody::new(record, snapshot);
        let envelope = Envelope {
            text: escaped(&body.line()),
            kind: "budget.threshold_passed",
            timestamp: record.raised_at.to_string(),
            data: Some(&body),
        };
        let raised_at = record.raised_at.get();
        Self::new(format!("alert_{}_{raised_at}", record.id), &envelope)
    }

    /// A checkpoint of the ledger, as it stands in the book: whoever keeps it can verify by it.
    pub fn of_checkpoint(hash: &str, line: String) -> Self {
        Self {
            id: format!("checkpoint_{hash}"),
            body: line.into_bytes(),
        }
    }

    /// Tells nothing but that it arrives.
    pub fn of_test(now: UtcMicros) -> Self {
        let envelope = Envelope::<AlertBody> {
            text: "This is a test of BudgetGuard's alerts: they arrive here.".to_owned(),
            kind: "test",
            timestamp: now.to_string(),
            data: None,
        };
        Self::new(format!("test_{}", now.get()), &envelope)
    }

    /// Tells of the policy's files.
    pub fn of_policy(news: &PolicyNews) -> Self {
        let envelope = Envelope {
            text: escaped(&news.line()),
            kind: news.kind(),
            timestamp: news.at.to_string(),
            data: Some(news),
        };
        Self::new(format!("policy_{}", news.at.get()), &envelope)
    }

    fn new<T: Serialize>(id: String, envelope: &Envelope<'_, T>) -> Self {
        // Texts and numbers can always be written.
        let body = serde_json::to_vec(envelope).unwrap_or_default();
        Self { id, body }
    }
}

/// What Slack would take for a mention or a link is shown as it was written.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::id::ApiKeyId;
    use crate::domain::money::Usd;
    use crate::domain::window::{Period, Window};
    use crate::store::alerts::Delivery;

    fn record(tenant: Option<i64>, scope: Scope, period: Period, window: Window) -> AlertRecord {
        AlertRecord {
            id: AlertId(7),
            alert: Alert {
                budget: BudgetId(3),
                tenant: tenant.map(TenantId),
                scope,
                period,
                window,
                threshold: Percent::new(75).unwrap(),
                limit: Usd::from_nanos(10_000_000_000),
                spent: Usd::from_nanos(7_600_000_001),
            },
            raised_at: UtcMicros::new(1_768_478_400_000_000),
            delivery: Delivery {
                attempts: 1,
                next_attempt_at: None,
                delivered_at: None,
                last_error: None,
            },
        }
    }

    fn sent(record: &AlertRecord) -> Value {
        let message = Message::of_alert(record, &Snapshot::default());
        assert_eq!(message.id, "alert_7_1768478400000000");
        serde_json::from_slice(&message.body).unwrap()
    }

    #[test]
    fn an_alert_is_told_to_people_and_to_programs() {
        let day = Window {
            start: UtcMicros::new(1_768_435_200_000_000),
            end: UtcMicros::new(1_768_521_600_000_000),
        };
        let of_key = record(Some(4), Scope::Key(ApiKeyId(9)), Period::Daily, day);
        let expected = json!({
            "text": "Budget alert: key 9 of tenant 4 has spent $7.600000001 of $10 (daily budget, \
                     until 2026-01-16T00:00:00.000Z), which is 75 % or more.",
            "type": "budget.threshold_passed",
            "timestamp": "2026-01-15T12:00:00.000Z",
            "data": {
                "id": 7, "budgetId": 3, "scope": "key", "scopeId": 9, "tenantId": 4, "tenant": null,
                "tagPath": null, "period": "daily", "windowStart": "2026-01-15T00:00:00.000Z",
                "windowEnd": "2026-01-16T00:00:00.000Z", "threshold": 75, "limitUsd": "10",
                "spentUsd": "7.600000001", "raisedAt": "2026-01-15T12:00:00.000Z",
            },
        });
        assert_eq!(sent(&of_key), expected);
    }

    #[test]
    fn a_budget_of_everybody_and_of_all_time_names_no_tenant_and_no_end() {
        let told = sent(&record(
            None,
            Scope::Installation,
            Period::Total,
            Window::TOTAL,
        ));
        let text = "Budget alert: the installation has spent $7.600000001 of $10 (total budget), \
                    which is 75 % or more.";
        assert_eq!(told["text"], text);
        for name in ["scopeId", "tenantId", "windowStart", "windowEnd"] {
            assert_eq!(told["data"][name], Value::Null, "{name}");
        }
    }

    #[test]
    fn a_name_cannot_mention_a_channel() {
        assert_eq!(escaped("<!channel> & co"), "&lt;!channel&gt; &amp; co");
    }
}
