//! Where rules that somebody sent are compiled and tried: on threads that no request waits for, few at once, and
//! nobody waits long. What does not end keeps its place until it does.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::policy::wasm::WasmRuntime;

/// How many at once.
const AT_ONCE_MAX: usize = 2;
/// How long anybody waits for one.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Clone, Debug)]
pub struct Trials {
    places: Arc<Semaphore>,
    wasm: Arc<WasmRuntime>,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoResult {
    /// Every place is taken.
    #[error("other rules are being tried")]
    Busy,
    /// It takes too long.
    #[error("the rules take longer than {} s", WAIT_MAX.as_secs())]
    TooLong,
    /// A fault of ours.
    #[error("the trial was given up")]
    GivenUp,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            wasm: Arc::default(),
        }
    }
}

impl Trials {
    /// Does some work, if there is a place for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&WasmRuntime) -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_taken| NoResult::Busy)?;
        let wasm = Arc::clone(&self.wasm);
        let working = spawn_blocking(move || {
            let result = work(&wasm);
            drop(place);
            result
        });
        let result = timeout(WAIT_MAX, working).await;
        let result = result.map_err(|_elapsed| NoResult::TooLong)?;
        result.map_err(|_panicked| NoResult::GivenUp)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_does_not_end_keeps_its_place_and_the_next_is_told() {
        let trials = Trials::default();
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(parking_lot::Mutex::new(ended));
        let hang = || {
            let ended = Arc::clone(&ended);
            trials.run(move |_wasm| ended.lock().recv().is_err())
        };
        let all = async { tokio::join!(hang(), hang()) };
        let next = async {
            tokio::task::yield_now().await;
            let told = trials.run(|_wasm| ()).await;
            drop(end);
            told
        };
        let (both, told) = tokio::join!(all, next);
        assert_eq!(told, Err(NoResult::Busy));
        assert_eq!(both, (Ok(true), Ok(true)));
        assert_eq!(trials.run(|_wasm| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_gives_its_place_back() {
        let trials = Trials::default();
        for _ in 0..=AT_ONCE_MAX {
            let told = trials.run(|_wasm| panic!("of the work")).await;
            assert_eq!(told, Err::<(), _>(NoResult::GivenUp));
        }
    }
}
