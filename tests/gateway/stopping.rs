//! A stop in its order: nobody is asked to come back, nobody is let in, and what is under way ends.

use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::Method;
use tokio::net::TcpStream;

use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};
use crate::raw::{RawConnection, small};

async fn health(gateway: &TestGateway) -> u16 {
    let answer = gateway.request(Method::GET, "/health").send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_still_lets_callers_in_nobody_is_asked_to_come_back() {
    let setup = Setup::new().set("server.shutdown_delay_s", "2");
    let mut gateway = setup.start().await;
    let tenant = gateway.tenant_with("leaves", "1").await;
    let request = small(Dialect::OpenAi, &tenant);
    let (mut kept, mut idle) = (
        RawConnection::open(&gateway).await,
        RawConnection::open(&gateway).await,
    );
    for connection in [&mut kept, &mut idle] {
        connection.write(&request).await;
        let answer = connection.answer().await.unwrap();
        assert!(!answer.head.contains("connection: close"), "{answer:?}");
    }
    assert_eq!(health(&gateway).await, 200);
    let told = Instant::now();
    gateway.terminate();
    gateway
        .until("it says that it stops", async || {
            health(&gateway).await == 503
        })
        .await;
    kept.write(&request).await;
    let last = kept.answer().await.unwrap();
    assert_eq!(
        last.status, 200,
        "requests are served while callers are let in"
    );
    assert!(last.head.contains("connection: close"), "{last:?}");
    assert!(kept.is_closed().await);
    let mut refused = RawConnection::open(&gateway).await;
    refused
        .write(b"GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let refused = refused.answer().await.unwrap();
    assert!(refused.head.contains("connection: close"), "{refused:?}");
    assert!(idle.is_closed().await, "what is idle is closed, not broken");
    assert!(told.elapsed() >= Duration::from_secs(2));
    assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_let_in_while_streams_end() {
    let mut gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("streams", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=60 chunks=60 delay_ms=25]]", Some(100), true);
    let mut stream = call.send(&gateway, &tenant).await.bytes_stream();
    let mut text = stream.next().await.unwrap().unwrap().to_vec();
    gateway.terminate();
    gateway
        .until("nobody is let in", async || {
            TcpStream::connect(("127.0.0.1", gateway.port))
                .await
                .is_err()
        })
        .await;
    while let Some(chunk) = stream.next().await {
        text.extend_from_slice(&chunk.unwrap());
    }
    assert!(text.ends_with(b"data: [DONE]\n\n"));
    assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
}
