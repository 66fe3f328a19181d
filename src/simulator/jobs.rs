//! Batches of any provider: lines that are worked off after the answer, each through the same code
//! as a call of its own, and each with its own entry in the books.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::billed::BilledTokens;
use super::directives::{Course, Directives, Ending};
use super::dispatch;
use super::exchange::{Exchange, Payload};
use super::handler::{Shared, unix_seconds};
use super::record::OpenCall;
use super::refusal::Refusal;
use super::route::{Dialect, Route};
use super::target::Target;

/// Polls until a batch has ended when no directive says otherwise.
const POLLS: u64 = 2;
pub(super) const LINES_MAX: usize = 50_000;

/// One request of a batch.
#[derive(Clone)]
pub(super) struct Line {
    /// The caller's own name for it.
    pub(super) name: String,
    pub(super) path: String,
    pub(super) body: String,
}

/// What came of a line.
#[derive(Clone)]
pub(super) enum Outcome {
    Answered {
        status: u16,
        request_id: String,
        body: String,
        billed: BilledTokens,
    },
    /// It was not worked off.
    Canceled,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody has asked for it yet.
    Made,
    Working,
    /// A poll is working off its lines.
    Closing,
    Ended,
}

/// A batch, whatever its dialect.
pub(super) struct Job {
    pub(super) id: String,
    pub(super) lines: Vec<Line>,
    /// One for each line, once it has ended.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) stage: Stage,
    pub(super) canceled: bool,
    /// Unix seconds.
    pub(super) created: u64,
    pub(super) canceled_at: Option<u64>,
    pub(super) ended: Option<u64>,
    pub(super) course: Course,
    due: Option<Instant>,
    polls_left: u64,
    /// What only its dialect knows: OpenAI's object and Gemini's fields.
    pub(super) extra: Value,
}

impl Job {
    pub(super) fn new(id: &str, lines: Vec<Line>, course: Course, extra: Value) -> Self {
        Self {
            id: id.to_owned(),
            lines,
            outcomes: Vec::new(),
            stage: Stage::Made,
            canceled: false,
            created: unix_seconds(),
            canceled_at: None,
            ended: None,
            due: due(course),
            polls_left: course.polls.unwrap_or(POLLS),
            course,
            extra,
        }
    }

    /// A caller asks how far it is.
    pub(super) fn poll(&mut self) {
        if self.stage == Stage::Made {
            self.stage = Stage::Working;
        }
        self.polls_left = self.polls_left.saturating_sub(1);
    }

    pub(super) fn cancel(&mut self) {
        if matches!(self.stage, Stage::Made | Stage::Working) {
            self.canceled = true;
            self.stage = Stage::Working;
            self.canceled_at = Some(unix_seconds());
        }
    }

    /// What it keeps of requests and answers.
    pub(super) fn bytes(&self) -> usize {
        let asked = self.lines.iter().map(|line| line.body.len());
        let answered = self.outcomes.iter().map(|outcome| match outcome {
            Outcome::Answered { body, .. } => body.len(),
            Outcome::Canceled | Outcome::Expired => 0,
        });
        asked.chain(answered).sum()
    }

    /// How it ends or has ended.
    pub(super) fn ending(&self) -> Ending {
        self.course.ending
    }

    pub(super) fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    fn is_due(&self) -> bool {
        let waiting = matches!(self.stage, Stage::Made | Stage::Working);
        let over = match self.due {
            Some(due) => Instant::now() >= due,
            None => self.polls_left == 0,
        };
        waiting && (over || self.canceled)
    }

    /// Lines that are worked off: not all if it ends early.
    fn worked_off(&self) -> usize {
        let early = self.canceled || self.course.ending != Ending::Completed;
        let done = if early { self.course.done } else { u64::MAX };
        usize::try_from(done)
            .unwrap_or(usize::MAX)
            .min(self.lines.len())
    }

    /// What all its lines were billed.
    pub(super) fn billed(&self) -> BilledTokens {
        let mut total = BilledTokens::default();
        for outcome in &self.outcomes {
            if let Outcome::Answered { billed, .. } = outcome {
                total.add(*billed);
            }
        }
        total
    }

    /// Lines that were answered well.
    pub(super) fn succeeded(&self) -> usize {
        let well = |outcome: &&Outcome| matches!(outcome, Outcome::Answered { status: 200, .. });
        self.outcomes.iter().filter(well).count()
    }

    /// Lines that were answered with an error.
    pub(super) fn errored(&self) -> usize {
        let badly = |outcome: &&Outcome| matches!(outcome, Outcome::Answered { status, .. } if *status != 200);
        self.outcomes.iter().filter(badly).count()
    }
}

/// When what takes its time is over, if it is a matter of time.
pub(super) fn due(course: Course) -> Option<Instant> {
    // The bound of a directive's delay keeps the sum in range.
    course.after.map(|after: Duration| Instant::now() + after)
}

/// Works off the batches that are due. Nothing is locked meanwhile: lines keep objects, too.
pub(super) fn advance(shared: &Shared) {
    while let Some((number, id, dialect, lines, count)) = next_due(shared) {
        let left = lines.len() - count;
        let mut outcomes: Vec<Outcome> = lines
            .iter()
            .take(count)
            .map(|line| work_off(shared, &id, dialect, line))
            .collect();
        let mut state = shared.store.lock();
        let Some(job) = state.jobs(dialect).find(number) else {
            continue;
        };
        let rest = if job.canceled {
            Outcome::Canceled
        } else {
            Outcome::Expired
        };
        outcomes.extend(std::iter::repeat_n(rest, left));
        job.outcomes = outcomes;
        for line in &mut job.lines {
            line.body = String::new();
        }
        job.ended = Some(unix_seconds());
        job.stage = Stage::Ended;
        state.close(dialect, number);
    }
}

type Due = (u64, String, Dialect, Vec<Line>, usize);

fn next_due(shared: &Shared) -> Option<Due> {
    let mut state = shared.store.lock();
    for dialect in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini] {
        let due = state.jobs(dialect).iter_mut().find(|(_, job)| job.is_due());
        if let Some((number, job)) = due {
            job.stage = Stage::Closing;
            let count = job.worked_off();
            return Some((number, job.id.clone(), dialect, job.lines.clone(), count));
        }
    }
    None
}

fn work_off(shared: &Shared, batch: &str, dialect: Dialect, line: &Line) -> Outcome {
    let target = Target::of_line(&line.path);
    let route = Route {
        dialect,
        ..Route::of(&target)
    };
    let mut call = shared
        .recorder
        .begin_line(Some(batch), &line.path, dialect, route.operation);
    let (status, body) = match answer(shared, &target, &route, line, &mut call) {
        Ok(body) => (200, String::from_utf8_lossy(&body).into_owned()),
        Err(refusal) => {
            let status = refusal.status.as_u16();
            call.refuse(status);
            (status, refusal.body(dialect, call.request_id()))
        }
    };
    Outcome::Answered {
        status,
        request_id: call.request_id().to_owned(),
        body,
        billed: call.billed(),
    }
}

fn answer(
    shared: &Shared,
    target: &Target,
    route: &Route,
    line: &Line,
    call: &mut OpenCall,
) -> Result<Bytes, Refusal> {
    let directives = Directives::read(&line.body).map_err(Refusal::bad_request)?;
    let exchange = Exchange {
        shared,
        target,
        body: &line.body,
        body_bytes: line.body.len() as u64,
        files: &[],
        directives: &directives,
        batched: true,
        sequence: call.sequence(),
        created: unix_seconds(),
    };
    let answer = dispatch::answer(&exchange, route)?;
    if let Some(status) = directives.status {
        return Err(Refusal::simulated(status, None));
    }
    let Payload::Whole(body) = &answer.payload else {
        return Err(Refusal::bad_request(
            "Streaming is not supported in batches.",
        ));
    };
    call.accept(&answer);
    call.answer(200);
    call.produce_all();
    call.finish();
    Ok(body.clone())
}
