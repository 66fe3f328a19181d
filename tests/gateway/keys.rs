//! Keys: where they are taken from, when they stop working, and that they stay where they belong.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{ADMIN_KEY, PROVIDER_KEYS, Setup, Tenant, TestGateway};
use crate::upstream::RecordingUpstream;

const OWN_KEY: &str = "sk-own-key-of-the-caller";

fn bare(gateway: &TestGateway, call: &Call, path: &str) -> RequestBuilder {
    gateway.request(Method::POST, path).body(call.body.clone())
}

/// Every way in which a dialect's callers may show a key.
fn shown(gateway: &TestGateway, dialect: Dialect, key: &str) -> Vec<RequestBuilder> {
    let call = dialect.call("hello", Some(16), false);
    let by = |name: &str, value: &str| bare(gateway, &call, &call.path).header(name, value);
    let bearer = format!("Bearer {key}");
    vec![
        by("authorization", &bearer),
        by("authorization", &format!("bearer  {key}")),
        by("x-api-key", key),
        by("X-API-Key", key),
        by("x-goog-api-key", key),
        bare(gateway, &call, &format!("{}?key={key}", call.path)),
        bare(gateway, &call, &format!("{}?alt=json&key={key}", call.path)),
        by("x-api-key", key).header("authorization", "Bearer sk-something-else"),
        by("authorization", &bearer).header("x-api-key", "sk-something-else"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_taken_from_every_header_and_never_sent_on() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("shows").await;
    for dialect in Dialect::ALL {
        for (number, request) in shown(&gateway, dialect, &tenant.key)
            .into_iter()
            .enumerate()
        {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{dialect:?} way {number}");
            let received = provider.received.take();
            let sent = format!("{} {:?}", received[0].uri, received[0].headers);
            assert!(
                !sent.contains(&tenant.key) && !sent.contains("key="),
                "{sent}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_provider_is_shown_our_key_for_it_in_its_own_header() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("swaps").await;
    let tags = format!("/admin/tenant/{}/tags", tenant.id);
    gateway
        .admin(Method::POST, &tags, json!({"name": "a tag"}))
        .await;
    let headers = ["authorization", "x-api-key", "x-goog-api-key"];
    for (index, dialect) in Dialect::ALL.into_iter().enumerate() {
        let call = dialect.call("hello", Some(16), false);
        let request = call
            .request(&gateway, &tenant)
            .header("x-session-id", "the session")
            .header("x-tags", "a tag")
            .header("cookie", "a=b")
            .header("accept-encoding", "gzip");
        assert_eq!(request.send().await.unwrap().status(), 200);
        let received = provider.received.take().remove(0);
        for (at, name) in headers.into_iter().enumerate() {
            let prefix = if at == 0 { "Bearer " } else { "" };
            let key = (at == index).then(|| format!("{prefix}{}", PROVIDER_KEYS[index].1));
            assert_eq!(received.header(name), key.as_deref(), "{dialect:?} {name}");
        }
        for name in ["x-session-id", "x-tags", "cookie"] {
            assert_eq!(received.header(name), None, "{dialect:?}");
        }
        assert_eq!(received.header("accept-encoding"), Some("identity"));
        assert_eq!(
            received.header("host"),
            Some(&*provider.address.to_string())
        );
        let version = (dialect == Dialect::Anthropic).then_some("2023-06-01");
        assert_eq!(received.header("anthropic-version"), version);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_may_bring_its_own_provider_key_beside_ours() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("brings its own").await;
    for (dialect, name) in [
        (Dialect::OpenAi, "authorization"),
        (Dialect::Anthropic, "x-api-key"),
        (Dialect::Google, "x-goog-api-key"),
    ] {
        let call = dialect.call("hello", Some(16), false);
        let request = bare(&gateway, &call, &call.path)
            .header("x-api-key", &tenant.key)
            .header("authorization", format!("Bearer {OWN_KEY}"));
        assert_eq!(request.send().await.unwrap().status(), 200);
        let received = provider.received.take().remove(0);
        let sent = received.header(name).unwrap();
        assert_eq!(sent.trim_start_matches("Bearer "), OWN_KEY, "{dialect:?}");
    }
    // Where a caller pays itself, no key of ours is needed.
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    let keyless = Setup::new()
        .env("OPENAI_KEY", "")
        .upstream(&provider.url())
        .start()
        .await;
    let tenant = keyless.tenant("pays itself").await;
    let refused = call.refused(&keyless, &tenant).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let request = bare(&keyless, &call, &call.path)
        .header("x-api-key", &tenant.key)
        .bearer_auth(OWN_KEY);
    assert_eq!(request.send().await.unwrap().status(), 200);
    keyless.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_and_a_wrong_key_are_refused_in_each_dialect() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("forgets").await;
    let mut wrong = tenant.key.clone();
    let last = if wrong.pop() == Some('A') { 'B' } else { 'A' };
    wrong.push(last);
    for dialect in Dialect::ALL {
        let call = dialect.call("hello", Some(16), false);
        let answer = bare(&gateway, &call, &call.path).send().await.unwrap();
        let refused = dialect.refused(answer).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (401, "missing_api_key"),
            "{dialect:?}"
        );
        let long = "x".repeat(2_000);
        for key in [
            &*wrong,
            "bg_",
            "sk-foreign",
            &long,
            ADMIN_KEY,
            tenant.key.split_at(20).0,
        ] {
            let stranger = Tenant {
                key: key.to_owned(),
                ..tenant.clone()
            };
            let refused = call.refused(&gateway, &stranger).await;
            assert_eq!(
                (refused.status, &*refused.code),
                (401, "invalid_api_key"),
                "{key}"
            );
            assert!(!refused.message.contains(key), "{refused:?}");
        }
    }
    assert_eq!(gateway.simulator.totals().calls, 0);
    assert!(
        gateway.ledger(&tenant).await.is_empty(),
        "a stranger wrote a tenant's row"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_and_a_closed_tenant_are_refused_at_once() {
    let gateway = Setup::new().start().await;
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    let revoked = gateway.tenant("revoked").await;
    call.text(&gateway, &revoked).await;
    let path = format!("/admin/apikey/{}", revoked.key_id);
    gateway.admin(Method::DELETE, &path, Value::Null).await;
    let closed = gateway.tenant("closed").await;
    call.text(&gateway, &closed).await;
    let path = format!("/admin/tenant/{}", closed.id);
    gateway.admin(Method::DELETE, &path, Value::Null).await;
    for dialect in Dialect::ALL {
        let call = dialect.call("hello", Some(16), false);
        let refused = call.refused(&gateway, &revoked).await;
        assert_eq!((refused.status, &*refused.code), (401, "invalid_api_key"));
        let refused = call.refused(&gateway, &closed).await;
        assert_eq!((refused.status, &*refused.code), (403, "tenant_closed"));
    }
    assert_eq!(gateway.simulator.totals().calls, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_made_on_the_command_line_works() {
    let gateway = Setup::new()
        .env("DEFAULT_API_KEY", "bg_chosen_by_hand")
        .start()
        .await;
    let tenant = Tenant {
        id: 1,
        key_id: 1,
        key: "bg_chosen_by_hand".to_owned(),
    };
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    call.text(&gateway, &tenant).await;
    assert_eq!(gateway.ledger_of(&tenant, 1).await[0]["tenant"], "public");
}

const PROMPT: &str = "the-secret-plan-of-the-caller";

/// Everything that a caller can do with a key and a prompt, well or badly.
async fn talk(gateway: &TestGateway, tenant: &Tenant, dialect: Dialect) {
    let key = &tenant.key;
    let mut requests = Vec::new();
    for streamed in [false, true] {
        let call = dialect.call(PROMPT, Some(16), streamed);
        let separator = if call.path.contains('?') { '&' } else { '?' };
        let in_query = format!("{}{separator}key={key}", call.path);
        requests.push(bare(gateway, &call, &in_query));
        let own = bare(gateway, &call, &call.path).header("x-api-key", key);
        requests.push(own.bearer_auth(OWN_KEY));
        requests.push(call.request(gateway, tenant));
    }
    let broken = Call {
        body: format!("{{\"{PROMPT}"),
        ..dialect.call("", None, false)
    };
    requests.push(broken.request(gateway, tenant));
    for request in requests {
        request.send().await.unwrap().bytes().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_and_no_prompt_is_ever_logged_counted_or_stored() {
    let setup = Setup::new().env("RUST_LOG", "trace");
    let dead = "http://127.0.0.1:1";
    let gateway = setup.env("GOOGLE_BASE_URL", dead).start().await;
    let rich = gateway.tenant("talks").await;
    let poor = gateway.tenant_with("talks in vain", "0.000000001").await;
    let stranger = Tenant {
        key: "bg_this_key_is_nobodys".to_owned(),
        ..rich.clone()
    };
    for dialect in Dialect::ALL {
        for tenant in [&rich, &poor, &stranger] {
            talk(&gateway, tenant, dialect).await;
        }
    }
    let log = gateway.log();
    for told in ["request settled", "request refused", "the provider failed"] {
        assert!(log.contains(told), "{log}");
    }
    let mut secrets = vec![PROMPT, OWN_KEY, ADMIN_KEY, &stranger.key];
    secrets.extend(PROVIDER_KEYS.map(|(_, key)| key));
    for tenant in [&rich, &poor] {
        secrets.push(&tenant.key);
        // Its last part is what proves it.
        secrets.push(tenant.key.split_at(tenant.key.len() - 24).1);
    }
    let is_written = async || gateway.metric("budgetguard_ledger_backlog").await == 0;
    gateway.until("every row is written", is_written).await;
    let metrics = gateway.metrics().await;
    let files = files_below(&gateway.data());
    assert!(
        files
            .iter()
            .any(|(path, _)| path.ends_with("budgetguard.db"))
    );
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
        assert!(!metrics.contains(secret), "{secret} is in a metric");
        for (path, content) in &files {
            let is_there = memchr::memmem::find(content, secret.as_bytes()).is_some();
            assert!(!is_there, "{secret} is in {}", path.display());
        }
    }
}

/// Everything that a gateway keeps: database, journal, spool.
fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.is_file() {
            let content = fs::read(&path).unwrap();
            files.push((path, content));
        }
    }
    files
}
