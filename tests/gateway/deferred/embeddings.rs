//! Batches of embeddings at Google.

use super::*;

const EMBEDDED: &str = "/v1beta/models/gemini-embedding-2:asyncBatchEmbedContent";
const EMBEDDED_ROUTE: &str = "/v1beta/models/{model}:asyncBatchEmbedContent";

fn to_embed(text: &str) -> Value {
    json!({"content": {"parts": [{"text": text}]}, "outputDimensionality": 8})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_embeddings_is_one_row_wherever_its_texts_are() {
    let mut gateway = impatient().start().await;
    let from_file = gateway.tenant_with("from-file", "1").await;
    let inside = gateway.tenant_with("inside", "1").await;
    let request = |number: u64| {
        let words = usize::try_from(number + 1).unwrap();
        to_embed(&"some words to embed ".repeat(words * 7))
    };
    let inputs = google_inputs(&gateway, &from_file, request).await;
    for (tenant, input) in [&inside, &from_file].into_iter().zip(inputs) {
        let wish = json!({"batch": {"displayName": "[[sim after_ms=2000]]", "inputConfig": input}});
        let made = make(&gateway, tenant, EMBEDDED, &wish).await;
        let held = crate::gateway::nanos(made.held.as_deref().unwrap());
        gateway.kill();
        gateway.start().await;
        assert_eq!(gateway.standing(tenant).await, (held, 0));
        assert_billed(&gateway, tenant, EMBEDDED_ROUTE, &made).await;
        let name = made.body["name"].as_str().unwrap();
        let other = if tenant.key == inside.key {
            &from_file
        } else {
            &inside
        };
        let path = format!("/v1beta/{name}");
        assert_eq!(get(&gateway, tenant, &path).await.body["done"], true);
        assert_denied(&gateway, other, &[(Method::GET, path)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_an_embedding_that_is_not_counted_stays_at_what_was_held() {
    let gateway = impatient().start().await;
    let tenant = gateway.tenant_with("uncounted", "1").await;
    let texts = ["hello", "[[sim no_usage]] hello"].map(|text| json!({"request": to_embed(text)}));
    let wish = json!({"batch": {"inputConfig": {"requests": {"requests": texts}}}});
    let made = make(&gateway, &tenant, EMBEDDED, &wish).await;
    let row = row_of(&gateway, &tenant, EMBEDDED_ROUTE).await;
    assert_eq!(row["basis"], "unknown", "{row}");
    let held = crate::gateway::nanos(made.held.as_deref().unwrap());
    assert_eq!(usd(&row), held);
    assert_spent(&gateway, &tenant, held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_embeddings_that_cannot_be_paid_for_is_not_sent() {
    let gateway = impatient().start().await;
    let poor = gateway.tenant_with("poor", "0.000001").await;
    let batch = |request: Value| {
        let requests = json!([{"request": request}]);
        json!({"batch": {"inputConfig": {"requests": {"requests": requests}}}})
    };
    let long = batch(to_embed(&"word ".repeat(100)));
    let refused = ask(&gateway, &poor, Method::POST, EMBEDDED, &long).await;
    assert_eq!(refused.status, 402, "{}", refused.body);
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let picture = batch(json!({"content": {"parts": [picture]}}));
    let refused = ask(&gateway, &poor, Method::POST, EMBEDDED, &picture).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(gateway.simulator.calls().is_empty());
    assert_eq!(gateway.standing(&poor).await, (0, 0));
}
