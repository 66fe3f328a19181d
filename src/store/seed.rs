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
    /// A price is for a model that is not listed.
    #[error("model `{0}` has a price and is not listed")]
    UnlistedModel(String),
}

/// Every price of the list that comes with the program. The store gives them their ids.
pub fn seed_prices() -> Result<Vec<ModelPrice>, SeedError> {
    parse(MODELS, RATES)
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

fn parse(models: &str, rates: &str) -> Result<Vec<ModelPrice>, SeedError> {
    let mut listed = BTreeMap::new();
    for line in csv::Reader::from_reader(models.as_bytes()).deserialize() {
        let line: ModelLine = line?;
        listed.insert(
            (line.provider.clone(), line.model.clone()),
            (line, Vec::new()),
        );
    }
    for line in csv::Reader::from_reader(rates.as_bytes()).deserialize() {
        let line: RateLine = line?;
        let rate = rate(&line)?;
        match listed.get_mut(&(line.provider, line.model.clone())) {
            Some((_model, rates)) => rates.push(rate),
            None => return Err(SeedError::UnlistedModel(line.model)),
        }
    }
    Ok(listed
        .into_values()
        .map(|(model, rates)| ModelPrice {
            id: PriceId(0),
            provider: ProviderName::new(&model.provider),
            model: ModelName::new(&model.model),
            mode: model.mode,
            input_tokens_max: model.max_input_tokens,
            output_tokens_max: model.max_output_tokens,
            bands: bands(rates),
        })
        .collect())
}

fn rate(line: &RateLine) -> Result<((Tier, u64, RateKind), Rate), SeedError> {
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
        let prices = parse(
            "provider,model,mode,max_input_tokens,max_output_tokens,deprecation_date\n\
             google,small,chat,1000,,2027-01-01\n",
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
    fn a_broken_list_is_refused_and_names_the_model() {
        let models = "provider,model,mode,max_input_tokens,max_output_tokens,deprecation_date\n\
                      openai,known,chat,,,\n";
        for (line, word) in [
            ("openai,known,standard,0,input,1/2,1000000", "known"),
            ("openai,known,express,0,input,1,1000000", "express"),
            ("openai,known,standard,0,smell,1,1000000", "smell"),
            ("openai,known,standard,0,input,1,1000", "1000"),
            ("openai,other,standard,0,input,1,1000000", "other"),
            ("openai,known,standard", "line"),
        ] {
            let rates = format!("provider,model,tier,context_above_tokens,kind,usd,per\n{line}\n");
            let error = parse(models, &rates).unwrap_err().to_string();
            assert!(error.contains(word), "`{error}` does not name `{word}`");
        }
    }
}
