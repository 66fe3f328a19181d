//! What only Postgres has: a URL with secrets, and a network that fails.

use std::sync::Arc;

use budgetguard::store::Store;
use budgetguard::store::error::StoreError;
use budgetguard::store::postgres::Postgres;

use crate::support::{Database, STAMP};

#[test]
fn a_postgres_url_that_asks_for_tls_is_refused_and_never_repeated() {
    Postgres::open("host=localhost sslmode=require", 1).unwrap_err();
    for query in [
        "sslmode=require",
        "sslmode=verify-full",
        "schema=a-b",
        "sslmode=maybe",
        "colour=red",
    ] {
        let url = format!("postgres://user:hunter2@localhost/db?{query}");
        let error = Postgres::open(&url, 1).unwrap_err();
        assert!(matches!(error, StoreError::Settings(_)), "{query}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    for url in [
        "postgres://user@localhost/db?schema=public&sslmode=prefer",
        "postgresql://localhost/db",
        "host=localhost user=user password=wh?y",
    ] {
        Postgres::open(url, 1).unwrap();
    }
}

#[tokio::test]
async fn a_postgres_that_does_not_answer_is_unavailable_and_its_password_is_not_told() {
    let nobody = Postgres::open("postgres://user:hunter2@127.0.0.1:1/db", 1).unwrap();
    let store = Store::new(Arc::new(nobody));
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error} {error:?} {store:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() {
    const END: &str = "SELECT CAST(pg_terminate_backend(pg_backend_pid()) AS TEXT) AS ended";
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    let error = database.driver.query(END, &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    database.store.ping().await.unwrap();

    let mut transaction = database.driver.begin().await.unwrap();
    transaction.query(END, &[]).await.unwrap_err();
    transaction.commit().await.unwrap_err();
    database.store.ensure_tenant("acme", &STAMP).await.unwrap();
    schema.drop().await;
}

#[tokio::test]
async fn a_transaction_that_failed_cannot_be_committed() {
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    let mut transaction = database.driver.begin().await.unwrap();
    transaction
        .execute("DELETE FROM nowhere", &[])
        .await
        .unwrap_err();
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Query(_)), "{error:?}");
    schema.drop().await;
}
