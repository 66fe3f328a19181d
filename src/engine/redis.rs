//! The engine of a fleet: the books are in Redis, each step on them is one script, and every replica may
//! take it.
//!
//! Redis decides by sums that only it changes, and forgets nothing by itself: a request has a record from
//! its reservation until the ledger has its charge. So an account can be opened anywhere, from the ledger
//! and these records. ADR 11 tells why it is exact, and what happens when Redis loses its data.

mod housekeeping;
mod keys;
mod link;
mod opening;
mod record;
mod reply;
mod reserve;
mod scripts;
mod settle;
mod step;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dashmap::{DashMap, DashSet};
use redis::RedisResult;
use smallvec::SmallVec;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep};

use crate::domain::budget::{Account, Balance, Hold, Reservation};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateStandings, RateWish};
use crate::engine::redis::keys::Owner;
pub use crate::engine::redis::link::RedisOptions;
use crate::engine::redis::link::{Job, Link, Session, Unreachable};
use crate::engine::redis::record::Record;
use crate::engine::redis::reply::{Reply, array, balance};
use crate::engine::redis::scripts::Scripts;
use crate::engine::redis::settle::FollowUp;
use crate::engine::redis::step::Step;
use crate::engine::{
    BudgetEngine, OpenMode, Opening, RateRefusal, Refusal, Spendings, UnknownSpending, Unrecorded,
};

/// How long a request waits for somebody who opens accounts of its tenant.
const FROZEN_MAX: Duration = Duration::from_secs(2);
/// When to try again while somebody does.
const FROZEN_RETRY: Duration = Duration::from_millis(5);

/// What the engine asks of others.
#[derive(Debug)]
pub struct RedisNeighbours {
    /// What is told when Redis lost its data.
    pub unrecorded: Arc<dyn Unrecorded>,
    /// Told when accounts may have been opened without what this process knows.
    pub came_late: Arc<tokio::sync::Notify>,
}

/// See the module.
#[derive(Debug)]
pub struct RedisEngine {
    link: Link,
    scripts: Scripts,
    neighbours: RedisNeighbours,
    /// The requests of this process that hold money.
    under_way: DashMap<RequestId, UnderWay>,
    /// Those that have a place among the requests at once.
    places: DashMap<RequestId, Place>,
    /// Books that were seen in the current epoch: if one of them is missing, data was lost.
    seen: DashSet<(String, Owner)>,
    /// The installation has budgets, so its books may have any request.
    installation_counts: AtomicBool,
    follow_ups: mpsc::UnboundedSender<FollowUp>,
    /// How many of them are not over.
    unfinished: AtomicUsize,
    /// What [`RedisEngine::run`] works on.
    work: Mutex<Work>,
}

#[derive(Debug)]
struct Work {
    jobs: mpsc::UnboundedReceiver<Job>,
    follow_ups: mpsc::UnboundedReceiver<FollowUp>,
}

/// A request that holds money: its records, in the books of its tenant and maybe of the installation.
#[derive(Debug)]
struct UnderWay {
    since: Instant,
    records: SmallVec<[(Owner, Record); 2]>,
}

/// A place among the requests at once.
#[derive(Debug)]
struct Place {
    since: Instant,
    wish: RateWish,
}

impl RedisEngine {
    /// An engine that is not connected yet: [`RedisEngine::run`] has to run beside it. What it keeps for
    /// itself is bounded by the requests under way and by the spool.
    pub fn new(options: &RedisOptions, neighbours: RedisNeighbours) -> RedisResult<Self> {
        let (link, jobs) = Link::new(options)?;
        let (sender, follow_ups) = mpsc::unbounded_channel();
        Ok(Self {
            link,
            scripts: Scripts::new(),
            neighbours,
            under_way: DashMap::new(),
            places: DashMap::new(),
            seen: DashSet::new(),
            installation_counts: AtomicBool::new(false),
            follow_ups: sender,
            unfinished: AtomicUsize::new(0),
            work: Mutex::new(Work { jobs, follow_ups }),
        })
    }

    /// Takes a step, when nobody opens accounts of these books.
    async fn take(&self, step: &Step<'_>) -> Result<Reply, Unreachable> {
        let deadline = Instant::now() + FROZEN_MAX;
        loop {
            let session = self.link.session().ok_or(Unreachable)?;
            let were_seen = self.has_seen(step.owner, &session);
            let answer = self.give(step, &session);
            let reply = self.read(answer.await, step.wish())?;
            if matches!(reply, Reply::Lost) && were_seen {
                self.lost(&session).await;
                return Err(Unreachable);
            } else if matches!(reply, Reply::Lost) {
                self.meet(step.owner, &session).await?;
            } else if matches!(reply, Reply::Frozen) && Instant::now() < deadline {
                sleep(FROZEN_RETRY).await;
            } else {
                return Ok(reply);
            }
        }
    }

    fn give(&self, step: &Step<'_>, session: &Session) -> link::Answer {
        let command = step.command(&self.scripts, session);
        self.link.give(session, vec![command])
    }

    fn read(
        &self,
        answer: Result<Vec<redis::Value>, tokio::sync::oneshot::error::RecvError>,
        wish: Option<&RateWish>,
    ) -> Result<Reply, Unreachable> {
        let values = answer.map_err(|_dropped| Unreachable)?;
        let value = values.first().ok_or(Unreachable)?;
        Reply::read(value, wish).map_err(|_unreadable| {
            tracing::error!(
                ?value,
                "Redis answers what this version does not understand"
            );
            self.link.break_off();
            Unreachable
        })
    }

    fn has_seen(&self, owner: Owner, session: &Session) -> bool {
        self.seen.contains(&(session.token.clone(), owner))
    }

    /// Begins books that were not seen in this epoch.
    async fn meet(&self, owner: Owner, session: &Session) -> Result<(), Unreachable> {
        let [begin, list] = Self::begin(owner, session);
        let mut epoch = redis::cmd("HGET");
        epoch.arg(self.link.epoch_key()).arg("token");
        // Asked for afterwards: whoever lost the data before has another one by now, or none.
        let answers = self.link.ask(session, vec![begin, list, epoch]).await?;
        let is_same = matches!(answers.last(), Some(redis::Value::BulkString(token))
            if *token == session.token.as_bytes());
        if !is_same {
            self.link.break_off();
            return Err(Unreachable);
        }
        self.seen.insert((session.token.clone(), owner));
        Ok(())
    }

    /// Ends the epoch: what is left of it cannot be trusted.
    async fn lost(&self, session: &Session) {
        tracing::warn!("books that were in Redis are gone; a new epoch begins");
        let mut end = redis::cmd("DEL");
        end.arg(self.link.epoch_key());
        // If it is not heard, the server's next answer tells the same.
        let _ = self.link.ask(session, vec![end]).await;
        self.link.break_off();
    }

    async fn read_balances(
        &self,
        owner: Owner,
        accounts: &[Account],
    ) -> Result<Vec<Option<Balance>>, Unreachable> {
        let session = self.link.session().ok_or(Unreachable)?;
        let books = owner.keys(&session.keys);
        let ask = |account| {
            let mut command = redis::cmd("HMGET");
            command.arg(books.account(account)).arg("used").arg("spent");
            command
        };
        let commands = accounts.iter().map(ask).collect();
        let answers = self.link.ask(&session, commands).await?;
        let read = |answer| {
            array(answer)
                .and_then(balance)
                .map_err(|_unreadable| Unreachable)
        };
        answers.iter().map(read).collect()
    }

    async fn count(&self, rate: &RateClaim) -> Result<RateStandings, RateRefusal> {
        let step = Step::rate_only(rate);
        match self.take(&step).await {
            Ok(Reply::Taken(Some(standings), _)) => {
                self.note_place(&rate.wish);
                Ok(standings)
            }
            Ok(Reply::TooMany(too_many)) => Err(RateRefusal::TooMany(too_many)),
            Ok(_) | Err(Unreachable) => Err(RateRefusal::Unavailable),
        }
    }

    fn note_place(&self, wish: &RateWish) {
        let both = [wish.of_tenant, wish.of_key];
        if both.iter().any(|limits| limits.concurrent.is_some()) {
            let place = Place {
                since: Instant::now(),
                wish: *wish,
            };
            self.places.insert(wish.request, place);
        }
    }
}

#[async_trait]
impl BudgetEngine for RedisEngine {
    fn is_shared(&self) -> bool {
        true
    }

    fn is_available(&self) -> bool {
        self.link.session().is_some()
    }

    async fn take_rate(&self, wish: &RateWish) -> Result<RateStandings, RateRefusal> {
        self.count(&RateClaim {
            wish: *wish,
            tokens: 0,
        })
        .await
    }

    async fn take_tokens(
        &self,
        wish: &RateWish,
        tokens: u32,
    ) -> Result<RateStandings, RateRefusal> {
        self.count(&RateClaim {
            wish: wish.tokens_only(),
            tokens,
        })
        .await
    }

    async fn take_both(&self, rate: &RateClaim) -> Result<RateStandings, RateRefusal> {
        self.count(rate).await
    }

    fn end_rate(&self, wish: &RateWish, taken: u32, used: u32) {
        self.places.remove(&wish.request);
        self.end(wish, [taken, used]);
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<Hold, Refusal> {
        self.reserve_on_both(reservation, None).await.1
    }

    async fn reserve_at_rate(
        &self,
        reservation: &Reservation,
        rate: &RateClaim,
    ) -> (Option<RateStandings>, Result<Hold, Refusal>) {
        let (standings, held) = self.reserve_on_both(reservation, Some(rate)).await;
        if standings.is_some() {
            self.note_place(&rate.wish);
        }
        (standings, held)
    }

    fn settle(&self, hold: &Hold, actual: Usd) {
        if let Some((_, under_way)) = self.under_way.remove(&hold.request) {
            self.settle_all(hold.request, under_way, actual);
        }
    }

    async fn balances(&self, tenant: TenantId, accounts: &[Account]) -> Vec<Option<Balance>> {
        let unknown = || vec![None; accounts.len()];
        let own = self.read_balances(Owner::Tenant(tenant), accounts).await;
        let own = own.unwrap_or_else(|_unreachable| unknown());
        if !self.installation_counts.load(Ordering::Relaxed) {
            return own;
        }
        let everybodys = self.read_balances(Owner::Installation, accounts).await;
        let everybodys = everybodys.unwrap_or_else(|_unreachable| unknown());
        let both = own.into_iter().zip(everybodys);
        both.map(|(own, everybodys)| own.or(everybodys)).collect()
    }

    async fn open(
        &self,
        openings: &[Opening],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending> {
        self.open_all(openings, mode, spendings).await
    }

    fn recorded(&self, rows: &[Arc<LedgerRow>]) {
        self.forget(rows);
    }

    fn holds_open(&self) -> usize {
        self.under_way.len()
    }
}
