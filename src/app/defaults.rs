//! Budgets from the settings, for tenants that have none of their own in a period.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::catalog::refresh::DefaultBudgets;
use crate::domain::budget::shadow::Mode;
use crate::domain::budget::{Budget, Coverage, Scope};
use crate::domain::id::{BudgetId, TenantId};
use crate::domain::tag::Inheritance;
use crate::domain::tenant::Tenant;
use crate::domain::window::{Period, UtcMicros, Window};
use crate::settings::budgets::{Budgets, CustomDays, Period as PeriodName};

/// Default budgets have no row, so their ids are made up: below zero, where no row's id is.
const DEFAULTS_PER_TENANT: i64 = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct SettingsDefaults(Budgets);

impl SettingsDefaults {
    pub(super) fn new(budgets: &Budgets) -> Self {
        Self(budgets.clone())
    }
}

/// The configured periods, by the calendar of UTC.
pub(super) fn periods(budgets: &Budgets) -> Vec<Period> {
    let each = budgets.periods.iter();
    each.filter_map(|name| period(*name, budgets.custom_days, &TimeZone::UTC))
        .collect()
}

/// A period by its name; none for a custom one without dates.
fn period(name: PeriodName, days: Option<CustomDays>, zone: &TimeZone) -> Option<Period> {
    Some(match name {
        PeriodName::Hourly => Period::Hourly,
        PeriodName::Daily => Period::Daily,
        PeriodName::Weekly => Period::Weekly,
        PeriodName::Monthly => Period::Monthly,
        PeriodName::Custom => Period::Custom(window(days?, zone)?),
        PeriodName::Total => Period::Total,
    })
}

impl DefaultBudgets for SettingsDefaults {
    fn budgets(&self, tenant: &Tenant, own: &[Budget]) -> Vec<Budget> {
        let missing = self.0.periods.iter().filter(|period| {
            !own.iter().any(|budget| {
                budget.coverage == Coverage::all_of(Scope::Tenant(tenant.id))
                    && budget.period.name() == period.as_str()
            })
        });
        missing
            .filter_map(|name| {
                let limit = self.0.default_for(*name, &tenant.name)?;
                let period = period(*name, self.0.custom_days, &tenant.time_zone)?;
                Some(Budget {
                    id: default_id(tenant.id, &period),
                    tenant: Some(tenant.id),
                    coverage: Coverage::all_of(Scope::Tenant(tenant.id)),
                    period,
                    limit,
                    inheritance: Inheritance::default(),
                    thresholds: None,
                    mode: Mode::Enforced,
                })
            })
            .collect()
    }
}

fn default_id(tenant: TenantId, period: &Period) -> BudgetId {
    let number = match period {
        Period::Hourly => 1,
        Period::Daily => 2,
        Period::Weekly => 3,
        Period::Monthly => 4,
        Period::Custom(_) => 5,
        Period::Total => 6,
    };
    BudgetId(-(tenant.0 * DEFAULTS_PER_TENANT + number))
}

/// Both days are included, by the tenant's calendar.
fn window(days: CustomDays, zone: &TimeZone) -> Option<Window> {
    let midnight = |day: Date| {
        let start = day.to_zoned(zone.clone()).ok()?;
        Some(UtcMicros::new(start.timestamp().as_microsecond()))
    };
    Some(Window {
        start: midnight(days.start)?,
        end: midnight(days.end.tomorrow().ok()?)?,
    })
}
