//! What a thread remembers of decisions, so that the same input is not decided twice. Each thread has a
//! memory of its own: no two wait for each other.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use thread_local::ThreadLocal;

use crate::policy::Verdict;
use crate::policy::input::InputKey;

/// How many inputs a thread remembers; beyond it, it begins anew.
const INPUTS_MAX: usize = 256;
/// How long an input may be that is remembered, in bytes.
const INPUT_BYTES_MAX: usize = 4 * 1024;

/// See the module.
#[derive(Default)]
pub(super) struct Memory(ThreadLocal<RefCell<HashMap<InputKey, Verdict>>>);

impl Memory {
    /// What was decided on an input, if this thread remembers it.
    pub(super) fn recall(&self, key: &InputKey) -> Option<Verdict> {
        self.0.get()?.borrow().get(key).cloned()
    }

    pub(super) fn remember(&self, key: InputKey, verdict: &Verdict) {
        if key.len() > INPUT_BYTES_MAX {
            return;
        }
        let mut known = self.0.get_or_default().borrow_mut();
        if known.len() >= INPUTS_MAX {
            known.clear();
        }
        known.insert(key, verdict.clone());
    }
}

impl fmt::Debug for Memory {
    /// Says nothing of requests.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const DENIED: Verdict = Verdict::Deny { reason: None };

    fn key(text: &str) -> InputKey {
        text.as_bytes().into()
    }

    #[test]
    fn a_denial_is_remembered_like_any_verdict() {
        let memory = Memory::default();
        memory.remember(key("a"), &DENIED);
        memory.remember(key("b"), &Verdict::ALLOWED);
        assert_eq!(memory.recall(&key("a")), Some(DENIED));
        assert_eq!(memory.recall(&key("b")), Some(Verdict::ALLOWED));
        assert_eq!(memory.recall(&key("c")), None);
    }

    #[test]
    fn a_thread_remembers_only_so_many_inputs() {
        let memory = Memory::default();
        for number in 0..3 * INPUTS_MAX {
            memory.remember(key(&number.to_string()), &DENIED);
            assert!(memory.0.get().unwrap().borrow().len() <= INPUTS_MAX);
        }
    }

    #[test]
    fn an_input_that_is_too_long_is_not_remembered() {
        let memory = Memory::default();
        let long = key(&"x".repeat(INPUT_BYTES_MAX + 1));
        memory.remember(long.clone(), &DENIED);
        assert_eq!(memory.recall(&long), None);
    }

    #[test]
    fn threads_do_not_share_what_they_remember() {
        let memory = Memory::default();
        memory.remember(key("a"), &DENIED);
        thread::scope(|scope| {
            let other = scope.spawn(|| memory.recall(&key("a")));
            assert_eq!(other.join().unwrap(), None);
        });
    }
}
