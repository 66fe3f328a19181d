//! Whether providers answer: asked for free, in time, with the right key, and nothing of it is told.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::installation::{ADMIN_KEY, Installation, NOW, provider_client};
use crate::support::{assert_fields, furnished};

/// What the provider says to anybody who shows another key.
const SECRET_WORDS: &str = "key sk-wr**ng of account 4711";

/// Answers questions for models, and nothing else, to whoever has the key `good`.
async fn provider(headers: HeaderMap, uri: Uri) -> Response {
    let key = ["authorization", "x-api-key", "x-goog-api-key"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok());
    let key = key.map(|key| key.trim_start_matches("Bearer "));
    match (key, uri.path_and_query().unwrap().as_str()) {
        (Some("good"), "/v1/models" | "/v1/models?limit=1") => {
            axum::Json(json!({"data": [{"id": "m"}]})).into_response()
        }
        (Some("good"), "/v1beta/models?pageSize=1") => {
            axum::Json(json!({"models": []})).into_response()
        }
        (Some("html"), _) => "<html>".into_response(),
        (Some("silent"), _) => std::future::pending().await,
        _ => (StatusCode::UNAUTHORIZED, SECRET_WORDS).into_response(),
    }
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(provider);
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// With a key of `OpenAI` that is right, one of Anthropic that is wrong, and none of Google.
async fn with_providers() -> Installation {
    let base = format!("http://{}", serve().await);
    let environment = [
        ("OPENAI_BASE_URL", base.as_str()),
        ("ANTHROPIC_BASE_URL", &base),
        ("GOOGLE_BASE_URL", &base),
        ("OPENAI_KEY", "good"),
        ("ANTHROPIC_API_KEY", "wrong"),
    ];
    let installation = furnished().await;
    installation.with_part(|state| state.providers = provider_client(&environment))
}

async fn test(installation: &Installation, provider: &str, key: &str) -> Value {
    let path = format!("/admin/providers/{provider}/test");
    installation.post(&path, json!({"apiKey": key})).await
}

#[tokio::test]
async fn each_provider_is_asked_with_the_key_that_is_configured() {
    let installation = with_providers().await;
    let status = installation.get("/admin/providers/status").await;
    let now = NOW.as_millis();
    let providers = &status["providers"];
    let healthy = json!({"configured": true, "healthy": true, "lastChecked": now});
    assert_fields(&providers["openai"], &healthy);
    assert!(providers["openai"].get("error").is_none(), "{status}");
    let wrong = json!({"configured": true, "healthy": false, "error": "HTTP 401: Unauthorized"});
    assert_fields(&providers["anthropic"], &wrong);
    let none = json!({"configured": false, "healthy": false, "error": "Provider not configured",
        "lastChecked": now});
    assert_eq!(providers["google"], none);
    assert!(!status.to_string().contains("sk-"), "{status}");

    for provider in ["openai", "anthropic", "google"] {
        let path = format!("/admin/providers/{provider}/health");
        let health = installation.get(&path).await;
        assert_eq!(health["provider"], provider);
        for name in ["configured", "healthy", "error"] {
            assert_eq!(health[name], providers[provider][name], "{provider} {name}");
        }
    }
}

#[tokio::test]
async fn a_header_brings_another_key() {
    let installation = with_providers().await;
    for (header, provider) in [
        ("x-anthropic-key", "anthropic"),
        ("x-google-api-key", "google"),
        ("x-openai-key", "openai"),
    ] {
        let request = Request::get(format!("/admin/providers/{provider}/health"))
            .header("x-admin-key", ADMIN_KEY)
            .header(header, "good");
        let request = request.body(Body::empty()).unwrap();
        let router = installation.router.clone();
        let answer = router.oneshot(request).await.unwrap();
        let body = to_bytes(answer.into_body(), usize::MAX).await;
        let health: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let healthy = json!({"provider": provider, "configured": true, "healthy": true});
        assert_fields(&health, &healthy);
    }
}

#[tokio::test]
async fn a_key_is_tried_and_nothing_of_it_is_told() {
    let installation = with_providers().await;
    for provider in ["openai", "anthropic", "google"] {
        let right = test(&installation, provider, " good ").await;
        assert_fields(&right, &json!({"provider": provider, "healthy": true}));
        assert!(right["responseTime"].is_u64(), "{right}");
        for (key, error) in [
            ("sk-wrong", "HTTP 401: Unauthorized"),
            ("html", "The answer is not a list of models"),
        ] {
            let wrong = test(&installation, provider, key).await;
            assert_fields(&wrong, &json!({"healthy": false, "error": error}));
            let told = wrong.to_string();
            assert!(!told.contains("sk-") && !told.contains("4711"), "{told}");
        }
    }
}

#[tokio::test]
async fn nobody_waits_long_for_a_provider() {
    let installation = with_providers().await;
    let (silent, started) = (
        test(&installation, "openai", "silent"),
        std::time::Instant::now(),
    );
    let silent = silent.await;
    let error = "the provider did not answer in time";
    assert_fields(&silent, &json!({"healthy": false, "error": error}));
    assert!(started.elapsed().as_secs() < 10, "{silent}");

    // The port of a listener that is gone.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let environment = [("OPENAI_BASE_URL", gone.as_str())];
    let installation =
        installation.with_part(|state| state.providers = provider_client(&environment));
    let away = test(&installation, "openai", "good").await;
    assert_eq!(away["healthy"], false);
    let error = away["error"].as_str().unwrap();
    assert!(
        error.starts_with("the provider cannot be reached"),
        "{error}"
    );
    assert!(!error.contains("127.0.0.1"), "{error}");
}
