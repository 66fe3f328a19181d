//! Bringing the price list that comes with the program into force, without ever touching a model whose
//! price somebody here has set.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::id::{ModelName, ProviderName};
use crate::domain::pricing::ModelPrice;
use crate::domain::stamp::Stamp;
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::prices::audited::note_seed;
use crate::store::prices::rows::{Version, bands, insert, rates_of};
use crate::store::prices::{PriceRecord, PriceSource, since};
use crate::store::value::Row;

/// A model's first price counts from so long before on: a replica whose clock is behind knows the model, too.
const CLOCKS_APART_MAX: Duration = Duration::from_hours(1);

/// What a seed did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedReport {
    /// Models that got a first price or a new version.
    pub added: usize,
    /// Models whose price is the same already, or was ever set or retired by an admin.
    pub kept: usize,
}

type Name = (ProviderName, ModelName);

impl Store {
    /// Brings the price list that comes with the program into force, except for models that an admin
    /// has ever changed, be it that the change only begins later. Prices that are the same already get
    /// no new version.
    pub async fn seed_prices(
        &self,
        prices: &[ModelPrice],
        version_tag: &str,
        stamp: &Stamp,
    ) -> Result<SeedReport, StoreError> {
        let mut change = self.change_catalog().await?;
        let known = last_versions(change.as_mut()).await?;
        let edited = edited(change.as_mut()).await?;
        let version = Version {
            tag: version_tag,
            source: PriceSource::Seed,
            is_retired: false,
            effective_from: None,
            made_at: stamp.at,
        };
        let mut report = SeedReport::default();
        for price in prices {
            let name = (price.provider.clone(), price.model.clone());
            let is_same = known.get(&name).is_some_and(|known| says(known, price));
            if is_same || edited.contains(&name) {
                report.kept = report.kept.saturating_add(1);
                continue;
            }
            let is_first = !known.contains_key(&name);
            let version = Version {
                effective_from: is_first.then(|| stamp.at.minus(CLOCKS_APART_MAX)),
                ..version
            };
            insert(change.as_mut(), price, &version).await?;
            report.added = report.added.saturating_add(1);
        }
        if report.added > 0 {
            note_seed(change.as_mut(), stamp, version_tag, report).await?;
            change.commit().await?;
        }
        Ok(report)
    }
}

/// The version of each model that is in force after all others.
async fn last_versions(
    change: &mut dyn Transaction,
) -> Result<HashMap<Name, PriceRecord>, StoreError> {
    let last = since(change, UtcMicros::MAX).await?.into_iter();
    let named = last.map(|known| {
        let name = (known.price.provider.clone(), known.price.model.clone());
        (name, known)
    });
    Ok(named.collect())
}

/// The models that an admin has ever changed.
async fn edited(change: &mut dyn Transaction) -> Result<HashSet<Name>, StoreError> {
    const EDITED: &str = "SELECT DISTINCT provider, model FROM model_price WHERE source = 'admin'";
    let rows = change.query(EDITED, &[]).await?;
    let name = |row: &Row| {
        Ok((
            ProviderName::new(row.text("provider")?),
            ModelName::new(row.text("model")?),
        ))
    };
    rows.iter().map(name).collect()
}

/// Whether a version says the same as the price list.
fn says(known: &PriceRecord, listed: &ModelPrice) -> bool {
    let listed = ModelPrice {
        id: known.price.id,
        bands: bands(rates_of(listed)),
        ..listed.clone()
    };
    known.price == listed
}
