//! Alerts: at which parts of a budget's limit somebody is told, and which of them spending has passed.
//! How often, where and by whom it is told is not decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::budget::{Balance, Budget, Scope};
use crate::domain::id::{BudgetId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{Period, Window};

/// The most thresholds that one budget has.
pub const THRESHOLDS_MAX: usize = 16;

/// A part of a limit, in whole percent: from 1 to [`Percent::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Percent(u16);

impl Percent {
    /// The largest: ten times the limit, which spending reaches where a budget only counts.
    pub const MAX: u16 = 1_000;

    /// So many percent.
    pub fn new(percent: u64) -> Option<Self> {
        let percent = u16::try_from(percent).ok()?;
        (1..=Self::MAX).contains(&percent).then_some(Self(percent))
    }

    /// How many.
    pub fn get(self) -> u16 {
        self.0
    }

    /// Whether spending has reached this part of a limit. Where nothing was spent, nothing was passed.
    fn is_reached(self, spent: Usd, limit: Usd) -> bool {
        let hundredfold = i128::from(spent.nanos()).saturating_mul(100);
        let part = i128::from(limit.nanos()).saturating_mul(i128::from(self.0));
        spent > Usd::ZERO && hundredfold >= part
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Why something does not name thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be at most {THRESHOLDS_MAX} whole percents from 1 to {max}", max = Percent::MAX)]
pub struct ThresholdsError;

/// The parts of a limit at which an alert is raised: ascending, each once, possibly none. In JSON a list
/// of percents, or an object that gives each a name. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Given")]
pub struct Thresholds(Arc<[Percent]>);

impl Thresholds {
    /// Thresholds from percents in any order.
    pub fn new(percents: impl IntoIterator<Item = u64>) -> Result<Self, ThresholdsError> {
        let percents: Option<Vec<Percent>> = percents.into_iter().map(Percent::new).collect();
        let percents = percents.ok_or(ThresholdsError)?;
        if percents.len() > THRESHOLDS_MAX {
            return Err(ThresholdsError);
        }
        let ascending: BTreeSet<Percent> = percents.into_iter().collect();
        Ok(Self(ascending.into_iter().collect()))
    }

    /// Those that spending has reached, ascending.
    pub fn reached(&self, spent: Usd, limit: Usd) -> impl Iterator<Item = Percent> {
        let all = self.0.iter().copied();
        all.take_while(move |percent| percent.is_reached(spent, limit))
    }
}

impl FromStr for Thresholds {
    type Err = ThresholdsError;

    /// Reads a list with commas, such as `50, 90`; `none` is the empty one.
    fn from_str(text: &str) -> Result<Self, ThresholdsError> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let percents = text.split(',').map(|percent| percent.trim().parse());
        let percents: Result<Vec<u64>, _> = percents.collect();
        Self::new(percents.map_err(|_error| ThresholdsError)?)
    }
}

/// What the API takes for thresholds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    List(Vec<u64>),
    Named(BTreeMap<String, u64>),
}

impl TryFrom<Given> for Thresholds {
    type Error = ThresholdsError;

    fn try_from(given: Given) -> Result<Self, ThresholdsError> {
        match given {
            Given::List(percents) => Self::new(percents),
            Given::Named(percents) => Self::new(percents.into_values()),
        }
    }
}

/// A threshold that spending has reached in one window of a budget. It is told once for each window,
/// limit and threshold: whoever raises a limit wants to hear of the new one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The budget.
    pub budget: BudgetId,
    /// Whose it is; the installation's have no tenant.
    pub tenant: Option<TenantId>,
    /// Whose spending it limits.
    pub scope: Scope,
    /// Over what time it counts.
    pub period: Period,
    /// The window.
    pub window: Window,
    /// The threshold.
    pub threshold: Percent,
    /// The limit.
    pub limit: Usd,
    /// What was spent when it was found.
    pub spent: Usd,
}

/// What makes an alert one that has not been told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertKey {
    budget: BudgetId,
    window: Window,
    limit: Usd,
    threshold: Percent,
}

impl Alert {
    /// The alerts of a budget that stands at a balance in a window; `usual` are the thresholds of
    /// budgets that have none of their own.
    pub fn all_of<'a>(
        budget: &'a Budget,
        window: Window,
        balance: Balance,
        usual: &'a Thresholds,
    ) -> impl Iterator<Item = Self> + use<'a> {
        let thresholds = budget.thresholds.as_ref().unwrap_or(usual);
        let reached = thresholds.reached(balance.spent, budget.limit);
        reached.map(move |threshold| Self {
            budget: budget.id,
            tenant: budget.tenant,
            scope: budget.coverage.scope,
            period: budget.period,
            window,
            threshold,
            limit: budget.limit,
            spent: balance.spent,
        })
    }

    /// What is told once.
    pub fn key(&self) -> AlertKey {
        AlertKey {
            budget: self.budget,
            window: self.window,
            limit: self.limit,
            threshold: self.threshold,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn percents(thresholds: &Thresholds) -> Vec<u16> {
        thresholds.0.iter().map(|percent| percent.get()).collect()
    }

    fn json(text: &str) -> Option<Vec<u16>> {
        let read = serde_json::from_str::<Thresholds>(text).ok();
        read.as_ref().map(percents)
    }

    #[test]
    fn thresholds_are_a_list_or_have_names() {
        assert_eq!(json("[90, 50, 90]"), Some(vec![50, 90]));
        let named = json(r#"{"warning": 75, "critical": 90}"#);
        assert_eq!(named, Some(vec![75, 90]));
        assert_eq!((json("[]"), json("{}")), (Some(vec![]), Some(vec![])));
        for text in [
            "[0]",
            "[1001]",
            "[0.8]",
            "[-1]",
            r#"["50"]"#,
            r#"{"warning": "high"}"#,
            "50",
            "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
        ] {
            assert_eq!(json(text), None, "{text}");
        }
    }

    #[test]
    fn settings_name_them_with_commas() {
        let read = |text: &str| text.parse().ok().as_ref().map(percents);
        assert_eq!(read("100, 50,75"), Some(vec![50, 75, 100]));
        assert_eq!(read("none"), Some(vec![]));
        for text in ["", "50,", "half", "0.5"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_exact_part_is_reached_and_a_nano_dollar_less_is_not() {
        let thresholds = Thresholds::new([50, 100]).unwrap();
        let reached = |nanos, limit| {
            let spent = Usd::from_nanos(nanos);
            thresholds.reached(spent, Usd::from_nanos(limit)).count()
        };
        assert_eq!((reached(49, 100), reached(50, 100)), (0, 1));
        assert_eq!((reached(1, 3), reached(2, 3), reached(3, 3)), (0, 1, 2));
        assert_eq!(reached(i64::MAX, i64::MAX), 2);
        assert_eq!((reached(0, 0), reached(1, 0)), (0, 2));
    }

    proptest! {
        /// More spending never takes back what was reached, and all that is reached is paid for.
        #[test]
        fn spending_reaches_thresholds_in_their_order(
            wanted in proptest::collection::vec(1_u64..=1_000, 0..10),
            limit in 0_i64..1_000_000_000_000,
            (less, more) in (0_i64..1_000_000_000_000, 0_i64..1_000_000_000_000),
        ) {
            let thresholds = Thresholds::new(wanted).unwrap();
            let limit = Usd::from_nanos(limit);
            let reached = |nanos| -> Vec<Percent> {
                thresholds.reached(Usd::from_nanos(nanos), limit).collect()
            };
            let (before, after) = (reached(less), reached(less.saturating_add(more)));
            prop_assert!(after.starts_with(&before));
            for percent in &*thresholds.0 {
                let part = i128::from(limit.nanos()) * i128::from(percent.get());
                let paid = less > 0 && i128::from(less) * 100 >= part;
                prop_assert_eq!(before.contains(percent), paid);
            }
        }
    }
}
