//! What runs beside the requests: connecting, telling a new epoch what this process knows, renewing what
//! it holds, and charging what others left behind.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::domain::id::RequestId;
use crate::domain::window::UtcMicros;
use crate::engine::redis::batch::Job;
use crate::engine::redis::group::Group;
use crate::engine::redis::keys::{self, Owner};
use crate::engine::redis::link::{ConnectError, Session, Unreachable, remove_all, run_id};
use crate::engine::redis::opening::millis;
use crate::engine::redis::record::{Record, State};
use crate::engine::redis::reply::{Reply, array, bytes, integer, subjects, text};
use crate::engine::redis::settle::FollowUp;
use crate::engine::redis::step::Step;
use crate::engine::redis::{RedisEngine, Work};

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);
/// How often it is asked whether the data is still of the same epoch.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// What part of its lifetime a hold has before it is renewed, and what part lies between two sweeps.
const RENEWED_AFTER: u32 = 4;
const SWEPT_AFTER: u32 = 12;
/// A replica that was not seen for so long is not counted.
const UNSEEN_MAX: Duration = Duration::from_secs(5);
/// How many holds of one tenant are swept in one go.
const SWEPT_TOGETHER_MAX: usize = 100;
/// How many commands tell a new epoch something at once.
const TOLD_TOGETHER_MAX: usize = 500;

impl RedisEngine {
    /// Keeps the engine connected, until told to stop and nothing is left that Redis has to hear.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        let mut work = self.work.lock().await;
        let work = &mut *work;
        tokio::select! {
            () = self.stay_connected(work) => {}
            () = self.until_finished(stop) => {}
        }
    }

    async fn until_finished(&self, mut stop: watch::Receiver<bool>) {
        // A sender that is gone cannot say it any more.
        let _ = stop.wait_for(|stop| *stop).await;
        self.leases.close();
        while self.unfinished.load(Ordering::Acquire) > 0 || !self.leases.are_given_back() {
            sleep(FIRST_RETRY).await;
        }
        if let Some(session) = self.link.session() {
            let mut nothing = redis::cmd("DEL");
            nothing.arg(keys::leased(&session.keys, &self.replica));
            // If it is not heard, the next start counts anew what need not be.
            let _ = self.link.ask(&session, vec![nothing]).await;
        }
    }

    async fn stay_connected(&self, work: &mut Work) {
        let mut last_token = None;
        let mut retry = FIRST_RETRY;
        let mut follow_ups = FollowUps::new();
        loop {
            let connecting = self.connect(last_token.as_deref());
            match meanwhile_drop(&mut work.jobs, connecting).await {
                Ok((connection, session)) => {
                    retry = FIRST_RETRY;
                    last_token = Some(session.token.clone());
                    self.serve((connection, session), work, &mut follow_ups)
                        .await;
                }
                Err(error) => {
                    tracing::warn!(%error, "Redis cannot be used");
                    meanwhile_drop(&mut work.jobs, sleep(retry)).await;
                    retry = retry.saturating_mul(2).min(LAST_RETRY);
                }
            }
        }
    }

    /// Until the connection or the data is of no use any more.
    async fn serve<'a>(
        &'a self,
        (connection, session): (MultiplexedConnection, Session),
        work: &mut Work,
        follow_ups: &mut FollowUps<'a>,
    ) {
        let (session, cleaning) = (Arc::new(session), connection.clone());
        let serving = self.link.serve(
            (connection, &self.scripts),
            Arc::clone(&session),
            &mut work.jobs,
        );
        tokio::select! {
            () = serving => {}
            () = self.keep_house(&session, cleaning) => {}
            () = self.keep_leases(&session) => {}
            () = see_to_all(self, &mut work.follow_ups, follow_ups) => {}
        }
        self.link.break_off();
    }

    /// Connects, and tells a new epoch what this process knows before anybody else is served.
    async fn connect(
        &self,
        last_token: Option<&str>,
    ) -> Result<(MultiplexedConnection, Session), ConnectError> {
        let (mut connection, session) = self.link.connect(&self.scripts).await?;
        if last_token.is_some_and(|token| token != session.token) {
            let told = self.tell(&mut connection, &session).await?;
            if session.is_old() && told > 0 {
                self.neighbours.came_late.notify_one();
            }
        }
        tracing::info!(epoch = session.token, "connected to Redis");
        Ok((connection, session))
    }

    /// Tells what is held and what is not in the ledger, and counts it.
    async fn tell(
        &self,
        connection: &mut MultiplexedConnection,
        session: &Session,
    ) -> Result<usize, ConnectError> {
        self.give_up_leases();
        let mut known: Vec<(Owner, RequestId, Record)> = Vec::new();
        for entry in &self.under_way {
            let records = entry.records.iter();
            known.extend(records.map(|(owner, record)| (*owner, *entry.key(), record.clone())));
        }
        // After the holds: what is settled meanwhile is in one of the two.
        let unrecorded = self.neighbours.unrecorded.unrecorded();
        let unrecorded = unrecorded.map_err(|_unknown| ConnectError::Spool)?;
        known.extend(unrecorded.into_iter().map(|spending| {
            let owner = Owner::Tenant(spending.origin.tenant);
            (owner, spending.request, Record::charged(spending))
        }));
        for some in known.chunks(TOLD_TOGETHER_MAX) {
            let mut pipeline = Pipeline::new();
            for (owner, request, record) in some {
                if !self.has_seen(*owner, session) {
                    self.seen.insert(*owner, session.token.clone());
                    for command in Self::begin(*owner, session) {
                        pipeline.add_command(command);
                    }
                }
                let step = Group::new(Step::tell(*owner, *request, record).into());
                pipeline.add_command(step.command(&self.scripts, session));
            }
            let count = pipeline.len();
            let answers = connection.req_packed_commands(&pipeline, 0, count).await?;
            let read = |answer: Value| answer.extract_error().map(drop);
            answers.into_iter().try_for_each(read)?;
        }
        Ok(known.len())
    }

    /// What begins books.
    pub(super) fn begin(owner: Owner, session: &Session) -> [Cmd; 2] {
        let books = owner.keys(&session.keys);
        let mut begin = redis::cmd("SET");
        begin.arg(books.marker()).arg(1).arg("NX");
        let mut list = redis::cmd("SADD");
        list.arg(keys::books(&session.keys)).arg(owner.name());
        [begin, list]
    }

    /// Returns when the data is not what it was.
    async fn keep_house(&self, session: &Session, connection: MultiplexedConnection) {
        remove_replaced(session, connection).await;
        let mut sweeps_at = Instant::now();
        while self.check(session).await.is_ok() {
            if Instant::now() >= sweeps_at {
                sweeps_at = Instant::now() + session.hold_lifetime / SWEPT_AFTER;
                // Whatever keeps it from that keeps the next check from its answer.
                let _ = self.sweep(session).await;
            }
            sleep(CHECK_INTERVAL).await;
        }
    }

    async fn check(&self, session: &Session) -> Result<(), Unreachable> {
        let mut epoch = redis::cmd("HGET");
        epoch.arg(self.link.epoch_key()).arg("token");
        let mut server = redis::cmd("INFO");
        server.arg("server");
        let time = redis::cmd("TIME");
        let [here, gone, count] = self.be_seen(session);
        let commands = vec![epoch, server, time, here, gone, count];
        let answers = self.link.ask(session, commands).await?;
        let [token, server, time, .., count] = answers.as_slice() else {
            return Err(Unreachable);
        };
        let replicas = integer(count).map_err(|_unreadable| Unreachable)?;
        self.replicas.store(replicas, Ordering::Relaxed);
        let (Ok(token), Ok(server)) = (text(token), text(server)) else {
            return Err(Unreachable);
        };
        if run_id(server).is_none_or(|run_id| !session.knows(token, run_id)) {
            return Err(Unreachable);
        }
        session.set_time(instant(time).ok_or(Unreachable)?);
        self.renew(session).await
    }

    /// Says that this process is there, forgets those that are not, and counts.
    fn be_seen(&self, session: &Session) -> [Cmd; 3] {
        let (replicas, now) = (keys::replicas(&session.keys), session.time().as_millis());
        let mut here = redis::cmd("ZADD");
        here.arg(&replicas).arg(now).arg(&self.replica);
        let mut gone = redis::cmd("ZREMRANGEBYSCORE");
        let unseen = i64::try_from(UNSEEN_MAX.as_millis()).unwrap_or(i64::MAX);
        gone.arg(&replicas)
            .arg("-inf")
            .arg(now.saturating_sub(unseen));
        let mut count = redis::cmd("ZCARD");
        count.arg(replicas);
        [here, gone, count]
    }

    /// Says that what this process holds is still under way.
    async fn renew(&self, session: &Session) -> Result<(), Unreachable> {
        let expires = session.time().as_millis();
        let expires = expires.saturating_add_unsigned(millis(session.hold_lifetime));
        let (now, renewed_after) = (Instant::now(), session.hold_lifetime / RENEWED_AFTER);
        let mut commands = Vec::new();
        for mut entry in self.under_way.iter_mut() {
            if now.duration_since(entry.since) < renewed_after {
                continue;
            }
            entry.since = now;
            for (owner, _) in &entry.records {
                let mut renew = redis::cmd("ZADD");
                renew.arg(owner.keys(&session.keys).expiry()).arg("XX");
                renew.arg(expires).arg(entry.key().as_bytes());
                commands.push(renew);
            }
        }
        for mut place in self.places.iter_mut() {
            if now.duration_since(place.since) < renewed_after {
                continue;
            }
            place.since = now;
            let books = Owner::Tenant(place.wish.tenant).keys(&session.keys);
            for (subject, _) in subjects(&place.wish) {
                let [.., at_once] = books.rates(subject.key_of(&place.wish));
                let mut renew = redis::cmd("ZADD");
                renew.arg(&at_once).arg("XX");
                renew.arg(expires).arg(place.key().as_bytes());
                let mut keep = redis::cmd("PEXPIRE");
                keep.arg(at_once).arg(millis(session.hold_lifetime));
                commands.extend([renew, keep]);
            }
        }
        if !commands.is_empty() {
            self.link.ask(session, commands).await?;
        }
        Ok(())
    }

    /// Charges in full what nobody renewed. One replica at a time.
    async fn sweep(&self, session: &Session) -> Result<(), Unreachable> {
        let mut turn = redis::cmd("SET");
        turn.arg(keys::sweeper(&session.keys)).arg(1).arg("NX");
        turn.arg("PX")
            .arg(millis(session.hold_lifetime / SWEPT_AFTER) * 9 / 10);
        let answers = self.link.ask(session, vec![turn]).await?;
        if !matches!(answers.first(), Some(Value::Okay)) {
            return Ok(());
        }
        for owner in self.owners(session).await? {
            self.sweep_books(owner, session).await?;
        }
        Ok(())
    }

    async fn sweep_books(&self, owner: Owner, session: &Session) -> Result<(), Unreachable> {
        let mut expired = redis::cmd("ZRANGE");
        expired.arg(owner.keys(&session.keys).expiry()).arg("-inf");
        expired.arg(session.time().as_millis()).arg("BYSCORE");
        expired.arg("LIMIT").arg(0).arg(SWEPT_TOGETHER_MAX);
        let answers = self.link.ask(session, vec![expired]).await?;
        let requests = answers.first().map(array).and_then(Result::ok);
        for request in requests.unwrap_or_default() {
            let Ok(request) = bytes(request).map(<[u8; 16]>::try_from) else {
                continue;
            };
            if let Ok(request) = request {
                self.sweep_request(owner, RequestId::from_bytes(request), session)
                    .await?;
            }
        }
        Ok(())
    }

    async fn sweep_request(
        &self,
        owner: Owner,
        request: RequestId,
        session: &Session,
    ) -> Result<(), Unreachable> {
        let mut get = redis::cmd("HGET");
        get.arg(owner.keys(&session.keys).requests());
        get.arg(request.as_bytes());
        let answers = self.link.ask(session, vec![get]).await?;
        let known = answers.first().and_then(|value| bytes(value).ok());
        let Some(before) = known.and_then(Record::read) else {
            return Ok(());
        };
        let (amount, spent) = (before.body.amount, before.spent());
        let step = match before.state {
            State::Held => {
                tracing::warn!(
                    %request, amount_usd = %amount,
                    "a hold was not renewed; it is charged in full until its replica comes back"
                );
                let swept = Record {
                    state: State::Swept,
                    ..before.clone()
                };
                let expected = (&before, before.pack());
                Step::replace(owner, request, expected, Some(&swept), [amount, amount])
            }
            // The ledger has had a week for it.
            State::Charged | State::Swept => {
                let expected = (&before, before.pack());
                Step::replace(owner, request, expected, None, [amount, spent])
            }
        };
        // If it changed meanwhile, it is not left behind.
        let is_taken = matches!(self.take(step).await?, Reply::Taken(..));
        let is_left_behind = u64::from(is_taken && before.state == State::Held);
        self.left_behind
            .fetch_add(is_left_behind, Ordering::Relaxed);
        Ok(())
    }
}

async fn remove_replaced(session: &Session, mut connection: MultiplexedConnection) {
    let Some(replaced) = &session.replaced else {
        return;
    };
    tracing::warn!("Redis lost its data; accounts are opened again from the ledger");
    // What is left of it is never read.
    let _ = remove_all(&mut connection, replaced).await;
}

type FollowUps<'a> = FuturesUnordered<BoxFuture<'a, ()>>;

/// Sees to what has to be done until it is.
async fn see_to_all<'a>(
    engine: &'a RedisEngine,
    news: &mut mpsc::UnboundedReceiver<FollowUp>,
    under_way: &mut FollowUps<'a>,
) {
    loop {
        tokio::select! {
            Some(()) = under_way.next(), if !under_way.is_empty() => {
                engine.unfinished.fetch_sub(1, Ordering::AcqRel);
            }
            follow_up = news.recv() => match follow_up {
                Some(follow_up) => under_way.push(engine.see_to(follow_up).boxed()),
                None => return,
            },
        }
    }
}

/// Nobody is connected: what was given away before is not carried out.
async fn meanwhile_drop<T>(
    jobs: &mut mpsc::UnboundedReceiver<Job>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(_job) = jobs.recv() => {}
        }
    }
}

fn instant(time: &Value) -> Option<UtcMicros> {
    let [seconds, micros] = array(time).ok()? else {
        return None;
    };
    let seconds = integer(seconds).ok()?.checked_mul(1_000_000)?;
    Some(UtcMicros::new(seconds.checked_add(integer(micros).ok()?)?))
}
