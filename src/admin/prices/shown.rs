//! How a version of a price is shown: the original's fields, then ours.

use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::document::schemas::{RateKindName, TierName};
use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, Rate, Tier};
use crate::domain::usage::RateKind;
use crate::store::prices::PriceRecord;

/// A price: the base rates as the original shows them, then all rates. Every rate is in dollars per
/// million units, exactly.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct PriceBody {
    id: PriceId,
    provider: ProviderName,
    model: ModelName,
    version_tag: String,
    input_price: String,
    cached_input_price: String,
    output_price: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    effective_from: String,
    is_retired: bool,
    source: &'static str,
    mode: String,
    #[schema(required)]
    max_input_tokens: Option<u64>,
    #[schema(required)]
    max_output_tokens: Option<u64>,
    rates: Vec<RateBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RateBody {
    #[schema(value_type = TierName, inline)]
    tier: &'static str,
    above_input_tokens: u64,
    #[schema(value_type = RateKindName, inline)]
    kind: &'static str,
    price: String,
}

impl From<PriceRecord> for PriceBody {
    fn from(record: PriceRecord) -> Self {
        let price = record.price;
        let base = |kind| base_rate(&price.bands, kind);
        let input = base(RateKind::Input).unwrap_or_default();
        let rates = price.bands.iter().flat_map(rates_of);
        Self {
            id: price.id,
            version_tag: record.version_tag,
            input_price: input.per_million(),
            // Without a rate of their own, cached tokens cost what others do.
            cached_input_price: base(RateKind::CachedInput).unwrap_or(input).per_million(),
            output_price: base(RateKind::Output).unwrap_or_default().per_million(),
            created_at: record.created_at.to_string(),
            updated_at: record.made_at.to_string(),
            effective_from: record.effective_from.to_string(),
            is_retired: record.is_retired,
            source: record.source.as_str(),
            max_input_tokens: price.input_tokens_max,
            max_output_tokens: price.output_tokens_max,
            rates: rates.collect(),
            provider: price.provider,
            model: price.model,
            mode: price.mode,
        }
    }
}

fn rates_of(band: &Band) -> impl Iterator<Item = RateBody> {
    band.rates.iter().map(|(kind, rate)| RateBody {
        tier: band.tier.as_str(),
        above_input_tokens: band.above_input_tokens,
        kind: kind.as_str(),
        price: rate.per_million(),
    })
}

fn base_rate(bands: &[Band], kind: RateKind) -> Option<Rate> {
    let base = bands
        .iter()
        .find(|band| band.tier == Tier::Standard && band.above_input_tokens == 0);
    base?.rates.get(kind)
}
