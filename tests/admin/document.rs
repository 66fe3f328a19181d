//! The document of the API: whole, valid in itself, and the same as yesterday unless somebody wanted
//! otherwise.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::installation::Installation;

async fn document() -> Value {
    let installation = Installation::new().await;
    installation
        .send("GET", "/docs/json", None, "")
        .await
        .json()
}

#[tokio::test]
async fn the_document_is_that_of_this_version() {
    insta::assert_json_snapshot!(document().await);
}
