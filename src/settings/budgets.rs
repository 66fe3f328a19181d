//! Default budgets and how refusals look. Budgets of tenants, keys and tags live in the database.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::money::{ParseUsdError, Usd};
use crate::settings::choice::Choice;
use crate::settings::reader::{Reader, quoted};

/// `[budgets]`
#[derive(Debug, Clone)]
pub struct Budgets {
    /// Periods of the default budgets.
    pub periods: Vec<Period>,
    /// Amount of each period that has none of its own.
    pub default_usd: Option<Usd>,
    /// Amounts by period.
    pub amounts_usd: BTreeMap<Period, Usd>,
    /// Amounts by period and upper-case tenant name.
    pub tenants_usd: BTreeMap<(Period, String), Usd>,
    /// First and last day of the custom period.
    pub custom_days: Option<CustomDays>,
    /// HTTP status of a refusal.
    pub denial_status: DenialStatus,
    /// What happens when a caller hangs up.
    pub abort_mode: AbortMode,
    /// Smallest output limit that is put into a request.
    pub output_cap_floor_tokens: u64,
    /// Whether refusals leave amounts out.
    pub hide_amounts: bool,
}

/// The custom period, both days included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomDays {
    /// First day.
    pub start: Date,
    /// Last day, not before the first.
    pub end: Date,
}

/// Length of a budget's window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// Each full hour.
    Hourly,
    /// Each day.
    Daily,
    /// Each week.
    Weekly,
    /// Each month.
    #[default]
    Monthly,
    /// Between two days.
    Custom,
    /// Without end.
    Total,
}

/// HTTP status of a refusal by budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DenialStatus {
    /// 402
    #[default]
    PaymentRequired,
    /// 429
    TooManyRequests,
}

/// What happens to the provider's answer when the caller hangs up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AbortMode {
    /// Close the connection, bill what was produced.
    #[default]
    Cancel,
    /// Read to the end.
    Drain,
}

impl Budgets {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let budgets = Self {
            periods: reader.choices("budgets.periods"),
            default_usd: amount(reader, "budgets.default_usd"),
            amounts_usd: read_amounts(reader),
            tenants_usd: read_tenants(reader),
            custom_days: read_custom_days(reader),
            denial_status: reader.choice("budgets.denial_status"),
            abort_mode: reader.choice("budgets.abort_mode"),
            output_cap_floor_tokens: reader
                .integer("budgets.output_cap_floor_tokens", 1..=1_000_000),
            hide_amounts: reader.flag("budgets.hide_amounts"),
        };
        budgets.check(reader);
        budgets
    }

    /// Amount that `tenant` gets for `period` if it has no budget of its own.
    pub fn default_for(&self, period: Period, tenant: &str) -> Option<Usd> {
        if !self.periods.contains(&period) {
            return None;
        }
        self.tenants_usd
            .get(&(period, tenant.to_uppercase()))
            .or_else(|| self.amounts_usd.get(&period))
            .copied()
            .or(self.default_usd)
    }

    fn check(&self, reader: &mut Reader<'_>) {
        let with_amount = self
            .amounts_usd
            .keys()
            .chain(self.tenants_usd.keys().map(|(it, _)| it));
        let mut periods: Vec<Period> = with_amount.copied().collect();
        let custom_has_amount = self.default_usd.is_some() || periods.contains(&Period::Custom);
        if self.periods.contains(&Period::Custom) && custom_has_amount && self.custom_days.is_none()
        {
            reader.problem(
                "budgets.periods",
                "custom needs budgets.start_date and budgets.end_date (BUDGET_START_DATE, BUDGET_END_DATE)",
            );
        }
        periods.sort_unstable();
        periods.dedup();
        for period in periods.into_iter().filter(|it| !self.periods.contains(it)) {
            reader.warnings.push(format!(
                "amounts for the period {name} have no effect, because budgets.periods \
                 (BUDGET_PERIODS) does not name it",
                name = period.as_str()
            ));
        }
    }
}

fn read_amounts(reader: &mut Reader<'_>) -> BTreeMap<Period, Usd> {
    let mut amounts = BTreeMap::new();
    for (name, period) in Period::NAMES {
        if let Some(found) = amount(reader, &format!("budgets.amounts_usd.{name}")) {
            amounts.insert(*period, found);
        }
    }
    amounts
}

fn read_tenants(reader: &mut Reader<'_>) -> BTreeMap<(Period, String), Usd> {
    let mut given = BTreeMap::new();
    for (tenant, period, amount) in reader.tables("budgets.tenants_usd") {
        let Some(period) = Period::from_name(&period) else {
            let problem = format!("{}: {} is no period", amount.label, quoted(&period));
            reader.problems.push(problem);
            continue;
        };
        given.insert((period, tenant.to_uppercase()), amount);
    }
    given.extend(reader.environment.by_tenant.clone());
    let mut amounts = BTreeMap::new();
    for ((period, tenant), amount) in given {
        match amount.text.parse() {
            Ok(parsed) if !tenant.is_empty() => {
                amounts.insert((period, tenant), parsed);
            }
            Ok(_) => reader
                .problems
                .push(format!("{}: names no tenant", amount.label)),
            Err(problem) => {
                let text = quoted(&amount.text);
                reader
                    .problems
                    .push(format!("{}: {problem}: {text}", amount.label));
            }
        }
    }
    amounts
}

fn read_custom_days(reader: &mut Reader<'_>) -> Option<CustomDays> {
    let problems_before = reader.problems.len();
    let start = reader.optional("budgets.start_date", date);
    let end = reader.optional("budgets.end_date", date);
    match (start, end) {
        (Some(start), Some(end)) if start <= end => Some(CustomDays { start, end }),
        (Some(start), Some(end)) => {
            let problem = format!("{end} is before the start date {start}");
            reader.problem("budgets.end_date", problem);
            None
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            if reader.problems.len() == problems_before {
                reader.problem(
                    "budgets.start_date",
                    "a start and an end date need each other",
                );
            }
            None
        }
    }
}

fn amount(reader: &mut Reader<'_>, key: &str) -> Option<Usd> {
    reader.optional(key, parse_amount)
}

/// Reads an amount that a budget can have; the problem is worded for the one who set it.
fn parse_amount(text: &str) -> Result<Usd, String> {
    let amount: Usd = text
        .trim()
        .parse()
        .map_err(|problem: ParseUsdError| problem.to_string())?;
    if amount.is_negative() {
        return Err("must not be negative".to_owned());
    }
    Ok(amount)
}

fn date(text: &str) -> Result<Date, &'static str> {
    let is_plain = text.len() == "2026-01-31".len();
    text.parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or("must be a date such as 2026-01-31")
}

impl Period {
    /// The word that settings, API and ledger use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Custom => "custom",
            Self::Total => "total",
        }
    }
}

impl DenialStatus {
    /// The status code.
    pub fn code(self) -> u16 {
        match self {
            Self::PaymentRequired => 402,
            Self::TooManyRequests => 429,
        }
    }
}

impl Choice for Period {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("hourly", Self::Hourly),
        ("daily", Self::Daily),
        ("weekly", Self::Weekly),
        ("monthly", Self::Monthly),
        ("custom", Self::Custom),
        ("total", Self::Total),
    ];
}

impl Choice for DenialStatus {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("402", Self::PaymentRequired),
        ("429", Self::TooManyRequests),
    ];
}

impl Choice for AbortMode {
    const NAMES: &'static [(&'static str, Self)] =
        &[("cancel", Self::Cancel), ("drain", Self::Drain)];
}
