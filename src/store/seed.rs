//! The price list that comes with the program: two files of exact decimals, read without floats.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::money::ParseUsdError;
use crate::domain::pricing::{ModelPrice, Rate, Tier};
use crate::domain::usage::RateKind;
use crate::store::prices::bands;

const MODELS: &str = include_str!("../../conf/prices/models.csv");
const RATES: &str = include_str!("../../conf/prices/rates.csv");

/// What the versions of this price list are called.
pub const SEED_VERSION: &str = "2026-11";

/// Why a price list cannot be read.
#[derive(Debug, Error)]
pub enum SeedError {
    /// A line does not have the columns that it should.
    #[error("could not read a line of the price list: {0}")]
    Line(#[from] csv::Error),
    /// A price is not an exact decimal.
    #[error("could not parse a price of model `{model}`: {error}")]
    Price {
        /// The model.
        model: String,
        /// What is wrong with the price.
        error: ParseUsdError,
    },
    /// A tier, a kind or a unit has a name that nobody knows.
    #[error("model `{model}` has an unknown {what} `{name}`")]
    UnknownName {
        /// The model.
        model: String,
        /// Of what.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Nobody pays for being used.
    #[error("model `{0}` has a price below zero")]
    Negative(String),
    /// A price is given twice.
    #[error("model `{model}` has two prices for `{kind}` in tier `{tier}` above {above} tokens")]
    Twice {
        /// The model.
        model: String,
        /// The tier.
        tier: &'static str,
        /// The input length from which on both hold.
        above: u64,
        /// The unit.
        kind: &'static str,
    },
    /// A price is for a model that is not listed.
    #[error("model `{0}` has a price and is not listed")]
    UnlistedModel(String),
}

/// Every price of the list that comes with the program. The store gives them their ids.
pub fn seed_prices() -> Result<Vec<ModelPrice>, SeedError> {
    read_prices(Some(MODELS), RATES)
}

#[derive(Deserialize)]
struct ModelLine {
    provider: String,
    model: String,
    mode: String,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct RateLine {
    provider: String,
    model: String,
    tier: String,
    context_above_tokens: u64,
    kind: String,
    usd: String,
    per: String,
}

/// Reads a price list in the form of the one that comes with the program; without its list of models
/// every model that has a price is one.
pub fn read_prices(models: Option<&str>, rates: &str) -> Result<Vec<ModelPrice>, SeedError> {
    let mut listed: BTreeMap<(String, String), Listed> = BTreeMap::new();
    for line in csv::Reader::from_reader(models.unwrap_or_default().as_bytes()).deserialize() {
        let line: ModelLine = line?;
        let name = (line.provider.clone(), line.model.clone());
        listed.insert(name, (Some(line), Vec::new()));
    }
    for line in csv::Reader::from_reader(rates.as_bytes()).deserialize() {
        let line: RateLine = line?;
        let rate = rate(&line)?;
        let name = (line.provider, line.model);
        if models.is_some() && !listed.contains_key(&name) {
            return Err(SeedError::UnlistedModel(name.1));
        }
        let (_model, rates) = listed.entry(name.clone()).or_default();
        if rates.iter().any(|(known, _)| *known == rate.0) {
            return Err(twice(name.1, rate.0));
        }
        rates.push(rate);
    }
    Ok(listed.into_iter().map(price).collect())
}

type Rated = ((Tier, u64, RateKind), Rate);
type Listed = (Option<ModelLine>, Vec<Rated>);

fn price(((provider, model), (line, rates)): ((String, String), Listed)) -> ModelPrice {
    let line = line.as_ref();
    ModelPrice {
        id: PriceId(0),
        provider: ProviderName::new(&provider),
        model: ModelName::new(&model),
        mode: line.map(|line| line.mode.clone()).unwrap_or_default(),
        input_tokens_max: line.and_then(|line| line.max_input_tokens),
        output_tokens_max: line.and_then(|line| line.max_output_tokens),
        bands: bands(rates),
    }
}

fn twice(model: String, (tier, above, kind): (Tier, u64, RateKind)) -> SeedError {
    SeedError::Twice {
        model,
        tier: tier.as_str(),
        above,
        kind: kind.as_str(),
    }
}

fn rate(line: &RateLine) -> Result<Rated, SeedError> {
    let unknown = |what, name: &str| SeedError::UnknownName {
        model: line.model.clone(),
        what,
        name: name.to_owned(),
    };
    let tier = line.tier.parse();
    let tier = tier.map_err(|()| unknown("tier", &line.tier))?;
    let kind = RateKind::parse(&line.kind).ok_or_else(|| unknown("kind", &line.kind))?;
    let rate = match line.per.as_str() {
        "1000000" => Rate::parse_per_million(&line.usd),
        "1" => Rate::parse_per_call(&line.usd),
        other => return Err(unknown("unit", other)),
    };
    let rate = rate.map_err(|error| SeedError::Price {
        model: line.model.clone(),
        error,
    })?;
    if rate.picos() < 0 {
        return Err(SeedError::Negative(line.model.clone()));
    }
    Ok(((tier, line.context_above_tokens, kind), rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_and_every_rate_of_the_list_is_read() {
        let prices = seed_prices().unwrap();
        let rates: usize = prices
            .iter()
            .flat_map(|price| &price.bands)
            .map(|band| band.rates.iter().count())
            .sum();
        assert_eq!(prices.len(), MODELS.lines().count() - 1);
        assert_eq!(rates, RATES.lines().count() - 1);
    }

    #[test]
    fn a_price_per_million_and_a_fee_per_call_are_exact() {
        let prices = read_prices(
            Some(
                "provider,model,mode,max_input_tokens,max_output_tokens,deprecation_date\n\
             google,small,chat,1000,,2027-01-01\n",
            ),
            "provider,model,tier,context_above_tokens,kind,usd,per\n\
             google,small,batch,200000,cached_input,0.01875,1000000\n\
             google,small,standard,0,web_search_call,0.014,1\n",
        )
        .unwrap();
        let [price] = prices.as_slice() else {
            panic!("one model was listed");
        };
        let standard = &price.bands[0];
        let batch = &price.bands[1];
        assert_eq!(
            (price.input_tokens_max, price.output_tokens_max),
            (Some(1_000), None)
        );
        assert_eq!(
            (batch.tier, batch.above_input_tokens),
            (Tier::Batch, 200_000)
        );
        assert_eq!(
            batch.rates.get(RateKind::CachedInput),
            Some(Rate::from_picos(18_750))
        );
        assert_eq!(
            standard.rates.get(RateKind::WebSearchCall),
            Some(Rate::from_picos(14_000_000_000))
        );
    }

    #[test]
    fn without_a_list_of_models_those_that_have_a_price_are_listed() {
        let read = read_prices(None, RATES).unwrap();
        let mut listed = seed_prices().unwrap();
        listed.retain(|price| !price.bands.is_empty());
        let rates = |prices: &[ModelPrice]| {
            let named = prices
                .iter()
                .map(|price| (price.model.clone(), price.bands.clone()));
            named.collect::<Vec<_>>()
        };
        assert_eq!(rates(&read), rates(&listed));
    }

    #[test]
    fn a_broken_list_is_refused_and_names_the_model() {
        let models = "provider,model,mode,max_input_tokens,max_output_tokens,deprecation_date\n\
                      openai,known,chat,,,\n";
        for (line, word) in [
            ("openai,known,standard,0,input,1/2,1000000", "known"),
            ("openai,known,express,0,input,1,1000000", "express"),
            ("openai,known,standard,0,smell,1,1000000", "smell"),
            ("openai,known,standard,0,input,1,1000", "1000"),
            ("openai,other,standard,0,input,1,1000000", "other"),
            ("openai,known,standard,0,input,-1,1000000", "below zero"),
            (
                "openai,known,standard,0,input,1,1000000\nopenai,known,standard,0,input,2,1000000",
                "two prices",
            ),
            ("openai,known,standard", "line"),
        ] {
            let rates = format!("provider,model,tier,context_above_tokens,kind,usd,per\n{line}\n");
            let error = read_prices(Some(models), &rates).unwrap_err().to_string();
            assert!(error.contains(word), "`{error}` does not name `{word}`");
        }
    }
}
