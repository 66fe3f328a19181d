//! What the ledger has for a budget: sums by scope, and by model where only some count.

use crate::domain::budget::{Coverage, Scope};
use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::tag::Weight;
use crate::domain::window::Window;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::ledger::{ledger_columns, ledger_row_of};
use crate::store::sums::{Cut, tag_pieces, usage_pieces};
use crate::store::value::{Value, row_params};

/// The statements of one kind of scope: its whole sum, or one for each provider and model.
struct Sums {
    whole: &'static str,
    by_model: &'static str,
}

macro_rules! of_ledger {
    ($family:tt, $scope:literal) => {
        of_ledger!($family, $family, $scope)
    };
    ($whole:tt, $family:tt, $scope:literal) => {
        Sums {
            whole: concat!(
                "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS spent FROM ",
                usage_pieces!($whole),
                " WHERE ",
                $scope
            ),
            by_model: concat!(
                "SELECT provider, model, CAST(SUM(cost) AS BIGINT) AS spent FROM ",
                usage_pieces!($family),
                " WHERE ",
                $scope,
                " GROUP BY provider, model"
            ),
        }
    };
}

/// The share of a charge that counts on a tag's budget, rounded up for each row as
/// `domain::tag::Weight` does; the budget's weight is `$4`.
macro_rules! weighted {
    () => {
        "CAST(COALESCE(SUM(usage_tag.cost / 1000000 * ((usage_tag.weight * $4 + 999999) / 1000000) \
         + (usage_tag.cost % 1000000 * ((usage_tag.weight * $4 + 999999) / 1000000) + 999999) \
         / 1000000), 0) AS BIGINT) AS spent FROM usage_tag"
    };
}

const OF_ALL: Sums = of_ledger!(all, "CAST($9 AS BIGINT) = 0");
const OF_TENANT: Sums = of_ledger!(totals, tenants, "tenant_id = $9");
const OF_KEY: Sums = of_ledger!(keys, "key_id = $9");
const OF_TAG: Sums = Sums {
    whole: concat!(
        "SELECT CAST(COALESCE(SUM(share), 0) AS BIGINT) AS spent FROM ",
        tag_pieces!(),
        " WHERE tag_id = $9"
    ),
    by_model: concat!(
        "SELECT provider, model, CAST(SUM(share) AS BIGINT) AS spent FROM ",
        tag_pieces!(),
        " WHERE tag_id = $9 GROUP BY provider, model"
    ),
};
/// Of the rows themselves: sums know what each counts by the weights of tags, and not what it counts by
/// the weight of a budget on top.
const OF_TAG_WEIGHTED: Sums = Sums {
    whole: concat!(
        "SELECT ",
        weighted!(),
        " WHERE tag_id = $1 AND usage_tag.at >= $2 AND usage_tag.at < $3"
    ),
    by_model: concat!(
        "SELECT provider, model, ",
        weighted!(),
        " JOIN usage_ledger ON usage_ledger.request_id = usage_tag.request_id \
         AND usage_ledger.at = usage_tag.at \
         WHERE tag_id = $1 AND usage_tag.at >= $2 AND usage_tag.at < $3 GROUP BY provider, model"
    ),
};

/// How many rows one statement looks for by their ids.
const IDS_TOGETHER: usize = 16;
const BY_IDS: &str = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM usage_ledger WHERE request_id IN \
     ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
);

/// The rows that some requests have.
pub(super) async fn rows_of(
    read: &mut dyn Transaction,
    requests: &[RequestId],
) -> Result<Vec<LedgerRow>, StoreError> {
    let mut rows = Vec::new();
    for some in requests.chunks(IDS_TOGETHER) {
        // The statement always has as many: the first ids fill it up.
        let ids = some.iter().cycle();
        let params: Vec<Value> = ids
            .take(IDS_TOGETHER)
            .map(|id| Value::from(&id.as_bytes()[..]))
            .collect();
        for row in read.query(BY_IDS, &params).await? {
            rows.push(ledger_row_of(&row)?);
        }
    }
    Ok(rows)
}

/// What counts of the spending in a window. A session's sum is asked for by its name instead.
pub(super) async fn counted(
    read: &mut dyn Transaction,
    coverage: &Coverage,
    window: Window,
) -> Result<Usd, StoreError> {
    let (sums, id) = match coverage.scope {
        Scope::Installation => (&OF_ALL, 0),
        Scope::Tenant(id) => (&OF_TENANT, id.0),
        Scope::Key(id) => (&OF_KEY, id.0),
        Scope::Tag(id) if coverage.weight == Weight::ONE => (&OF_TAG, id.0),
        Scope::Tag(id) => (&OF_TAG_WEIGHTED, id.0),
        Scope::Session(_) => return Err(StoreError::corrupt("a session's sum by its key")),
    };
    let cut = match coverage.scope {
        Scope::Key(_) => Cut::without_hours(window),
        Scope::Installation | Scope::Tenant(_) | Scope::Tag(_) | Scope::Session(_) => {
            Cut::of(window)
        }
    };
    let mut params = cut.params();
    params.push(Value::from(id));
    if matches!(coverage.scope, Scope::Tag(_)) && coverage.weight != Weight::ONE {
        let weight = coverage.weight.millionths();
        params = row_params![id, window.start, window.end, weight];
    }
    if coverage.calls.is_everything() {
        let rows = read.query(sums.whole, &params).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("spent"))?;
        return row.usd("spent");
    }
    let mut sum = Usd::ZERO;
    for row in read.query(sums.by_model, &params).await? {
        if coverage
            .calls
            .matches(row.text("provider")?, row.text("model")?)
        {
            sum = sum.saturating_add(row.usd("spent")?);
        }
    }
    Ok(sum)
}
