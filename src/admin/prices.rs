//! Model prices: listing those in force, adding a model's, changing one. A change is a new version;
//! ledger rows keep naming the version they were charged by.

mod change;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::positive;
use crate::admin::query::Params;
use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, Rate, Tier};
use crate::domain::usage::RateKind;
use crate::store::prices::PriceRecord;

/// Most prices on a page.
const LIMIT_MAX: u32 = 1_000;
const NOT_FOUND: AdminError = AdminError::NotFound("Model pricing not found");

/// A price: the base rates as the original shows them, then all rates. Every rate is in dollars per
/// million units, exactly.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PriceBody {
    id: PriceId,
    provider: ProviderName,
    model: ModelName,
    version_tag: String,
    input_price: String,
    cached_input_price: String,
    output_price: String,
    created_at: String,
    updated_at: String,
    source: &'static str,
    mode: String,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    rates: Vec<RateBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RateBody {
    tier: &'static str,
    above_input_tokens: u64,
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
            updated_at: record.effective_from.to_string(),
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

/// All prices in force; those that match when `search` is given, a part of them when `page` or
/// `limit` is.
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<Vec<PriceBody>>, AdminError> {
    let search = params.text("search")?;
    let page = params.page_of_all(LIMIT_MAX)?;
    let listed = state.store.list_prices(search.as_deref(), page).await?;
    Ok(Json(listed.rows.into_iter().map(PriceBody::from).collect()))
}

pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    fields: Fields,
) -> Result<Json<PriceBody>, AdminError> {
    let (price, version_tag) = change::new(&fields)?;
    let known = state.store.prices_of_model(&price.model).await?;
    if known
        .iter()
        .any(|known| known.price.provider == price.provider)
    {
        return Err(AdminError::invalid("Model pricing already exists"));
    }
    let now = state.clock.now();
    let created = state.store.set_price(&price, &version_tag, now).await?;
    state.take_over().await?;
    Ok(Json(created.into()))
}

pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    id_or_model: Result<Path<String>, axum::extract::rejection::PathRejection>,
    fields: Fields,
) -> Result<Json<PriceBody>, AdminError> {
    let Path(id_or_model) = id_or_model.map_err(|_cause| NOT_FOUND)?;
    let before = find(&state, &id_or_model, &fields).await?;
    let (price, version_tag) = change::changed(before, &fields)?;
    let now = state.clock.now();
    let changed = state.store.set_price(&price, &version_tag, now).await?;
    state.take_over().await?;
    Ok(Json(changed.into()))
}

/// The price in force that a path names: by the id of any of its versions, or by its model, and
/// then by the body's provider where several have the model.
async fn find(
    state: &AdminState,
    id_or_model: &str,
    fields: &Fields,
) -> Result<PriceRecord, AdminError> {
    let is_id = id_or_model.bytes().all(|byte| byte.is_ascii_digit());
    let (model, provider) = if is_id {
        let id = positive(id_or_model).ok_or(NOT_FOUND)?;
        let version = state.store.price(PriceId(id)).await?.ok_or(NOT_FOUND)?;
        (version.price.model, Some(version.price.provider))
    } else if id_or_model.chars().any(char::is_control) {
        return Err(NOT_FOUND);
    } else {
        (ModelName::new(id_or_model), change::provider(fields)?)
    };
    let mut found = state.store.prices_of_model(&model).await?;
    found.retain(|known| {
        provider
            .as_ref()
            .is_none_or(|one| known.price.provider == *one)
    });
    if found.len() > 1 {
        let reason = "Several providers have this model: provider is required";
        return Err(AdminError::invalid(reason));
    }
    found.pop().ok_or(NOT_FOUND)
}
