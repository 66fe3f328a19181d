//! The engine of a fleet: the books are in Redis, each step on them is one script, and every replica may
//! take it.
//!
//! Redis decides by sums that only it changes, and forgets nothing by itself: a request has a record from
//! its reservation until the ledger has its charge. So an account can be opened anywhere, from the ledger
//! and these records. ADR 11 tells why it is exact, and what happens when Redis loses its data.

mod batch;
mod group;
mod housekeeping;
mod keys;
mod lease;
mod link;
mod opening;
mod record;
mod reply;
mod report;
mod reserve;
mod scripts;
mod settle;
mod step;
mod takeover;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dashmap::DashMap;
use redis::RedisResult;
use smallvec::SmallVec;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep};

use crate::domain::budget::{Account, Balance, Hold, Reservation};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateStandings, RateWish};
use crate::engine::redis::batch::Job;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::lease::Leases;
pub use crate::engine::redis::link::RedisOptions;
use crate::engine::redis::link::{Link, Session, Unreachable};
use crate::engine::redis::record::Record;
use crate::engine::redis::reply::{Reply, Standing, array, standing_of};
use crate::engine::redis::scripts::{Call, Scripts, word};
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
    /// In which epoch books were seen last: if some of the current one are missing, data was lost.
    seen: DashMap<Owner, String>,
    /// The installation has budgets, so its books may have any request.
    installation_counts: AtomicBool,
    /// What this process may spend without asking.
    leases: Leases,
    leases_are_taken: bool,
    /// What this process is called among replicas, also after a restart.
    replica: String,
    /// How many replicas there are.
    replicas: AtomicI64,
    /// Slices that Redis knows of this replica are of an earlier process.
    slices_are_gone: AtomicBool,
    /// Rows were written that Redis had not heard of.
    wrote_unheard: AtomicBool,
    /// How many holds were swept.
    left_behind: AtomicU64,
    /// One report at a time.
    reporting: Mutex<()>,
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
            seen: DashMap::new(),
            installation_counts: AtomicBool::new(false),
            leases: Leases::default(),
            leases_are_taken: options.leases,
            replica: options.replica.clone(),
            replicas: AtomicI64::new(1),
            slices_are_gone: AtomicBool::new(true),
            wrote_unheard: AtomicBool::new(false),
            left_behind: AtomicU64::new(0),
            reporting: Mutex::new(()),
            follow_ups: sender,
            unfinished: AtomicUsize::new(0),
            work: Mutex::new(Work { jobs, follow_ups }),
        })
    }

    /// Takes a step, when nobody opens accounts of these books.
    async fn take(&self, step: Step) -> Result<Reply, Unreachable> {
        let step = Arc::new(step);
        let deadline = Instant::now() + FROZEN_MAX;
        loop {
            let session = self.link.session().ok_or(Unreachable)?;
            let were_seen = self.has_seen(step.owner, &session);
            let answer = self.link.give_step(&session, Arc::clone(&step));
            let reply = answer.await.map_err(|_dropped| Unreachable)?;
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

    fn has_seen(&self, owner: Owner, session: &Session) -> bool {
        let token = self.seen.get(&owner);
        token.is_some_and(|token| *token == session.token)
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
        self.seen.insert(owner, session.token.clone());
        Ok(())
    }

    /// Ends the epoch: what is left of it cannot be trusted.
    async fn lost(&self, session: &Session) {
        tracing::warn!("books that were in Redis are gone; a new epoch begins");
        let (key, token) = ([self.link.epoch_key()], [word(&session.token)]);
        let end = self.scripts.call(Call::EndEpoch, &key, &token);
        // If it is not heard, the server's next answer tells the same.
        let _ = self.link.ask(session, vec![end]).await;
        self.link.break_off();
    }

    async fn read_balances(
        &self,
        owner: Owner,
        accounts: &[Account],
    ) -> Result<Vec<Option<Standing>>, Unreachable> {
        let session = self.link.session().ok_or(Unreachable)?;
        let books = owner.keys(&session.keys);
        let ask = |account| {
            let mut command = redis::cmd("HMGET");
            command.arg(books.account(account));
            command.arg("used").arg("spent").arg("leased");
            command
        };
        let commands = accounts.iter().map(ask).collect();
        let answers = self.link.ask(&session, commands).await?;
        let read = |answer| {
            array(answer)
                .and_then(standing_of)
                .map_err(|_unreadable| Unreachable)
        };
        answers.iter().map(read).collect()
    }

    async fn count(&self, rate: &RateClaim) -> Result<RateStandings, RateRefusal> {
        match self.take(Step::rate_only(*rate)).await {
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
        if let Some((_, hold)) = self.reserve_leased(reservation, None) {
            return Ok(hold);
        }
        self.reserve_on_both(reservation, None).await.1
    }

    async fn reserve_at_rate(
        &self,
        reservation: &Reservation,
        rate: &RateClaim,
    ) -> (Option<RateStandings>, Result<Hold, Refusal>) {
        if let Some((standings, hold)) = self.reserve_leased(reservation, Some(&rate.wish)) {
            return (standings, Ok(hold));
        }
        let (standings, held) = self.reserve_on_both(reservation, Some(rate)).await;
        if standings.is_some() {
            self.note_place(&rate.wish);
            if self.leases_are_taken {
                self.leases.note_rate(&rate.wish);
            }
        }
        (standings, held)
    }

    fn settle(&self, hold: &Hold, actual: Usd) {
        if self.leases_are_taken && self.leases.settle(hold, actual) {
            return;
        }
        if let Some((_, under_way)) = self.under_way.remove(&hold.request) {
            self.settle_all(hold.request, under_way, actual);
        }
    }

    async fn balances(&self, tenant: TenantId, accounts: &[Account]) -> Vec<Option<Balance>> {
        if let Some(session) = self.link.session().filter(|_| self.leases_are_taken) {
            // If it is not heard, nothing else is either.
            let _ = self.report(&[tenant], &session).await;
        }
        let unknown = || vec![None; accounts.len()];
        let own = self.read_balances(Owner::Tenant(tenant), accounts).await;
        let mut known = own.unwrap_or_else(|_unreachable| unknown());
        if self.installation_counts.load(Ordering::Relaxed) {
            let everybodys = self.read_balances(Owner::Installation, accounts).await;
            let everybodys = everybodys.unwrap_or_else(|_unreachable| unknown());
            for (own, everybodys) in known.iter_mut().zip(everybodys) {
                *own = own.or(everybodys);
            }
        }
        let told = known.into_iter();
        told.map(|standing| standing.map(Standing::told)).collect()
    }

    async fn open(
        &self,
        openings: &[Opening],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending> {
        self.open_all(openings, mode, spendings).await
    }

    async fn recording(&self) {
        self.report_before_recording().await;
    }

    fn recorded(&self, rows: &[Arc<LedgerRow>]) {
        self.forget(rows);
    }

    fn holds_open(&self) -> usize {
        self.under_way
            .len()
            .saturating_add(self.leases.holds_open())
    }

    fn holds_left_behind(&self) -> u64 {
        self.left_behind.load(Ordering::Relaxed)
    }

    fn oldest_hold(&self) -> Option<RequestId> {
        let told = self.under_way.iter().map(|it| *it.key()).min();
        told.into_iter().chain(self.leases.oldest_hold()).min()
    }
}
