//! Bodies of every size, by every way that HTTP can bring them, reach the provider byte for byte.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use reqwest::header::HeaderMap;
use reqwest::{Body, Client};
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::raw::{RawConnection, head};
use crate::upstream::RecordingUpstream;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const SIZES: [usize; 5] = [64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 20 * MIB];
const BYTES_MAX: usize = 32 * MIB;

/// How a body is brought.
#[derive(Clone, Copy, Debug)]
enum Way {
    ContentLength,
    Chunked,
    Http2,
    Http2WithoutLength,
}

const WAYS: [Way; 4] = [
    Way::ContentLength,
    Way::Chunked,
    Way::Http2,
    Way::Http2WithoutLength,
];

struct Clients {
    http1: Client,
    http2: Client,
}

impl Clients {
    fn new() -> Self {
        let builder = || Client::builder().no_proxy();
        Self {
            http1: builder().http1_only().build().unwrap(),
            http2: builder().http2_prior_knowledge().build().unwrap(),
        }
    }

    async fn send(
        &self,
        (gateway, tenant): (&TestGateway, &Tenant),
        way: Way,
        body: &Bytes,
    ) -> reqwest::Response {
        let (client, sent) = match way {
            Way::ContentLength => (&self.http1, Body::from(body.clone())),
            Way::Chunked => (&self.http1, pieces(body)),
            Way::Http2 => (&self.http2, Body::from(body.clone())),
            Way::Http2WithoutLength => (&self.http2, pieces(body)),
        };
        client
            .post(format!("{}/v1/chat/completions", gateway.url))
            .bearer_auth(&tenant.key)
            .timeout(Duration::from_mins(1))
            .body(sent)
            .send()
            .await
            .unwrap()
    }
}

/// The body in pieces, so that its length is not told.
fn pieces(body: &Bytes) -> Body {
    let pieces: Vec<std::io::Result<Bytes>> = body
        .chunks(50_000)
        .map(|piece| Ok(body.slice_ref(piece)))
        .collect();
    Body::wrap_stream(stream::iter(pieces))
}

/// A valid request of exactly so many bytes, no two places of which look the same.
fn body_of(bytes: usize) -> Bytes {
    let open = r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":""#;
    let close = r#""}]}"#;
    let mut body = String::with_capacity(bytes);
    body.push_str(open);
    for number in 0.. {
        if body.len() + 16 > bytes - close.len() {
            break;
        }
        write!(body, "{number:08}").unwrap();
    }
    while body.len() < bytes - close.len() {
        body.push('.');
    }
    body.push_str(close);
    assert_eq!(body.len(), bytes);
    body.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_any_size_arrives_as_it_was_sent() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("sizes").await;
    let clients = Clients::new();
    for size in SIZES {
        let body = body_of(size);
        for way in WAYS {
            let answer = clients.send((&gateway, &tenant), way, &body).await;
            assert_eq!(answer.status(), 200, "{size} {way:?}");
            let received = provider.received.take();
            assert_eq!(received.len(), 1, "{size} {way:?}");
            assert!(
                received[0].body == body,
                "{size} bytes by {way:?} arrived changed"
            );
            assert_eq!(
                received[0].header("content-length"),
                Some(&*size.to_string())
            );
        }
    }
    gateway.ledger_of(&tenant, SIZES.len() * WAYS.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_leaves_the_rest_of_a_body_as_it_was_sent() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("edits").await;
    let clients = Clients::new();
    for size in [64 * KIB - 1, 64 * KIB, MIB] {
        let text = String::from_utf8(body_of(size).to_vec()).unwrap();
        let streamed = text.replacen(r#""max_tokens":5,"#, r#""stream":true,"#, 1);
        let body = Bytes::from(streamed.clone());
        for way in WAYS {
            clients.send((&gateway, &tenant), way, &body).await;
            let received = provider.received.take();
            let sent = String::from_utf8(received[0].body.to_vec()).unwrap();
            assert!(received[0].json()["stream_options"]["include_usage"] == true);
            let edit = sent.len() - streamed.len();
            let at = sent.find("\"stream_options\"").unwrap();
            let (before, after) = sent.split_at(at);
            let unedited = [before, after.split_at(edit).1].concat();
            assert!(unedited == streamed, "{size} {way:?}: {before}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_and_nothing_is_sent() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("large").await;
    let clients = Clients::new();
    let body = Bytes::from(vec![b' '; BYTES_MAX + 1]);
    for way in [Way::Chunked, Way::Http2WithoutLength] {
        let answer = clients.send((&gateway, &tenant), way, &body).await;
        let refused = Dialect::OpenAi.refused(answer).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (413, "request_too_large"),
            "{way:?}"
        );
    }
    for dialect in Dialect::ALL {
        // Refused by its length, before any of it is sent.
        let call = dialect.call("", None, false);
        let length = format!("content-length: {}", BYTES_MAX + 1);
        let mut connection = RawConnection::open(&gateway).await;
        connection
            .write(head(&call, &tenant, &[&length]).as_bytes())
            .await;
        let answer = connection.answer().await.unwrap();
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let refused = dialect.read(answer.status, HeaderMap::new(), &body);
        assert_eq!((refused.status, &*refused.code), (413, "request_too_large"));
    }
    assert_eq!(gateway.simulator.totals().calls, 0);
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_exactly_the_limit_is_taken() {
    let provider = RecordingUpstream::start().await;
    let setup = Setup::new().upstream(&provider.url());
    let limit = 100 * KIB;
    let gateway = setup
        .set("limits.body_bytes_max", limit.to_string())
        .start()
        .await;
    let tenant = gateway.tenant("exact").await;
    let clients = Clients::new();
    for way in WAYS {
        let fits = clients
            .send((&gateway, &tenant), way, &body_of(limit))
            .await;
        assert_eq!(fits.status(), 200, "{way:?}");
        let too_long = clients
            .send((&gateway, &tenant), way, &body_of(limit + 1))
            .await;
        assert_eq!(too_long.status(), 413, "{way:?}");
    }
    assert_eq!(provider.received.take().len(), WAYS.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_waits_for_permission_to_send_its_body_is_given_it() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("expects").await;
    for size in [200, 64 * KIB + 1, MIB] {
        let body = body_of(size);
        let call = Call::to(Dialect::OpenAi, "/v1/chat/completions", &json!({}));
        let length = format!("content-length: {size}");
        let mut connection = RawConnection::open(&gateway).await;
        let head = head(&call, &tenant, &[&length, "expect: 100-continue"]);
        connection.write(head.as_bytes()).await;
        assert_eq!(connection.answer().await.unwrap().status, 100, "{size}");
        connection.write(&body).await;
        let answer = connection.answer().await.unwrap();
        assert_eq!(answer.status, 200, "{size}: {}", answer.body);
        let received = provider.received.take();
        assert!(received[0].body == body, "{size}");
        assert_eq!(received[0].header("expect"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_kept_for_the_next_request_also_after_a_refusal() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("keeps").await;
    let nobody = Tenant {
        key: "bg_wrong".to_owned(),
        ..tenant.clone()
    };
    let unknown = Call::to(Dialect::OpenAi, "/v1/unknown", &json!({}));
    for dialect in Dialect::ALL {
        let mut connection = RawConnection::open(&gateway).await;
        let path_unknown = head(&unknown, &tenant, &["content-length: 2"]) + "{}";
        for (request, status) in [
            (crate::raw::small(dialect, &tenant), 200),
            (crate::raw::small(dialect, &nobody), 401),
            (crate::raw::small(dialect, &tenant), 200),
            (path_unknown.into_bytes(), 404),
            (crate::raw::small(dialect, &tenant), 200),
        ] {
            assert!(
                connection.write(&request).await,
                "{dialect:?} {status}: closed"
            );
            let answer = connection.answer().await.expect("closed without an answer");
            assert_eq!(answer.status, status, "{dialect:?}: {}", answer.body);
        }
    }
}
