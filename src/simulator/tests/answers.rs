//! What all dialects share: counting, models, errors, keys.

use crate::simulator::{BilledTokens, CallOutcome, ProviderKeys, Simulator, SimulatorOptions};
use serde_json::{Value, json};

use super::{FLASH, answer, chat, claude, ended, gemini, post, send, simulator, with};

#[tokio::test]
async fn input_is_counted_alike_and_never_above_the_bytes_sent() {
    let simulator = simulator().await;
    let counted = answer(&simulator, "/v1/messages/count_tokens", &claude("")).await;
    let sent = answer(&simulator, "/v1/messages", &claude("")).await;
    assert_eq!(counted["input_tokens"], sent["usage"]["input_tokens"]);
    let counted = answer(&simulator, &format!("{FLASH}:countTokens"), &gemini("")).await;
    let sent = answer(&simulator, &format!("{FLASH}:generateContent"), &gemini("")).await;
    assert_eq!(
        counted["totalTokens"],
        sent["usageMetadata"]["promptTokenCount"]
    );

    let body = chat("[[sim cached=900000]]");
    let sent = answer(&simulator, "/v1/chat/completions", &body).await;
    assert_eq!(sent["usage"]["prompt_tokens"], body.to_string().len());
}

#[tokio::test]
async fn embeddings_come_as_floats_and_base64() {
    let simulator = simulator().await;
    let body = json!({"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 3});
    let floats = answer(&simulator, "/v1/embeddings", &body).await;
    assert_eq!(
        floats["data"][1]["embedding"],
        json!([0.0125, -0.0125, 0.025])
    );
    let encoded = with(body, &json!({"encoding_format": "base64"}));
    let encoded = answer(&simulator, "/v1/embeddings", &encoded).await;
    assert_eq!(encoded["data"][0]["embedding"].as_str().unwrap().len(), 16);
    assert_eq!(encoded["usage"], floats["usage"]);
    let ids = json!({"model": "text-embedding-3-small", "input": [1, 2, 3]});
    let ids = answer(&simulator, "/v1/embeddings", &ids).await;
    assert_eq!(ids["data"].as_array().unwrap().len(), 1);
    assert_eq!(ids["data"][0]["embedding"].as_array().unwrap().len(), 1536);

    let content = json!({"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 2});
    let one = answer(&simulator, "/v1beta/models/e:embedContent", &content).await;
    assert_eq!(one["embedding"]["values"].as_array().unwrap().len(), 2);
    let batch = json!({"requests": [content, content]});
    let two = answer(&simulator, "/v1/models/e:batchEmbedContents", &batch).await;
    assert_eq!(two["embeddings"].as_array().unwrap().len(), 2);
    assert!(ended(&simulator).await.billed.input > 0);
}

#[tokio::test]
async fn models_and_moderations_are_free_and_headers_choose_the_dialect() {
    let simulator = simulator().await;
    let get = |path: &str, name: &'static str| {
        let url = format!("http://{}{path}", simulator.address());
        async move {
            let request = reqwest::Client::new().get(url).header(name, "x");
            request.send().await.unwrap().json::<Value>().await.unwrap()
        }
    };
    assert_eq!(get("/v1/models", "accept").await["object"], "list");
    assert_eq!(get("/v1/models/ft:a::b", "accept").await["id"], "ft:a::b");
    assert_eq!(
        get("/v1/models", "anthropic-version").await["has_more"],
        false
    );
    assert_eq!(
        get("/v1/models/c", "anthropic-version").await["type"],
        "model"
    );
    assert!(get("/v1/models", "x-goog-api-key").await["models"].is_array());
    assert_eq!(get("/v1beta/models/g", "accept").await["name"], "models/g");
    let moderated = answer(&simulator, "/v1/moderations", &json!({"input": ["a", "b"]})).await;
    assert_eq!(
        moderated["results"][1]["categories"]["hate/threatening"],
        false
    );
    assert_eq!(simulator.totals().billed, BilledTokens::default());
}

#[tokio::test]
async fn errors_have_the_shape_of_their_provider() {
    let simulator = simulator().await;
    let limited = send(
        &simulator,
        "/v1/chat/completions",
        &chat("[[sim status=429 retry_after=7]]"),
    )
    .await;
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let error: Value = limited.json().await.unwrap();
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");

    let overloaded = send(&simulator, "/v1/messages", &claude("[[sim status=529]]")).await;
    let id = overloaded.headers()["request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let error: Value = overloaded.json().await.unwrap();
    assert_eq!(error["error"]["type"], "overloaded_error");
    assert_eq!(error["request_id"], id);

    let path = format!("{FLASH}:generateContent");
    let error: Value = send(&simulator, &path, &gemini("[[sim status=429]]"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(error["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(error["error"]["details"][0]["retryDelay"], "1s");
    let call = ended(&simulator).await;
    assert_eq!((call.outcome, call.status), (CallOutcome::Refused, 429));
    assert_eq!(simulator.totals().billed, BilledTokens::default());
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let simulator = simulator().await;
    let user = json!([{"role": "user", "content": "hi"}]);
    for (path, body, status) in [
        ("/v1/chat/completions", json!({"messages": user}), 400),
        ("/v1/chat/completions", json!({"model": "m"}), 400),
        ("/v1/chat/completions", json!("text"), 400),
        ("/v1/chat/completions", chat("[[sim outptu=1]]"), 400),
        ("/v1/messages", json!({"model": "m", "messages": user}), 400),
        ("/v1/models/g:generateContent", json!({}), 400),
        (
            "/v1/models/g:batchEmbedContents",
            json!({"requests": []}),
            400,
        ),
        ("/v1/models/g:fly", json!({}), 404),
        ("/v1/nowhere", json!({}), 404),
        ("/v1/models", json!({}), 405),
    ] {
        let response = send(&simulator, path, &body).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        assert!(response.json::<Value>().await.unwrap()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn only_the_required_keys_are_accepted() {
    let keys = ProviderKeys {
        openai: "o".into(),
        anthropic: "a".into(),
        gemini: "g".into(),
    };
    let options = SimulatorOptions {
        require_keys: Some(keys),
        ..SimulatorOptions::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let google = format!("{FLASH}:generateContent");
    for (path, body, header, value, status) in [
        (
            "/v1/chat/completions",
            chat(""),
            "authorization",
            "Bearer o",
            200,
        ),
        (
            "/v1/chat/completions",
            chat(""),
            "authorization",
            "Bearer a",
            401,
        ),
        ("/v1/messages", claude(""), "x-api-key", "a", 200),
        ("/v1/messages", claude(""), "authorization", "Bearer a", 200),
        ("/v1/messages", claude(""), "x-api-key", "o", 401),
        (google.as_str(), gemini(""), "x-goog-api-key", "g", 200),
        (
            google.as_str(),
            gemini(""),
            "authorization",
            "Bearer g",
            401,
        ),
    ] {
        let response = post(&simulator, path, &body)
            .header(header, value)
            .send()
            .await
            .unwrap();
        assert_eq!(
            response.status().as_u16(),
            status,
            "{path} {header}: {value}"
        );
    }
}
