//! How budgets stand, as a scrape sees them: made anew for each, so that a budget that is gone has no series.
//! Budgets beyond a number have none: a sum of limits of nested scopes and different windows would say
//! nothing, so only their number is told.

use std::sync::Arc;

use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

use crate::domain::budget::Balance;
use crate::domain::id::BudgetId;
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::metrics::{NONE, OTHER};

const NANOS_PER_USD: f64 = 1e9;
const MICROS_PER_SECOND: f64 = 1e6;

/// A budget in its present window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetStanding {
    /// The tenant's name; empty for budgets of the installation.
    pub tenant: Arc<str>,
    /// The kind of scope.
    pub scope: &'static str,
    /// The kind of window.
    pub period: &'static str,
    /// Nothing for a default of the settings.
    pub budget: Option<BudgetId>,
    /// What may be spent.
    pub limit: Usd,
    /// What is.
    pub balance: Balance,
    /// When it starts again at nothing, if it does.
    pub resets_at: Option<UtcMicros>,
}

/// What is told of budgets.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    /// Those with series of their own.
    pub standings: Vec<BudgetStanding>,
    /// How many there are beside them.
    pub others: usize,
}

type Figure = fn(&BudgetStanding) -> Option<f64>;

const FIGURES: [(&str, &str, Figure); 5] = [
    (
        "budgetguard_budget_limit_usd",
        "What a budget allows in its present window.",
        |budget| Some(usd(budget.limit)),
    ),
    (
        "budgetguard_budget_spent_usd",
        "What is spent of it.",
        |budget| Some(usd(budget.balance.spent)),
    ),
    (
        "budgetguard_budget_held_usd",
        "What requests under way may still cost.",
        |budget| Some(usd(budget.balance.held)),
    ),
    (
        "budgetguard_budget_remaining_usd",
        "What is neither spent nor held.",
        |budget| Some(usd(budget.left())),
    ),
    (
        "budgetguard_budget_reset_timestamp_seconds",
        "When its window ends.",
        |budget| {
            budget
                .resets_at
                .map(|at| number(at.get()) / MICROS_PER_SECOND)
        },
    ),
];

impl Budgets {
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        if self.standings.is_empty() && self.others == 0 {
            return Vec::new();
        }
        let figures = FIGURES.iter().map(|(name, help, figure)| {
            let told = self.standings.iter();
            let metrics = told.filter_map(|budget| Some(gauge(figure(budget)?, budget.labels())));
            family(name, help, metrics.collect())
        });
        let counts = [(OTHER, self.others), ("own", self.standings.len())];
        let counts = counts.map(|(series, count)| {
            let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            gauge(count, vec![label("series", series)])
        });
        let counts = family(
            "budgetguard_budgets",
            "Budgets in force, by whether they have series of their own.",
            counts.into(),
        );
        // The format knows no family without a metric.
        let all = figures.chain([counts]);
        all.filter(|family| !family.get_metric().is_empty())
            .collect()
    }
}

impl BudgetStanding {
    fn left(&self) -> Usd {
        let used = self.balance.spent.saturating_add(self.balance.held);
        self.limit.saturating_sub(used).max(Usd::ZERO)
    }

    fn labels(&self) -> Vec<LabelPair> {
        let budget = self.budget.map(|id| id.to_string());
        vec![
            label("budget", budget.as_deref().unwrap_or(NONE)),
            label("period", self.period),
            label("scope", self.scope),
            label("tenant", &self.tenant),
        ]
    }
}

/// For a gauge, which has doubles only.
pub(super) fn usd(amount: Usd) -> f64 {
    number(amount.nanos()) / NANOS_PER_USD
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the format has doubles only: exact up to nine million dollars"
)]
fn number(whole: i64) -> f64 {
    whole as f64
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn gauge(value: f64, labels: Vec<LabelPair>) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::default();
    metric.set_gauge(gauge);
    metric.set_label(labels);
    metric
}

fn family(name: &str, help: &str, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(MetricType::GAUGE);
    family.set_metric(metrics);
    family
}
