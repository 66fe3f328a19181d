//! What a body says about a price, put upon the price as it was. No rate may be left open that a
//! request could be charged by: it would be charged nothing.

use jiff::tz::TimeZone;

use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, ModelPrice, Rate, Rates, Tier};
use crate::domain::usage::RateKind;
use crate::domain::window::UtcMicros;
use crate::providers::Dialect;
use crate::store::prices::PriceRecord;

/// Most rates in one body: every kind in every tier, and a few context lengths.
const RATES_MAX: usize = 200;
const TOKENS_MAX: u64 = 1_000_000_000;
const MODE_DEFAULT: &str = "chat";
/// The fields of the base rates.
const BASE: [(&str, RateKind); 3] = [
    ("inputPrice", RateKind::Input),
    ("cachedInputPrice", RateKind::CachedInput),
    ("outputPrice", RateKind::Output),
];

/// A tier, and the input length from which on rates hold.
type Place = (Tier, u64);

/// The price and the version tag of a body that adds a model.
pub(super) fn new(fields: &Fields) -> Result<(ModelPrice, String), AdminError> {
    let version_tag = required_text(fields, "versionTag")?;
    let price = ModelPrice {
        id: PriceId(0),
        provider: provider(fields)?.unwrap_or_else(|| Dialect::OpenAi.provider()),
        model: ModelName::new(&required_text(fields, "model")?),
        mode: MODE_DEFAULT.to_owned(),
        input_tokens_max: None,
        output_tokens_max: None,
        bands: Vec::new(),
    };
    for (name, _) in BASE {
        if !fields.has(name) {
            return Err(fields.required(name));
        }
    }
    Ok((apply(price, fields)?, version_tag))
}

/// The price and the version tag after a body that changes some of it.
pub(super) fn changed(
    before: PriceRecord,
    fields: &Fields,
) -> Result<(ModelPrice, String), AdminError> {
    let price = &before.price;
    let model = fields.text("model")?;
    if model.is_some_and(|model| model != price.model.as_str()) {
        return Err(fields.problem("model", "cannot be changed"));
    }
    if provider(fields)?.is_some_and(|provider| provider != price.provider) {
        return Err(fields.problem("provider", "cannot be changed"));
    }
    let version_tag = version_tag(fields)?.unwrap_or(before.version_tag);
    Ok((apply(before.price, fields)?, version_tag))
}

/// The provider that a body names.
pub(super) fn provider(fields: &Fields) -> Result<Option<ProviderName>, AdminError> {
    let home = fields.one_of("provider", Dialect::ALL, Dialect::as_str)?;
    Ok(home.map(Dialect::provider))
}

/// From when on a change is to be in force; nothing is said of it for one at once.
pub(super) fn effective_from(fields: &Fields) -> Result<Option<UtcMicros>, AdminError> {
    const NAME: &str = "effectiveFrom";
    if !fields.has(NAME) {
        return Ok(None);
    }
    let moment = fields.date(NAME).ok().flatten();
    let instant = moment.and_then(|moment| moment.start(&TimeZone::UTC));
    let reason = "must be a day such as 2026-01-31, or an instant such as 2026-01-31T12:00:00Z";
    instant
        .map(Some)
        .ok_or_else(|| fields.problem(NAME, reason))
}

/// What a body calls the version, where it does.
pub(super) fn version_tag(fields: &Fields) -> Result<Option<String>, AdminError> {
    let given = fields.has("versionTag");
    given
        .then(|| required_text(fields, "versionTag"))
        .transpose()
}

fn apply(mut price: ModelPrice, fields: &Fields) -> Result<ModelPrice, AdminError> {
    if fields.has("mode") {
        price.mode = required_text(fields, "mode")?;
    }
    if fields.has("maxInputTokens") {
        price.input_tokens_max = fields.whole("maxInputTokens", TOKENS_MAX)?;
    }
    if fields.has("maxOutputTokens") {
        price.output_tokens_max = fields.whole("maxOutputTokens", TOKENS_MAX)?;
    }
    for (name, kind) in BASE {
        if fields.has(name) {
            set(&mut price, (Tier::Standard, 0), kind, rate(fields, name)?);
        }
    }
    let items = fields.objects("rates", RATES_MAX)?.unwrap_or_default();
    let mut touched = Vec::with_capacity(items.len());
    for item in &items {
        touched.push(apply_rate(&mut price, item)?);
    }
    check_complete(&price, &touched)?;
    Ok(price)
}

/// Sets one rate and tells where.
fn apply_rate(price: &mut ModelPrice, item: &Fields) -> Result<Place, AdminError> {
    let tier = item.one_of("tier", Tier::ALL, Tier::as_str)?;
    let tier = tier.unwrap_or(Tier::Standard);
    let kind = item.one_of("kind", RateKind::ALL, RateKind::as_str)?;
    let kind = kind.ok_or_else(|| item.required("kind"))?;
    let above = item.whole("aboveInputTokens", TOKENS_MAX)?;
    let place = (tier, above.unwrap_or_default());
    set(price, place, kind, rate(item, "price")?);
    Ok(place)
}

/// Sets a rate of a tier from a context length on.
fn set(price: &mut ModelPrice, place: Place, kind: RateKind, rate: Rate) {
    let (tier, above_input_tokens) = place;
    let known = price
        .bands
        .iter_mut()
        .find(|band| (band.tier, band.above_input_tokens) == place);
    if let Some(band) = known {
        band.rates.set(kind, rate);
        return;
    }
    let mut rates = Rates::default();
    rates.set(kind, rate);
    price.bands.push(Band {
        tier,
        above_input_tokens,
        rates,
    });
}

/// The rates of a longer context replace all others of their tier, so they must have what the base
/// rates have for input and output; and each tier must start at the first token.
fn check_complete(price: &ModelPrice, touched: &[Place]) -> Result<(), AdminError> {
    let find = |place: Place| {
        let bands = &mut price.bands.iter();
        bands.find(|band| (band.tier, band.above_input_tokens) == place)
    };
    let base = find((Tier::Standard, 0));
    for place in touched {
        let (tier, above) = (place.0.as_str(), place.1);
        if find((place.0, 0)).is_none() {
            let reason = format!("rates: tier `{tier}` has none from 0 tokens on");
            return Err(AdminError::Invalid(reason));
        }
        let lacking = [RateKind::Input, RateKind::Output]
            .into_iter()
            .find(|kind| {
                let has =
                    |band: Option<&Band>| band.is_some_and(|band| band.rates.get(*kind).is_some());
                has(base) && !has(find(*place))
            });
        if let Some(kind) = lacking {
            let kind = kind.as_str();
            let reason = format!("rates: tier `{tier}` above {above} tokens lacks `{kind}`");
            return Err(AdminError::Invalid(reason));
        }
    }
    Ok(())
}

fn rate(fields: &Fields, name: &str) -> Result<Rate, AdminError> {
    let rate = fields.decimal(name, Rate::parse_per_million)?;
    let rate = rate.ok_or_else(|| fields.required(name))?;
    if rate.picos() < 0 {
        return Err(fields.problem(name, "must be >= 0"));
    }
    Ok(rate)
}

fn required_text(fields: &Fields, name: &str) -> Result<String, AdminError> {
    let text = fields.text(name)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| fields.required(name))
}
