//! The statements by which ranked pages are found. All take the time (`$1`, `$2`), what rows may cost (`$3`, `$4`)
//! and four values of their own, then the filter (`$9` to `$14`), the key (`$15`) and the session (`$16`).

use crate::store::driver::BulkQuery;
use crate::store::ledger::ledger_columns;
use crate::store::ledger_page::statements::series;
use crate::store::order::{Order, Sort};
use crate::store::usage::{LedgerFilter, of_filter};

/// What rows of any tenant have to be.
macro_rules! matching {
    () => {
        concat!(
            of_filter!("(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9)"),
            " AND (CAST($15 AS BIGINT) IS NULL OR key_id = $15) \
             AND (CAST($16 AS TEXT) IS NULL OR session = $16)"
        )
    };
}

macro_rules! candidates {
    () => {
        "SELECT request_id, at, cost, 1 AS is_match FROM "
    };
}

/// All rows that match, found by when they were admitted: at most `$5` after `$6`. The sum keeps databases
/// from looking for them by what they cost.
macro_rules! few {
    ($of:literal) => {
        few!($of, matching!())
    };
    ($of:literal, $matching:expr) => {
        concat!(
            candidates!(),
            "usage_ledger WHERE ",
            $of,
            " at >= $1 AND at < $2 AND at >= $7 AND at < $8 AND cost + 0 >= $3 AND cost + 0 <= $4 AND ",
            $matching,
            " LIMIT $5 OFFSET $6"
        )
    };
}

/// Nothing beside the tenant or the key: an index has all that is asked for, and no row is read.
macro_rules! nothing_else {
    () => {
        "CAST($10 AS TEXT) IS NULL AND CAST($11 AS TEXT) = '%' AND CAST($12 AS TEXT) = '%' AND CAST($13 AS TEXT) = '%' \
         AND CAST($14 AS TEXT) IS NULL AND CAST($16 AS TEXT) IS NULL"
    };
}

const FEW_OF_ALL: &str = few!("");
const FEW_OF_KEY: &str = few!("key_id = $15 AND");
const ALL_OF_TENANT: &str = few!(
    "tenant_id = $9 AND",
    concat!(nothing_else!(), " AND CAST($15 AS BIGINT) IS NULL")
);
const ALL_OF_KEY: &str = few!(
    "key_id = $15 AND",
    concat!(nothing_else!(), " AND CAST($9 AS BIGINT) IS NULL")
);
const FEW_OF_SESSION: &str = few!("tenant_id = $9 AND session = $16 AND");
/// By the hours in which those series have any that match.
const FEW_OF_SERIES: &str = concat!(
    candidates!(),
    series!("(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9)"),
    " AND cost + 0 >= $3 AND cost + 0 <= $4 AND (CAST($15 AS BIGINT) IS NULL OR key_id = $15) \
     AND (CAST($16 AS TEXT) IS NULL OR session = $16) LIMIT $5 OFFSET $6"
);
/// All rows that match, found by what they cost.
pub(super) const FEW_OF_COST: &str = concat!(
    candidates!(),
    "usage_ledger WHERE cost >= $3 AND cost <= $4 AND at >= $1 AND at < $2 AND at >= $7 AND at < $8 AND ",
    matching!(),
    " ORDER BY cost, at LIMIT $5 OFFSET $6"
);

/// How many rows of a time cost so much, until there are `$5`.
pub(super) const IN_COST_RANGE: &str = "SELECT COUNT(*) AS found FROM \
     (SELECT cost FROM usage_ledger WHERE cost >= $3 AND cost <= $4 AND at >= $1 AND at < $2 \
     ORDER BY cost, at LIMIT $5) AS costing";

/// The next rows whatever they are, and whether they match: at most `$8`, after what cost `$5` and was admitted
/// at `$6` as `$7`. Where they come after it by what they cost, that is the one bound at that end: SQLite looks no
/// further than the first that it finds, and would begin anew at the other each time.
macro_rules! walk {
    (newest $of:literal) => {
        walk!(
            concat!(
                "CAST($5 AS BIGINT) IS NOT NULL AND ",
                $of,
                "(at, request_id) < ($6, $7)"
            ),
            "at DESC, request_id DESC"
        )
    };
    (oldest $of:literal) => {
        walk!(
            concat!(
                "CAST($5 AS BIGINT) IS NOT NULL AND ",
                $of,
                "(at, request_id) > ($6, $7)"
            ),
            "at, request_id"
        )
    };
    ($after:expr, $order:literal) => {
        concat!(
            "SELECT request_id, at, cost, CASE WHEN cost >= $3 AND cost <= $4 AND ",
            matching!(),
            " THEN 1 ELSE 0 END AS is_match FROM usage_ledger WHERE at >= $1 AND at < $2 AND ",
            $after,
            " ORDER BY ",
            $order,
            " LIMIT $8"
        )
    };
}

/// Rows of a time, all of which match: at most `$8` behind the first `$9` after that mark, with one bound at each end as
/// in `walk`. Of a short time it is shorter to sort them than to find them among all others: a sum keeps databases
/// from the order by what they cost.
macro_rules! every_row {
    ($bounds:expr, $order:expr) => {
        concat!(
            candidates!(),
            "usage_ledger WHERE at >= $1 AND at < $2 AND CAST($3 AS BIGINT) <= CAST($4 AS BIGINT) AND ",
            $bounds,
            " ORDER BY ",
            $order,
            " LIMIT $8 OFFSET $9"
        )
    };
    (dearest $cost:literal) => {
        every_row!(
            concat!("(", $cost, ", at, request_id) < ($5, $6, $7)"),
            concat!($cost, " DESC, at DESC, request_id DESC")
        )
    };
    (cheapest $cost:literal) => {
        every_row!(
            concat!("(", $cost, ", at, request_id) > ($5, $6, $7)"),
            concat!($cost, ", at, request_id")
        )
    };
}

const ALL_DEAREST: &str = every_row!(dearest "cost");
const ALL_CHEAPEST: &str = every_row!(cheapest "cost");
const SORTED_DEAREST: &str = every_row!(dearest "cost + 0");
const SORTED_CHEAPEST: &str = every_row!(cheapest "cost + 0");

const DEAREST: &str = walk!(
    "cost >= $3 AND (cost, at, request_id) < ($5, $6, $7)",
    "cost DESC, at DESC, request_id DESC"
);
const CHEAPEST: &str = walk!(
    "cost <= $4 AND (cost, at, request_id) > ($5, $6, $7)",
    "cost, at, request_id"
);
/// Of what is for nothing, which is one cost: in the order of time, as the index by cost has it. By a comparison of
/// three, PostgreSQL takes the least cost for one that no row has, and sorts all of them for each step.
const FREE_NEWEST: &str = walk!(newest "cost = 0 AND ");
const FREE_OLDEST: &str = walk!(oldest "cost = 0 AND ");
const NEWEST: &str = walk!(newest "");
const OLDEST: &str = walk!(oldest "");
/// The same of one key: no row of another is looked at.
const NEWEST_OF_KEY: &str = walk!(newest "key_id = $15 AND ");
const OLDEST_OF_KEY: &str = walk!(oldest "key_id = $15 AND ");

/// All rows that match, where sums say that they are few: by what finds them soonest.
pub(super) fn few(filter: &LedgerFilter) -> &'static str {
    let name = filter.tenant_name.as_ref();
    let is_named = name.is_some_and(|name| !name.is_empty());
    if !is_named && !filter.is_narrow() && filter.session.is_none() {
        return match (filter.tenant, filter.key) {
            (Some(_), None) => ALL_OF_TENANT,
            (None, Some(_)) => ALL_OF_KEY,
            (Some(_), Some(_)) => FEW_OF_KEY,
            (None, None) => FEW_OF_ALL,
        };
    }
    if filter.session.is_some() && filter.tenant.is_some() {
        FEW_OF_SESSION
    } else if filter.key.is_some() {
        FEW_OF_KEY
    } else if filter.is_narrow() || is_named {
        FEW_OF_SERIES
    } else {
        FEW_OF_ALL
    }
}

/// Whether rows that match are looked for in one hour after the other, which costs the most for each.
pub(super) fn are_spread(filter: &LedgerFilter) -> bool {
    few(filter) == FEW_OF_SERIES
}

/// The next rows in an order: of those of the filter's key, where that order is theirs.
pub(super) fn walk(filter: &LedgerFilter, sort: Sort, order: Order) -> &'static str {
    match (sort, order, filter.key) {
        (Sort::Cost, Order::Desc, _) => DEAREST,
        (Sort::Cost, Order::Asc, _) => CHEAPEST,
        (Sort::At, Order::Desc, None) => NEWEST,
        (Sort::At, Order::Asc, None) => OLDEST,
        (Sort::At, Order::Desc, Some(_)) => NEWEST_OF_KEY,
        (Sort::At, Order::Asc, Some(_)) => OLDEST_OF_KEY,
    }
}

/// The next rows that are for nothing.
pub(super) fn walk_free(order: Order) -> &'static str {
    match order {
        Order::Desc => FREE_NEWEST,
        Order::Asc => FREE_OLDEST,
    }
}

/// Rows of a time by what they cost, sorted by hand or found in that order.
pub(super) fn every_row(order: Order, is_sorted: bool) -> &'static str {
    match (order, is_sorted) {
        (Order::Desc, false) => ALL_DEAREST,
        (Order::Asc, false) => ALL_CHEAPEST,
        (Order::Desc, true) => SORTED_DEAREST,
        (Order::Asc, true) => SORTED_CHEAPEST,
    }
}

/// Rows with their tenants' names, by request and time.
pub(super) const BY_IDS: BulkQuery = BulkQuery {
    row: concat!(
        "SELECT ",
        ledger_columns!(),
        ", COALESCE((SELECT name FROM tenant WHERE tenant.id = usage_ledger.tenant_id), '') AS tenant_name \
         FROM usage_ledger WHERE request_id = $1 AND at = $2"
    ),
    arrays: concat!(
        "SELECT ",
        ledger_columns!(),
        ", COALESCE((SELECT name FROM tenant WHERE tenant.id = usage_ledger.tenant_id), '') AS tenant_name \
         FROM UNNEST($1::BYTEA[], $2::BIGINT[]) AS wanted (its_id, its_at) CROSS JOIN LATERAL \
         (SELECT * FROM usage_ledger AS known WHERE known.request_id = its_id AND known.at = its_at LIMIT 1) \
         AS usage_ledger"
    ),
};
