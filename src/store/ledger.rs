//! The ledger: one row per request, written exactly once, and the spending that it adds up to.

mod batch_sums;
pub mod chain;
mod labels;
pub mod reading;
mod spending;

use std::borrow::{Borrow, Cow};

use crate::domain::budget::Coverage;
use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, RequestId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::object::ObjectNotes;
use crate::domain::ruling::{RulesHash, Ruling, parse_effects, print_effects};
use crate::domain::session::SessionRef;
use crate::domain::tag::{TagShares, parse_shares, print_shares};
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::Window;
use crate::store::driver::{BulkInsert, Transaction, give_way};
use crate::store::error::StoreError;
pub(in crate::store) use crate::store::ledger::batch_sums::INSERT_SUM;
use crate::store::ledger::batch_sums::sum_up;
use crate::store::ledger::chain::{Assumed, Chain, Writer};
use crate::store::value::{Row, Value, params, row_params};
use crate::store::{Store, deferred, objects};

/// The most rows that one statement inserts: bounds the memory that a batch takes twice.
const STATEMENT_ROWS_MAX: usize = 2_000;
/// How often a batch is begun anew because another writer wrote one of its rows meanwhile.
pub(super) const RACES_MAX: usize = 5;

macro_rules! ledger_columns {
    () => {
        "request_id, at, tenant_id, key_id, session, route, provider, model, model_served, \
         status, reason, http_status, streamed, input, cached_input, cache_write, \
         cache_write_1h, output, reasoning_output, audio_input, audio_output, image_input, \
         image_output, web_search_calls, tier, price_id, cost, held, basis, latency_us, \
         first_byte_us, upstream_request_id, tags, model_asked, attempt_of, cache_storage_token_seconds, \
         policy_hash, decision_id, policy_effects"
    };
}
pub(in crate::store) use ledger_columns;

/// The order of [`ledger_columns`] and of [`values`], and then the row's place in its chain. A request that is there already is left alone.
const INSERT: BulkInsert = BulkInsert {
    row: concat!(
        "INSERT INTO usage_ledger (",
        ledger_columns!(),
        ", writer, seq, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
               $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, \
               $37, $38, $39, $40, $41, $42) ON CONFLICT DO NOTHING"
    ),
    arrays: concat!(
        "INSERT INTO usage_ledger (",
        ledger_columns!(),
        ", writer, seq, hash) SELECT * FROM UNNEST($1::BYTEA[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[], \
                 $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::TEXT[], $12::BIGINT[], \
                 $13::BIGINT[], $14::BIGINT[], $15::BIGINT[], $16::BIGINT[], $17::BIGINT[], \
                 $18::BIGINT[], $19::BIGINT[], $20::BIGINT[], $21::BIGINT[], $22::BIGINT[], \
                 $23::BIGINT[], $24::BIGINT[], $25::TEXT[], $26::BIGINT[], $27::BIGINT[], \
                 $28::BIGINT[], $29::TEXT[], $30::BIGINT[], $31::BIGINT[], $32::TEXT[], $33::TEXT[], $34::TEXT[], $35::BYTEA[], $36::BIGINT[], \
                 $37::BYTEA[], $38::BYTEA[], $39::TEXT[], $40::BYTEA[], $41::BIGINT[], $42::BYTEA[]) ON CONFLICT DO NOTHING"
    ),
};

impl Store {
    /// Writes rows, all of them or none, and tells how many were new: a request that has a row
    /// already keeps it, so a batch may be written again when it is not known whether it was.
    pub async fn append<R: Borrow<LedgerRow>>(&self, rows: &[R]) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        // Writers that insert in the same order cannot deadlock, and new ids sort to the end.
        let mut sorted: Vec<&LedgerRow> = rows.iter().map(Borrow::borrow).collect();
        sorted.sort_unstable_by_key(|row| row.request);
        let mut tried = self.try_append(&sorted, Assumed::New).await;
        for _race in 0..RACES_MAX {
            if !is_raced(&tried) {
                break;
            }
            tried = self.try_append(&sorted, Assumed::Unknown).await;
        }
        tried
    }

    async fn try_append(
        &self,
        sorted: &[&LedgerRow],
        assumed: Assumed,
    ) -> Result<usize, StoreError> {
        let mut change = self.driver.begin().await?;
        objects::note(change.as_mut(), sorted).await?;
        let mut costs_known = Vec::with_capacity(sorted.len());
        for row in sorted {
            match &row.objects.settles_with {
                Some(object) => deferred::defer(change.as_mut(), row, object).await?,
                None => costs_known.push(*row),
            }
        }
        let inserted = insert(change.as_mut(), &self.writer, &costs_known, assumed).await?;
        change.commit().await?;
        Ok(inserted)
    }

    /// What is counted for each coverage in its window, but for the rows of some requests, all at one
    /// moment.
    pub async fn spent(
        &self,
        asked: &[(&Coverage, Window)],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, StoreError> {
        let mut read = self.driver.begin_read().await?;
        let mut sums = Vec::with_capacity(asked.len());
        for (coverage, window) in asked {
            sums.push(spending::counted(read.as_mut(), coverage, *window).await?);
        }
        let left_out = spending::rows_of(read.as_mut(), without).await?;
        let deferred = deferred::counting(read.as_mut(), without).await?;
        read.commit().await?;
        for ((coverage, window), sum) in asked.iter().zip(&mut sums) {
            let more = shares(&deferred, coverage, *window).fold(*sum, Usd::saturating_add);
            *sum = shares(&left_out, coverage, *window).fold(more, Usd::saturating_sub);
        }
        Ok(sums)
    }

    /// What sessions of tenants cost so far, but for some requests, all at one moment.
    pub async fn spent_in_sessions(
        &self,
        sessions: &[(TenantId, String)],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, StoreError> {
        const SUM: &str = "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS spent \
             FROM session_sum WHERE tenant_id = $1 AND session_id = $2";
        let mut read = self.driver.begin_read().await?;
        let mut sums = Vec::with_capacity(sessions.len());
        for (tenant, id) in sessions {
            let rows = read.query(SUM, params![*tenant, id.as_str()]).await?;
            let row = rows.first().ok_or_else(|| StoreError::corrupt("spent"))?;
            sums.push(row.usd("spent")?);
        }
        let left_out = spending::rows_of(read.as_mut(), without).await?;
        let deferred = deferred::counting(read.as_mut(), without).await?;
        read.commit().await?;
        for (session, sum) in sessions.iter().zip(&mut sums) {
            let more = costs(&deferred, session).fold(*sum, Usd::saturating_add);
            *sum = costs(&left_out, session).fold(more, Usd::saturating_sub);
        }
        Ok(sums)
    }
}

/// What rows count of a coverage in a window, one by one.
fn shares(rows: &[LedgerRow], coverage: &Coverage, window: Window) -> impl Iterator<Item = Usd> {
    let rows = rows.iter().filter(move |row| window.contains(row.at));
    rows.filter_map(|row| {
        let share = coverage.share_of(&row.origin())?;
        Some(share.weight.of(row.cost))
    })
}

/// What the rows of a session cost, one by one.
pub(super) fn costs(
    rows: &[LedgerRow],
    (tenant, id): &(TenantId, String),
) -> impl Iterator<Item = Usd> {
    let of_session = rows.iter().filter(move |row| {
        let session = row.session.as_ref();
        row.tenant == *tenant && session.is_some_and(|session| session.id == *id)
    });
    of_session.map(|row| row.cost)
}

/// Whether another writer wrote one of the rows meanwhile: begun anew, that row is known.
pub(super) fn is_raced<T>(tried: &Result<T, StoreError>) -> bool {
    matches!(tried, Err(StoreError::Conflict { .. }))
}

/// Inserts those of the rows that are new, in their writer's chain, with tags and sessions, and tells
/// how many they were.
pub(super) async fn insert(
    change: &mut dyn Transaction,
    writer: &Writer,
    sorted: &[&LedgerRow],
    assumed: Assumed,
) -> Result<usize, StoreError> {
    let new = assumed.only_new(change, sorted).await?;
    if new.is_empty() {
        return Ok(0);
    }
    let mut chain = Chain::lock(change, writer).await?;
    for batch in new.chunks(STATEMENT_ROWS_MAX) {
        let linked = batch.iter().enumerate().map(|(number, row)| {
            give_way(number);
            chain.link(values(row))
        });
        let rows = linked.collect::<Result<Vec<_>, _>>()?;
        if change.takes_sums() {
            change.add_sums(sum_up(&rows)?).await?;
        }
        let inserted = change.insert_many(&INSERT, rows).await?;
        if usize::try_from(inserted) != Ok(batch.len()) {
            let what = "the request of a ledger row".to_owned();
            return Err(StoreError::Conflict { what });
        }
        labels::insert(change, batch).await?;
    }
    chain.keep(change).await?;
    Ok(new.len())
}

fn values(row: &LedgerRow) -> Vec<Value> {
    let word = Cow::<'static, str>::Borrowed;
    let ruling = row.ruling.as_ref();
    // A request that was decided on itself is its own decision.
    let decision = ruling.map(|ruling| ruling.decision);
    let decision = decision.filter(|decision| *decision != row.request);
    row_params![
        &row.request.as_bytes()[..],
        row.at,
        row.tenant,
        row.key,
        row.session.as_ref().map(|session| &session.id),
        &row.route,
        &row.provider,
        &row.model,
        row.model_served.as_ref(),
        &word(row.status.as_str()),
        row.reason.as_ref(),
        row.http_status,
        row.streamed,
        row.usage.input,
        row.usage.cached_input,
        row.usage.cache_write,
        row.usage.cache_write_1h,
        row.usage.output,
        row.usage.reasoning_output,
        row.usage.audio_input,
        row.usage.audio_output,
        row.usage.image_input,
        row.usage.image_output,
        row.usage.web_search_calls,
        &word(row.tier.as_str()),
        row.price,
        row.cost,
        row.held,
        &word(row.basis.as_str()),
        row.latency_us,
        row.first_byte_us,
        row.upstream_request_id.as_ref(),
        print_shares(&row.tags).as_ref(),
        row.model_asked.as_ref(),
        row.attempt_of.as_ref().map(|first| &first.as_bytes()[..]),
        row.usage.cache_storage_token_seconds,
        ruling.map(|ruling| &ruling.rules.as_bytes()[..]),
        decision.as_ref().map(|decision| &decision.as_bytes()[..]),
        ruling
            .and_then(|ruling| print_effects(&ruling.effects))
            .as_ref(),
    ]
}

/// The ledger row in a row that has [`ledger_columns`].
pub(in crate::store) fn ledger_row_of(row: &Row) -> Result<LedgerRow, StoreError> {
    let owned = |text: &str| text.to_owned();
    Ok(LedgerRow {
        request: RequestId::from_bytes(row.bytes("request_id")?),
        at: row.instant("at")?,
        tenant: TenantId(row.int("tenant_id")?),
        key: ApiKeyId(row.int("key_id")?),
        session: row.maybe_text("session")?.map(|id| SessionRef {
            id: id.to_owned(),
            name: None,
            path: None,
        }),
        tags: match row.maybe_text("tags")? {
            Some(text) => parse_shares(text).ok_or_else(|| StoreError::corrupt("tags"))?,
            None => TagShares::new(),
        },
        route: Cow::Owned(row.text("route")?.to_owned()),
        provider: ProviderName::new(row.text("provider")?),
        model: ModelName::new(row.text("model")?),
        model_asked: row.maybe_text("model_asked")?.map(ModelName::new),
        attempt_of: row.maybe_bytes("attempt_of")?.map(RequestId::from_bytes),
        model_served: row.maybe_text("model_served")?.map(ModelName::new),
        status: row.named("status", Status::parse)?,
        reason: row.maybe_text("reason")?.map(owned).map(Cow::Owned),
        http_status: row.maybe_number("http_status")?,
        streamed: row.flag("streamed")?,
        usage: usage_of(row)?,
        tier: row.named("tier", |name| name.parse().ok())?,
        price: row.maybe_int("price_id")?.map(PriceId),
        cost: row.usd("cost")?,
        held: row.usd("held")?,
        basis: row.named("basis", Basis::parse)?,
        latency_us: row.number("latency_us")?,
        first_byte_us: row.maybe_number("first_byte_us")?,
        upstream_request_id: row.maybe_text("upstream_request_id")?.map(owned),
        ruling: ruling_of(row)?,
        objects: ObjectNotes::default(),
    })
}

/// What the policy decided; nothing where it was not asked, and in rows from before that was kept.
fn ruling_of(row: &Row) -> Result<Option<Ruling>, StoreError> {
    let Some(rules) = row.maybe_bytes("policy_hash")? else {
        return Ok(None);
    };
    let other = row.maybe_bytes("decision_id")?;
    let decision = other.map_or_else(|| row.bytes("request_id"), Ok)?;
    let effects = row
        .maybe_text("policy_effects")?
        .map(|text| parse_effects(text).ok_or_else(|| StoreError::corrupt("policy_effects")));
    Ok(Some(Ruling {
        rules: RulesHash::from_bytes(rules),
        decision: RequestId::from_bytes(decision),
        effects: effects.transpose()?.unwrap_or_default(),
    }))
}

fn usage_of(row: &Row) -> Result<TokenUsage, StoreError> {
    Ok(TokenUsage {
        input: row.number("input")?,
        cached_input: row.number("cached_input")?,
        cache_write: row.number("cache_write")?,
        cache_write_1h: row.number("cache_write_1h")?,
        output: row.number("output")?,
        reasoning_output: row.number("reasoning_output")?,
        audio_input: row.number("audio_input")?,
        audio_output: row.number("audio_output")?,
        image_input: row.number("image_input")?,
        image_output: row.number("image_output")?,
        web_search_calls: row.number("web_search_calls")?,
        cache_storage_token_seconds: row.number("cache_storage_token_seconds")?,
    })
}
