//! One import: both databases, what is known of the rows that came over so far, and the report.

use std::collections::HashMap;

use crate::domain::id::{ProviderName, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::tag::{TagTree, Weight};
use crate::import::amounts::Exact;
use crate::import::report::{Report, Tally};
use crate::import::source::{Source, SourceRow};
use crate::import::{ImportError, ImportOptions};
use crate::store::Store;
use crate::store::import::Original;
use crate::store::import::history::History;

/// An instant of the other database in microseconds: it keeps UTC without saying so.
macro_rules! instant {
    ($column:literal) => {
        concat!("(EXTRACT(EPOCH FROM ", $column, ") * 1000000)::bigint")
    };
}
pub(super) use instant;

/// A weight of the other database, without an exponent unless it is none that we take.
macro_rules! weight {
    () => {
        "CASE WHEN abs(weight) < 1e9 THEN weight::numeric::text ELSE weight::text END AS weight"
    };
}
pub(super) use weight;

/// A tenant that came over.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownTenant {
    pub(super) id: TenantId,
    pub(super) default_session_budget: Option<Usd>,
}

/// What is known of rows by the ids that they have in the other database.
#[derive(Default)]
pub(super) struct Known {
    pub(super) tenants: HashMap<i64, KnownTenant>,
    pub(super) tenants_by_name: HashMap<String, TenantId>,
    pub(super) tags: HashMap<i64, (TagId, TenantId)>,
    pub(super) tree: TagTree,
    /// Who bills for a model.
    pub(super) providers: HashMap<String, ProviderName>,
}

/// One import.
pub(super) struct Job {
    pub(super) source: Source,
    pub(super) store: Store,
    pub(super) options: ImportOptions,
    pub(super) known: Known,
    pub(super) report: Report,
}

impl Job {
    pub(super) fn new(source: Source, store: Store, options: ImportOptions) -> Self {
        let report = Report {
            source: source.name.clone(),
            is_dry_run: options.is_dry_run,
            ..Report::default()
        };
        Self {
            source,
            store,
            options,
            known: Known::default(),
            report,
        }
    }

    /// A row of the other database, as its mark names it.
    pub(super) fn original<'a>(&'a self, kind: &'static str, id: &'a str) -> Original<'a> {
        Original {
            source: &self.source.name,
            kind,
            id,
        }
    }

    /// Makes what was done last. A dry run only finds out what is new.
    pub(super) async fn keep(&self, history: History) -> Result<(), ImportError> {
        if !self.options.is_dry_run {
            history.commit().await?;
        }
        Ok(())
    }

    /// Counts the rows of tables that nothing was ever done with.
    pub(super) async fn count_what_stays(&mut self) -> Result<(), ImportError> {
        const UNUSED: &str = "the TypeScript BudgetGuard does nothing with it";
        const RULES: &str = "SELECT COUNT(*) AS count FROM \"TaggingRule\"";
        const ALERTS: &str = "SELECT COUNT(*) AS count FROM \"Alert\"";
        const BUNDLES: &str = "SELECT COUNT(*) AS count FROM \"PolicyBundle\"";
        let tables = [
            ("tagging rules", "TaggingRule", RULES),
            ("alerts", "Alert", ALERTS),
            ("policy bundles", "PolicyBundle", BUNDLES),
        ];
        for (kind, table, count) in tables {
            let mut tally = Tally::default();
            if self.source.has(table).await? {
                let rows = self.source.rows(count, &[]).await?;
                let count: i64 = rows.first().map_or(Ok(0), |row| row.get("count"))?;
                tally.leave_out(u64::try_from(count).unwrap_or_default(), UNUSED);
            }
            self.report.add(kind, tally);
        }
        Ok(())
    }
}

/// A limit as it holds here: never more than it was. `None` if it is no amount.
pub(super) fn limit(text: &str, tally: &mut Tally, example: &str) -> Option<Usd> {
    let exact = Exact::parse(text)?;
    if exact.is_negative() {
        tally.adjust("a limit below nothing is nothing", example);
        return Some(Usd::ZERO);
    }
    if !exact.is_whole() {
        tally.adjust("a limit is rounded down to a nano-dollar", example);
    }
    let rounded = exact.rounded_down();
    if rounded.is_none() {
        tally.adjust("a limit is held at the largest amount", example);
    }
    Some(rounded.unwrap_or(Usd::MAX))
}

/// The limit in a column that may be empty.
pub(super) fn maybe_limit(
    row: &SourceRow,
    column: &str,
    (tally, example): (&mut Tally, &str),
) -> Result<Option<Usd>, ImportError> {
    let text: Option<&str> = row.get(column)?;
    Ok(text.and_then(|text| limit(text, tally, example)))
}

/// A weight, never less than it was; `None` if it is none that we take.
pub(super) fn weight_of(text: &str, tally: &mut Tally, example: &str) -> Option<Weight> {
    let (millionths, is_exact) = Exact::parse(text)?.rate()?;
    if !is_exact {
        tally.adjust("a weight is rounded up to a millionth", example);
    }
    let millionths = u32::try_from(millionths.picos()).ok()?;
    Weight::from_millionths(millionths)
}
