//! The provider's own books: what each call was billed and how it ended, to be compared with a
//! gateway's ledger.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use super::billed::BilledTokens;
use super::exchange::Answer;
use super::route::{Dialect, Operation};

/// How many calls are remembered; older ones only count in [`Totals`].
pub const CALLS_KEPT_MAX: usize = 100_000;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// It has not ended yet.
    InFlight,
    /// The whole answer was handed to the connection.
    Finished,
    /// It was answered with an error; nothing is billed.
    Refused,
    /// The client left before the end; what was produced until then is billed.
    Aborted,
    /// The simulator broke it off, as a directive asked; what was produced until then is billed.
    Cut,
}

/// One call, as the provider saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// Counts up from 1 and is never used twice.
    pub sequence: u64,
    /// The provider's id for the call, as its response header carries it.
    pub request_id: String,
    /// The path without its query.
    pub path: String,
    /// The provider that was addressed.
    pub dialect: Dialect,
    /// What was asked of it.
    pub operation: Operation,
    /// Empty until the request is read.
    pub model: String,
    /// The service tier that it was billed at, as the provider names it; `batch` for the lines of
    /// a batch, and empty for what is free.
    pub tier: String,
    /// The batch of which it was a line.
    pub batch: Option<String>,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// The status that was answered; 0 until then.
    pub status: u16,
    /// What was billed; while the call is in flight, only its input.
    pub billed: BilledTokens,
    /// How it ended.
    pub outcome: CallOutcome,
}

/// Sums over all calls since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Calls that arrived.
    pub calls: u64,
    /// Calls that have not ended.
    pub in_flight: u64,
    /// Calls that ended as [`CallOutcome::Finished`].
    pub finished: u64,
    /// Calls that ended as [`CallOutcome::Refused`].
    pub refused: u64,
    /// Calls that ended as [`CallOutcome::Aborted`].
    pub aborted: u64,
    /// Calls that ended as [`CallOutcome::Cut`].
    pub cut: u64,
    /// What all ended calls were billed.
    pub billed: BilledTokens,
}

#[derive(Default)]
pub(super) struct Recorder {
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    calls: VecDeque<CallRecord>,
    totals: Totals,
    last_sequence: u64,
    /// Calls up to this one began before the last reset and no longer count.
    forgotten_sequence: u64,
}

impl Recorder {
    pub(super) fn begin(
        self: &Arc<Self>,
        path: &str,
        dialect: Dialect,
        operation: Operation,
    ) -> OpenCall {
        self.begin_line(None, path, dialect, operation)
    }

    /// The same for a line of a batch.
    pub(super) fn begin_line(
        self: &Arc<Self>,
        batch: Option<&str>,
        path: &str,
        dialect: Dialect,
        operation: Operation,
    ) -> OpenCall {
        let mut book = self.book.lock();
        book.last_sequence += 1;
        let sequence = book.last_sequence;
        if book.calls.len() == CALLS_KEPT_MAX {
            book.calls.pop_front();
        }
        book.calls.push_back(CallRecord {
            sequence,
            request_id: request_id(dialect, sequence),
            path: path.to_owned(),
            dialect,
            operation,
            model: String::new(),
            tier: String::new(),
            batch: batch.map(str::to_owned),
            stream: false,
            status: 0,
            billed: BilledTokens::default(),
            outcome: CallOutcome::InFlight,
        });
        book.totals.calls += 1;
        book.totals.in_flight += 1;
        OpenCall {
            recorder: Arc::clone(self),
            sequence,
            request_id: request_id(dialect, sequence),
            full: BilledTokens::default(),
            billed: BilledTokens::default(),
            open: true,
        }
    }

    pub(super) fn calls(&self) -> Vec<CallRecord> {
        self.book.lock().calls.iter().cloned().collect()
    }

    /// How a call ended, unless it is forgotten.
    pub(super) fn outcome(&self, sequence: u64) -> Option<CallOutcome> {
        self.book.lock().call(sequence).map(|call| call.outcome)
    }

    pub(super) fn totals(&self) -> Totals {
        self.book.lock().totals
    }

    pub(super) fn reset(&self) {
        let mut book = self.book.lock();
        book.calls.clear();
        book.totals = Totals::default();
        book.forgotten_sequence = book.last_sequence;
    }
}

impl Book {
    fn call(&mut self, sequence: u64) -> Option<&mut CallRecord> {
        let first = self.calls.front()?.sequence;
        let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.calls.get_mut(index)
    }

    fn end(&mut self, sequence: u64, billed: BilledTokens, outcome: CallOutcome) {
        if sequence <= self.forgotten_sequence {
            return;
        }
        if let Some(call) = self.call(sequence) {
            call.billed = billed;
            call.outcome = outcome;
        }
        self.totals.in_flight -= 1;
        self.totals.billed.add(billed);
        match outcome {
            CallOutcome::InFlight => {}
            CallOutcome::Finished => self.totals.finished += 1,
            CallOutcome::Refused => self.totals.refused += 1,
            CallOutcome::Aborted => self.totals.aborted += 1,
            CallOutcome::Cut => self.totals.cut += 1,
        }
    }
}

/// A call in flight. Dropped before it was ended it counts as aborted: hyper drops the handler or
/// the body when the client has gone, and tells nobody else.
pub(super) struct OpenCall {
    recorder: Arc<Recorder>,
    sequence: u64,
    request_id: String,
    /// What it is billed if it is answered to the end.
    full: BilledTokens,
    billed: BilledTokens,
    open: bool,
}

impl OpenCall {
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The id that the response's header carries.
    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The request was read: from here its input is billed, whatever happens.
    pub(super) fn accept(&mut self, answer: &Answer) {
        self.full = answer.billed;
        self.billed = answer.billed.before_output();
        let billed = self.billed;
        self.change(|call| {
            answer.model.clone_into(&mut call.model);
            if call.batch.is_some() {
                "batch".clone_into(&mut call.tier);
            } else {
                answer.tier.clone_into(&mut call.tier);
            }
            call.stream = answer.is_stream();
            call.billed = billed;
        });
    }

    pub(super) fn answer(&mut self, status: u16) {
        self.change(|call| call.status = status);
    }

    pub(super) fn produce(&mut self, output: u64) {
        self.billed = self.full.until(output);
    }

    pub(super) fn produce_all(&mut self) {
        self.billed = self.full;
    }

    pub(super) fn billed(&self) -> BilledTokens {
        self.billed
    }

    pub(super) fn refuse(&mut self, status: u16) {
        self.answer(status);
        self.billed = BilledTokens::default();
        self.end(CallOutcome::Refused);
    }

    /// It failed after its answer had begun: nothing is billed.
    pub(super) fn void(&mut self) {
        self.billed = BilledTokens::default();
        self.end(CallOutcome::Refused);
    }

    pub(super) fn finish(&mut self) {
        self.end(CallOutcome::Finished);
    }

    pub(super) fn cut(&mut self) {
        self.end(CallOutcome::Cut);
    }

    fn end(&mut self, outcome: CallOutcome) {
        if std::mem::take(&mut self.open) {
            self.recorder
                .book
                .lock()
                .end(self.sequence, self.billed, outcome);
        }
    }

    fn change(&self, edit: impl FnOnce(&mut CallRecord)) {
        if let Some(call) = self.recorder.book.lock().call(self.sequence) {
            edit(call);
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.end(CallOutcome::Aborted);
    }
}

/// The id that the provider's response header carries for a call.
fn request_id(dialect: Dialect, sequence: u64) -> String {
    match dialect {
        Dialect::OpenAi => format!("req_{sequence:032x}"),
        Dialect::Anthropic => format!("req_01{sequence:022x}"),
        Dialect::Gemini => format!("sim{sequence:016x}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CALLS_KEPT_MAX, CallOutcome, Dialect, Operation, Recorder};

    #[test]
    fn keeps_only_the_newest_calls_and_counts_all() {
        let recorder = Arc::new(Recorder::default());
        for _ in 0..CALLS_KEPT_MAX + 5 {
            recorder
                .begin("/", Dialect::OpenAi, Operation::Unknown)
                .finish();
        }
        let calls = recorder.calls();
        assert_eq!((calls.len(), calls[0].sequence), (CALLS_KEPT_MAX, 6));
        assert_eq!(calls[0].outcome, CallOutcome::Finished);
        assert_eq!(recorder.totals().finished, CALLS_KEPT_MAX as u64 + 5);
    }

    #[test]
    fn a_call_from_before_a_reset_no_longer_counts() {
        let recorder = Arc::new(Recorder::default());
        let call = recorder.begin("/", Dialect::OpenAi, Operation::Unknown);
        recorder.reset();
        drop(call);
        assert_eq!(recorder.totals().calls + recorder.totals().aborted, 0);
    }
}
