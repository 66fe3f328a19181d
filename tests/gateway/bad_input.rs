//! What cannot be understood is refused clearly, in the caller's dialect; no provider sees it, and
//! nothing stays held.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect, Refused};
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::raw::{RawConnection, head};
use crate::upstream::RecordingUpstream;

async fn limited() -> (TestGateway, Tenant) {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("clumsy", "100").await;
    (gateway, tenant)
}

async fn assert_nothing_happened(gateway: &TestGateway, tenant: &Tenant) {
    assert_eq!(gateway.simulator.totals().calls, 0);
    gateway.assert_nothing_held().await;
    assert_eq!(gateway.standing(tenant).await, (0, 0));
    let log = gateway.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// Sends a body of text to where the dialect takes prompts.
async fn refused(gateway: &TestGateway, tenant: &Tenant, dialect: Dialect, body: &str) -> Refused {
    let call = Call {
        body: body.to_owned(),
        ..dialect.call("", None, false)
    };
    call.refused(gateway, tenant).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_read_is_refused() {
    let (gateway, tenant) = limited().await;
    let invalid = ["INVALID_ARGUMENT", "invalid_request_error"];
    for dialect in Dialect::ALL {
        let good = dialect.body("hello", Some(16), false).to_string();
        let half = good.split_at(good.len() / 2).0;
        let not_a_number = good.replacen("16", "NaN", 1);
        let infinite = good.replacen("16", "1e999", 1);
        let negative = good.replacen("16", "-16", 1);
        let fractional = good.replacen("16", "1.5", 1);
        let deep = good.replacen("\"hello\"", &"[".repeat(100_000), 1);
        let twice = format!("{good}{good}");
        let bodies: [&str; 12] = [
            "",
            "x",
            "{",
            "[]",
            "null",
            "\u{feff}{}",
            half,
            &not_a_number,
            &infinite,
            &negative,
            &fractional,
            &deep,
        ];
        for body in bodies.into_iter().chain([&*twice]) {
            let refused = refused(&gateway, &tenant, dialect, body).await;
            let shown: String = body.chars().take(80).collect();
            assert_eq!(refused.status, 400, "{dialect:?} {shown}: {refused:?}");
            assert_eq!(refused.code, "invalid_request", "{dialect:?} {shown}");
            assert!(invalid.contains(&&*refused.kind), "{refused:?}");
            assert!(!refused.message.is_empty());
        }
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_one_byte_and_a_body_that_is_not_text_are_refused() {
    let (gateway, tenant) = limited().await;
    for dialect in Dialect::ALL {
        for body in [b"{".to_vec(), vec![0xff], vec![0], vec![0xff; 70_000]] {
            let call = dialect.call("", None, false);
            let request = call.request(&gateway, &tenant).body(body);
            let refused = dialect.refused(request.send().await.unwrap()).await;
            assert_eq!((refused.status, &*refused.code), (400, "invalid_request"));
        }
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_unknown_model_is_refused() {
    let (gateway, tenant) = limited().await;
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let mut body = dialect.body("hello", Some(16), false);
        for model in [Value::Null, json!(""), json!(7), json!(["gpt-4o-mini"])] {
            body["model"] = model;
            let refused = refused(&gateway, &tenant, dialect, &body.to_string()).await;
            assert_eq!(
                (refused.status, &*refused.code),
                (400, "invalid_request"),
                "{body}"
            );
        }
        body.as_object_mut().unwrap().remove("model");
        let missing = refused(&gateway, &tenant, dialect, &body.to_string()).await;
        assert_eq!((missing.status, &*missing.code), (400, "invalid_request"));
        assert!(missing.message.contains("model"), "{missing:?}");

        body["model"] = json!("nobody-knows-me");
        let unknown = refused(&gateway, &tenant, dialect, &body.to_string()).await;
        assert_eq!((unknown.status, &*unknown.code), (404, "model_not_found"));
        assert!(unknown.message.contains("nobody-knows-me"), "{unknown:?}");
    }
    let body = Dialect::Google.body("hello", Some(16), false);
    let path = "/v1beta/models/nobody-knows-me:generateContent";
    let unknown = Call::to(Dialect::Google, path, &body)
        .refused(&gateway, &tenant)
        .await;
    assert_eq!((unknown.status, &*unknown.kind), (404, "NOT_FOUND"));
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_path_is_never_passed_on() {
    let (gateway, tenant) = limited().await;
    for (dialect, path) in [
        (Dialect::OpenAi, "/v1/nothing"),
        (Dialect::OpenAi, "/v1/chat/completions/"),
        (Dialect::OpenAi, "/v1//chat/completions"),
        (Dialect::OpenAi, "/v1/images"),
        (Dialect::OpenAi, "/"),
        (Dialect::Anthropic, "/v1/messages/nothing"),
        (Dialect::Google, "/v1beta/models/gemini-2.5-flash:unknown"),
        (Dialect::Google, "/v1beta/nothing"),
    ] {
        let body = dialect.body("hello", Some(16), false);
        let refused = Call::to(dialect, path, &body)
            .refused(&gateway, &tenant)
            .await;
        assert_eq!(
            (refused.status, &*refused.code),
            (404, "unknown_route"),
            "{path}"
        );
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_metered_is_refused_by_name() {
    let (gateway, tenant) = limited().await;
    for (dialect, path, code) in [
        (Dialect::OpenAi, "/v1/fine_tuning/jobs", "unmetered"),
        (Dialect::OpenAi, "/v1/vector_stores", "unmetered"),
        (Dialect::Google, "/v1beta/interactions", "unmetered"),
        (Dialect::Anthropic, "/v1/complete", "unmetered"),
        (Dialect::Google, "/v1beta/auth_tokens", "forbidden"),
        (
            Dialect::OpenAi,
            "/v1/realtime/client_secrets",
            "hands_out_credentials",
        ),
    ] {
        let body = dialect.body("hello", Some(16), false);
        let call = Call::to(dialect, path, &body);
        let refused = call.refused(&gateway, &tenant).await;
        let expected = if dialect == Dialect::OpenAi {
            code
        } else {
            &refused.code
        };
        assert_eq!((refused.status, &*refused.code), (403, expected), "{path}");
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_metered_passes_where_the_installation_says_so() {
    let provider = RecordingUpstream::start().await;
    let setup = Setup::new()
        .upstream(&provider.url())
        .env("UNMETERED_FEATURES", "fine_tuning");
    let gateway = setup.start().await;
    let tenant = gateway.tenant_with("trains", "1").await;
    let body = json!({"model": "gpt-4o-mini", "training_file": "file-1"});
    let call = Call::to(Dialect::OpenAi, "/v1/fine_tuning/jobs", &body);
    assert_eq!(call.send(&gateway, &tenant).await.status(), 200);
    let sent = provider.received.take();
    assert_eq!((sent.len(), sent[0].json()), (1, body));
    let row = gateway.ledger_of(&tenant, 1).await.remove(0);
    assert_eq!(
        (&row["usd"], &row["basis"]),
        (&json!("0"), &json!("unknown"))
    );
    let other = Call::to(Dialect::OpenAi, "/v1/evals", &json!({}));
    assert_eq!(other.refused(&gateway, &tenant).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_told_the_right_one() {
    let (gateway, tenant) = limited().await;
    for dialect in Dialect::ALL {
        let (name, value) = dialect.key_header(&tenant.key);
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let request = gateway.request(method, dialect.path(false));
            let answer = request.header(&name, &value).send().await.unwrap();
            let refused = dialect.refused(answer).await;
            assert_eq!(
                (refused.status, &*refused.code),
                (405, "method_not_allowed")
            );
            assert_eq!(refused.header("allow"), Some("POST"));
        }
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_length_that_is_not_one_or_comes_with_chunks_is_refused() {
    let (gateway, tenant) = limited().await;
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    let length = format!("content-length: {}", call.body.len());
    let other = format!("content-length: {}", call.body.len() + 1);
    for lines in [
        vec!["content-length: twelve"],
        vec!["content-length: -1"],
        vec!["content-length: 99999999999999999999999"],
        vec![&*length, &*other],
        vec![&*length, "transfer-encoding: chunked"],
        vec!["transfer-encoding: chunked, gzip"],
    ] {
        let mut connection = RawConnection::open(&gateway).await;
        let request = head(&call, &tenant, &lines) + &call.body;
        connection.write(request.as_bytes()).await;
        // What cannot be framed is not answered at all, or refused; then the connection ends.
        if let Some(answer) = connection.answer().await {
            assert!((400..500).contains(&answer.status), "{lines:?}: {answer:?}");
        }
        assert!(connection.is_closed().await, "{lines:?}");
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_or_too_large_headers_are_refused() {
    let (gateway, tenant) = limited().await;
    for dialect in Dialect::ALL {
        let call = dialect.call("hello", Some(16), false);
        let mut many = call.request(&gateway, &tenant);
        for number in 0..120 {
            many = many.header(format!("x-number-{number}"), "1");
        }
        let large = call
            .request(&gateway, &tenant)
            .header("x-large", "x".repeat(70_000));
        for request in [many, large] {
            let refused = dialect.refused(request.send().await.unwrap()).await;
            assert_eq!((refused.status, &*refused.code), (431, "headers_too_large"));
        }
    }
    assert_nothing_happened(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_beyond_all_bounds_ends_the_connection_and_nothing_else() {
    let (gateway, tenant) = limited().await;
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    let huge = format!("x-huge: {}", "x".repeat(4 << 20));
    for lines in [vec![&*huge], vec!["x-a: 1"; 5_000]] {
        let mut connection = RawConnection::open(&gateway).await;
        connection
            .write(head(&call, &tenant, &lines).as_bytes())
            .await;
        if let Some(answer) = connection.answer().await {
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }
        assert!(connection.is_closed().await);
    }
    assert_nothing_happened(&gateway, &tenant).await;
    call.text(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind() {
    let (gateway, tenant) = limited().await;
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    for lines in [["content-length: 500000"], ["transfer-encoding: chunked"]] {
        let mut connection = RawConnection::open(&gateway).await;
        let begun = head(&call, &tenant, &lines) + "5\r\n{\"mod";
        connection.write(begun.as_bytes()).await;
        drop(connection);
    }
    call.text(&gateway, &tenant).await;
    assert_eq!(gateway.simulator.totals().calls, 1);
    gateway.assert_nothing_held().await;
}
