//! News of changes that other processes made, as soon as the database tells of them. It makes a change
//! hold sooner, and nothing depends on it: whoever waits for news looks from time to time as well.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::store::Store;
use crate::store::driver::Changes;
use crate::store::error::StoreError;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// Rings at each piece of news; those that come while nobody waits are one. Never returns.
pub(super) async fn listen(store: &Store, news: &Notify) -> Infallible {
    let mut retry_in = FIRST_RETRY;
    loop {
        let error = match store.listen().await {
            Ok(Some(mut changes)) => pass_on(changes.as_mut(), news, &mut retry_in).await,
            Ok(None) => pending().await,
            Err(error) => error,
        };
        pause(&error, &mut retry_in).await;
    }
}

/// Passes news on for as long as it comes, and tells why there is no more.
async fn pass_on(changes: &mut dyn Changes, news: &Notify, retry_in: &mut Duration) -> StoreError {
    // Nobody tells of what was changed before.
    news.notify_one();
    loop {
        if let Err(error) = changes.next().await {
            return error;
        }
        news.notify_one();
        *retry_in = FIRST_RETRY;
    }
}

async fn pause(error: &StoreError, retry_in: &mut Duration) {
    // Of no concern to operators: whoever looks for changes says when the database is away.
    tracing::debug!(%error, "the database does not tell of changes");
    sleep(*retry_in).await;
    *retry_in = retry_in.saturating_mul(2).min(LAST_RETRY);
}
