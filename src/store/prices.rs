//! Prices: versions that are never changed, each in force from an instant on until that of the next.
//! Older ones explain older ledger rows; those that begin later are known beforehand.

mod audited;
mod rows;
mod seeding;

use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{ModelPrice, PriceVersion};
use crate::domain::stamp::Stamp;
use crate::domain::window::UtcMicros;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::prices::audited::note_version;
use crate::store::prices::rows::{Choice, Version, choice, chosen, insert};
use crate::store::value::params;
use crate::store::{Listed, Page, Store, containing};

pub(in crate::store) use crate::store::prices::rows::bands;
pub use crate::store::prices::seeding::SeedReport;

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
    /// Whether the model has no price from then on; the rates are those that it had before.
    pub is_retired: bool,
    /// From when on it is in force.
    pub effective_from: UtcMicros,
    /// When it was set.
    pub made_at: UtcMicros,
    /// When the model first got a price.
    pub created_at: UtcMicros,
}

impl From<PriceRecord> for PriceVersion {
    fn from(record: PriceRecord) -> Self {
        Self {
            price: record.price,
            effective_from: record.effective_from,
            is_retired: record.is_retired,
        }
    }
}

/// How an admin changes a price.
#[derive(Clone, Copy, Debug)]
pub struct PriceChange<'a> {
    /// What this version is called.
    pub version_tag: &'a str,
    /// From when on it is in force: before now or after; `None` is at once.
    pub effective_from: Option<UtcMicros>,
}

impl<'a> PriceChange<'a> {
    fn version(&self, is_retired: bool, made_at: UtcMicros) -> Version<'a> {
        Version {
            tag: self.version_tag,
            source: PriceSource::Admin,
            is_retired,
            effective_from: self.effective_from,
            made_at,
        }
    }
}

/// Which prices are wanted: those that everything given here is true of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFilter {
    /// Those in force at this instant.
    pub at: UtcMicros,
    /// Instead of them those that begin after it.
    pub is_scheduled: bool,
    /// Whose provider or model contains this, in any case.
    pub search: Option<String>,
    /// Of exactly this provider.
    pub provider: Option<ProviderName>,
    /// Of exactly this mode.
    pub mode: Option<String>,
    /// Only the retired, or only the others.
    pub is_retired: Option<bool>,
}

impl PriceFilter {
    /// Every model's price at an instant.
    pub fn in_force(at: UtcMicros) -> Self {
        Self {
            at,
            is_scheduled: false,
            search: None,
            provider: None,
            mode: None,
            is_retired: None,
        }
    }
}

macro_rules! matching {
    ($when:literal) => {
        concat!(
            "FROM model_price WHERE ",
            $when,
            " AND ",
            rows::since!(),
            " AND (LOWER(provider) LIKE LOWER($2) ESCAPE '\\' \
             OR LOWER(model) LIKE LOWER($2) ESCAPE '\\') \
             AND (CAST($3 AS TEXT) IS NULL OR provider = $3) \
             AND (CAST($4 AS TEXT) IS NULL OR mode = $4) \
             AND (CAST($5 AS BIGINT) IS NULL OR is_retired = $5)"
        )
    };
}

/// The statements of one kind of list.
struct Matching {
    count: &'static str,
    list: Choice,
}

const IN_FORCE: Matching = Matching {
    count: concat!(
        "SELECT COUNT(*) AS total ",
        matching!("effective_from <= $1")
    ),
    list: choice!(
        matching!("effective_from <= $1"),
        " ORDER BY provider, model LIMIT $6 OFFSET $7"
    ),
};
const SCHEDULED: Matching = Matching {
    count: concat!(
        "SELECT COUNT(*) AS total ",
        matching!("effective_from > $1")
    ),
    list: choice!(
        matching!("effective_from > $1"),
        " ORDER BY effective_from, provider, model LIMIT $6 OFFSET $7"
    ),
};

impl Store {
    /// The prices that match, by provider and model; those that begin later, by when.
    pub async fn list_prices(
        &self,
        filter: &PriceFilter,
        page: Page,
    ) -> Result<Listed<PriceRecord>, StoreError> {
        let statements = if filter.is_scheduled {
            &SCHEDULED
        } else {
            &IN_FORCE
        };
        let mut params = params![
            filter.at,
            &containing(filter.search.as_deref()),
            filter.provider.as_ref(),
            filter.mode.as_ref(),
            filter.is_retired,
        ]
        .to_vec();
        let mut read = self.driver.begin_read().await?;
        let total = read.query(statements.count, &params).await?;
        params.extend_from_slice(params![page.limit, page.offset]);
        let rows = chosen(read.as_mut(), &statements.list, &params).await?;
        read.commit().await?;
        Ok(Listed {
            rows,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// A version of a price, in force or not.
    pub async fn price(&self, id: PriceId) -> Result<Option<PriceRecord>, StoreError> {
        let mut read = self.driver.begin_read().await?;
        let found = by_id(read.as_mut(), id).await?;
        read.commit().await?;
        Ok(found)
    }

    /// The prices of a model at an instant, of each provider that has it: the one in force, else the
    /// first that begins later.
    pub async fn prices_of_model(
        &self,
        model: &ModelName,
        at: UtcMicros,
    ) -> Result<Vec<PriceRecord>, StoreError> {
        const GET: Choice = choice!(
            concat!("FROM model_price WHERE model = $2 AND ", rows::since!()),
            " ORDER BY provider, effective_from"
        );
        let mut read = self.driver.begin_read().await?;
        let mut found = chosen(read.as_mut(), &GET, params![at, model]).await?;
        read.commit().await?;
        found.dedup_by(|later, first| later.price.provider == first.price.provider);
        Ok(found)
    }

    /// All versions of a price, the last to begin first.
    pub async fn price_history(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        page: Page,
    ) -> Result<Listed<PriceRecord>, StoreError> {
        const COUNT: &str =
            "SELECT COUNT(*) AS total FROM model_price WHERE provider = $1 AND model = $2";
        const LIST: Choice = choice!(
            "FROM model_price WHERE provider = $1 AND model = $2",
            " ORDER BY effective_from DESC, id DESC LIMIT $3 OFFSET $4"
        );
        let mut read = self.driver.begin_read().await?;
        let total = read.query(COUNT, params![provider, model]).await?;
        let params = params![provider, model, page.limit, page.offset];
        let rows = chosen(read.as_mut(), &LIST, params).await?;
        read.commit().await?;
        Ok(Listed {
            rows,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// Sets a model's price: a new version, by an admin. The id in `price` is not looked at.
    pub async fn set_price(
        &self,
        price: &ModelPrice,
        wanted: &PriceChange<'_>,
        stamp: &Stamp,
    ) -> Result<PriceRecord, StoreError> {
        let mut change = self.change_catalog().await?;
        let id = insert(change.as_mut(), price, &wanted.version(false, stamp.at)).await?;
        let made = by_id(change.as_mut(), id).await?;
        let made = made.ok_or_else(|| StoreError::corrupt("model_price"))?;
        note_version(change.as_mut(), stamp, "set", &made).await?;
        change.commit().await?;
        Ok(made)
    }

    /// Takes a model's price away: a new version, by an admin, which keeps the rates of `price` for a
    /// look. Versions that begin later are retired as well.
    pub async fn retire_price(
        &self,
        price: &ModelPrice,
        wanted: &PriceChange<'_>,
        stamp: &Stamp,
    ) -> Result<PriceRecord, StoreError> {
        const LATER: Choice = choice!(
            concat!(
                "FROM model_price WHERE provider = $2 AND model = $3 AND effective_from > $1 \
                 AND is_retired = 0 AND ",
                rows::since!()
            ),
            " ORDER BY effective_from"
        );
        let mut change = self.change_catalog().await?;
        let id = insert(change.as_mut(), price, &wanted.version(true, stamp.at)).await?;
        let made = by_id(change.as_mut(), id).await?;
        let made = made.ok_or_else(|| StoreError::corrupt("model_price"))?;
        note_version(change.as_mut(), stamp, "retire", &made).await?;
        let params = params![made.effective_from, &price.provider, &price.model];
        for later in chosen(change.as_mut(), &LATER, params).await? {
            let version = Version {
                effective_from: Some(later.effective_from),
                ..wanted.version(true, stamp.at)
            };
            insert(change.as_mut(), &later.price, &version).await?;
        }
        change.commit().await?;
        Ok(made)
    }
}

/// Adds a version by an admin as part of a larger change.
pub(in crate::store) async fn add_version(
    change: &mut dyn Transaction,
    price: &ModelPrice,
    wanted: &PriceChange<'_>,
    at: UtcMicros,
) -> Result<PriceId, StoreError> {
    insert(change, price, &wanted.version(false, at)).await
}

async fn by_id(read: &mut dyn Transaction, id: PriceId) -> Result<Option<PriceRecord>, StoreError> {
    const GET: Choice = choice!("FROM model_price WHERE id = $1", "");
    Ok(chosen(read, &GET, params![id]).await?.into_iter().next())
}

/// The versions that requests since an instant can be charged by: of each model the one in force then,
/// and all that begin later.
pub(in crate::store) async fn since(
    read: &mut dyn Transaction,
    at: UtcMicros,
) -> Result<Vec<PriceRecord>, StoreError> {
    const SINCE: Choice = choice!(concat!("FROM model_price WHERE ", rows::since!()), "");
    chosen(read, &SINCE, params![at]).await
}
