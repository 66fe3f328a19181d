//! Prices and what things cost by them: rates per tier, context length and unit.

mod book;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::money::{ParseUsdError, Usd, parse_scaled};
use crate::domain::usage::{RateKind, TokenUsage};

pub use crate::domain::pricing::book::{PriceBook, PriceVersion};

const PICO_USD_DIGITS: usize = 12;
const MICRO_USD_DIGITS: usize = 6;

/// The price of one unit in pico-dollars. For a token this is the same number as micro-dollars per
/// million tokens: cached tokens really cost 0.01875 USD per million, which is no whole number of
/// nano-dollars a token.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate(i64);

impl Rate {
    /// A rate from pico-dollars per unit, as stores keep it.
    pub const fn from_picos(picos: i64) -> Self {
        Self(picos)
    }

    /// Pico-dollars per unit.
    pub const fn picos(self) -> i64 {
        self.0
    }

    /// Reads dollars per million tokens, exactly.
    pub fn parse_per_million(usd: &str) -> Result<Self, ParseUsdError> {
        parse_scaled(usd, MICRO_USD_DIGITS).map(Self)
    }

    /// Reads dollars for each call, exactly.
    pub fn parse_per_call(usd: &str) -> Result<Self, ParseUsdError> {
        parse_scaled(usd, PICO_USD_DIGITS).map(Self)
    }

    /// Dollars per million units, as price lists print them.
    pub fn per_million(self) -> String {
        Usd::from_nanos(self.0.saturating_mul(1_000)).to_string()
    }

    /// What so many counted units of a kind cost in pico-dollars, rounded up.
    fn times(self, units: u64, kind: RateKind) -> i128 {
        let each = i128::from(kind.counted_per_priced());
        let total = i128::from(units).saturating_mul(i128::from(self.0));
        total
            .saturating_add(each.saturating_sub(1))
            .checked_div(each)
            .unwrap_or(i128::MAX)
    }
}

/// How urgently a provider serves a request; each tier has its own prices.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// What a request gets that asks for nothing else.
    #[default]
    Standard,
    /// Within a day.
    Batch,
    /// Cheaper, when there is room.
    Flex,
    /// Dearer and faster.
    Priority,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Batch, Self::Flex, Self::Priority];

    /// The name in price lists and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

impl FromStr for Tier {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|tier| tier.as_str() == text)
            .ok_or(())
    }
}

/// The rates of one tier from one context length on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates(Vec<(RateKind, Rate)>);

impl Rates {
    /// Sets a rate, replacing one of the same kind.
    pub fn set(&mut self, kind: RateKind, rate: Rate) {
        self.0.retain(|(known, _)| *known != kind);
        self.0.push((kind, rate));
    }

    /// The rate listed for exactly this kind.
    pub fn get(&self, kind: RateKind) -> Option<Rate> {
        self.0
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, rate)| *rate)
    }

    /// Every listed rate.
    pub fn iter(&self) -> impl Iterator<Item = (RateKind, Rate)> + '_ {
        self.0.iter().copied()
    }

    /// The rate that a unit is charged at: its own, else the one that price lists mean when they
    /// list none. The flag says that the neighbour may be too low and the figure is an estimate.
    fn charged(&self, kind: RateKind) -> Option<(Rate, Exactness)> {
        use Exactness::{Exact, Neighbour};
        let or =
            |other: RateKind, exactness| self.charged(other).map(|(rate, _)| (rate, exactness));
        if let Some(rate) = self.get(kind) {
            return Some((rate, Exact));
        }
        match kind {
            RateKind::CachedInput | RateKind::ImageInput => or(RateKind::Input, Exact),
            RateKind::ReasoningOutput => or(RateKind::Output, Exact),
            RateKind::CacheWrite | RateKind::AudioInput => or(RateKind::Input, Neighbour),
            RateKind::CacheWrite1h => or(RateKind::CacheWrite, Neighbour),
            RateKind::AudioOutput | RateKind::ImageOutput => or(RateKind::Output, Neighbour),
            // Models that make images or sound may say a few words for which no price is listed.
            RateKind::Output => self
                .get(RateKind::ImageOutput)
                .max(self.get(RateKind::AudioOutput))
                .map(|rate| (rate, Neighbour)),
            RateKind::Input | RateKind::WebSearchCall | RateKind::CacheStorage => None,
        }
    }
}

/// Whether a charge used a unit's own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exactness {
    /// Every unit had its rate.
    Exact,
    /// Some unit was charged at another unit's rate, or not at all.
    Neighbour,
}

/// What a model may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrice {
    /// Which version of the price this is: goes into each ledger row.
    pub id: PriceId,
    /// Who bills.
    pub provider: ProviderName,
    /// The model's exact name.
    pub model: ModelName,
    /// `chat`, `embedding`, ...: what kind of model it is.
    pub mode: String,
    /// The context window in tokens, where published.
    pub input_tokens_max: Option<u64>,
    /// The longest answer in tokens, where published.
    pub output_tokens_max: Option<u64>,
    /// Rates by tier and by the input length above which they hold.
    pub bands: Vec<Band>,
}

/// Rates that hold for the whole request once its input is longer than `above_input_tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// The tier that was served.
    pub tier: Tier,
    /// The input length that must be exceeded; 0 for the base rates.
    pub above_input_tokens: u64,
    /// The rates.
    pub rates: Rates,
}

/// A price for some usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Rounded up once, to the next nano-dollar.
    pub usd: Usd,
    /// Whether each unit had its own rate.
    pub exactness: Exactness,
}

impl ModelPrice {
    /// Whether the tier has prices.
    pub fn has_tier(&self, tier: Tier) -> bool {
        self.bands.iter().any(|band| band.tier == tier)
    }

    /// Whether units of this kind have a price in a tier (also by the neighbour that lists mean).
    pub fn prices_kind(&self, tier: Tier, kind: RateKind) -> bool {
        let is_exact = |band: &Band| {
            self.charged(band, kind)
                .is_some_and(|(_, exactness)| exactness == Exactness::Exact)
        };
        let bands = || self.bands.iter().filter(|band| band.tier == tier);
        self.has_tier(tier) && bands().all(is_exact)
    }

    /// The rate that a unit is charged at in a band.
    fn charged(&self, band: &Band, kind: RateKind) -> Option<(Rate, Exactness)> {
        band.rates.charged(kind).or_else(|| {
            let fee = self.fee(kind).filter(|_| kind.is_fee());
            fee.map(|rate| (rate, Exactness::Exact))
        })
    }

    fn fee(&self, kind: RateKind) -> Option<Rate> {
        let fees = self.bands.iter();
        fees.filter_map(|band| band.rates.get(kind)).max()
    }

    /// What the usage costs in the tier that was served. A tier without prices is charged as the
    /// dearest one that has some, and marked so.
    pub fn cost(&self, tier: Tier, usage: &TokenUsage) -> Cost {
        if self.has_tier(tier) {
            return self.cost_in_tier(tier, usage);
        }
        let dearest = Tier::ALL
            .into_iter()
            .filter(|tier| self.has_tier(*tier))
            .map(|tier| self.cost_in_tier(tier, usage).usd)
            .max();
        Cost {
            usd: dearest.unwrap_or(Usd::ZERO),
            exactness: Exactness::Neighbour,
        }
    }

    fn cost_in_tier(&self, tier: Tier, usage: &TokenUsage) -> Cost {
        let Some(band) = self.band_for(tier, usage.input_total()) else {
            return Cost {
                usd: Usd::ZERO,
                exactness: Exactness::Neighbour,
            };
        };
        let mut picos = 0_i128;
        let mut exactness = Exactness::Exact;
        for kind in RateKind::ALL {
            let units = usage.get(kind);
            if units == 0 {
                continue;
            }
            let charged = self
                .charged(band, kind)
                .unwrap_or((Rate::default(), Exactness::Neighbour));
            picos = picos.saturating_add(charged.0.times(units, kind));
            exactness = exactness.max(charged.1);
        }
        Cost {
            usd: Usd::from_picos_rounded_up(picos),
            exactness,
        }
    }

    /// The rates of a request with that much input: those of the longest context it exceeds.
    fn band_for(&self, tier: Tier, input_tokens: u64) -> Option<&Band> {
        self.bands
            .iter()
            .filter(|band| band.tier == tier)
            .filter(|band| band.above_input_tokens == 0 || input_tokens > band.above_input_tokens)
            .max_by_key(|band| band.above_input_tokens)
    }

    /// The dearest that input and output of these lengths can be in a tier: the highest rate of any
    /// kind of input (a cache write costs more than a read) in any band the input can reach.
    pub fn worst_case(&self, tier: Tier, bound: &UsageBound) -> Usd {
        let input = self.dearest(tier, bound.input_tokens, RateKind::is_input);
        let output = self.dearest(tier, bound.input_tokens, RateKind::is_output);
        let fee = |kind: RateKind, units| self.fee(kind).unwrap_or_default().times(units, kind);
        let kept = bound.cache_storage_token_seconds;
        let picos = input
            .times(bound.input_tokens, RateKind::Input)
            .saturating_add(output.times(bound.output_tokens, RateKind::Output))
            .saturating_add(fee(RateKind::WebSearchCall, bound.web_search_calls))
            .saturating_add(fee(RateKind::CacheStorage, kept));
        Usd::from_picos_rounded_up(picos)
    }

    /// The most output tokens whose worst case, beside that input, stays within `headroom`.
    pub fn affordable_output_tokens(&self, tier: Tier, bound: &UsageBound, headroom: Usd) -> u64 {
        let without_output = self.worst_case(
            tier,
            &UsageBound {
                output_tokens: 0,
                ..*bound
            },
        );
        let left = headroom.saturating_sub(without_output);
        let rate = self.dearest(tier, bound.input_tokens, RateKind::is_output);
        if left.is_negative() {
            return 0;
        }
        let picos = i128::from(left.nanos()).saturating_mul(1_000);
        let tokens = picos
            .checked_div(i128::from(rate.picos()))
            .unwrap_or(i128::MAX);
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    fn dearest(&self, tier: Tier, input_tokens: u64, counts: impl Fn(RateKind) -> bool) -> Rate {
        self.bands
            .iter()
            .filter(|band| band.tier == tier)
            .filter(|band| band.above_input_tokens == 0 || input_tokens > band.above_input_tokens)
            .flat_map(|band| band.rates.iter())
            .filter(|(kind, _)| counts(*kind))
            .map(|(_, rate)| rate)
            .max()
            .unwrap_or_default()
    }
}

/// The most that a request can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageBound {
    /// Input tokens of all kinds.
    pub input_tokens: u64,
    /// Output tokens of all kinds and all answers (`n`).
    pub output_tokens: u64,
    /// Web searches.
    pub web_search_calls: u64,
    /// Tokens that are kept for later, times seconds.
    pub cache_storage_token_seconds: u64,
}

#[cfg(test)]
mod tests;
