//! The statements of breakdowns. All take a cut (`$1` to `$8`) and the tenant, if it is of one (`$9`). What is read of a year
//! is tens of thousands of sums, so that each statement groups by no more than it has to.

use crate::store::sums::pieces;

/// The tokens that are told of: those that went in, and those that came out.
macro_rules! tokens {
    () => {
        "input + cached_input + cache_write + cache_write_1h + audio_input + image_input AS input, \
         output + reasoning_output + audio_output + image_output AS output"
    };
}

macro_rules! of_tenant {
    () => {
        "(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9)"
    };
}

macro_rules! summed {
    () => {
        "CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(input) AS BIGINT) AS input, \
         CAST(SUM(output) AS BIGINT) AS output, CAST(SUM(cost) AS BIGINT) AS cost"
    };
}

/// What all groups come to.
macro_rules! total {
    () => {
        "(SELECT COUNT(*) AS all_groups, CAST(SUM(requests) AS BIGINT) AS all_requests, \
         CAST(SUM(input) AS BIGINT) AS all_input, CAST(SUM(output) AS BIGINT) AS all_output, \
         CAST(SUM(cost) AS BIGINT) AS all_cost FROM charge) AS total"
    };
}

/// Sums of a family and rows of the parts of hours, with some columns of each, and no columns that nobody reads.
macro_rules! told_pieces {
    ($family:literal, $columns:expr) => {
        told_pieces!(
            concat!("family = ", $family, " AND series_family = ", $family),
            $columns,
            "true"
        )
    };
    ($of_sums:expr, $columns:expr, $of_both:expr) => {
        pieces!(
            concat!(
                "SELECT level, start, ",
                $columns,
                ", requests, ",
                tokens!(),
                ", cost FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id WHERE ",
                $of_sums,
                " AND ",
                $of_both,
                " AND level ="
            ),
            concat!(
                $columns,
                ", 1, ",
                tokens!(),
                ", cost FROM usage_ledger AS charge WHERE ",
                $of_both
            )
        )
    };
}

/// Whether each of the dimensions is asked for, but for the day (`$10` to `$15`), and how many groups (`$16`). What is not
/// asked for is 0 or empty, and so in one group.
macro_rules! grouped {
    ($from:expr) => {
        concat!(
            "WITH charge AS MATERIALIZED (SELECT tenant_id, key_id, provider, model, route, status, ",
            summed!(),
            " FROM (SELECT CASE WHEN CAST($10 AS BIGINT) = 1 THEN tenant_id ELSE 0 END AS tenant_id, \
             CASE WHEN CAST($11 AS BIGINT) = 1 THEN key_id ELSE 0 END AS key_id, \
             CASE WHEN CAST($12 AS BIGINT) = 1 THEN provider ELSE '' END AS provider, \
             CASE WHEN CAST($13 AS BIGINT) = 1 THEN model ELSE '' END AS model, \
             CASE WHEN CAST($14 AS BIGINT) = 1 THEN route ELSE '' END AS route, \
             CASE WHEN CAST($15 AS BIGINT) = 1 THEN status ELSE '' END AS status, \
             requests, input, output, cost FROM ",
            $from,
            " WHERE ",
            of_tenant!(),
            ") AS told GROUP BY tenant_id, key_id, provider, model, route, status) \
             SELECT page.*, total.*, \
             COALESCE((SELECT name FROM tenant WHERE tenant.id = page.tenant_id), '') AS tenant_name, \
             COALESCE((SELECT name FROM api_key WHERE api_key.id = page.key_id), '') AS key_name, \
             COALESCE((SELECT prefix FROM api_key WHERE api_key.id = page.key_id), '') AS key_prefix FROM \
             (SELECT * FROM charge \
             ORDER BY cost DESC, requests DESC, tenant_id, key_id, provider, model, route, status LIMIT $16) AS page \
             CROSS JOIN ",
            total!(),
            " ORDER BY cost DESC, requests DESC, tenant_id, key_id, provider, model, route, status"
        )
    };
}

/// What a series and a row of the ledger are told apart by.
macro_rules! labels {
    () => {
        "tenant_id, key_id, provider, model, route, status"
    };
}

pub(super) const OF_ALL: &str = grouped!(told_pieces!("0", labels!()));
pub(super) const OF_TENANTS: &str = grouped!(told_pieces!("1", labels!()));
pub(super) const OF_KEYS: &str = grouped!(told_pieces!("2", labels!()));
pub(super) const OF_TOTALS: &str = grouped!(told_pieces!("3", labels!()));

/// As `OF_TENANTS`, of all of them: the sums of each series come together before their labels are looked at.
pub(super) const OF_EACH_TENANT: &str = grouped!(concat!(
    "(SELECT ",
    labels!(),
    ", requests, input, output, cost FROM (SELECT series_id, ",
    summed!(),
    " FROM ",
    pieces!(
        concat!(
            "SELECT level, start, series_id, requests, ",
            tokens!(),
            ", cost FROM usage_sum WHERE series_family = 1 AND level ="
        ),
        concat!(
            "CAST(NULL AS BIGINT), 1, ",
            tokens!(),
            ", cost FROM usage_ledger AS charge WHERE false"
        )
    ),
    " GROUP BY series_id) AS summed JOIN usage_series ON usage_series.id = summed.series_id UNION ALL SELECT ",
    labels!(),
    ", 1, ",
    tokens!(),
    ", cost FROM usage_ledger AS charge WHERE charge.at >= $1 AND charge.at < $2 UNION ALL SELECT ",
    labels!(),
    ", 1, ",
    tokens!(),
    ", cost FROM usage_ledger AS charge WHERE charge.at >= $7 AND charge.at < $8) AS piece"
));

macro_rules! day {
    () => {
        "start - (start % 86400000000 + 86400000000) % 86400000000"
    };
}

/// Days, told apart by no more than one column beside: at most `$11` of them.
macro_rules! days {
    ($column:literal, $names:expr, $from:expr) => {
        concat!(
            "WITH charge AS MATERIALIZED (SELECT day, ",
            $column,
            ", ",
            summed!(),
            " FROM (SELECT ",
            day!(),
            " AS day, ",
            $column,
            ", requests, input, output, cost FROM ",
            $from,
            ") AS told GROUP BY day, ",
            $column,
            ") SELECT page.*, total.*",
            $names,
            " FROM (SELECT * FROM charge ORDER BY cost DESC, requests DESC, day, ",
            $column,
            " LIMIT $11) AS page CROSS JOIN ",
            total!(),
            " ORDER BY cost DESC, requests DESC, day, ",
            $column
        )
    };
}

/// The label that `$10` stands for, or none.
macro_rules! label {
    () => {
        "CASE CAST($10 AS BIGINT) WHEN 1 THEN provider WHEN 2 THEN model WHEN 3 THEN route WHEN 4 THEN status ELSE '' END \
         AS label"
    };
}

macro_rules! key_names {
    () => {
        ", COALESCE((SELECT name FROM api_key WHERE api_key.id = page.key_id), '') AS key_name, \
         COALESCE((SELECT prefix FROM api_key WHERE api_key.id = page.key_id), '') AS key_prefix"
    };
}

pub(super) const DAYS_OF_ALL: &str = days!(
    "label",
    "",
    told_pieces!(
        "family = 0 AND series_family = 0",
        label!(),
        "CAST($9 AS BIGINT) IS NULL"
    )
);
pub(super) const DAYS_OF_TENANT: &str = days!(
    "label",
    "",
    told_pieces!(
        "family = 1 AND series_family = 1",
        label!(),
        "tenant_id = $9"
    )
);
pub(super) const DAYS_OF_KEYS: &str = days!(
    "key_id",
    key_names!(),
    told_pieces!(
        "family = 2 AND series_family = 2",
        "key_id",
        "CAST($9 AS BIGINT) IS NULL AND CAST($10 AS BIGINT) = 0"
    )
);
/// By the series of a tenant, which are few: the sum keeps SQLite from reading all days of all tenants.
pub(super) const DAYS_OF_KEYS_OF_TENANT: &str = days!(
    "key_id",
    key_names!(),
    told_pieces!(
        "family = 2 AND series_family + 0 = 2",
        "key_id",
        "tenant_id = $9 AND CAST($10 AS BIGINT) = 0"
    )
);

/// Days of tenants are groups by the ten thousand. A whole day of a tenant is one sum: only the parts of days at both ends
/// are added up.
pub(super) const DAYS_OF_TENANTS: &str = concat!(
    "WITH charge AS MATERIALIZED (SELECT start AS day, tenant_id, requests, ",
    tokens!(),
    ", cost FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id \
     WHERE family = 3 AND series_family = 3 AND level = 1 AND start >= $3 AND start < $6 AND CAST($10 AS BIGINT) = 0 AND ",
    of_tenant!(),
    " UNION ALL SELECT day, tenant_id, ",
    summed!(),
    " FROM (SELECT ",
    day!(),
    " AS day, tenant_id, requests, input, output, cost FROM ",
    told_pieces!("3", "tenant_id"),
    " WHERE level <> 1 AND ",
    of_tenant!(),
    ") AS told GROUP BY day, tenant_id) \
     SELECT page.*, total.*, \
     COALESCE((SELECT name FROM tenant WHERE tenant.id = page.tenant_id), '') AS tenant_name FROM \
     (SELECT * FROM charge ORDER BY cost DESC, requests DESC, day, tenant_id LIMIT $11) AS page CROSS JOIN ",
    total!(),
    " ORDER BY cost DESC, requests DESC, day, tenant_id"
);
