//! The connection: commands of all requests go over it in the order in which they were given, as many
//! together as have gathered. Before the first of them it is known which epoch the data is of.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisError, RedisResult, Value};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::domain::window::UtcMicros;
use crate::engine::redis::batch::{Answer, Batch, Job, Work, gather};
use crate::engine::redis::keys;
use crate::engine::redis::opening::millis;
use crate::engine::redis::reply::{Reply, Unreadable, array, integer, text};
use crate::engine::redis::scripts::Scripts;
use crate::engine::redis::step::Step;

/// How many keys of an old epoch are looked at together.
const SCANNED_TOGETHER: usize = 256;
/// How many batches are under way at once: while they are, the next one gathers.
const BATCHES_MAX: usize = 4;
/// How far apart the clocks of replicas may be.
const CLOCKS_APART_MAX: Duration = Duration::from_mins(10);

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// `redis://host:port/database`.
    pub url: String,
    /// What all names of keys begin with.
    pub prefix: String,
    /// How long an answer may take.
    pub answer_within: Duration,
    /// A hold that was not renewed for so long is charged in full.
    pub hold_lifetime: Duration,
    /// How long other replicas have to tell what they know after data was lost.
    pub telling: Duration,
    /// Whether this process takes slices of accounts, which it may spend without asking.
    pub leases: bool,
    /// What this process is called among replicas, also after a restart.
    pub replica: String,
}

impl RedisOptions {
    /// The usual ones, with keys that begin with `bg`, and without leases.
    pub fn new(url: String) -> Self {
        Self {
            url,
            prefix: "bg".to_owned(),
            answer_within: Duration::from_secs(1),
            hold_lifetime: Duration::from_mins(2),
            telling: Duration::from_secs(3),
            leases: false,
            replica: format!("{:016x}", rand::random::<u64>()),
        }
    }
}

/// What is known of the data on the other side of a connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: String,
    /// What the names of its keys begin with.
    pub(super) keys: String,
    /// The names of the epoch that this one came in the place of, if it was begun by this connection.
    pub(super) replaced: Option<String>,
    run_id: String,
    began: UtcMicros,
    pub(super) hold_lifetime: Duration,
    /// Nobody opens an account before.
    pub(super) opens_at: Instant,
    /// The last time that the server told.
    time: AtomicI64,
    broken: Notify,
}

/// No answer, and nobody knows whether the command was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreachable;

/// The server says something that this version does not understand.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("the server does not answer like Redis 7")]
    Unreadable,
    #[error("the charges that are not in the ledger yet cannot be read")]
    Spool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    prefix: String,
    telling: Duration,
    pub(super) hold_lifetime: Duration,
    config: AsyncConnectionConfig,
    session: ArcSwapOption<Session>,
    connected: Notify,
    started: Instant,
    /// When that was sent which was answered last, in milliseconds from the start.
    heard: AtomicU64,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Link {
    /// A link that is not connected yet. There are never more jobs than steps of requests under way.
    pub(super) fn new(options: &RedisOptions) -> RedisResult<(Self, mpsc::UnboundedReceiver<Job>)> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.answer_within))
            .set_response_timeout(Some(options.answer_within));
        let link = Self {
            client: Client::open(options.url.as_str())?,
            prefix: options.prefix.clone(),
            telling: options.telling,
            hold_lifetime: options.hold_lifetime,
            config,
            session: ArcSwapOption::empty(),
            connected: Notify::new(),
            started: Instant::now(),
            heard: AtomicU64::new(0),
            jobs,
        };
        Ok((link, waiting))
    }

    /// Where the epoch is kept.
    pub(super) fn epoch_key(&self) -> String {
        keys::epoch(&self.prefix)
    }

    /// What is connected now.
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session.load_full()
    }

    /// Waits until it is connected.
    pub(super) async fn next_session(&self) -> Arc<Session> {
        loop {
            let connected = self.connected.notified();
            if let Some(session) = self.session() {
                return session;
            }
            connected.await;
        }
    }

    /// Whether the data was still of the epoch so lately that nobody can have opened accounts in another one.
    pub(super) fn was_heard_lately(&self) -> bool {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(heard) < self.telling / 3 * 2
    }

    fn is_heard(&self, sent: &RedisResult<Instant>) -> bool {
        match sent {
            Ok(sent) => self.note_heard(*sent),
            Err(error) => tracing::warn!(%error, "Redis does not answer"),
        }
        sent.is_ok()
    }

    fn note_heard(&self, sent: Instant) {
        let sent = millis(sent.duration_since(self.started));
        self.heard.fetch_max(sent, Ordering::Relaxed);
    }

    /// Gives commands away; what was given before is carried out before.
    pub(super) fn give(&self, session: &Session, commands: Vec<Cmd>) -> Answer<Vec<Value>> {
        let (who, answer) = oneshot::channel();
        self.push(session, Work::Commands(commands, who));
        answer
    }

    /// Gives a step away, like commands.
    pub(super) fn give_step(&self, session: &Session, step: Arc<Step>) -> Answer<Reply> {
        let (who, answer) = oneshot::channel();
        self.push(session, Work::Step(step, who));
        answer
    }

    fn push(&self, session: &Session, work: Work) {
        let token = session.token.clone();
        // Nobody takes it once the process stops: then nobody answers either.
        let _ = self.jobs.send(Job { token, work });
    }

    /// Gives commands away and waits for what comes back.
    pub(super) async fn ask(
        &self,
        session: &Session,
        commands: Vec<Cmd>,
    ) -> Result<Vec<Value>, Unreachable> {
        let answer = self.give(session, commands).await;
        answer.map_err(|_dropped| Unreachable)
    }

    /// Connects anew: something is wrong with the data.
    pub(super) fn break_off(&self) {
        if let Some(session) = self.session.swap(None) {
            session.broken.notify_one();
        }
    }

    pub(super) async fn connect(
        &self,
        scripts: &Scripts,
    ) -> Result<(MultiplexedConnection, Session), ConnectError> {
        let config = &self.config;
        let mut connection = self
            .client
            .get_multiplexed_async_connection_with_config(config)
            .await?;
        let server: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await?;
        let run_id = run_id(&server).ok_or(ConnectError::Unreadable)?.to_owned();
        scripts.load(&mut connection).await?;
        let fresh = format!("{:016x}", rand::random::<u64>());
        let mut begin = scripts.epoch.prepare_invoke();
        begin.key(self.epoch_key()).arg(&run_id).arg(&fresh);
        let answer: Value = begin.invoke_async(&mut connection).await?;
        let session = self
            .session_of(&answer, run_id)
            .map_err(|_unreadable| ConnectError::Unreadable)?;
        Ok((connection, session))
    }

    fn session_of(&self, answer: &Value, run_id: String) -> Result<Session, Unreadable> {
        let [token, began, before, now] = array(answer)? else {
            return Err(Unreadable);
        };
        let millis = |value: &Value| integer(value).map(|millis| UtcMicros::new(millis * 1_000));
        let (began, now) = (millis(began)?, millis(now)?);
        let opens_at = Instant::now() + began.plus(self.telling).since(now);
        let (token, before) = (text(token)?, text(before)?);
        Ok(Session {
            replaced: (before != token && !before.is_empty()).then(|| self.keys_of(before)),
            keys: self.keys_of(token),
            token: token.to_owned(),
            run_id,
            began,
            opens_at,
            hold_lifetime: self.hold_lifetime,
            time: AtomicI64::new(now.get()),
            broken: Notify::new(),
        })
    }

    fn keys_of(&self, token: &str) -> String {
        format!("{}:{token}", self.prefix)
    }

    /// Carries out commands until the connection is of no use any more.
    pub(super) async fn serve(
        &self,
        (connection, scripts): (MultiplexedConnection, &Scripts),
        session: Arc<Session>,
        jobs: &mut mpsc::UnboundedReceiver<Job>,
    ) {
        self.session.store(Some(Arc::clone(&session)));
        self.connected.notify_waiters();
        let mut under_way = FuturesUnordered::new();
        loop {
            let is_of_use = tokio::select! {
                Some(sent) = under_way.next(), if !under_way.is_empty() => self.is_heard(&sent),
                batch = gather(jobs), if under_way.len() < BATCHES_MAX => {
                    let is_wanted = !batch.is_empty();
                    // The keys of another epoch mean nothing.
                    let current = batch.into_iter().filter(|job| job.token == session.token);
                    let batch = Batch::of(current, scripts, &session);
                    under_way.push(batch.send(connection.clone()));
                    is_wanted
                }
                () = session.broken.notified() => false,
            };
            if !is_of_use {
                break;
            }
        }
        self.session.store(None);
    }
}

impl Session {
    pub(super) fn knows(&self, token: &str, run_id: &str) -> bool {
        self.token == token && self.run_id == run_id
    }

    pub(super) fn set_time(&self, time: UtcMicros) {
        self.time.store(time.get(), Ordering::Relaxed);
    }

    /// The server's time, as of a moment ago.
    pub(super) fn time(&self) -> UtcMicros {
        UtcMicros::new(self.time.load(Ordering::Relaxed))
    }

    /// Whether a window that begins then cannot have been charged in an earlier epoch, by no replica's
    /// clock.
    pub(super) fn has_seen_all_since(&self, start: UtcMicros) -> bool {
        start >= self.began.plus(CLOCKS_APART_MAX)
    }

    /// Whether others may have opened accounts before this one told what it knows.
    pub(super) fn is_old(&self) -> bool {
        Instant::now() >= self.opens_at
    }
}

pub(super) fn run_id(server: &str) -> Option<&str> {
    let mut lines = server.lines();
    lines.find_map(|line| line.strip_prefix("run_id:"))
}

/// Removes what is left of an epoch, a part at a time.
pub(super) async fn remove_all(
    connection: &mut MultiplexedConnection,
    epoch: &str,
) -> RedisResult<()> {
    let mut cursor = 0_u64;
    loop {
        let (next, keys): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(keys::all_of(epoch))
            .arg("COUNT")
            .arg(SCANNED_TOGETHER)
            .query_async(connection)
            .await?;
        if !keys.is_empty() {
            let _: Value = redis::cmd("UNLINK")
                .arg(keys)
                .query_async(connection)
                .await?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}
