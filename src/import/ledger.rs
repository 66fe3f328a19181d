//! The ledger, in blocks of ids. What a block holds is noted with what it came to, so that one that has not changed is
//! not read again; a row has the same request id whenever it comes over, so that it is written once.

mod row;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::ledger::LedgerRow;
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::amounts::Exact;
use crate::import::job::{Job, instant, weight};
use crate::import::ledger::row::{Placement, RequestTag};
use crate::import::report::{Spending, Tally};
use crate::store::import::Mark;

/// The ids of a block: what is in memory at once.
const BLOCK_IDS: i64 = 5_000;
const KIND: &str = "ledger";

/// A block as the other database has it: while this is the same, so are its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    rows: i64,
    last: i64,
    usd: String,
}

/// What is kept of a block that came over.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    fingerprint: Fingerprint,
    tally: Tally,
    /// The amounts of [`Spending`] in its order.
    spending: [String; 5],
}

/// Brings the ledger over.
pub(super) async fn import(job: &mut Job) -> Result<Tally, ImportError> {
    const NEXT: &str = "SELECT MIN(id) AS id FROM \"UsageLedger\" WHERE id >= $1::bigint";
    const SUM: &str = "SELECT COALESCE(SUM(usd) FILTER (WHERE usd <> 'NaN'), 0)::text AS usd \
         FROM \"UsageLedger\"";
    let sum = job.source.rows(SUM, &[]).await?;
    let sum: Option<&str> = sum.first().map(|row| row.get("usd")).transpose()?;
    job.report.source_sum = sum.and_then(Exact::parse).unwrap_or_default();
    if !job.options.is_dry_run {
        make_months(job).await?;
    }
    let mut whole = Tally::default();
    let mut from = i64::MIN;
    loop {
        let next = job.source.rows(NEXT, &[&from]).await?;
        let next: Option<i64> = next.first().map_or(Ok(None), |row| row.get("id"))?;
        let Some(next) = next else { break };
        let number = next.div_euclid(BLOCK_IDS);
        let tally = block(job, number).await?;
        whole.take_over(&tally);
        let Some(end) = number
            .checked_add(1)
            .and_then(|it| it.checked_mul(BLOCK_IDS))
        else {
            break;
        };
        from = end;
    }
    Ok(whole)
}

/// Makes the months that rows are of, before the first row comes: none can be made any more when its rows are where
/// those without a month are. A clock that was not set is no reason for one.
async fn make_months(job: &Job) -> Result<(), ImportError> {
    const MONTHS: &str = concat!(
        "SELECT DISTINCT ",
        instant!("date_trunc('month', ts)"),
        " AS month FROM \"UsageLedger\" WHERE ts >= '2020-01-01' AND ts < '2100-01-01' ORDER BY 1"
    );
    for row in job.source.rows(MONTHS, &[]).await? {
        let month = UtcMicros::new(row.get("month")?);
        job.store.make_partitions(month, 1).await?;
    }
    Ok(())
}

async fn block(job: &mut Job, number: i64) -> Result<Tally, ImportError> {
    let first = number.saturating_mul(BLOCK_IDS);
    let last = first.saturating_add(BLOCK_IDS - 1);
    let fingerprint = fingerprint(job, first, last).await?;
    let text = number.to_string();
    let mark = job.store.import_mark(job.original(KIND, &text)).await?;
    let note = mark.and_then(|mark| mark.note);
    let note: Option<Note> = note.and_then(|note| serde_json::from_str(&note).ok());
    if let Some(note) = note.filter(|note| note.fingerprint == fingerprint) {
        job.report
            .spending
            .take_over(&read_spending(&note.spending));
        let tally = Tally {
            imported: 0,
            already_there: note.tally.here(),
            ..note.tally
        };
        return Ok(tally);
    }
    let mut tally = Tally::default();
    let mut spending = Spending::default();
    let rows = rows_of(job, (first, last), (&mut tally, &mut spending)).await?;
    let all = u64::try_from(rows.len()).unwrap_or_default();
    let new = if job.options.is_dry_run {
        all
    } else {
        let new = job.store.append(&rows).await?;
        u64::try_from(new).unwrap_or_default()
    };
    tally.imported = new;
    tally.already_there = all.saturating_sub(new);
    if !job.options.is_dry_run {
        let note = Note {
            fingerprint,
            tally: tally.clone(),
            spending: print_spending(&spending),
        };
        let mark = Mark {
            our_id: i64::try_from(all).unwrap_or(i64::MAX),
            note: serde_json::to_string(&note).ok(),
        };
        let original = job.original(KIND, &text);
        job.store.note_import(original, &mark).await?;
    }
    job.report.spending.take_over(&spending);
    Ok(tally)
}

async fn fingerprint(job: &Job, first: i64, last: i64) -> Result<Fingerprint, ImportError> {
    const ASK: &str = "SELECT COUNT(*) AS rows, COALESCE(MAX(id), 0) AS last, \
         COALESCE(SUM(usd), 0)::text AS usd \
         FROM \"UsageLedger\" WHERE id BETWEEN $1::bigint AND $2::bigint";
    let rows = job.source.rows(ASK, &[&first, &last]).await?;
    let row = rows.first();
    let row = row.ok_or_else(|| ImportError::Source("no answer".to_owned()))?;
    Ok(Fingerprint {
        rows: row.get("rows")?,
        last: row.get("last")?,
        usd: row.get("usd")?,
    })
}

/// The rows of a block as they are here.
async fn rows_of(
    job: &Job,
    (first, last): (i64, i64),
    (tally, spending): (&mut Tally, &mut Spending),
) -> Result<Vec<LedgerRow>, ImportError> {
    const ROWS: &str = concat!(
        "SELECT id, tenant, \"tenantId\"::bigint AS tenant_id, route, model, usd::text AS usd, \
         \"promptTok\"::bigint AS input, \"compTok\"::bigint AS output, \
         \"sessionId\" AS session, status, ",
        instant!("ts"),
        " AS at FROM \"UsageLedger\" WHERE id BETWEEN $1::bigint AND $2::bigint ORDER BY id"
    );
    let tags = tags_of(job, first, last).await?;
    let placement = Placement {
        known: &job.known,
        source: &job.source.name,
        tags: &tags,
    };
    let mut rows = Vec::new();
    for row in job.source.rows(ROWS, &[&first, &last]).await? {
        tally.found += 1;
        rows.extend(placement.row(&row, tally, spending)?);
    }
    Ok(rows)
}

async fn tags_of(
    job: &Job,
    first: i64,
    last: i64,
) -> Result<BTreeMap<i64, Vec<RequestTag>>, ImportError> {
    const TAGS: &str = concat!(
        "SELECT \"usageLedgerId\" AS row, \"tagId\"::bigint AS tag, ",
        weight!(),
        " FROM \"RequestTag\" WHERE \"usageLedgerId\" BETWEEN $1::bigint AND $2::bigint"
    );
    let mut tags: BTreeMap<i64, Vec<RequestTag>> = BTreeMap::new();
    if !job.source.has("RequestTag").await? {
        return Ok(tags);
    }
    for row in job.source.rows(TAGS, &[&first, &last]).await? {
        let of_row = tags.entry(row.get("row")?).or_default();
        of_row.push(RequestTag {
            tag: row.get("tag")?,
            weight: row.get("weight")?,
        });
    }
    Ok(tags)
}

fn print_spending(spending: &Spending) -> [String; 5] {
    [
        spending.source,
        spending.here,
        spending.rounded_up,
        spending.raised,
        spending.skipped,
    ]
    .map(|amount| amount.to_string())
}

fn read_spending(texts: &[String; 5]) -> Spending {
    let [source, here, rounded_up, raised, skipped] = texts
        .each_ref()
        .map(|text| Exact::parse(text).unwrap_or_default());
    Spending {
        source,
        here,
        rounded_up,
        raised,
        skipped,
    }
}
