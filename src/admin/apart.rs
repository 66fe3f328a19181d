//! The admin API on an address of its own.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serves a router on an address of its own, until told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let told = async move {
        // An error means that whoever could raise the flag is gone.
        let _ = stop.wait_for(|raised| *raised).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(told)
        .await
}
