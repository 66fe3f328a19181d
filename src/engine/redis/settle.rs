//! The end of a hold. Its caller does not wait: what is to be done is given away at once, in its order,
//! and followed up until Redis took it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use redis::Value;
use smallvec::SmallVec;
use tokio::time::{sleep, timeout};

use crate::domain::budget::Hold;
use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::rate::RateWish;
use crate::engine::BudgetEngine;
use crate::engine::redis::batch::Answer;
use crate::engine::redis::keys::Owner;
use crate::engine::redis::link::Unreachable;
use crate::engine::redis::opening::read_record;
use crate::engine::redis::record::{Record, State};
use crate::engine::redis::reply::{Reply, array, subjects};
use crate::engine::redis::scripts::{Call, number};
use crate::engine::redis::step::Step;
use crate::engine::redis::{FROZEN_MAX, FROZEN_RETRY, RedisEngine, UnderWay};

const MICROS_PER_SECOND: i64 = 1_000_000;
/// The most charges that one call forgets.
const FORGOTTEN_TOGETHER_MAX: usize = 500;

/// What is not over before Redis took it.
#[derive(Debug)]
pub(super) enum FollowUp {
    /// A hold ends.
    Settle(Box<Settlement>, Option<Answer<Reply>>),
    /// Charges are in the ledger.
    Forget(Owner, Vec<(RequestId, Usd)>),
    /// A request that was counted is over.
    EndRate(RateWish, [u32; 2], Option<Answer<Vec<Value>>>),
}

/// The end of a hold on the books of one owner.
#[derive(Debug)]
pub(super) struct Settlement {
    owner: Owner,
    request: RequestId,
    /// The record that it is expected to have; nothing where it may have one.
    known: Option<Record>,
    actual: Usd,
    /// The ledger has the charge, so no record of it is needed any more.
    is_recorded: bool,
}

impl Settlement {
    fn step(&self) -> Step {
        let Some(known) = &self.known else {
            return Step::probe(self.owner, self.request);
        };
        let charged = Record {
            state: State::Charged,
            body: crate::engine::redis::record::Body {
                amount: self.actual,
                ..known.body.clone()
            },
        };
        // What costs nothing is in no sum, recorded or not.
        let is_kept = !self.is_recorded && self.actual != Usd::ZERO;
        Step::replace(
            self.owner,
            self.request,
            (known, known.pack()),
            is_kept.then_some(&charged),
            [self.actual, self.actual],
        )
    }

    /// What there is left to do after an answer; nothing once it is over.
    fn after(self, reply: Reply) -> Option<Self> {
        let Reply::Changed(_, _, record) = reply else {
            return None;
        };
        let known = Record::read(&record)?;
        let is_over = known.state == State::Charged && !self.is_recorded;
        (!is_over).then_some(Self {
            known: Some(known),
            ..self
        })
    }
}

impl RedisEngine {
    pub(super) fn settle_all(&self, request: RequestId, under_way: UnderWay, actual: Usd) {
        let mut ends: SmallVec<[(Owner, Option<Record>); 2]> = under_way
            .records
            .into_iter()
            .map(|(owner, record)| (owner, Some(record)))
            .collect();
        let is_known = ends.iter().any(|(owner, _)| *owner == Owner::Installation);
        if !is_known && self.installation_counts.load(Ordering::Relaxed) {
            ends.push((Owner::Installation, None));
        }
        for (owner, known) in ends {
            self.settle_on(Settlement {
                owner,
                request,
                known,
                actual,
                is_recorded: false,
            });
        }
    }

    /// Ends a hold that has this record.
    pub(super) fn settle_known(
        &self,
        owner: Owner,
        request: RequestId,
        known: Record,
        actual: Usd,
    ) {
        self.settle_on(Settlement {
            owner,
            request,
            known: Some(known),
            actual,
            is_recorded: false,
        });
    }

    /// Given away at once where that is possible: so whoever reserves next finds it settled.
    fn settle_on(&self, settlement: Settlement) {
        let session = self.link.session();
        let answer = session.map(|session| self.link.give_step(&session, settlement.step().into()));
        self.follow_up(FollowUp::Settle(Box::new(settlement), answer));
    }

    fn follow_up(&self, follow_up: FollowUp) {
        self.unfinished.fetch_add(1, Ordering::AcqRel);
        // Nobody takes it once the process stopped: then the spool has it.
        let _ = self.follow_ups.send(follow_up);
    }

    /// Frees the place of a request, and puts right how many tokens it used.
    pub(super) fn end(&self, wish: &RateWish, tokens: [u32; 2]) {
        let session = self.link.session();
        let answer = session.map(|session| {
            let command = self.end_command(wish, tokens, &session.keys);
            self.link.give(&session, vec![command])
        });
        self.follow_up(FollowUp::EndRate(*wish, tokens, answer));
    }

    fn end_command(&self, wish: &RateWish, tokens: [u32; 2], epoch: &str) -> redis::Cmd {
        let books = Owner::Tenant(wish.tenant).keys(epoch);
        let [expected, used] = tokens;
        let mut keys = Vec::new();
        for (subject, _) in subjects(wish) {
            let [_, tokens, at_once] = books.rates(subject.key_of(wish));
            keys.extend([tokens, at_once]);
        }
        let args = [
            wish.request.as_bytes().to_vec(),
            number(wish.at.get().div_euclid(MICROS_PER_SECOND)),
            number(expected),
            number(used),
        ];
        self.scripts.call(Call::EndRate, &keys, &args)
    }

    /// These rows are in the ledger.
    pub(super) fn forget(&self, rows: &[Arc<LedgerRow>]) {
        let mut owners: BTreeMap<Owner, Vec<(RequestId, Usd)>> = BTreeMap::new();
        let everybodys = self.installation_counts.load(Ordering::Relaxed);
        for row in rows {
            let charge = (row.request, row.cost);
            let own = owners.entry(Owner::Tenant(row.tenant)).or_default();
            own.push(charge);
            if everybodys {
                owners.entry(Owner::Installation).or_default().push(charge);
            }
        }
        for (owner, charges) in owners {
            for some in charges.chunks(FORGOTTEN_TOGETHER_MAX) {
                self.follow_up(FollowUp::Forget(owner, some.to_vec()));
            }
        }
    }

    /// Sees to it that something is done, for as long as it takes.
    pub(super) async fn see_to(&self, follow_up: FollowUp) {
        match follow_up {
            FollowUp::Settle(settlement, answer) => self.see_settled(*settlement, answer).await,
            FollowUp::Forget(owner, charges) => self.see_forgotten(owner, charges).await,
            FollowUp::EndRate(wish, tokens, answer) => {
                let mut is_done = match answer {
                    Some(answer) => answer.await.is_ok(),
                    None => false,
                };
                while !is_done {
                    let session = self.link.next_session().await;
                    let command = self.end_command(&wish, tokens, &session.keys);
                    is_done = self.link.ask(&session, vec![command]).await.is_ok();
                }
            }
        }
    }

    async fn see_settled(&self, mut settlement: Settlement, mut answer: Option<Answer<Reply>>) {
        loop {
            let reply = match answer.take() {
                Some(answer) => answer.await.map_err(|_dropped| Unreachable),
                None => Err(Unreachable),
            };
            match reply {
                Ok(Reply::Frozen) => sleep(FROZEN_RETRY).await,
                // Books that are gone know nothing of it; what the spool has is told them anew.
                Ok(Reply::Lost) => return,
                Ok(reply) => match settlement.after(reply) {
                    Some(left) => settlement = left,
                    None => return,
                },
                Err(Unreachable) => {}
            }
            let session = self.link.next_session().await;
            answer = Some(self.link.give_step(&session, settlement.step().into()));
        }
    }

    async fn see_forgotten(&self, owner: Owner, charges: Vec<(RequestId, Usd)>) {
        let costs: BTreeMap<RequestId, Usd> = charges.into_iter().collect();
        let args: Vec<Vec<u8>> = costs.keys().map(|it| it.as_bytes().to_vec()).collect();
        let left = loop {
            let session = self.link.next_session().await;
            let books = owner.keys(&session.keys);
            let keys = [books.requests(), books.expiry()];
            let command = self.scripts.call(Call::Forget, &keys, &args);
            if let Ok(answers) = self.link.ask(&session, vec![command]).await {
                break answers;
            }
        };
        for (request, known) in left.first().map(under_way).unwrap_or_default() {
            let Some(actual) = costs.get(&request) else {
                continue;
            };
            self.settle_on(Settlement {
                owner,
                request,
                known: Some(known),
                actual: *actual,
                is_recorded: true,
            });
        }
    }
}

/// The records that `forget.lua` gives back.
fn under_way(answer: &Value) -> Vec<(RequestId, Record)> {
    let pairs = array(answer).unwrap_or_default().chunks_exact(2);
    pairs.filter_map(read_record).collect()
}

/// A hold that was asked for. If no answer comes, or nobody waits for it any more, it is taken back.
pub(super) struct Unanswered<'a> {
    pub(super) engine: &'a RedisEngine,
    pub(super) owner: Owner,
    pub(super) request: RequestId,
    /// Nothing once an answer came.
    pub(super) record: Option<&'a Record>,
}

impl Unanswered<'_> {
    pub(super) fn answered(mut self) {
        self.record = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.record {
            let engine = self.engine;
            engine.settle_known(self.owner, self.request, record.clone(), Usd::ZERO);
        }
    }
}

/// A hold on the books of a tenant that is of no use if the installation's refuse.
pub(super) struct ReleaseUnlessKept<'a> {
    engine: &'a RedisEngine,
    hold: Option<Hold>,
}

impl<'a> ReleaseUnlessKept<'a> {
    pub(super) fn new(engine: &'a RedisEngine, hold: &Hold) -> Self {
        Self {
            engine,
            hold: Some(hold.clone()),
        }
    }

    pub(super) fn keep(mut self) {
        self.hold = None;
    }

    /// Releases it now: whoever reserves again for the request must not take it for a hold of its own.
    pub(super) async fn release_now(mut self) {
        let Some(hold) = &self.hold else { return };
        let request = hold.request;
        let known: Vec<(Owner, Option<Record>)> = {
            let known = self.engine.under_way.get(&request);
            let records = known.iter().flat_map(|known| known.records.iter());
            let own = records.map(|(owner, record)| (*owner, Some(record.clone())));
            own.chain([(Owner::Installation, None)]).collect()
        };
        let releasing = async {
            for (owner, known) in known {
                let settlement = Settlement {
                    owner,
                    request,
                    known,
                    actual: Usd::ZERO,
                    is_recorded: false,
                };
                self.engine.see_settled(settlement, None).await;
            }
        };
        // If it takes too long, it is followed up like any other.
        if timeout(FROZEN_MAX, releasing).await.is_ok() {
            self.engine.under_way.remove(&request);
            self.hold = None;
        }
    }
}

impl Drop for ReleaseUnlessKept<'_> {
    fn drop(&mut self) {
        if let Some(hold) = self.hold.take() {
            self.engine.release(&hold);
        }
    }
}
