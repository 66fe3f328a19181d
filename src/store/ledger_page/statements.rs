//! The statements by which pages are found: for all tenants, for those that a name finds, for one, and for
//! a key; each in both directions.

use crate::store::ledger::ledger_columns;
use crate::store::sums::usage_pieces;
use crate::store::usage::{named_tenants, of_filter, of_key, of_key_sums};

/// The statements of one way to choose tenants.
pub(super) struct Listing {
    /// How many rows there are in each piece of the window, newest first.
    pub(super) counts: &'static str,
    pub(super) newest: Rows,
    pub(super) oldest: Rows,
}

/// The same rows in one direction.
pub(super) struct Rows {
    /// The rows of a time one after the other.
    pub(super) all: &'static str,
    /// The same, of a session.
    pub(super) of_session: &'static str,
    /// The same where few match: only those of the series that match, in the hours in which they have any.
    pub(super) of_series: &'static str,
}

macro_rules! entries {
    () => {
        concat!(
            "SELECT ",
            ledger_columns!(),
            ", COALESCE((SELECT name FROM tenant WHERE tenant.id = usage_ledger.tenant_id), '') AS tenant_name "
        )
    };
}

/// The time that rows are in, twice: exactly, and in whole hours for what goes by hours.
macro_rules! in_time {
    () => {
        "at >= $1 AND at < $2 AND at >= $7 AND at < $8 AND "
    };
}

/// The series of a filter with the hours in which they have rows, and their rows. SQLite looks into tables in the
/// order in which they are crossed.
macro_rules! series {
    ($tenant:expr) => {
        concat!(
            "(SELECT start AS hour, tenant_id AS its_tenant, \
             provider AS its_provider, model AS its_model, answered AS its_answer, \
             route AS its_route, status AS its_status \
             FROM usage_series CROSS JOIN usage_sum WHERE usage_sum.series_id = usage_series.id \
             AND family = 1 AND series_family = 1 AND level = 0 AND start >= $7 AND start < $8 AND ",
            of_filter!($tenant),
            ") AS series CROSS JOIN usage_ledger WHERE tenant_id = its_tenant \
             AND at >= hour AND at < hour + 3600000000 AND at >= $1 AND at < $2 AND provider = its_provider AND status = its_status \
             AND SUBSTR(model, 1, 200) = its_model AND SUBSTR(route, 1, 200) = its_route \
             AND SUBSTR(COALESCE(model_served, model), 1, 200) = its_answer"
        )
    };
}
pub(in crate::store) use series;

/// Rows in one direction, from `$3` rows after the row of `$4` and `$5` on.
macro_rules! rows {
    ($tenant:literal, $of_rows:expr, $in_order:literal) => {
        Rows {
            all: concat!(
                entries!(),
                "FROM usage_ledger WHERE ",
                in_time!(),
                of_filter!($of_rows),
                $in_order
            ),
            of_session: concat!(
                entries!(),
                "FROM usage_ledger WHERE session = $15 AND ",
                in_time!(),
                of_filter!($tenant),
                $in_order
            ),
            of_series: concat!(entries!(), "FROM ", series!($tenant), $in_order),
        }
    };
}

macro_rules! listing {
    ($family:tt, $tenant:literal) => {
        listing!($family, $tenant, $tenant)
    };
    ($family:tt, $tenant:literal, $of_rows:expr) => {
        Listing {
            counts: counts!($family, of_filter!($tenant)),
            newest: rows!(
                $tenant,
                $of_rows,
                " AND (at, request_id) < ($4, $5) ORDER BY at DESC, request_id DESC LIMIT $6 OFFSET $3"
            ),
            oldest: rows!(
                $tenant,
                $of_rows,
                " AND (at, request_id) > ($4, $5) ORDER BY at, request_id LIMIT $6 OFFSET $3"
            ),
        }
    };
}

macro_rules! counts {
    ($family:tt, $filter:expr) => {
        concat!(
            "SELECT level, start, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(cost) AS BIGINT) AS cost FROM ",
            usage_pieces!($family),
            " WHERE ",
            $filter,
            " GROUP BY level, start ORDER BY start DESC"
        )
    };
}

macro_rules! of_one_key {
    ($in_order:literal) => {
        concat!(
            entries!(),
            "FROM usage_ledger WHERE ",
            in_time!(),
            of_filter!(of_key!()),
            $in_order
        )
    };
}

pub(super) const OF_ALL: Listing = listing!(all, "CAST($9 AS BIGINT) IS NULL");
pub(super) const OF_NAMED: Listing =
    listing!(named, "CAST($9 AS BIGINT) IS NULL", named_tenants!());
pub(super) const OF_ONE: Listing = listing!(tenants, "tenant_id = $9");
/// All rows of tenants: their sums tell nothing apart.
pub(super) const WHOLE_NAMED: Listing =
    listing!(named_totals, "CAST($9 AS BIGINT) IS NULL", named_tenants!());
pub(super) const WHOLE_ONE: Listing = listing!(totals, "tenant_id = $9");

/// How many rows of the key in `$15` there are in each piece of the window, newest first; there are no hours.
pub(super) const COUNTS_OF_KEY: &str = counts!(keys, of_key_sums!());
pub(super) const NEWEST_OF_KEY: &str = of_one_key!(
    " AND (at, request_id) < ($4, $5) ORDER BY at DESC, request_id DESC LIMIT $6 OFFSET $3"
);
pub(super) const OLDEST_OF_KEY: &str =
    of_one_key!(" AND (at, request_id) > ($4, $5) ORDER BY at, request_id LIMIT $6 OFFSET $3");
