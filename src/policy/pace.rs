//! Where a policy is asked: on the thread of the request, until it turns out to take long there.

use std::sync::atomic::{AtomicU32, Ordering};

/// For how many questions a policy is asked elsewhere after it took too long.
const QUESTIONS_ELSEWHERE: u32 = 100;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU32);

impl Pace {
    /// Whether the next question may be tried on the thread of its request.
    pub(super) fn may_try_here(&self) -> bool {
        // Written only after something took long: else threads share no more than a reading.
        if self.0.load(Ordering::Relaxed) == 0 {
            return true;
        }
        let fewer = |left: u32| left.checked_sub(1);
        let counted = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        counted.is_err()
    }

    /// A question took too long there.
    pub(super) fn took_long(&self) {
        self.0.store(QUESTIONS_ELSEWHERE, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_long_is_asked_elsewhere_for_a_while() {
        let pace = Pace::default();
        assert!(pace.may_try_here());
        pace.took_long();
        for _ in 0..QUESTIONS_ELSEWHERE {
            assert!(!pace.may_try_here());
        }
        assert!(pace.may_try_here());
    }
}
