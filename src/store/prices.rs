//! Prices: versions that are never changed. The newest version of a model's price is the one in
//! force; older ones explain older ledger rows.

use std::collections::{BTreeMap, HashMap};

use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, ModelPrice, Rate, Rates, Tier};
use crate::domain::usage::RateKind;
use crate::domain::window::UtcMicros;
use crate::store::driver::{BulkInsert, Transaction};
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params, row_params};
use crate::store::{Listed, Page, Store, containing};

/// Who set a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PriceSource {
    /// The price list that comes with the program.
    Seed,
    /// Somebody who runs this installation; a seed never overrules them.
    Admin,
}

impl PriceSource {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Seed, Self::Admin]
            .into_iter()
            .find(|source| source.as_str() == text)
    }
}

/// One version of a price as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRecord {
    /// The price as the data plane knows it.
    pub price: ModelPrice,
    /// What whoever set it calls this version.
    pub version_tag: String,
    /// Who set it.
    pub source: PriceSource,
    /// From when on it is in force.
    pub effective_from: UtcMicros,
    /// When the model first had a price.
    pub created_at: UtcMicros,
}

/// What a seed did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedReport {
    /// Models that got a first price or a new version.
    pub added: usize,
    /// Models whose price is the same already, or was set by an admin.
    pub kept: usize,
}

macro_rules! columns {
    () => {
        "id, provider, model, mode, version_tag, input_tokens_max, output_tokens_max, source, \
         effective_from, created_at"
    };
}

macro_rules! in_force {
    () => {
        "id IN (SELECT MAX(id) FROM model_price GROUP BY provider, model)"
    };
}

macro_rules! matching {
    () => {
        concat!(
            "FROM model_price WHERE ",
            in_force!(),
            " AND (LOWER(provider) LIKE LOWER($1) ESCAPE '\\' \
             OR LOWER(model) LIKE LOWER($1) ESCAPE '\\')"
        )
    };
}

macro_rules! page {
    () => {
        concat!(matching!(), " ORDER BY provider, model LIMIT $2 OFFSET $3")
    };
}

/// A choice of prices: two statements with the same parameters.
struct Choice {
    prices: &'static str,
    rates: &'static str,
}

/// The statements that read the prices of a `FROM .. WHERE ..` and their rates.
macro_rules! choice {
    ($chosen:expr) => {
        Choice {
            prices: concat!("SELECT ", columns!(), " ", $chosen),
            rates: concat!(
                "SELECT price_id, tier, above_input_tokens, kind, picos FROM model_rate \
                 WHERE price_id IN (SELECT id ",
                $chosen,
                ")"
            ),
        }
    };
}

impl Store {
    /// The prices in force whose provider or model contains the text, by provider and model.
    pub async fn list_prices(
        &self,
        search: Option<&str>,
        page: Page,
    ) -> Result<Listed<PriceRecord>, StoreError> {
        const COUNT: &str = concat!("SELECT COUNT(*) AS total ", matching!());
        const LIST: Choice = choice!(page!());
        let pattern = containing(search);
        let mut read = self.driver.begin_read().await?;
        let total = read.query(COUNT, params![&pattern]).await?;
        let params = params![&pattern, page.limit, page.offset];
        let rows = chosen(read.as_mut(), &LIST, params).await?;
        read.commit().await?;
        Ok(Listed {
            rows,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// A version of a price, in force or not.
    pub async fn price(&self, id: PriceId) -> Result<Option<PriceRecord>, StoreError> {
        const GET: Choice = choice!("FROM model_price WHERE id = $1");
        let mut read = self.driver.begin_read().await?;
        let found = chosen(read.as_mut(), &GET, params![id]).await?;
        read.commit().await?;
        Ok(found.into_iter().next())
    }

    /// The prices in force for a model, of each provider that has it.
    pub async fn prices_of_model(&self, model: &ModelName) -> Result<Vec<PriceRecord>, StoreError> {
        const GET: Choice = choice!(concat!(
            "FROM model_price WHERE model = $1 AND ",
            in_force!()
        ));
        let mut read = self.driver.begin_read().await?;
        let found = chosen(read.as_mut(), &GET, params![model]).await?;
        read.commit().await?;
        Ok(found)
    }

    /// Sets a model's price: a new version, by an admin. The id in `price` is not looked at.
    pub async fn set_price(
        &self,
        price: &ModelPrice,
        version_tag: &str,
        at: UtcMicros,
    ) -> Result<PriceRecord, StoreError> {
        const GET: Choice = choice!("FROM model_price WHERE id = $1");
        let mut change = self.change_catalog().await?;
        let version = Version {
            tag: version_tag,
            source: PriceSource::Admin,
            at,
        };
        let id = insert(change.as_mut(), price, &version).await?;
        let found = chosen(change.as_mut(), &GET, params![id]).await?;
        change.commit().await?;
        found
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::corrupt("model_price"))
    }

    /// Brings the price list that comes with the program into force, except where an admin has set
    /// a price. Prices that are the same already get no new version.
    pub async fn seed_prices(
        &self,
        prices: &[ModelPrice],
        version_tag: &str,
        at: UtcMicros,
    ) -> Result<SeedReport, StoreError> {
        let mut change = self.change_catalog().await?;
        let known: HashMap<_, _> = current(change.as_mut())
            .await?
            .into_iter()
            .map(|known| {
                (
                    (known.price.provider.clone(), known.price.model.clone()),
                    known,
                )
            })
            .collect();
        let version = Version {
            tag: version_tag,
            source: PriceSource::Seed,
            at,
        };
        let mut report = SeedReport::default();
        for price in prices {
            let known = known.get(&(price.provider.clone(), price.model.clone()));
            if known.is_some_and(|known| keeps(known, price)) {
                report.kept = report.kept.saturating_add(1);
                continue;
            }
            insert(change.as_mut(), price, &version).await?;
            report.added = report.added.saturating_add(1);
        }
        if report.added > 0 {
            change.commit().await?;
        }
        Ok(report)
    }
}

/// The prices in force.
pub(in crate::store) async fn current(
    read: &mut dyn Transaction,
) -> Result<Vec<PriceRecord>, StoreError> {
    const CURRENT: Choice = choice!(concat!("FROM model_price WHERE ", in_force!()));
    chosen(read, &CURRENT, &[]).await
}

/// Whether a seed leaves a price as it is.
fn keeps(known: &PriceRecord, seed: &ModelPrice) -> bool {
    let seed = ModelPrice {
        id: known.price.id,
        bands: bands(rates_of(seed)),
        ..seed.clone()
    };
    known.source == PriceSource::Admin || known.price == seed
}

struct Version<'a> {
    tag: &'a str,
    source: PriceSource,
    at: UtcMicros,
}

async fn insert(
    change: &mut dyn Transaction,
    price: &ModelPrice,
    version: &Version<'_>,
) -> Result<PriceId, StoreError> {
    const INSERT: &str = "INSERT INTO model_price (provider, model, mode, version_tag, \
         input_tokens_max, output_tokens_max, source, effective_from, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, COALESCE((SELECT MIN(created_at) \
         FROM model_price WHERE provider = $1 AND model = $2), $8)) RETURNING id";
    const INSERT_RATES: BulkInsert = BulkInsert {
        row: "INSERT INTO model_rate (price_id, tier, above_input_tokens, kind, picos) \
              VALUES ($1, $2, $3, $4, $5)",
        arrays: "INSERT INTO model_rate (price_id, tier, above_input_tokens, kind, picos) \
                 SELECT * FROM UNNEST(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[]), \
                 CAST($3 AS BIGINT[]), CAST($4 AS TEXT[]), CAST($5 AS BIGINT[]))",
    };
    let inserted = change
        .query(
            INSERT,
            params![
                &price.provider,
                &price.model,
                &price.mode,
                version.tag,
                price.input_tokens_max,
                price.output_tokens_max,
                version.source.as_str(),
                version.at
            ],
        )
        .await?;
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

type RateKey = (Tier, u64, RateKind);

fn rates_of(price: &ModelPrice) -> impl Iterator<Item = (RateKey, Rate)> {
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

async fn chosen(
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
        effective_from: row.instant("effective_from")?,
        created_at: row.instant("created_at")?,
    })
}
