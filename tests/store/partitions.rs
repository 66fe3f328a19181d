//! The ledger's months on Postgres, and what becomes of rows that were written before there were any.

use budgetguard::domain::id::TagId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{TagShare, Weight};
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::usage::LedgerFilter;

use crate::support::{Database, NOW, row};

const DAY: i64 = 86_400_000_000;

/// The tables of the ledger, and how many rows each has.
pub(crate) async fn tables(database: &Database) -> Vec<(String, i64)> {
    const TABLES: &str = "SELECT CAST(CAST(tableoid AS regclass) AS TEXT) AS name, COUNT(*) AS rows \
         FROM usage_ledger GROUP BY 1 ORDER BY 1";
    let rows = database.driver.query(TABLES, &[]).await.unwrap();
    let rows = rows.iter();
    rows.map(|row| {
        (
            row.text("name").unwrap().to_owned(),
            row.int("rows").unwrap(),
        )
    })
    .collect()
}

fn at(number: u64, at: i64) -> LedgerRow {
    LedgerRow {
        at: UtcMicros::new(at),
        tags: [TagShare {
            tag: TagId(1),
            weight: Weight::ONE,
            is_inherited: false,
        }]
        .into_iter()
        .collect(),
        ..row(number, 1, 5)
    }
}

#[tokio::test]
async fn postgres_rows_go_into_the_months_that_were_made_and_none_is_lost_without_one() {
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    let store = &database.store;
    // Four replicas at once.
    let others = [
        database.open_again().await,
        database.open_again().await,
        database.open_again().await,
    ];
    let (first, second, third, fourth) = tokio::join!(
        store.make_partitions(NOW, 3),
        others[0].make_partitions(NOW, 3),
        others[1].make_partitions(NOW, 3),
        others[2].make_partitions(NOW, 3),
    );
    let made = [first, second, third, fourth].map(Result::unwrap);
    assert_eq!(made.iter().sum::<u64>(), 6, "{made:?}");
    assert_eq!(store.make_partitions(NOW, 3).await.unwrap(), 0);

    let rows = [
        at(1, NOW.get()),
        at(2, NOW.get() + 31 * DAY),
        at(3, NOW.get() + 400 * DAY),
        at(4, NOW.get() - 40 * DAY),
    ];
    assert_eq!(store.append(&rows).await.unwrap(), 4);
    let expected = [
        ("usage_ledger_2026_11", 1),
        ("usage_ledger_2026_12", 1),
        ("usage_ledger_default", 2),
    ];
    assert_eq!(
        tables(&database).await,
        expected.map(|(name, rows)| (name.to_owned(), rows))
    );

    // A month whose rows came before it is told of and left where it is.
    let late = UtcMicros::new(NOW.get() - 40 * DAY);
    assert_eq!(store.make_partitions(late, 1).await.unwrap(), 0);
    let totals = store.ledger_totals(&LedgerFilter::default()).await.unwrap();
    assert_eq!((totals.rows, totals.cost), (4, Usd::from_nanos(20)));
    schema.drop().await;
}

#[tokio::test]
async fn postgres_months_are_append_only_as_the_whole_is() {
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    database.store.make_partitions(NOW, 1).await.unwrap();
    database.store.append(&[at(1, NOW.get())]).await.unwrap();
    for statement in [
        "TRUNCATE usage_ledger_2026_11",
        "UPDATE usage_ledger_2026_11 SET cost = 0",
        "DELETE FROM usage_ledger_2026_11",
        "TRUNCATE usage_tag_2026_11",
        "UPDATE usage_tag_2026_11 SET cost = 0",
        "DELETE FROM usage_tag_2026_11",
        "TRUNCATE usage_tag_default",
    ] {
        let error = database.driver.execute(statement, &[]).await.unwrap_err();
        assert!(
            error.to_string().contains("is append-only"),
            "{statement}: {error}"
        );
    }
    schema.drop().await;
}

/// Rows of three months and of a clock that was not set, as the version before wrote them.
const ROWS_BEFORE: &str = "INSERT INTO usage_ledger (request_id, at, tenant_id, key_id, session, route, provider, model, \
     model_served, status, streamed, input, cached_input, cache_write, cache_write_1h, output, reasoning_output, \
     audio_input, audio_output, image_input, image_output, web_search_calls, tier, cost, held, basis, latency_us, tags) \
     SELECT row.id, row.at, 1, 2, row.session, '/v1/chat/completions', 'openai', 'gpt-5', NULL, 'success', 0, \
     3, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 'standard', row.cost, 0, 'measured', 1, '1:500000,2:1000000^' FROM (";
const TAGS_BEFORE: &str = "INSERT INTO usage_tag (request_id, tag_id, at, weight, is_inherited, cost) \
     SELECT request_id, 1, at, 500000, 0, cost FROM usage_ledger \
     UNION ALL SELECT request_id, 2, at, 1000000, 1, cost FROM usage_ledger";

async fn upgraded(database: &Database, ids: [&str; 5]) {
    let times = [
        5,
        NOW.get() - 40 * DAY,
        NOW.get() - 20 * DAY,
        NOW.get() - 20 * DAY,
        NOW.get(),
    ];
    let rows: Vec<String> = ids
        .iter()
        .zip(times)
        .zip(1..)
        .map(|((id, at), number)| {
            let session = if number % 2 == 0 {
                "CAST(NULL AS TEXT)"
            } else {
                "'chat'"
            };
            format!(
                "SELECT {id} AS id, {at} AS at, {session} AS session, {} AS cost",
                number * 3
            )
        })
        .collect();
    let insert = format!("{ROWS_BEFORE}{}) AS row", rows.join(" UNION ALL "));
    let insert: &'static str = insert.leak();
    assert_eq!(database.driver.execute(insert, &[]).await.unwrap(), 5);
    assert_eq!(database.driver.execute(TAGS_BEFORE, &[]).await.unwrap(), 10);
    assert!(!database.store.migrate().await.unwrap().is_empty());
    sums_are_those_of_the_rows(database).await;
    // What comes afterwards is added to them.
    let more = LedgerRow {
        at: UtcMicros::new(NOW.get() - 20 * DAY),
        ..at(77, NOW.get())
    };
    assert_eq!(database.store.append(&[more]).await.unwrap(), 1);
    sums_are_those_of_the_rows(database).await;
}

async fn sums_are_those_of_the_rows(database: &Database) {
    const CHECKS: [&str; 11] = [
        "SELECT COUNT(*) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_ledger",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_sum JOIN usage_series ON id = series_id WHERE family = 1 AND level = 0",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_sum JOIN usage_series ON id = series_id WHERE family = 1 AND level = 1",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_sum JOIN usage_series ON id = series_id WHERE family = 1 AND level = 2",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_sum JOIN usage_series ON id = series_id WHERE family = 3 AND series_family = 3 AND level = 0",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_sum JOIN usage_series ON id = series_id WHERE family = 3 AND series_family = 3 AND level = 1",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_sum JOIN usage_series ON id = series_id WHERE family = 3 AND series_family = 3 AND level = 2",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM tagged_sum WHERE level = 0",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM tagged_sum WHERE level = 2",
        "SELECT COUNT(*) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_tag WHERE tag_id = 1",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM tag_sum \
         JOIN tag_series ON id = series_id WHERE level = 1 AND tag_id = 1",
    ];
    const SESSIONS: [&str; 2] = [
        "SELECT COUNT(*) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM usage_ledger WHERE session IS NOT NULL",
        "SELECT CAST(SUM(requests) AS BIGINT) AS one, CAST(SUM(cost) AS BIGINT) AS two FROM session_sum",
    ];
    const SHARES: [&str; 2] = [
        "SELECT 0 AS one, CAST(SUM((cost * weight + 999999) / 1000000) AS BIGINT) AS two FROM usage_tag",
        "SELECT 0 AS one, CAST(SUM(share) AS BIGINT) AS two FROM tag_sum WHERE level = 2",
    ];
    for checks in [&CHECKS[..], &SESSIONS, &SHARES] {
        let mut found = Vec::new();
        for check in checks {
            let rows = database.driver.query(check, &[]).await.unwrap();
            found.push((rows[0].int("one").unwrap(), rows[0].int("two").unwrap()));
        }
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
    }
}

#[tokio::test]
async fn rows_of_an_older_sqlite_file_are_summed() {
    let database = Database::sqlite_at(9).await;
    upgraded(&database, ["x'01'", "x'02'", "x'03'", "x'04'", "x'05'"]).await;
}

#[tokio::test]
async fn postgres_rows_of_an_older_schema_are_summed_and_move_into_their_months() {
    let Some((database, schema)) = Database::postgres_at(9).await else {
        return;
    };
    let ids = ["01", "02", "03", "04", "05"].map(|id| format!("'\\x{id}'::BYTEA"));
    upgraded(&database, [0, 1, 2, 3, 4].map(|index| ids[index].as_str())).await;
    // 40 and 20 days before the 18th of November are in October; 1970 is no month to make.
    let expected = [
        ("usage_ledger_2026_10", 4),
        ("usage_ledger_2026_11", 1),
        ("usage_ledger_default", 1),
    ];
    assert_eq!(
        tables(&database).await,
        expected.map(|(name, rows)| (name.to_owned(), rows))
    );
    schema.drop().await;
}
