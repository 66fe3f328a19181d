//! What an earlier process of the same replica left in Redis, after its spool has been written to the
//! ledger.

use std::sync::atomic::Ordering;

use tokio::time::{sleep, timeout};

use crate::domain::money::Usd;
use crate::engine::UnknownSpending;
use crate::engine::redis::link::Session;
use crate::engine::redis::opening::CONNECTED_WITHIN;
use crate::engine::redis::record::State;
use crate::engine::redis::reply::integer;
use crate::engine::redis::{FROZEN_RETRY, RedisEngine, keys};

impl RedisEngine {
    /// Ends what an earlier process of this replica held without having sent it: whatever it may have
    /// sent has a row. True if it had slices, of which only the ledger knows what was spent.
    pub async fn take_over_from_earlier(&self) -> Result<bool, UnknownSpending> {
        let taking_over = timeout(CONNECTED_WITHIN, self.take_over());
        taking_over
            .await
            .map_err(|_elapsed| UnknownSpending::Engine)?
    }

    async fn take_over(&self) -> Result<bool, UnknownSpending> {
        let session = self.link.next_session().await;
        // First, what has rows.
        while self.unfinished.load(Ordering::Acquire) > 0 {
            sleep(FROZEN_RETRY).await;
        }
        for owner in self.owners(&session).await? {
            let known = self.records_of(owner, &session).await?;
            for (request, record) in known {
                let is_own = record.body.replica == self.replica;
                if is_own && record.state != State::Charged {
                    self.settle_known(owner, request, record, Usd::ZERO);
                }
            }
        }
        self.had_slices(&session).await
    }

    async fn had_slices(&self, session: &Session) -> Result<bool, UnknownSpending> {
        let mut count = redis::cmd("SCARD");
        count.arg(keys::leased(&session.keys, &self.replica));
        let answers = self.link.ask(session, vec![count]).await?;
        let count = answers.first().and_then(|count| integer(count).ok());
        count.map(|count| count > 0).ok_or(UnknownSpending::Engine)
    }
}
