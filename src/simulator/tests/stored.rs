//! Responses that are kept, made in the background and continued, and contents that are cached.

use serde_json::{Value, json};

use crate::simulator::{CallOutcome, Simulator};

use super::objects::{answer, call, get};
use super::{FLASH, events, gemini, simulator, until, with};

const RESPONSES: &str = "/v1/responses";

async fn respond(simulator: &Simulator, input: &str, more: Value) -> Value {
    let body = json!({"model": "gpt-5", "input": input});
    answer(simulator, RESPONSES, &with(body, &more)).await
}

fn path(response: &Value) -> String {
    format!("{RESPONSES}/{}", response["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_response_can_be_read_again_until_it_is_deleted() {
    let simulator = simulator().await;
    let made = respond(
        &simulator,
        "hi [[sim output=7]]",
        json!({"metadata": {"a": "b"}}),
    )
    .await;
    assert_eq!(get(&simulator, &path(&made)).await, made);
    assert_eq!(made["metadata"]["a"], "b");
    let items = get(&simulator, &format!("{}/input_items", path(&made))).await;
    assert_eq!(
        items["data"][0]["content"][0]["text"],
        "hi [[sim output=7]]"
    );
    let again = format!("{}?stream=true", path(&made));
    let url = format!("http://{}{again}", simulator.address());
    let again = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(again.contains("event: response.completed"));
    let cancel = format!("{}/cancel", path(&made));
    assert_eq!(call(&simulator, "POST", &cancel, &[], "").await.0, 400);
    let (_, gone) = call(&simulator, "DELETE", &path(&made), &[], "").await;
    assert_eq!(gone["deleted"], true);
    assert_eq!(call(&simulator, "GET", &path(&made), &[], "").await.0, 404);
    assert_eq!(simulator.totals().billed.output, 7);

    let unkept = respond(&simulator, "hi", json!({"store": false})).await;
    assert_eq!(
        call(&simulator, "GET", &path(&unkept), &[], "").await.0,
        404
    );
}

#[tokio::test]
async fn a_response_in_the_background_is_billed_when_it_has_come_about() {
    let simulator = simulator().await;
    let background = json!({"background": true});
    let made = respond(&simulator, "[[sim output=33]]", background).await;
    assert_eq!(
        (&made["status"], &made["usage"]),
        (&json!("queued"), &Value::Null)
    );
    let open = simulator.calls().pop().unwrap();
    assert_eq!((open.outcome, open.status), (CallOutcome::InFlight, 200));
    let waiting = get(&simulator, &path(&made)).await;
    assert_eq!(
        (&waiting["status"], &waiting["usage"]),
        (&json!("in_progress"), &Value::Null)
    );
    let done = get(&simulator, &path(&made)).await;
    assert_eq!(
        (&done["status"], &done["usage"]["output_tokens"]),
        (&json!("completed"), &json!(33))
    );
    let calls = simulator.calls();
    let booked = calls.iter().find(|call| call.sequence == open.sequence);
    let booked = booked.unwrap();
    assert_eq!(
        (booked.outcome, booked.billed.output),
        (CallOutcome::Finished, 33)
    );
}

#[tokio::test]
async fn a_response_in_the_background_ends_by_time_fails_or_is_canceled() {
    let simulator = simulator().await;
    let background = || json!({"background": true});
    respond(&simulator, "[[sim output=5 after_ms=1000]]", background()).await;
    assert_eq!(simulator.totals().in_flight, 1);
    until(|| simulator.totals().billed.output == 5).await;

    let failing = respond(&simulator, "[[sim polls=1 end=failed]]", background()).await;
    let failed = get(&simulator, &path(&failing)).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );

    let before = simulator.totals().billed;
    let canceled = respond(&simulator, "too early", background()).await;
    let cancel = format!("{}/cancel", path(&canceled));
    let canceled = answer(&simulator, &cancel, &json!({})).await;
    assert_eq!(canceled["status"], "cancelled");
    assert_eq!(simulator.totals().billed, before);

    let begun = respond(&simulator, "read and canceled", background()).await;
    get(&simulator, &path(&begun)).await;
    answer(&simulator, &format!("{}/cancel", path(&begun)), &json!({})).await;
    let billed = simulator.totals().billed;
    assert_eq!(billed.output, before.output);
    assert!(billed.input > before.input);
    assert_eq!(simulator.totals().in_flight, 0);
}

#[tokio::test]
async fn a_stream_in_the_background_is_billed_whole() {
    let simulator = simulator().await;
    let body =
        json!({"model": "gpt-5", "input": "[[sim output=8]]", "background": true, "stream": true});
    let stream = events(&simulator, RESPONSES, &body).await;
    assert_eq!(stream.last().unwrap().0, "response.completed");
    assert_eq!(simulator.totals().billed.output, 8);
}

#[tokio::test]
async fn the_turns_before_are_input_of_the_next() {
    let simulator = simulator().await;
    let first = respond(&simulator, "a long story [[sim output=50]]", json!({})).await;
    let alone = respond(&simulator, "and then?", json!({})).await;
    let more = json!({"previous_response_id": first["id"]});
    let next = respond(&simulator, "and then?", more.clone()).await;
    let input = |response: &Value| response["usage"]["input_tokens"].as_u64().unwrap();
    assert_eq!(input(&next), input(&alone) + input(&first) + 50);
    assert_eq!(next["previous_response_id"], first["id"]);
    let asked = with(json!({"model": "gpt-5", "input": "and then?"}), &more);
    let counted = answer(&simulator, "/v1/responses/input_tokens", &asked).await;
    assert_eq!(counted["input_tokens"], input(&next));
    let unknown = json!({"model": "m", "input": "x", "previous_response_id": "resp_x"}).to_string();
    let (status, _) = call(&simulator, "POST", RESPONSES, &[], unknown).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn cached_contents_count_as_cached_input_of_those_who_name_them() {
    let simulator = simulator().await;
    let kept = with(
        gemini(&"much to read ".repeat(40)),
        &json!({"model": "models/gemini-2.5-flash", "ttl": "300s", "displayName": "book"}),
    );
    let cache = answer(&simulator, "/v1beta/cachedContents", &kept).await;
    let tokens = cache["usageMetadata"]["totalTokenCount"].as_u64().unwrap();
    assert!(tokens > 100);
    assert_eq!(simulator.totals().billed.input, tokens);
    assert_eq!(simulator.totals().billed.stored_token_seconds, tokens * 300);
    let name = cache["name"].as_str().unwrap();
    let asked = with(gemini(""), &json!({"cachedContent": name}));
    let generate = format!("{FLASH}:generateContent");
    let answered = answer(&simulator, &generate, &asked).await;
    let usage = &answered["usageMetadata"];
    assert_eq!(usage["cachedContentTokenCount"], tokens);
    assert!(usage["promptTokenCount"].as_u64().unwrap() > tokens);
    assert_eq!(simulator.calls().pop().unwrap().billed.cached_input, tokens);

    let path = format!("/v1beta/{name}");
    let (_, longer) = call(&simulator, "PATCH", &path, &[], r#"{"ttl": "600s"}"#).await;
    assert_ne!(longer["expireTime"], cache["expireTime"]);
    let billed = simulator.totals().billed.stored_token_seconds;
    assert!(billed >= tokens * 600 && billed < tokens * 660);
    assert_eq!(get(&simulator, &path).await, longer);
    let list = get(&simulator, "/v1beta/cachedContents").await;
    assert_eq!(list["cachedContents"], json!([longer]));
    assert_eq!(call(&simulator, "DELETE", &path, &[], "").await.0, 200);
    let asked = asked.to_string();
    assert_eq!(call(&simulator, "POST", &generate, &[], asked).await.0, 403);
}
