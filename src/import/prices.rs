//! Model prices. Each becomes a version in force from the day on which it was set there: it explains what was
//! charged by it, and stays in force where the price list has no later version. On demand it is put in force now.

use std::collections::HashMap;

use crate::domain::id::{ModelName, PriceId, ProviderName};
use crate::domain::pricing::{Band, ModelPrice, Rate, Rates, Tier};
use crate::domain::usage::RateKind;
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::amounts::Exact;
use crate::import::job::{Job, instant};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::providers::Dialect;
use crate::store::import::Import;
use crate::store::prices::PriceChange;

/// The most prices, for all are in memory.
const PRICES_MAX: usize = 100_000;
const KIND: &str = "price";
const MODE: &str = "chat";

/// What is done about the prices.
pub(super) struct Prices {
    planned: Vec<Planned>,
    tally: Tally,
}

/// A price that may be new.
struct Planned {
    /// A price that is changed there later comes over again.
    original: String,
    price: ModelPrice,
    version_tag: String,
    effective_from: UtcMicros,
    /// The version here that says the same.
    same: Option<PriceId>,
}

/// Reads them, and what is here of the same models.
pub(super) async fn read(job: &mut Job) -> Result<Prices, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, model, provider, \"versionTag\" AS version_tag, \
         \"inputPrice\"::text AS input, \"cachedInputPrice\"::text AS cached, \
         \"outputPrice\"::text AS output, ",
        instant!("\"updatedAt\""),
        " AS updated_at FROM \"ModelPricing\" WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut prices = Prices {
        planned: Vec::new(),
        tally: Tally::default(),
    };
    let mut pages = Pages::of("ModelPricing", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        for row in &rows {
            prices.tally.found += 1;
            if let Some(planned) = plan(job, row, &mut prices.tally).await? {
                prices.planned.push(planned);
            }
        }
        if prices.planned.len() > PRICES_MAX {
            return Err(ImportError::TooMany("prices"));
        }
    }
    Ok(prices)
}

async fn plan(
    job: &mut Job,
    row: &SourceRow,
    tally: &mut Tally,
) -> Result<Option<Planned>, ImportError> {
    let (model, provider): (&str, &str) = (row.get("model")?, row.get("provider")?);
    let known = Dialect::ALL.into_iter().find(|it| it.as_str() == provider);
    let provider = known.map_or_else(|| ProviderName::new(provider), Dialect::provider);
    job.known
        .providers
        .insert(model.to_owned(), provider.clone());
    if known.is_none() {
        tally.leave_out_one(
            "its provider is none of those that the original calls",
            model,
        );
        return Ok(None);
    }
    let Some(rates) = rates(row, tally, model)? else {
        return Ok(None);
    };
    let model = ModelName::new(model);
    let here = job.store.prices_of_model(&model, job.options.at).await?;
    let here = here.into_iter().find(|it| it.price.provider == provider);
    let same = here
        .as_ref()
        .filter(|here| !here.is_retired && says(&here.price, &rates))
        .map(|here| here.price.id);
    let before = here.map(|here| here.price);
    let updated_at: i64 = row.get("updated_at")?;
    let (price, effective_from) = if job.options.prices_in_force {
        let before = before.unwrap_or_else(|| bare(provider, model));
        (with_base(before, &rates), job.options.at)
    } else {
        let then = UtcMicros::new(updated_at).min(job.options.at);
        (with_base(bare(provider, model), &rates), then)
    };
    let id: i64 = row.get("id")?;
    Ok(Some(Planned {
        original: format!("{id} {updated_at}"),
        price,
        version_tag: row.get("version_tag")?,
        effective_from,
        same,
    }))
}

/// Writes those that are new.
pub(super) async fn import(
    job: &Job,
    import: &mut Import,
    prices: Prices,
) -> Result<Tally, ImportError> {
    let mut tally = prices.tally;
    let in_force = if job.options.prices_in_force {
        " in force"
    } else {
        ""
    };
    for planned in prices.planned {
        let text = format!("{}{in_force}", planned.original);
        let original = job.original(KIND, &text);
        if import.mark_of(original).await?.is_some() {
            tally.already_there += 1;
            continue;
        }
        if let Some(same) = planned.same {
            import.mark(original, same.0).await?;
            tally.already_there += 1;
            continue;
        }
        let wanted = PriceChange {
            version_tag: &planned.version_tag,
            effective_from: Some(planned.effective_from),
        };
        let ours = import.add_price(&planned.price, &wanted, job.options.at);
        let ours = ours.await?;
        import.mark(original, ours).await?;
        tally.imported += 1;
    }
    Ok(tally)
}

type BaseRates = HashMap<RateKind, Rate>;

/// The three prices of a row; none where one of them is none.
fn rates(
    row: &SourceRow,
    tally: &mut Tally,
    model: &str,
) -> Result<Option<BaseRates>, ImportError> {
    let columns = [
        ("input", RateKind::Input),
        ("cached", RateKind::CachedInput),
        ("output", RateKind::Output),
    ];
    let mut rates = BaseRates::new();
    for (column, kind) in columns {
        let exact = Exact::parse(row.get(column)?).filter(|exact| !exact.is_negative());
        let Some((rate, is_exact)) = exact.and_then(Exact::rate) else {
            tally.leave_out_one(
                "a price of it is below nothing, too large, or no amount",
                model,
            );
            return Ok(None);
        };
        if !is_exact {
            tally.adjust("a price is rounded up to a millionth of a dollar", model);
        }
        rates.insert(kind, rate);
    }
    // The original never looks at this price, so that nobody ever had to fill it in.
    let is_free = |kind| rates.get(&kind).is_none_or(|rate| rate.picos() == 0);
    if is_free(RateKind::CachedInput) && !is_free(RateKind::Input) {
        rates.remove(&RateKind::CachedInput);
        tally.adjust("cached input without a price costs what input does", model);
    }
    Ok(Some(rates))
}

fn is_base(band: &Band) -> bool {
    band.tier == Tier::Standard && band.above_input_tokens == 0
}

/// Whether the base rates of a price are these.
fn says(price: &ModelPrice, rates: &BaseRates) -> bool {
    let base = price.bands.iter().find(|band| is_base(band));
    base.is_some_and(|band| {
        [RateKind::Input, RateKind::CachedInput, RateKind::Output]
            .into_iter()
            .all(|kind| band.rates.get(kind) == rates.get(&kind).copied())
    })
}

fn bare(provider: ProviderName, model: ModelName) -> ModelPrice {
    ModelPrice {
        id: PriceId(0),
        provider,
        model,
        mode: MODE.to_owned(),
        input_tokens_max: None,
        output_tokens_max: None,
        bands: Vec::new(),
    }
}

/// A price with other base rates; what it has beside them stays.
fn with_base(mut price: ModelPrice, base: &BaseRates) -> ModelPrice {
    if !price.bands.iter().any(is_base) {
        price.bands.push(Band {
            tier: Tier::Standard,
            above_input_tokens: 0,
            rates: Rates::default(),
        });
    }
    for band in price.bands.iter_mut().filter(|band| is_base(band)) {
        for kind in [RateKind::Input, RateKind::CachedInput, RateKind::Output] {
            if let Some(rate) = base.get(&kind) {
                band.rates.set(kind, *rate);
            }
        }
    }
    price
}
