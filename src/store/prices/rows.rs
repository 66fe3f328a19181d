//! Versions of prices as rows: which ones a statement chooses, how they are read and how written.

use std::collections::{BTreeMap, HashMap};

use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, ModelPrice, Rate, Rates, Tier};
use crate::domain::usage::RateKind;
use crate::domain::window::UtcMicros;
use crate::store::driver::{BulkInsert, Transaction};
use crate::store::error::StoreError;
use crate::store::prices::{PriceRecord, PriceSource};
use crate::store::value::{Row, Value, params, row_params};

macro_rules! columns {
    () => {
        "id, provider, model, mode, version_tag, input_tokens_max, output_tokens_max, source, \
         is_retired, effective_from, COALESCE(made_at, effective_from) AS made_at, created_at"
    };
}
pub(super) use columns;

/// Those versions that requests since the instant `$1` can be charged by: the one that is in force then
/// and all that begin later; of several that begin together the last one. Both are found by index.
macro_rules! since {
    () => {
        "effective_from >= COALESCE((SELECT MAX(begun.effective_from) FROM model_price AS begun \
         WHERE begun.provider = model_price.provider AND begun.model = model_price.model \
         AND begun.effective_from <= $1), effective_from) \
         AND id = (SELECT MAX(together.id) FROM model_price AS together \
         WHERE together.provider = model_price.provider AND together.model = model_price.model \
         AND together.effective_from = model_price.effective_from)"
    };
}
pub(super) use since;

/// A choice of prices: two statements with the same parameters.
pub(super) struct Choice {
    pub(super) prices: &'static str,
    pub(super) rates: &'static str,
}

/// The statements that read the prices of a `FROM .. WHERE ..`, in an order, and their rates.
macro_rules! choice {
    ($chosen:expr, $order:literal) => {
        $crate::store::prices::rows::Choice {
            prices: concat!(
                "SELECT ",
                $crate::store::prices::rows::columns!(),
                " ",
                $chosen,
                $order
            ),
            rates: concat!(
                "SELECT price_id, tier, above_input_tokens, kind, picos FROM model_rate \
                 WHERE price_id IN (SELECT id ",
                $chosen,
                $order,
                ")"
            ),
        }
    };
}
pub(super) use choice;

/// A new version.
pub(super) struct Version<'a> {
    pub(super) tag: &'a str,
    pub(super) source: PriceSource,
    pub(super) is_retired: bool,
    /// `None`: at once.
    pub(super) effective_from: Option<UtcMicros>,
    pub(super) made_at: UtcMicros,
}

pub(super) async fn insert(
    change: &mut dyn Transaction,
    price: &ModelPrice,
    version: &Version<'_>,
) -> Result<PriceId, StoreError> {
    const INSERT: &str = "INSERT INTO model_price (provider, model, mode, version_tag, \
         input_tokens_max, output_tokens_max, source, is_retired, effective_from, made_at, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
         COALESCE((SELECT MIN(created_at) FROM model_price \
         WHERE provider = $1 AND model = $2), $10)) RETURNING id";
    const INSERT_RATES: BulkInsert = BulkInsert {
        row: "INSERT INTO model_rate (price_id, tier, above_input_tokens, kind, picos) \
              VALUES ($1, $2, $3, $4, $5)",
        arrays: "INSERT INTO model_rate (price_id, tier, above_input_tokens, kind, picos) \
                 SELECT * FROM UNNEST(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[]), \
                 CAST($3 AS BIGINT[]), CAST($4 AS TEXT[]), CAST($5 AS BIGINT[]))",
    };
    let effective_from = match version.effective_from {
        Some(instant) => instant,
        None => at_once(change, price, version.made_at).await?,
    };
    let values = params![
        &price.provider,
        &price.model,
        &price.mode,
        version.tag,
        price.input_tokens_max,
        price.output_tokens_max,
        version.source.as_str(),
        version.is_retired,
        effective_from,
        version.made_at,
    ];
    let inserted = change.query(INSERT, values).await?;
    let row = inserted
        .first()
        .ok_or_else(|| StoreError::corrupt("model_price"))?;
    let id = PriceId(row.int("id")?);
    let rates = rates_of(price)
        .map(|((tier, above, kind), rate)| {
            row_params![id, tier.as_str(), above, kind.as_str(), rate.picos()]
        })
        .collect();
    change.insert_many(&INSERT_RATES, rates).await?;
    Ok(id)
}

/// From when on a version is in force that is to be so at once: not before one that was made by a
/// clock that goes ahead of this one, for then it never would be.
async fn at_once(
    change: &mut dyn Transaction,
    price: &ModelPrice,
    now: UtcMicros,
) -> Result<UtcMicros, StoreError> {
    const LATEST: &str = "SELECT MAX(effective_from) AS latest FROM model_price \
         WHERE provider = $1 AND model = $2 \
         AND effective_from <= COALESCE(made_at, effective_from)";
    let params = params![&price.provider, &price.model];
    let rows = change.query(LATEST, params).await?;
    let latest = match rows.first() {
        Some(row) => row.maybe_int("latest")?,
        None => None,
    };
    Ok(latest.map_or(now, |latest| UtcMicros::new(latest).max(now)))
}

type RateKey = (Tier, u64, RateKind);

pub(super) fn rates_of(price: &ModelPrice) -> impl Iterator<Item = (RateKey, Rate)> {
    price.bands.iter().flat_map(|band| {
        let rates = band.rates.iter();
        rates.map(|(kind, rate)| ((band.tier, band.above_input_tokens, kind), rate))
    })
}

/// Puts rates into bands, always in the same order.
pub(in crate::store) fn bands(rates: impl IntoIterator<Item = (RateKey, Rate)>) -> Vec<Band> {
    let sorted: BTreeMap<RateKey, Rate> = rates.into_iter().collect();
    let mut bands: BTreeMap<(Tier, u64), Rates> = BTreeMap::new();
    for ((tier, above_input_tokens, kind), rate) in sorted {
        let rates = bands.entry((tier, above_input_tokens)).or_default();
        rates.set(kind, rate);
    }
    bands
        .into_iter()
        .map(|((tier, above_input_tokens), rates)| Band {
            tier,
            above_input_tokens,
            rates,
        })
        .collect()
}

pub(super) async fn chosen(
    read: &mut dyn Transaction,
    choice: &Choice,
    params: &[Value],
) -> Result<Vec<PriceRecord>, StoreError> {
    let prices = read.query(choice.prices, params).await?;
    let mut rates: HashMap<i64, Vec<(RateKey, Rate)>> = HashMap::new();
    for row in read.query(choice.rates, params).await? {
        let of_price = rates.entry(row.int("price_id")?).or_default();
        of_price.push(rate(&row)?);
    }
    prices
        .iter()
        .map(|row| {
            let rates = rates.remove(&row.int("id")?).unwrap_or_default();
            record(row, bands(rates))
        })
        .collect()
}

fn rate(row: &Row) -> Result<(RateKey, Rate), StoreError> {
    let key = (
        row.named("tier", |name| name.parse().ok())?,
        row.number("above_input_tokens")?,
        row.named("kind", RateKind::parse)?,
    );
    Ok((key, Rate::from_picos(row.int("picos")?)))
}

fn record(row: &Row, bands: Vec<Band>) -> Result<PriceRecord, StoreError> {
    Ok(PriceRecord {
        price: ModelPrice {
            id: PriceId(row.int("id")?),
            provider: ProviderName::new(row.text("provider")?),
            model: ModelName::new(row.text("model")?),
            mode: row.text("mode")?.to_owned(),
            input_tokens_max: row.maybe_number("input_tokens_max")?,
            output_tokens_max: row.maybe_number("output_tokens_max")?,
            bands,
        },
        version_tag: row.text("version_tag")?.to_owned(),
        source: row.named("source", PriceSource::parse)?,
        is_retired: row.flag("is_retired")?,
        effective_from: row.instant("effective_from")?,
        made_at: row.instant("made_at")?,
        created_at: row.instant("created_at")?,
    })
}
