//! Who serves a model: providers of the settings, aliases, fallbacks, tries after failures.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{PROVIDER_KEYS, Setup, Tenant, TestGateway};
use crate::prices::{cost_of_row, usd};
use crate::upstream::{Received, RecordingUpstream};

const CHAT: &str = "/v1/chat/completions";

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9})
}

async fn ask(gateway: &TestGateway, tenant: &Tenant, model: &str) -> reqwest::Response {
    let request = gateway.request(Method::POST, CHAT).json(&chat(model));
    request.bearer_auth(&tenant.key).send().await.unwrap()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A provider of the settings.
struct Own {
    provider: RecordingUpstream,
}

impl Own {
    async fn start() -> Self {
        Self {
            provider: RecordingUpstream::start().await,
        }
    }

    fn set(&self, setup: Setup, name: &str, cells: &[(&str, &str)]) -> Setup {
        let url = format!("{}/openai/v1", self.provider.url());
        let key = format!("upstreams.{name}");
        let setup = setup.set(&format!("{key}.base_url"), quoted(&url));
        cells.iter().fold(setup, |setup, (column, text)| {
            setup.set(&format!("{key}.{column}"), quoted(text))
        })
    }

    fn received(&self) -> Vec<Received> {
        self.provider.received.take()
    }

    fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1);
        received.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_of_the_settings_serves_the_models_that_fit() {
    let own = Own::start().await;
    let cells = [
        ("api_key", "sk-azure"),
        ("key_header", "api-key"),
        ("models", "gpt-4o-mini"),
        ("names", "gpt-4o-mini=my-deployment"),
        ("prices", "openai"),
        ("query", "api-version=preview"),
    ];
    let gateway = own.set(Setup::new(), "azure", &cells).start().await;
    let tenant = gateway.tenant_with("routed", "1").await;
    let answer = ask(&gateway, &tenant, "gpt-4o-mini").await;
    assert_eq!(answer.status(), 200);
    let sent = own.only();
    assert_eq!(sent.uri, "/openai/v1/chat/completions?api-version=preview");
    assert_eq!(sent.header("api-key"), Some("sk-azure"));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.json()["model"], "my-deployment");
    assert_eq!(sent.json()["messages"], chat("x")["messages"]);
    let row = gateway.ledger_of(&tenant, 1).await.remove(0);
    assert_eq!(
        (&row["provider"], &row["model"]),
        (&json!("azure"), &json!("gpt-4o-mini"))
    );
    assert_eq!(usd(&row), cost_of_row(&row));
    assert_eq!(row["basis"], "measured");
    // Another model stays where it was.
    let other = ask(&gateway, &tenant, "gpt-5-mini").await;
    assert_eq!(other.status(), 200);
    assert!(own.received().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_own_key_goes_to_none_but_the_three() {
    let own = Own::start().await;
    let gateway = own.set(Setup::new(), "local", &[]).start().await;
    let tenant = gateway.tenant("brings").await;
    let request = gateway
        .request(Method::POST, CHAT)
        .header("x-api-key", &tenant.key)
        .bearer_auth("sk-callers-own")
        .json(&chat("local/some-model"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let sent = own.only();
    assert_eq!(sent.json()["model"], "some-model");
    assert_eq!(
        (sent.header("authorization"), sent.header("x-api-key")),
        (None, None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpriced_model_of_a_provider_is_refused_where_a_budget_applies() {
    let own = Own::start().await;
    let gateway = own.set(Setup::new(), "local", &[]).start().await;
    let limited = gateway.tenant_with("limited", "1").await;
    let refused = ask(&gateway, &limited, "local/some-model").await;
    assert_eq!(refused.status(), 404);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "model_not_found");
    assert!(own.received().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_target_serves_what_the_first_refuses_and_each_try_has_its_row() {
    let own = Own::start().await;
    let setup = own.set(Setup::new(), "first", &[("prices", "openai")]).set(
        "models.fast.to",
        quoted("first/gpt-4o-mini, openai/gpt-5-mini"),
    );
    let gateway = setup.start().await;
    let tenant = gateway.tenant_with("falls-back", "1").await;
    own.provider
        .received
        .refuse([(503, None), (529, None), (429, Some(100))]);
    for count in 1..=3 {
        let answer = ask(&gateway, &tenant, "fast").await;
        assert_eq!(answer.status(), 200);
        let id = answer.headers()["x-budgetguard-request-id"].clone();
        let rows = gateway.ledger_of(&tenant, count * 2).await;
        let [second, first] = &rows[..2] else {
            panic!()
        };
        assert_eq!(second["id"], id.to_str().unwrap());
        assert_eq!(second["attemptOf"], first["id"]);
        assert_eq!(
            (&first["status"], &second["status"]),
            (&json!("failed"), &json!("success"))
        );
        assert_eq!(
            (&first["provider"], &second["provider"]),
            (&json!("first"), &json!("openai"))
        );
        assert_eq!(
            (&first["model"], &second["model"]),
            (&json!("gpt-4o-mini"), &json!("gpt-5-mini"))
        );
        assert_eq!(second["modelAsked"], "fast");
        assert_eq!((usd(first), usd(second)), (0, cost_of_row(second)));
        assert_ne!(second["heldUsd"], "0");
    }
    gateway.assert_nothing_held().await;
    let rows = gateway.ledger(&tenant).await;
    let spent = rows.iter().map(usd).sum();
    assert_eq!(gateway.standing(&tenant).await, (spent, 0));
    let retries = r#"budgetguard_upstream_retries_total{provider="first",target="next"}"#;
    assert_eq!(gateway.metric(retries).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_cannot_be_reached_is_passed_over() {
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let setup = Setup::new()
        .set("upstreams.gone.base_url", quoted(&url))
        .set(
            "models.gpt-4o-mini.to",
            quoted("gone/gpt-4o-mini, openai/gpt-4o-mini"),
        )
        .set("upstream.breaker_failures", "2")
        .set("upstream.breaker_open_ms", "60000");
    let gateway = setup.start().await;
    let tenant = gateway.tenant("passes").await;
    for _ in 0..4 {
        assert_eq!(ask(&gateway, &tenant, "gpt-4o-mini").await.status(), 200);
    }
    // After two failures it is not tried any more.
    let rows = gateway.ledger_of(&tenant, 6).await;
    let failed = rows.iter().filter(|row| row["status"] == "failed");
    assert_eq!(failed.count(), 2);
    let opened = r#"budgetguard_upstream_breaker_opened_total{provider="gone"}"#;
    assert_eq!(gateway.metric(opened).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_tried_again_after_the_pause_that_it_asks_for() {
    let provider = RecordingUpstream::start().await;
    let setup = Setup::new()
        .upstream(&provider.url())
        .set("upstream.retries_max", "2")
        .set("upstream.retry_backoff_ms", "1")
        .set("upstream.retry_wait_max_ms", "2000");
    let gateway = setup.start().await;
    let tenant = gateway.tenant_with("patient", "1").await;
    provider.received.refuse([(429, Some(1)), (503, None)]);
    let asked = Instant::now();
    let answer = ask(&gateway, &tenant, "gpt-4o-mini").await;
    assert_eq!(answer.status(), 200);
    assert!(asked.elapsed() >= Duration::from_secs(1));
    let sent = provider.received.take();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.body == sent[0].body));
    let rows = gateway.ledger_of(&tenant, 3).await;
    let first = rows.iter().find(|row| row["attemptOf"].is_null()).unwrap();
    let later = rows.iter().filter(|row| row["attemptOf"] == first["id"]);
    assert_eq!(later.count(), 2);
    gateway.assert_nothing_held().await;

    // A longer pause than we wait, or a third failure: the caller is told.
    provider.received.refuse([(429, Some(3))]);
    let refused = ask(&gateway, &tenant, "gpt-4o-mini").await;
    assert_eq!(
        (refused.status().as_u16(), provider.received.take().len()),
        (429, 1)
    );
    assert_eq!(refused.headers()["retry-after"], "3");
    provider.received.refuse([(500, None); 3]);
    let failed = ask(&gateway, &tenant, "gpt-4o-mini").await;
    assert_eq!(
        (failed.status().as_u16(), provider.received.take().len()),
        (500, 3)
    );
    provider.received.refuse([(400, None)]);
    let wrong = ask(&gateway, &tenant, "gpt-4o-mini").await;
    assert_eq!(
        (wrong.status().as_u16(), provider.received.take().len()),
        (400, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_again_and_again_is_left_alone() {
    let provider = RecordingUpstream::start().await;
    let setup = Setup::new()
        .upstream(&provider.url())
        .set("upstream.breaker_failures", "3")
        .set("upstream.breaker_open_ms", "500");
    let gateway = setup.start().await;
    let tenant = gateway.tenant("stopped").await;
    provider.received.refuse([(500, None); 3]);
    for _ in 0..3 {
        assert_eq!(ask(&gateway, &tenant, "gpt-4o-mini").await.status(), 500);
    }
    let refused = ask(&gateway, &tenant, "gpt-4o-mini").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "provider_unavailable");
    assert_eq!(provider.received.take().len(), 3);
    gateway
        .until("it is tried again", async || {
            ask(&gateway, &tenant, "gpt-4o-mini").await.status() == 200
        })
        .await;
    assert_eq!(ask(&gateway, &tenant, "gpt-4o-mini").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_is_tried_in_place_of_one_that_is_refused() {
    let provider = RecordingUpstream::start().await;
    let keys = "sk-one, sk-two";
    let setup = Setup::new()
        .upstream(&provider.url())
        .env("OPENAI_KEY", keys);
    let gateway = setup.start().await;
    let tenant = gateway.tenant("two-keys").await;
    provider.received.refuse([(401, None)]);
    assert_eq!(ask(&gateway, &tenant, "gpt-4o-mini").await.status(), 200);
    let shown = |received: Vec<Received>| {
        let keys = received.iter().map(|sent| sent.header("authorization"));
        let mut keys: Vec<_> = keys.map(|key| key.unwrap().to_owned()).collect();
        keys.sort_unstable();
        keys
    };
    let tried = shown(provider.received.take());
    assert_eq!(tried, ["Bearer sk-one", "Bearer sk-two"]);
    gateway.ledger_of(&tenant, 2).await;
    // The refused one rests: there is no other for the one that is slowed down now.
    provider.received.refuse([(429, Some(2))]);
    assert_eq!(ask(&gateway, &tenant, "gpt-4o-mini").await.status(), 429);
    assert_eq!(provider.received.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_own_key_that_is_refused_says_nothing_of_ours() {
    let provider = RecordingUpstream::start().await;
    let setup = Setup::new()
        .upstream(&provider.url())
        .env("OPENAI_KEY", "sk-one, sk-two")
        .set("upstream.retries_max", "2");
    let gateway = setup.start().await;
    let tenant = gateway.tenant("brings").await;
    for _ in 0..8 {
        provider.received.refuse([(401, None)]);
        let request = gateway
            .request(Method::POST, CHAT)
            .header("x-api-key", &tenant.key)
            .bearer_auth("sk-callers-own")
            .json(&chat("gpt-4o-mini"));
        assert_eq!(request.send().await.unwrap().status(), 401);
        assert_eq!(provider.received.take().len(), 1, "it was tried again");
    }
    // Neither of ours rests: one that is refused is replaced by the other.
    provider.received.refuse([(401, None)]);
    assert_eq!(ask(&gateway, &tenant, "gpt-4o-mini").await.status(), 200);
    assert_eq!(provider.received.take().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_only_key_that_is_refused_is_not_tried_again_there_but_elsewhere() {
    let own = Own::start().await;
    let setup = own
        .set(Setup::new(), "first", &[("prices", "openai")])
        .set("upstream.retries_max", "3")
        .set(
            "models.fast.to",
            quoted("first/gpt-4o-mini, openai/gpt-4o-mini"),
        );
    let gateway = setup.start().await;
    let tenant = gateway.tenant("refused").await;
    own.provider.received.refuse([(401, None)]);
    assert_eq!(ask(&gateway, &tenant, "fast").await.status(), 200);
    assert_eq!(own.received().len(), 1);
    own.provider.received.refuse([(401, None)]);
    assert_eq!(
        ask(&gateway, &tenant, "first/gpt-4o-mini").await.status(),
        401
    );
    assert_eq!(own.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_tried_again_after_the_first_byte() {
    let setup = Setup::new().set("upstream.retries_max", "3").set(
        "models.gpt-4o-mini.to",
        quoted("openai/gpt-4o-mini, openai/gpt-5-mini"),
    );
    let gateway = setup.start().await;
    let tenant = gateway.tenant("cut").await;
    let mut body = chat("gpt-4o-mini");
    body["stream"] = json!(true);
    body["messages"][0]["content"] = json!("[[sim output=20 chunks=10 cut_after=3]]");
    let request = gateway.request(Method::POST, CHAT).json(&body);
    let answer = request.bearer_auth(&tenant.key).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
    gateway.ledger_of(&tenant, 1).await;
    assert_eq!(gateway.simulator.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_of_another_api_answers_in_the_callers_words() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("translated", "1").await;
    for (model, key) in [("claude-haiku-4-5", 1), ("gemini-2.5-flash", 2)] {
        for streamed in [false, true] {
            let mut body = chat(model);
            body["stream"] = json!(streamed);
            body["messages"][0]["content"] = json!("[[sim output=7 input=31]]");
            let request = gateway.request(Method::POST, CHAT).json(&body);
            let answer = request.bearer_auth(&tenant.key).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let text = answer.text().await.unwrap();
            let object = if streamed {
                "chat.completion.chunk"
            } else {
                "chat.completion"
            };
            assert!(text.contains(&format!(r#""object":"{object}""#)), "{text}");
            assert_eq!(text.ends_with("data: [DONE]\n\n"), streamed, "{text}");
            let billed = gateway.simulator.calls().last().unwrap().billed;
            assert_eq!((billed.input, billed.output), (31, 7));
        }
        let (_, shown) = PROVIDER_KEYS[key];
        assert!(!shown.is_empty());
    }
    let rows = gateway.ledger_of(&tenant, 4).await;
    for row in &rows {
        assert_eq!(
            (&row["status"], &row["route"]),
            (&json!("success"), &json!(CHAT)),
            "{row}"
        );
        assert_eq!(
            (&row["promptTok"], &row["compTok"]),
            (&json!(31), &json!(7))
        );
        assert_eq!(usd(row), cost_of_row(row));
    }
    assert_eq!(rows[0]["provider"], "google");
    assert_eq!(rows[3]["provider"], "anthropic");
}
