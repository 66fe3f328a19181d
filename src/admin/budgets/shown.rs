//! Budgets as answers show them.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::admin::dates::last_shown;
use crate::admin::document::schemas::{EnforcementName, PeriodName, ThresholdsAsked};
use crate::admin::figures::UsdText;
use crate::domain::budget::Scope;
use crate::domain::id::{ApiKeyId, BudgetId, TenantId};
use crate::domain::window::{Period, Window};
use crate::store::budgets::BudgetRecord;

/// What every budget shows. `endDate` is the last millisecond that counts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct LimitBody {
    id: BudgetId,
    #[schema(value_type = PeriodName, inline)]
    period: &'static str,
    amount_usd: UsdText,
    models: Vec<String>,
    providers: Vec<String>,
    #[schema(required, format = DateTime)]
    start_date: Option<String>,
    #[schema(required, format = DateTime)]
    end_date: Option<String>,
    /// As they were given; nothing where the usual ones apply.
    #[schema(required, value_type = Option<ThresholdsAsked>)]
    alert_thresholds: Option<Box<RawValue>>,
    /// Whether it refuses, or only counts.
    #[schema(value_type = EnforcementName, inline)]
    enforcement: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A budget of the installation, a tenant or a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct BudgetBody {
    #[serde(flatten)]
    limit: LimitBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<ApiKeyId>,
}

impl From<&BudgetRecord> for LimitBody {
    fn from(record: &BudgetRecord) -> Self {
        let budget = &record.budget;
        let window = custom_window(budget.period);
        Self {
            id: budget.id,
            period: budget.period.name(),
            amount_usd: UsdText(budget.limit),
            models: budget.coverage.calls.models.texts(),
            providers: budget.coverage.calls.providers.texts(),
            start_date: window.map(|window| window.start.to_string()),
            end_date: window.map(|window| last_shown(window.end).to_string()),
            alert_thresholds: record
                .thresholds
                .clone()
                .and_then(|text| RawValue::from_string(text).ok()),
            enforcement: budget.mode.as_str(),
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
        }
    }
}

impl From<BudgetRecord> for BudgetBody {
    fn from(record: BudgetRecord) -> Self {
        Self {
            limit: LimitBody::from(&record),
            tenant_id: record.budget.tenant,
            api_key_id: match record.budget.coverage.scope {
                Scope::Key(key) => Some(key),
                Scope::Installation | Scope::Tenant(_) | Scope::Tag(_) | Scope::Session(_) => None,
            },
        }
    }
}

/// The window of a custom period.
pub(in crate::admin) fn custom_window(period: Period) -> Option<Window> {
    match period {
        Period::Custom(window) => Some(window),
        Period::Hourly | Period::Daily | Period::Weekly | Period::Monthly | Period::Total => None,
    }
}
