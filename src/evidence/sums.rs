//! Compares the sums that pages and budgets are answered from with the rows that they are sums of: requests and
//! cost, day by day and session by session, and months with their days.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::window::UtcMicros;
use crate::evidence::findings::{Fault, Finding};
use crate::evidence::month::Month;
use crate::store::error::StoreError;
use crate::store::ledger::reading::LedgerReading;
use crate::store::ledger::reading::comparing::{Difference, SessionPlace, day_of};

/// The days on which there are rows.
#[derive(Debug, Default)]
pub(super) struct Days {
    days: BTreeSet<UtcMicros>,
    /// A row has an instant of no year.
    has_odd: bool,
}

impl Days {
    /// Adds the day of a row.
    pub(super) fn add(&mut self, at: i64) {
        match day_of(UtcMicros::new(at)) {
            Some(day) => {
                self.days.insert(day);
            }
            None => self.has_odd = true,
        }
    }

    /// The first difference. Of months of which rows have left, sums have more.
    pub(super) async fn compare(
        mut self,
        reading: &mut LedgerReading,
        retired: &BTreeMap<Month, u64>,
    ) -> Result<Option<Finding>, StoreError> {
        if self.has_odd {
            return Ok(None);
        }
        self.days.extend(reading.days_of_sums().await?);
        let mut months = BTreeSet::new();
        for day in self.days {
            let month = Month::of(day);
            let have_left = month.is_some_and(|month| retired.contains_key(&month));
            months.extend(month);
            if let Some(differs) = reading.day_differs(day, have_left).await? {
                return Ok(Some(found(&differs)));
            }
        }
        for window in months.into_iter().filter_map(Month::window) {
            if let Some(differs) = reading.month_differs(window).await? {
                return Ok(Some(found(&differs)));
            }
        }
        compare_sessions(reading, !retired.is_empty()).await
    }
}

async fn compare_sessions(
    reading: &mut LedgerReading,
    have_left: bool,
) -> Result<Option<Finding>, StoreError> {
    let mut after = Some(SessionPlace::FIRST);
    while let Some(place) = after {
        let (differs, next) = reading.sessions_differ(&place, have_left).await?;
        if let Some(differs) = differs {
            return Ok(Some(found(&differs)));
        }
        after = next;
    }
    Ok(None)
}

fn found(differs: &Difference) -> Finding {
    let Difference {
        sums,
        whose,
        start,
        requests,
        nanos,
    } = differs;
    let since = start.map_or_else(String::new, |start| format!(" from {start}"));
    Finding {
        fault: Fault::SumsDiffer,
        writer: None,
        seq: None,
        request: None,
        detail: format!(
            "{sums} does not have what the rows come to{since}, of {whose}: \
             it lacks {requests} requests and {nanos} nano-dollars"
        ),
    }
}
