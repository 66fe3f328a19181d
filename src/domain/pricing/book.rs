//! The price book: the versions of every model's price, of which the instant of a request chooses one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::domain::id::{ModelName, ProviderName};
use crate::domain::pricing::ModelPrice;
use crate::domain::window::UtcMicros;

/// A version of a model's price, and from when on it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceVersion {
    /// The price. The later of two ids wins where both versions begin at the same instant.
    pub price: ModelPrice,
    /// The first instant at which requests are charged by it.
    pub effective_from: UtcMicros,
    /// Whether the model has no price from then on.
    pub is_retired: bool,
}

/// The prices of every model, by provider and exact name: those in force, and those that will be, so
/// that they take turns at their moment on every replica, without news of it.
#[derive(Clone, Debug, Default)]
pub struct PriceBook(HashMap<ProviderName, HashMap<ModelName, Versions>>);

/// The versions of one model, the last one first: most models have one.
type Versions = SmallVec<[Version; 1]>;

#[derive(Clone, Debug)]
struct Version {
    effective_from: UtcMicros,
    /// Nothing where the model is retired.
    price: Option<Arc<ModelPrice>>,
}

impl PriceBook {
    /// Builds a book from versions in any order.
    pub fn new(versions: impl IntoIterator<Item = PriceVersion>) -> Self {
        let mut sorted: Vec<PriceVersion> = versions.into_iter().collect();
        sorted.sort_by_key(|version| Reverse((version.effective_from, version.price.id)));
        let mut book = Self::default();
        for version in sorted {
            let models = book.0.entry(version.price.provider.clone()).or_default();
            let known = models.entry(version.price.model.clone()).or_default();
            known.push(Version {
                effective_from: version.effective_from,
                price: (!version.is_retired).then(|| Arc::new(version.price)),
            });
        }
        book
    }

    /// The price of a model for a request of this instant; an unknown name has none, there are no
    /// prefixes and no aliases.
    pub fn find(
        &self,
        provider: &str,
        model: &ModelName,
        at: UtcMicros,
    ) -> Option<&Arc<ModelPrice>> {
        let mut versions = self.0.get(provider)?.get(model)?.iter();
        let in_force = versions.find(|version| version.effective_from <= at);
        in_force?.price.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::id::PriceId;

    fn version(id: i64, from: i64, is_retired: bool) -> PriceVersion {
        PriceVersion {
            price: ModelPrice {
                id: PriceId(id),
                provider: ProviderName::new("openai"),
                model: ModelName::new("small"),
                mode: "chat".to_owned(),
                input_tokens_max: None,
                output_tokens_max: None,
                bands: Vec::new(),
            },
            effective_from: UtcMicros::new(from),
            is_retired,
        }
    }

    fn found(book: &PriceBook, at: i64) -> Option<i64> {
        let found = book.find("openai", &ModelName::new("small"), UtcMicros::new(at));
        found.map(|price| price.id.0)
    }

    #[test]
    fn a_version_is_in_force_from_its_moment_until_the_next_one() {
        let book = PriceBook::new([version(1, 10, false), version(2, 30, false)]);
        let moments = [9, 10, 29, 30, i64::MAX].map(|at| found(&book, at));
        assert_eq!(moments, [None, Some(1), Some(1), Some(2), Some(2)]);
        let other = book.find("google", &ModelName::new("small"), UtcMicros::new(10));
        assert!(other.is_none());
    }

    #[test]
    fn a_retired_model_has_no_price_until_a_later_version_gives_it_one() {
        let versions = [
            version(1, 10, false),
            version(2, 20, true),
            version(3, 30, false),
        ];
        let book = PriceBook::new(versions);
        assert_eq!(
            [19, 20, 30].map(|at| found(&book, at)),
            [Some(1), None, Some(3)]
        );
    }

    proptest! {
        #[test]
        fn the_last_to_begin_wins_and_at_one_moment_the_later_id(
            versions in prop::collection::vec((0_i64..8, any::<bool>()), 0..12),
            at in -1_i64..9,
        ) {
            let numbered = versions.iter().zip(1..);
            let all: Vec<PriceVersion> = numbered
                .map(|((from, is_retired), id)| version(id, *from, *is_retired))
                .collect();
            let mut best: Option<&PriceVersion> = None;
            for one in &all {
                let begins = one.effective_from.get();
                if begins <= at && best.is_none_or(|best| best.effective_from.get() <= begins) {
                    best = Some(one);
                }
            }
            let expected = best.filter(|best| !best.is_retired).map(|best| best.price.id.0);
            prop_assert_eq!(found(&PriceBook::new(all.iter().rev().cloned()), at), expected);
        }
    }
}
