//! Who may begin a conversation, and how long a key lets it go on.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_shows_its_key_as_a_subprotocol_and_the_provider_sees_only_ours() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant("browses").await;
    let offered = format!("realtime, openai-insecure-api-key.{}", tenant.key);
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let mut caller = Caller::try_connect(gateway.port, "", &headers)
        .await
        .unwrap();
    assert_eq!(caller.greeting["sec-websocket-protocol"], "realtime");
    assert!(caller.greeting.contains_key("x-budgetguard-request-id"));
    caller.expect("session.created").await;
    caller.turn(json!({"output": "1"})).await;
    let heads = provider.heads();
    let told = format!("{heads:?}");
    assert!(!told.contains(&tenant.key), "{told}");
    let own = format!("Bearer {}", PROVIDER_KEYS[0].1);
    assert_eq!(heads[0]["authorization"], own.as_str());
    gateway.ledger_of(&tenant, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_enter_is_told_so_over_http() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant("enters").await;
    let bearer = format!("Bearer {}", tenant.key);
    let ours = ("authorization", bearer.as_str());
    for (query, headers, status) in [
        ("", vec![], 401),
        ("", vec![("authorization", "Bearer bg_nobody")], 401),
        ("&call_id=rtc_1", vec![ours], 400),
        ("&intent=transcription", vec![ours], 400),
        ("", vec![ours, ("openai-beta", "realtime=v1")], 400),
        ("", vec![ours, ("x-tags", "nobody/knows")], 400),
    ] {
        let refused = Caller::try_connect(gateway.port, query, &headers).await;
        assert_eq!(refused.err(), Some(status), "{query} {headers:?}");
    }
    let plain = gateway.request(Method::GET, "/v1/realtime?model=gpt-realtime");
    let answer = plain.bearer_auth(&tenant.key).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(provider.heads().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_open_the_conversation_is_heard() {
    let gateway = Setup::new().upstream("http://127.0.0.1:9").start().await;
    let tenant = gateway.tenant("unheard").await;
    let bearer = format!("Bearer {}", tenant.key);
    let headers = [("authorization", bearer.as_str())];
    let refused = Caller::try_connect(gateway.port, "", &headers).await;
    assert_eq!(refused.err(), Some(502));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_meanwhile_has_no_further_turn() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant("revoked").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller.turn(json!({"output": "1"})).await;
    let path = format!("/admin/apikey/{}", tenant.key_id);
    gateway.admin(Method::DELETE, &path, Value::Null).await;
    let mut turns = 1;
    let refusal = loop {
        let event = caller.turn(json!({"output": "1"})).await;
        if event["type"] == "error" {
            break event;
        }
        turns += 1;
    };
    assert_eq!(refusal["error"]["code"], "invalid_api_key");
    assert_eq!(provider.events("response.create").len(), turns);
}
