//! One row of the ledger with everything that is kept of it.

use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::ledger::chain::WriterId;
use budgetguard::store::ledger::chain::Writer;
use serde_json::{Value, json};

use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::support::{Refused, assert_all_refused, assert_fields, furnish, row};

on_both_databases!(
    a_row_is_shown_with_its_receipt_and_its_place_in_the_chain,
    ids_that_are_none_and_rows_that_are_not_there_are_told_apart,
);

fn path_of(row: &LedgerRow) -> String {
    format!("/admin/usage/ledger/{}", row.request)
}

/// Three rows of one writer, in its chain.
async fn with_rows(place: &Place) -> (Installation, [LedgerRow; 3]) {
    let installation = place.installation(options()).await;
    furnish(&installation).await;
    let rows = [1, 2, 3].map(|number| row(number, NOW, "gpt-a", i64::from(number) * 1_000));
    let writer = Writer {
        id: WriterId::from_bytes([7; 16]),
        name: "gateway-1".into(),
    };
    let store = installation.state.store.clone().with_writer(writer);
    store.append(&rows).await.unwrap();
    (installation, rows)
}

async fn a_row_is_shown_with_its_receipt_and_its_place_in_the_chain(place: Place) {
    let (installation, rows) = with_rows(&place).await;
    let mut hash = Value::Null;
    for (seq, row) in (1..).zip(&rows) {
        let shown = installation.get(&path_of(row)).await;
        let own = json!({
            "id": row.request.to_string(), "tenant": "acme", "usd": format!("0.00000{seq}"),
            "apiKeyId": 1, "apiKeyName": "ci", "policy": null,
        });
        assert_fields(&shown, &own);
        assert!(shown["apiKeyPrefix"].is_string());
        let receipt = json!({
            "object": "receipt", "id": row.request.to_string(), "cost_usd": shown["usd"],
            "model": "gpt-a",
        });
        assert_fields(&shown["receipt"], &receipt);
        let chain = json!({
            "writer": "07070707-0707-0707-0707-070707070707", "writerName": "gateway-1",
            "seq": seq, "state": "intact",
        });
        assert_fields(&shown["chain"], &chain);
        if seq > 1 {
            assert_eq!(shown["chain"]["previousHash"], hash);
        }
        hash = shown["chain"]["hash"].clone();
        assert!(hash.is_string());
    }
    // The head of the ledger is the tail of the chain.
    let listed = installation.get("/admin/usage/ledger?limit=1").await;
    assert_eq!(listed["data"][0]["id"], rows[2].request.to_string());
}

async fn ids_that_are_none_and_rows_that_are_not_there_are_told_apart(place: Place) {
    let (installation, rows) = with_rows(&place).await;
    let unknown = RequestId::new(NOW, [9; 10]);
    let unknown = format!("/admin/usage/ledger/{unknown}");
    let answer = installation.call("GET", &unknown, "").await;
    crate::support::assert_refused(&answer, 404, "Ledger entry not found", &unknown);
    #[rustfmt::skip]
    let refused: [Refused; 4] = [
        ("GET", "/admin/usage/ledger/1", "", 400, "Invalid request ID"),
        ("GET", "/admin/usage/ledger/%20", "", 400, "Invalid request ID"),
        ("GET", "/admin/usage/ledger/not-a-request-id", "", 400, "Invalid request ID"),
        ("DELETE", "/admin/usage/ledger/1", "", 405, "Method not allowed"),
    ];
    assert_all_refused(&installation, &refused).await;
    let text = path_of(&rows[0]);
    assert_eq!(installation.call("GET", &text, "").await.status, 200);
}
