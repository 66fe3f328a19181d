//! What the rows of a batch add to the sums, added up here: a database that has no transition tables would read
//! the rows again and sort them.

use std::collections::HashMap;

use crate::domain::usage::Basis;
use crate::domain::window::UtcMicros;
use crate::store::error::StoreError;
use crate::store::ledger::ledger_columns;
use crate::store::sums::{Level, YEARS};
use crate::store::value::{Value, row_params};

/// A row of less than this in all that is added up is added to others: those of a batch cannot become too much.
const ALONE_FROM: i64 = 100_000_000_000_000;
/// How much of a name the sums tell apart.
const NAME_CHARACTERS_MAX: usize = 200;
/// What is added up, in the order of the table.
const AMOUNTS: [&str; 13] = [
    "input",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning_output",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "web_search_calls",
    "cache_storage_token_seconds",
    "cost",
];

/// Into the table that the trigger of the sums reads (`migrations/sqlite/V19__presummed.sql`), in the order of
/// [`sum_up`].
pub(in crate::store) const INSERT_SUM: &str = "INSERT INTO usage_batch (tenant_id, key_id, provider, \
     model, answered, route, status, tags, session, hour, alone, requests, not_measured, input, \
     cached_input, cache_write, cache_write_1h, output, reasoning_output, audio_input, audio_output, \
     image_input, image_output, web_search_calls, cache_storage_token_seconds, cost, last_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
     $21, $22, $23, $24, $25, $26, $27)";

/// What rows have in common that are added up as one.
#[derive(PartialEq, Eq, Hash)]
struct Series<'a> {
    /// Tenant, key, provider, model, what answered, route, status, tags, session.
    names: [&'a Value; 9],
    hour: i64,
    /// The place in its chain of a row that is too large to be added to others.
    alone: i64,
}

struct Sum {
    requests: i64,
    not_measured: i64,
    amounts: [i64; AMOUNTS.len()],
    last_at: i64,
}

/// Where the columns are among the values of rows.
struct Places {
    names: [usize; 8],
    answered: usize,
    at: usize,
    basis: usize,
    amounts: [usize; AMOUNTS.len()],
}

/// The sums of rows that have [`ledger_columns`], writer, place in the chain and hash, as [`INSERT_SUM`] takes them.
pub(super) fn sum_up(rows: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, StoreError> {
    let places = Places::find()?;
    let mut sums: HashMap<Series<'_>, Sum> = HashMap::new();
    for row in rows {
        let (series, amounts) = places.read(row)?;
        let at = number(row, places.at)?;
        let is_measured = text(row, places.basis)? == Basis::Measured.as_str();
        let sum = sums.entry(series).or_insert_with(|| Sum::since(at));
        sum.requests = sum.requests.saturating_add(1);
        sum.not_measured = sum.not_measured.saturating_add(i64::from(!is_measured));
        for (total, amount) in sum.amounts.iter_mut().zip(amounts) {
            *total = total.saturating_add(amount);
        }
        sum.last_at = sum.last_at.max(at);
    }
    let values = sums.iter().map(|(series, sum)| series.values(sum));
    Ok(values.collect())
}

impl Sum {
    fn since(at: i64) -> Self {
        Self {
            requests: 0,
            not_measured: 0,
            amounts: [0; AMOUNTS.len()],
            last_at: at,
        }
    }
}

impl Series<'_> {
    fn values(&self, sum: &Sum) -> Vec<Value> {
        let [tenant, key, provider, names @ .., status, tags, session] = self.names;
        let mut values = vec![tenant.clone(), key.clone(), provider.clone()];
        values.extend(names.map(cut));
        values.extend([status, tags, session].map(Value::clone));
        values.extend(row_params![
            self.hour,
            self.alone,
            sum.requests,
            sum.not_measured
        ]);
        values.extend(sum.amounts.map(Value::from));
        values.push(Value::from(sum.last_at));
        values
    }
}

impl Places {
    fn find() -> Result<Self, StoreError> {
        let columns: Vec<&str> = ledger_columns!().split(", ").collect();
        let find = |name: &str| {
            let place = columns.iter().position(|column| *column == name);
            place.ok_or_else(|| StoreError::corrupt(name.to_owned()))
        };
        let mut amounts = [0; AMOUNTS.len()];
        for (place, name) in amounts.iter_mut().zip(AMOUNTS) {
            *place = find(name)?;
        }
        Ok(Self {
            names: [
                find("tenant_id")?,
                find("key_id")?,
                find("provider")?,
                find("model")?,
                find("route")?,
                find("status")?,
                find("tags")?,
                find("session")?,
            ],
            answered: find("model_served")?,
            at: find("at")?,
            basis: find("basis")?,
            amounts,
        })
    }

    fn read<'a>(&self, row: &'a [Value]) -> Result<(Series<'a>, [i64; AMOUNTS.len()]), StoreError> {
        let [tenant, key, provider, model, route, status, tags, session] = self.names;
        let named = |place: usize| value(row, place);
        let served = named(self.answered)?;
        let answered = if *served == Value::Null {
            named(model)?
        } else {
            served
        };
        let mut amounts = [0; AMOUNTS.len()];
        for (amount, place) in amounts.iter_mut().zip(self.amounts) {
            *amount = number(row, place)?;
        }
        let is_large = amounts.iter().any(|amount| *amount >= ALONE_FROM);
        // The chain's columns follow: writer, place, hash.
        let seq = row.len().saturating_sub(2);
        let series = Series {
            names: [
                named(tenant)?,
                named(key)?,
                named(provider)?,
                named(model)?,
                answered,
                named(route)?,
                named(status)?,
                named(tags)?,
                named(session)?,
            ],
            hour: hour_of(number(row, self.at)?),
            alone: if is_large { number(row, seq)? } else { 0 },
        };
        Ok((series, amounts))
    }
}

fn hour_of(at: i64) -> i64 {
    let last = YEARS.end.get().saturating_sub(1);
    let within = at.clamp(YEARS.start.get(), last);
    Level::Hour.floor(UtcMicros::new(within)).get()
}

fn value(row: &[Value], place: usize) -> Result<&Value, StoreError> {
    let missing = || StoreError::corrupt("a row that is added up");
    row.get(place).ok_or_else(missing)
}

fn number(row: &[Value], place: usize) -> Result<i64, StoreError> {
    let Value::Int(number) = value(row, place)? else {
        return Err(StoreError::corrupt("a row that is added up"));
    };
    Ok(*number)
}

fn text(row: &[Value], place: usize) -> Result<&str, StoreError> {
    let Value::Text(text) = value(row, place)? else {
        return Err(StoreError::corrupt("a row that is added up"));
    };
    Ok(text)
}

/// As much of a name as the sums tell apart.
fn cut(name: &Value) -> Value {
    if let Value::Text(text) = name
        && let Some((end, _)) = text.char_indices().nth(NAME_CHARACTERS_MAX)
    {
        return Value::from(text.get(..end).unwrap_or_default());
    }
    name.clone()
}
