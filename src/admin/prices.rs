//! Model prices: listing those in force at an instant or those that begin later, adding a model's,
//! changing, retiring, and the history of one. A change is a new version; ledger rows keep naming the
//! version they were charged by.

mod change;
mod shown;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use crate::admin::AdminState;
use crate::admin::document::PRICES;
use crate::admin::document::bodies::{NewPrice, PriceUpdate, Retirement};
use crate::admin::document::parameters::{
    PageQuery, PartQuery, PriceNamed, PriceQuery, ProviderQuery,
};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::{Fields, OptionalFields};
use crate::admin::path::positive;
use crate::admin::prices::shown::PriceBody;
use crate::admin::query::{PageBody, Params};
use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::stamp::Stamp;
use crate::domain::window::UtcMicros;
use crate::providers::Dialect;
use crate::store::prices::{PriceChange, PriceFilter, PriceRecord};

/// Most prices on a page.
const LIMIT_MAX: u32 = 1_000;
const HISTORY_LIMIT_DEFAULT: u32 = 100;
const NOT_FOUND: AdminError = AdminError::NotFound("Model pricing not found");

type PricePath = Result<Path<String>, PathRejection>;

/// All prices in force, now or at an instant; those that match where something is asked for, a part of
/// them when `page` or `limit` is given.
#[utoipa::path(get, path = "/admin/model-pricing", tag = PRICES, operation_id = "listPrices",
    params(PriceQuery, PartQuery), responses((status = 200, body = Vec<PriceBody>), Invalid))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<Vec<PriceBody>>, AdminError> {
    let at = params.instant("at")?;
    let filter = PriceFilter {
        at: at.unwrap_or_else(|| state.clock.now()),
        is_scheduled: params.flag("scheduled")?.unwrap_or_default(),
        search: params.text("search")?,
        provider: provider_asked(&params)?,
        mode: params.text("mode")?,
        is_retired: params.flag("retired")?,
    };
    let page = params.page_of_all(LIMIT_MAX)?;
    let listed = state.store.list_prices(&filter, page).await?;
    Ok(Json(listed.rows.into_iter().map(PriceBody::from).collect()))
}

/// Every version of a price, the last to begin first.
#[utoipa::path(get, path = "/admin/model-pricing/{idOrModel}/history", tag = PRICES, operation_id = "priceHistory",
    params(PriceNamed, ProviderQuery, PageQuery),
    responses((status = 200, body = PageBody<PriceBody>), Invalid, Missing))]
pub(super) async fn history(
    State(state): State<Arc<AdminState>>,
    path: PricePath,
    params: Params,
) -> Result<Json<PageBody<PriceBody>>, AdminError> {
    let asked = params.page(HISTORY_LIMIT_DEFAULT, LIMIT_MAX)?;
    let named = Named {
        path,
        provider: provider_asked(&params)?,
    };
    let price = named.find(&state, state.clock.now()).await?.price;
    let listed = state
        .store
        .price_history(&price.provider, &price.model, asked.into())
        .await?;
    Ok(Json(PageBody::new(asked, listed, PriceBody::from)))
}

#[utoipa::path(post, path = "/admin/model-pricing", tag = PRICES, operation_id = "createPrice",
    summary = "Adds a model.",
    request_body = NewPrice, responses((status = 200, body = PriceBody), InvalidBody))]
pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<PriceBody>, AdminError> {
    let (price, version_tag) = change::new(&fields)?;
    let effective_from = change::effective_from(&fields)?;
    let known = state.store.prices_of_model(&price.model, stamp.at).await?;
    if known
        .iter()
        .any(|known| known.price.provider == price.provider && !known.is_retired)
    {
        return Err(AdminError::invalid("Model pricing already exists"));
    }
    let wanted = PriceChange {
        version_tag: &version_tag,
        effective_from,
    };
    let created = state.store.set_price(&price, &wanted, &stamp).await?;
    state.take_over().await?;
    Ok(Json(created.into()))
}

/// Changes what is in force at the instant from which the change is to hold. A retired model has a price
/// again from then on.
#[utoipa::path(put, path = "/admin/model-pricing/{idOrModel}", tag = PRICES, operation_id = "updatePrice",
    params(PriceNamed), request_body = PriceUpdate,
    responses((status = 200, body = PriceBody), InvalidBody, Missing))]
pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    path: PricePath,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<PriceBody>, AdminError> {
    let effective_from = change::effective_from(&fields)?;
    let named = Named::new(path, &fields)?;
    let before = named
        .find(&state, effective_from.unwrap_or(stamp.at))
        .await?;
    let (price, version_tag) = change::changed(before, &fields)?;
    let wanted = PriceChange {
        version_tag: &version_tag,
        effective_from,
    };
    let changed = state.store.set_price(&price, &wanted, &stamp).await?;
    state.take_over().await?;
    Ok(Json(changed.into()))
}

/// From an instant on the model has no price: where a budget applies it is refused.
#[utoipa::path(post, path = "/admin/model-pricing/{idOrModel}/retire", tag = PRICES, operation_id = "retirePrice",
    params(PriceNamed), request_body = Option<Retirement>,
    responses((status = 200, body = PriceBody), InvalidBody, Missing))]
pub(super) async fn retire(
    State(state): State<Arc<AdminState>>,
    path: PricePath,
    stamp: Stamp,
    OptionalFields(fields): OptionalFields,
) -> Result<Json<PriceBody>, AdminError> {
    let effective_from = change::effective_from(&fields)?;
    let named = Named::new(path, &fields)?;
    let before = named
        .find(&state, effective_from.unwrap_or(stamp.at))
        .await?;
    if before.is_retired {
        return Err(AdminError::invalid("Model pricing is retired already"));
    }
    let version_tag = change::version_tag(&fields)?.unwrap_or(before.version_tag);
    let wanted = PriceChange {
        version_tag: &version_tag,
        effective_from,
    };
    let store = &state.store;
    let retired = store.retire_price(&before.price, &wanted, &stamp).await?;
    state.take_over().await?;
    Ok(Json(retired.into()))
}

fn provider_asked(params: &Params) -> Result<Option<ProviderName>, AdminError> {
    let home = params.one_of("provider", Dialect::ALL, Dialect::as_str)?;
    Ok(home.map(Dialect::provider))
}

/// A price as a request names it: by the id of any of its versions, or by its model, and then by the
/// provider where several have the model.
struct Named {
    path: PricePath,
    provider: Option<ProviderName>,
}

impl Named {
    fn new(path: PricePath, fields: &Fields) -> Result<Self, AdminError> {
        let provider = change::provider(fields)?;
        Ok(Self { path, provider })
    }

    /// The version in force at an instant, else the first that begins later.
    async fn find(self, state: &AdminState, at: UtcMicros) -> Result<PriceRecord, AdminError> {
        let Path(text) = self.path.map_err(|_cause| NOT_FOUND)?;
        let is_id = text.bytes().all(|byte| byte.is_ascii_digit());
        let (model, provider) = if is_id {
            let id = positive(&text).ok_or(NOT_FOUND)?;
            let version = state.store.price(PriceId(id)).await?.ok_or(NOT_FOUND)?;
            (version.price.model, Some(version.price.provider))
        } else if text.chars().any(char::is_control) {
            return Err(NOT_FOUND);
        } else {
            (ModelName::new(&text), self.provider)
        };
        let mut found = state.store.prices_of_model(&model, at).await?;
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
}
