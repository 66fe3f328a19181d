//! News of changes: a connection of its own that listens for what a trigger tells at each commit.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};

use crate::store::driver::Changes;
use crate::store::error::StoreError;
use crate::store::postgres::wire::{classify, no_answer};

/// The channel of the trigger on `catalog_version`. Other installations in the same database may
/// use it as well: whoever hears of a change looks whether it is one of theirs.
const LISTEN: &str = "LISTEN budgetguard_catalog";

pub(super) struct Listening {
    connection: Connection<Socket, NoTlsStream>,
    /// The connection ends when nobody has this.
    _client: Client,
}

impl Listening {
    /// Connects and listens; what is committed from here on is heard of.
    pub(super) async fn begin(config: &Config, wait_max: Duration) -> Result<Self, StoreError> {
        let begun = timeout(wait_max, async {
            let (client, mut connection) = config.connect(NoTls).await?;
            // Nobody else moves the connection while it is asked for something.
            tokio::select! {
                ended = &mut connection => ended.map(|()| None),
                listens = client.batch_execute(LISTEN) => listens.map(|()| Some(client)),
            }
            .map(|client| (client, connection))
        });
        match begun.await {
            Ok(Ok((Some(client), connection))) => Ok(Self {
                connection,
                _client: client,
            }),
            Ok(Ok((None, _))) => Err(ended()),
            Ok(Err(error)) => Err(classify(&error)),
            Err(_elapsed) => Err(no_answer()),
        }
    }
}

#[async_trait]
impl Changes for Listening {
    async fn next(&mut self) -> Result<(), StoreError> {
        poll_fn(|context| {
            let mut is_news = false;
            loop {
                match self.connection.poll_message(context) {
                    Poll::Ready(Some(Ok(message))) => {
                        is_news |= matches!(message, AsyncMessage::Notification(_));
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(classify(&error))),
                    Poll::Ready(None) => return Poll::Ready(Err(ended())),
                    Poll::Pending if is_news => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the server ended the connection".to_owned())
}
