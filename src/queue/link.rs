//! A connection to Redis that is made anew when it broke. Whoever asks waits for its answer.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisResult};
use tokio::sync::Mutex;

use crate::queue::QueueError;

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Link {
    pub(super) fn new(url: &str, answer_within: Duration) -> RedisResult<Self> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(answer_within))
            .set_response_timeout(Some(answer_within));
        Ok(Self {
            client: Client::open(url)?,
            config,
            connection: Mutex::new(None),
        })
    }

    /// Has Redis do something, and reads what it says.
    pub(super) async fn ask<T: FromRedisValue>(&self, asked: &Pipeline) -> Result<T, QueueError> {
        let mut connection = self.connection().await?;
        let answer = asked.query_async(&mut connection).await;
        if answer.is_err() {
            // What it would answer next may belong to this question.
            *self.connection.lock().await = None;
        }
        Ok(answer?)
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut known = self.connection.lock().await;
        if let Some(connection) = &*known {
            return Ok(connection.clone());
        }
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&self.config)
            .await?;
        *known = Some(made.clone());
        Ok(made)
    }
}
