//! Compares the sums that pages and budgets are answered from with the rows that they are sums of: requests
//! and cost of each tenant in each month, and the finer sums with those. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::window::UtcMicros;
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::month::Month;
use crate::store::ledger::reading::{StoredRow, StoredSum};

const OF_MONTHS: i64 = 2;
/// Whose sums there are, and the levels they have beside that of months: hours and days. Keys have no hours.
const FAMILIES: [(i64, &[i64]); 3] = [(OF_INSTALLATION, &[0, 1]), (1, &[0, 1]), (2, &[1])];
/// In whose sums nobody is told apart.
const OF_INSTALLATION: i64 = 0;

/// Requests and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    requests: i128,
    nanos: i128,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.nanos = self.nanos.saturating_add(other.nanos);
    }
}

type Months = BTreeMap<(Month, i64), Sum>;

/// The rows as they add up, by month and tenant.
#[derive(Debug, Default)]
pub struct RowSums {
    months: Months,
    /// A row has an instant of no year.
    has_odd: bool,
}

impl RowSums {
    /// Adds a row.
    pub fn add(&mut self, row: &StoredRow) {
        let Some(month) = Month::of(UtcMicros::new(row.at)) else {
            self.has_odd = true;
            return;
        };
        let one = Sum {
            requests: 1,
            nanos: i128::from(row.cost),
        };
        self.months.entry((month, row.tenant)).or_default().add(one);
    }

    /// The first difference. Months of which rows have left have more in their sums.
    pub fn compare(&self, sums: &[StoredSum], retired: &BTreeMap<Month, u64>) -> Option<Finding> {
        if self.has_odd {
            return None;
        }
        FAMILIES.into_iter().find_map(|(family, finer)| {
            let of_family = sums.iter().filter(|stored| stored.family == family);
            self.compare_family(family, finer, of_family, retired)
        })
    }

    fn compare_family<'a>(
        &self,
        family: i64,
        finer: &[i64],
        sums: impl Iterator<Item = &'a StoredSum>,
        retired: &BTreeMap<Month, u64>,
    ) -> Option<Finding> {
        let mut months = Months::new();
        let mut levels: BTreeMap<(i64, i64), Sum> = BTreeMap::new();
        for stored in sums {
            let sum = Sum {
                requests: i128::from(stored.requests),
                nanos: i128::from(stored.nanos),
            };
            levels
                .entry((stored.tenant, stored.level))
                .or_default()
                .add(sum);
            if stored.level == OF_MONTHS {
                let month = Month::of(UtcMicros::new(stored.month))?;
                months.entry((month, stored.tenant)).or_default().add(sum);
            }
        }
        months_that_differ(&self.months_of(family), &months, retired)
            .or_else(|| levels_that_differ(&levels, finer))
    }

    fn months_of(&self, family: i64) -> Months {
        let mut months = Months::new();
        for ((month, tenant), sum) in &self.months {
            let tenant = if family == OF_INSTALLATION {
                0
            } else {
                *tenant
            };
            months.entry((*month, tenant)).or_default().add(*sum);
        }
        months
    }
}

fn months_that_differ(
    rows: &Months,
    months: &Months,
    retired: &BTreeMap<Month, u64>,
) -> Option<Finding> {
    let places: BTreeSet<_> = rows.keys().chain(months.keys()).collect();
    let of = |sums: &Months, place| sums.get(place).copied().unwrap_or_default();
    let differs = places.into_iter().find(|place| {
        let has_left = retired.contains_key(&place.0);
        let (rows, kept) = (of(rows, place), of(months, place));
        rows != kept && !(has_left && kept.requests > rows.requests)
    })?;
    let (rows, kept) = (of(rows, differs), of(months, differs));
    let (month, tenant) = differs;
    Some(found(format!(
        "{} has {} rows of {} nano-dollars in {month}, and sums of {} and {}",
        named(*tenant),
        rows.requests,
        rows.nanos,
        kept.requests,
        kept.nanos
    )))
}

fn levels_that_differ(levels: &BTreeMap<(i64, i64), Sum>, finer: &[i64]) -> Option<Finding> {
    let tenants: BTreeSet<i64> = levels.keys().map(|(tenant, _level)| *tenant).collect();
    let differs = tenants.into_iter().find(|tenant| {
        let of = |level| levels.get(&(*tenant, level));
        finer.iter().any(|level| of(*level) != of(OF_MONTHS))
    })?;
    let whose = named(differs);
    Some(found(format!(
        "the sums of hours, days and months of {whose} differ"
    )))
}

/// Nobody's are the installation's.
fn named(tenant: i64) -> String {
    if tenant == 0 {
        return "the installation".to_owned();
    }
    format!("tenant {tenant}")
}

fn found(detail: String) -> Finding {
    Finding {
        fault: Fault::SumsDiffer,
        writer: None,
        seq: None,
        request: None,
        detail,
    }
}
