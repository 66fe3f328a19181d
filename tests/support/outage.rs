//! A connection to a database that can be cut and restored.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on for as long as it is not cut.
pub(crate) struct Cable {
    pub(crate) address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Cable {
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    pub(crate) async fn to(target: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, state) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass_on(near, target.clone(), state.clone()));
            }
        });
        Self { address, is_cut }
    }

    /// Ends all connections and takes no new ones.
    pub(crate) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub(crate) fn restore(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn pass_on(mut near: TcpStream, target: String, mut state: watch::Receiver<bool>) {
    if *state.borrow() {
        return;
    }
    let connected = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(target)).await;
    let Ok(Ok(mut far)) = connected else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = state.wait_for(|is_cut| *is_cut) => {}
    }
}
