//! Threads for rules of which nobody can say how long they take: a few, with a short queue. One that hangs is
//! left alone and replaced, until too many hang.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, setpriority_process};
use rustix::thread::gettid;
use tokio::sync::oneshot;

use crate::policy::{PolicyError, Run, Verdict};

/// How many threads work, how many more may hang, and how many questions wait for one.
const WORKING_MAX: usize = 2;
const HUNG_MAX: usize = 4;
const QUEUE_MAX: usize = 256;
/// How much of its time limit a decision may spend on evaluating.
const EVALUATION_SHARE: f32 = 0.75;
/// A thread that hangs gets what processor time nobody else wants.
const HUNG_NICENESS: i32 = 19;

/// See the module. They end when this is dropped, but for those that hang.
pub struct PolicyThreads(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Threads that wait for a job.
    idle: usize,
    working: Vec<Working>,
    hung: usize,
    jobs: u64,
    is_stopped: bool,
}

struct Job {
    number: u64,
    run: Run,
    limit: Duration,
    answer: oneshot::Sender<Result<Verdict, PolicyError>>,
}

struct Working {
    job: u64,
    since: Instant,
    limit: Duration,
    thread: Pid,
}

impl PolicyThreads {
    /// No thread runs before one is needed.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
        }))
    }

    /// Decides on one of the threads, within a time limit. Whoever waits blocks no thread.
    pub(super) async fn run(&self, run: Run, limit: Duration) -> Result<Verdict, PolicyError> {
        let (number, answer) = self.submit(run, limit)?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(decision)) => decision,
            Ok(Err(_ended)) => Err(PolicyError::Busy),
            Err(_elapsed) => {
                self.0.state.lock().leave(|working| working.job == number);
                Err(PolicyError::TimedOut)
            }
        }
    }

    fn submit(
        &self,
        run: Run,
        limit: Duration,
    ) -> Result<(u64, oneshot::Receiver<Result<Verdict, PolicyError>>), PolicyError> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.0.state.lock();
        // Of callers that left before they were answered.
        let now = Instant::now();
        state.leave(|working| now.duration_since(working.since) > working.limit);
        if state.hung >= HUNG_MAX || state.queue.len() >= QUEUE_MAX {
            return Err(PolicyError::Busy);
        }
        let is_waiting = state.idle > state.queue.len();
        if !is_waiting && state.idle.saturating_add(state.working.len()) < WORKING_MAX {
            self.start_thread(&mut state)?;
        }
        state.jobs = state.jobs.wrapping_add(1);
        let number = state.jobs;
        state.queue.push_back(Job {
            number,
            run,
            limit,
            answer,
        });
        drop(state);
        self.0.wake.notify_one();
        Ok((number, answered))
    }

    fn start_thread(&self, state: &mut State) -> Result<(), PolicyError> {
        let shared = Arc::clone(&self.0);
        let thread = thread::Builder::new().name("policy".to_owned());
        let started = thread.spawn(move || shared.work());
        started.map_err(|_error| PolicyError::Busy)?;
        state.idle = state.idle.saturating_add(1);
        Ok(())
    }
}

impl Default for PolicyThreads {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PolicyThreads {
    fn drop(&mut self) {
        self.0.state.lock().is_stopped = true;
        self.0.wake.notify_all();
    }
}

impl fmt::Debug for PolicyThreads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        formatter
            .debug_struct("PolicyThreads")
            .field("waiting", &state.queue.len())
            .field("hung", &state.hung)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Gives up threads that work for too long: they make room for others, and come back if they ever end.
    fn leave(&mut self, is_hung: impl Fn(&Working) -> bool) {
        let hung = self.working.extract_if(.., |working| is_hung(working));
        for working in hung {
            self.hung = self.hung.saturating_add(1);
            // Refused where threads may not be told so: then it competes as before.
            let _ = setpriority_process(Some(working.thread), HUNG_NICENESS);
        }
    }

    /// Takes the next job that somebody still waits for.
    fn next_job(&mut self) -> Option<Job> {
        let job = loop {
            let job = self.queue.pop_front()?;
            if !job.answer.is_closed() {
                break job;
            }
        };
        self.idle = self.idle.saturating_sub(1);
        self.working.push(Working {
            job: job.number,
            since: Instant::now(),
            limit: job.limit,
            thread: gettid(),
        });
        Some(job)
    }

    /// Whether the thread that did this job may do another: not if it was given up.
    fn end_job(&mut self, number: u64) -> bool {
        let place = self.working.iter().position(|it| it.job == number);
        if let Some(place) = place {
            self.working.swap_remove(place);
            self.idle = self.idle.saturating_add(1);
        } else {
            self.hung = self.hung.saturating_sub(1);
        }
        place.is_some()
    }
}

impl Shared {
    fn work(&self) {
        loop {
            let mut state = self.state.lock();
            let job = loop {
                if state.is_stopped {
                    return;
                }
                match state.next_job() {
                    Some(job) => break job,
                    None => self.wake.wait(&mut state),
                }
            };
            drop(state);
            // Stopped before it is taken for one that hangs, where it can be stopped.
            let evaluation = job.limit.mul_f32(EVALUATION_SHARE);
            let decision = panic::catch_unwind(AssertUnwindSafe(|| (job.run)(evaluation)));
            let panicked =
                |_panic| Err(PolicyError::Evaluate("the evaluation panicked".to_owned()));
            let goes_on = self.state.lock().end_job(job.number);
            // Nobody waits any more: it was too late.
            let _ = job.answer.send(decision.unwrap_or_else(panicked));
            if !goes_on {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
