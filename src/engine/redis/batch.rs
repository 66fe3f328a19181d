//! What is sent together: in the order in which it was given, but steps on the same books are one call.

use std::collections::HashMap;
use std::sync::Arc;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::engine::redis::group::Group;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Session;
use crate::engine::redis::reply::Reply;
use crate::engine::redis::scripts::Scripts;
use crate::engine::redis::step::Step;

/// The most jobs that are sent together.
const TOGETHER_MAX: usize = 256;
const UNREADABLE: (ErrorKind, &str) = (
    ErrorKind::UnexpectedReturnType,
    "a step is answered in a way that this version does not understand",
);

/// What is to be carried out, and who waits for it.
pub(super) enum Work {
    /// These commands, one after the other.
    Commands(Vec<Cmd>, oneshot::Sender<Vec<Value>>),
    /// This step on some books.
    Step(Arc<Step>, oneshot::Sender<Reply>),
}

/// Work on the data of one epoch.
pub(super) struct Job {
    pub(super) token: String,
    pub(super) work: Work,
}

/// What comes back some time.
pub(super) type Answer<T> = oneshot::Receiver<T>;

/// See the module.
pub(super) struct Batch {
    pipeline: Pipeline,
    waiting: Vec<Waiting>,
}

/// Who waits for the next answers.
enum Waiting {
    /// For so many.
    Commands(usize, oneshot::Sender<Vec<Value>>),
    /// For the replies in one.
    Steps(Group, Vec<oneshot::Sender<Reply>>),
}

/// As many jobs as have come; none once nobody gives any more.
pub(super) async fn gather(jobs: &mut mpsc::UnboundedReceiver<Job>) -> Vec<Job> {
    let mut some = Vec::new();
    jobs.recv_many(&mut some, TOGETHER_MAX).await;
    some
}

impl Batch {
    pub(super) fn of(
        jobs: impl Iterator<Item = Job>,
        scripts: &Scripts,
        session: &Session,
    ) -> Self {
        let mut batch = Self {
            pipeline: Pipeline::new(),
            waiting: Vec::new(),
        };
        let mut groups = Groups::default();
        for Job { work, .. } in jobs {
            match work {
                Work::Step(step, who) => groups.add(step, who),
                // Whoever gave a step before finds it taken.
                Work::Commands(commands, who) => {
                    batch.push_steps(&mut groups, scripts, session);
                    batch.push_commands(commands, who);
                }
            }
        }
        batch.push_steps(&mut groups, scripts, session);
        batch
    }

    fn push_commands(&mut self, commands: Vec<Cmd>, who: oneshot::Sender<Vec<Value>>) {
        self.waiting.push(Waiting::Commands(commands.len(), who));
        for command in commands {
            self.pipeline.add_command(command);
        }
    }

    fn push_steps(&mut self, groups: &mut Groups, scripts: &Scripts, session: &Session) {
        groups.last.clear();
        for (group, who) in groups.all.drain(..) {
            self.pipeline.add_command(group.command(scripts, session));
            self.waiting.push(Waiting::Steps(group, who));
        }
    }

    /// Tells when it was sent, once it is answered.
    pub(super) async fn send(self, mut connection: MultiplexedConnection) -> RedisResult<Instant> {
        let sent = Instant::now();
        let Self { pipeline, waiting } = self;
        if pipeline.is_empty() {
            return Ok(sent);
        }
        let answers = connection
            .req_packed_commands(&pipeline, 0, pipeline.len())
            .await?;
        let mut answers = answers.into_iter();
        for who in waiting {
            who.hear(&mut answers)?;
        }
        Ok(sent)
    }
}

/// Steps between other commands.
#[derive(Default)]
struct Groups {
    all: Vec<(Group, Vec<oneshot::Sender<Reply>>)>,
    /// Where the last ones on some books are.
    last: HashMap<Owner, usize>,
}

impl Groups {
    fn add(&mut self, step: Arc<Step>, who: oneshot::Sender<Reply>) {
        let owner = step.owner;
        let last = self.last.get(&owner);
        let step = match last.and_then(|index| self.all.get_mut(*index)) {
            None => step,
            Some((group, waiting)) => match group.add(step) {
                Ok(()) => return waiting.push(who),
                Err(step) => step,
            },
        };
        self.last.insert(owner, self.all.len());
        self.all.push((Group::new(step), vec![who]));
    }
}

impl Waiting {
    /// A server that lost its scripts has to learn them again; anything else that is wrong is no better.
    fn hear(self, answers: &mut impl Iterator<Item = Value>) -> RedisResult<()> {
        match self {
            Self::Commands(count, who) => {
                let own: Vec<Value> = answers.take(count).collect();
                let is_error = |value: &&Value| matches!(value, Value::ServerError(_));
                if let Some(Value::ServerError(error)) = own.iter().find(is_error) {
                    return Err(error.clone().into());
                }
                // Whoever asked may have gone.
                let _ = who.send(own);
            }
            Self::Steps(group, waiting) => {
                let answer = answers.next().unwrap_or(Value::Nil);
                if let Value::ServerError(error) = answer {
                    return Err(error.into());
                }
                let replies = group.replies(&answer);
                let replies = replies.map_err(|_unreadable| RedisError::from(UNREADABLE))?;
                for (who, reply) in waiting.into_iter().zip(replies) {
                    let _ = who.send(reply);
                }
            }
        }
        Ok(())
    }
}
