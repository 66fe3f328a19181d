//! What the audit log says of a price: the whole version as it was in force before, and the new one.

use serde::Serialize;

use crate::domain::stamp::Stamp;
use crate::store::audit::{self, AuditEntry};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::prices::rows::{Choice, choice, chosen, rates_of};
use crate::store::prices::{PriceRecord, SeedReport};
use crate::store::value::params;

/// What the audit log calls a price.
const KIND: &str = "price";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionState<'a> {
    provider: &'a str,
    model: &'a str,
    mode: &'a str,
    version_tag: &'a str,
    source: &'static str,
    is_retired: bool,
    effective_from: String,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    rates: Vec<RateState>,
}

/// Dollars per million units, as the admin API has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RateState {
    tier: &'static str,
    above_input_tokens: u64,
    kind: &'static str,
    price: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeedState<'a> {
    version_tag: &'a str,
    added: usize,
    kept: usize,
}

/// Notes a version that was made just now.
pub(super) async fn note_version(
    change: &mut dyn Transaction,
    stamp: &Stamp,
    verb: &'static str,
    made: &PriceRecord,
) -> Result<(), StoreError> {
    const BEFORE: Choice = choice!(
        "FROM model_price WHERE provider = $1 AND model = $2 AND effective_from <= $3 AND id <> $4",
        " ORDER BY effective_from DESC, id DESC LIMIT 1"
    );
    let price = &made.price;
    let place = params![&price.provider, &price.model, made.effective_from, price.id];
    let before = chosen(change, &BEFORE, place).await?;
    let entry = AuditEntry {
        target: Some(price.id.to_string()),
        before: before.first().map(state).transpose()?,
        after: Some(state(made)?),
        ..AuditEntry::of(KIND, verb)
    };
    audit::write(change, stamp, &entry).await
}

/// Notes that the price list of the program was brought into force.
pub(super) async fn note_seed(
    change: &mut dyn Transaction,
    stamp: &Stamp,
    version_tag: &str,
    report: SeedReport,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        after: Some(json(&SeedState {
            version_tag,
            added: report.added,
            kept: report.kept,
        })?),
        ..AuditEntry::of(KIND, "seed")
    };
    audit::write(change, stamp, &entry).await
}

fn state(record: &PriceRecord) -> Result<String, StoreError> {
    let price = &record.price;
    let rates = rates_of(price).map(|((tier, above_input_tokens, kind), rate)| RateState {
        tier: tier.as_str(),
        above_input_tokens,
        kind: kind.as_str(),
        price: rate.per_million(),
    });
    json(&VersionState {
        provider: price.provider.as_str(),
        model: price.model.as_str(),
        mode: &price.mode,
        version_tag: &record.version_tag,
        source: record.source.as_str(),
        is_retired: record.is_retired,
        effective_from: record.effective_from.to_string(),
        max_input_tokens: price.input_tokens_max,
        max_output_tokens: price.output_tokens_max,
        rates: rates.collect(),
    })
}

fn json(state: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(state).map_err(|_error| StoreError::corrupt("audited price"))
}
