//! Slices of accounts that this process may spend without asking: what of them is held and spent here, and
//! how large they should be. Nothing here waits or asks.

mod permits;
mod report;
mod slice;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::{DashMap, DashSet};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::domain::budget::{Account, Charge, Exhausted, Hold, Reservation, Scope};
use crate::domain::id::{ApiKeyId, RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::rate::{RateLimits, RateStandings, RateWish};
use crate::engine::redis::lease::permits::PermitPart;
pub(super) use crate::engine::redis::lease::permits::PermitsTold;
use crate::engine::redis::lease::permits::{PART_OF_MINUTE, Permits, count_only_requests};
pub(super) use crate::engine::redis::lease::report::{Heard, Report, Told};
use crate::engine::redis::lease::slice::Slice;
use crate::engine::redis::record::{Body, Record, State};
use crate::engine::redis::reply::Standing;

/// How often is told what was spent, and asked for more.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_millis(50);

/// By what a replica's share of what is left of a minute is divided.
pub(super) fn divisor_of_minutes(replicas: i64) -> i64 {
    replicas.max(1).saturating_mul(PART_OF_MINUTE)
}

/// What this process may spend, by tenant.
#[derive(Debug, Default)]
pub(super) struct Leases {
    tenants: DashMap<TenantId, Arc<Mutex<TenantLeases>>>,
    /// Tenants of which there is something to tell or to ask for.
    active: DashSet<TenantId>,
    /// Nothing more is asked for, and everything goes back.
    is_closed: AtomicBool,
}

/// What this process may spend of one tenant's money, and does.
#[derive(Debug, Default)]
pub(super) struct TenantLeases {
    slices: BTreeMap<Account, Slice>,
    /// Of the tenant, and of its keys.
    permits: BTreeMap<Option<ApiKeyId>, Permits>,
    /// Requests that only this process knows of.
    fresh: HashMap<RequestId, Fresh>,
    /// Charges that Redis has not heard of.
    ended: Vec<(RequestId, Record)>,
    /// What Redis is being told; kept until it is known to have heard it.
    pub(super) report: Option<Report>,
}

#[derive(Debug)]
struct Fresh {
    record: Record,
    remaining: Option<Usd>,
    /// Redis is being told of the hold; what it cost meanwhile.
    handing: bool,
    cost: Option<Usd>,
}

impl Leases {
    fn of(&self, tenant: TenantId) -> Arc<Mutex<TenantLeases>> {
        if let Some(known) = self.tenants.get(&tenant) {
            return Arc::clone(&known);
        }
        Arc::clone(&self.tenants.entry(tenant).or_default())
    }

    /// Holds money if slices have room for all of it, and counts the request if there are permits.
    pub(super) fn reserve(
        &self,
        wish: &Reservation,
        rate: Option<&RateWish>,
        replica: &str,
    ) -> Option<(Option<RateStandings>, Hold)> {
        let tenant = wish.origin.tenant;
        let leases = self.of(tenant);
        let mut leases = leases.lock();
        let now = Instant::now();
        if !rate.is_none_or(|rate| leases.has_permits(rate, now)) {
            return None;
        }
        let held = leases.reserve(wish, replica).map(|hold| {
            let standings = rate.map(|rate| leases.take_permits(rate, now));
            (standings, hold)
        });
        if held.is_some() {
            self.active.insert(tenant);
        }
        held
    }

    /// Ends a hold, if it is one of these.
    pub(super) fn settle(&self, hold: &Hold, cost: Usd) -> bool {
        let Some(leases) = self.tenants.get(&hold.tenant) else {
            return false;
        };
        leases.lock().settle(hold.request, cost)
    }

    /// A request was charged on accounts by asking Redis: slices of them may be worth having. Sessions are
    /// too short for that.
    pub(super) fn note(
        &self,
        wish: &Reservation,
        amount: Usd,
        charges: &[&Charge],
        standings: &[Option<Standing>],
    ) {
        self.with(wish.origin.tenant, |leases| {
            for (charge, standing) in charges.iter().zip(standings) {
                if let Some(standing) = standing
                    && !matches!(charge.scope, Scope::Session(_))
                {
                    leases.note(charge, amount, *standing);
                }
            }
        });
    }

    /// A request was counted by asking Redis: permits may be worth having.
    pub(super) fn note_rate(&self, wish: &RateWish) {
        self.with(wish.tenant, |leases| {
            for (key, limits) in limited(wish) {
                if let Some(limit) = limits.requests {
                    let permits = leases.permits.entry(key).or_insert_with(Permits::new);
                    permits.note(limit.get());
                }
            }
        });
    }

    /// Tenants of which there is something to tell.
    pub(super) fn active(&self) -> Vec<TenantId> {
        self.active.iter().map(|tenant| *tenant).collect()
    }

    /// Gives everything back.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Whether Redis has heard of everything, and nothing is left to give back.
    pub(super) fn are_given_back(&self) -> bool {
        let mut tenants = self.tenants.iter();
        tenants.all(|leases| leases.lock().is_given_back())
    }

    /// Works on what is leased of a tenant.
    pub(super) fn with<T>(&self, tenant: TenantId, step: impl FnOnce(&mut TenantLeases) -> T) -> T {
        let leases = self.of(tenant);
        let mut leases = leases.lock();
        let done = step(&mut leases);
        if leases.is_idle() {
            self.active.remove(&tenant);
        } else {
            self.active.insert(tenant);
        }
        done
    }

    /// Forgets all slices: they are of data that is lost. Hands over the holds, which somebody has to tell
    /// of; charges are in the spool.
    pub(super) fn give_up(&self, hand_over: impl Fn(RequestId, TenantId, Record)) {
        for tenant in &self.tenants {
            let mut leases = tenant.lock();
            let given_up = std::mem::take(&mut *leases);
            let fresh: BTreeMap<RequestId, Fresh> = given_up.fresh.into_iter().collect();
            // One that has ended meanwhile is in the spool.
            for (request, fresh) in fresh.into_iter().filter(|(_, it)| it.cost.is_none()) {
                hand_over(request, *tenant.key(), fresh.record);
            }
        }
        self.active.clear();
    }

    pub(super) fn holds_open(&self) -> usize {
        let tenants = self.tenants.iter();
        let open = tenants.map(|leases| {
            let leases = leases.lock();
            leases.fresh.values().filter(|it| it.cost.is_none()).count()
        });
        open.sum()
    }
}

/// Whose limits a request counts on: its tenant's and its key's.
fn limited(wish: &RateWish) -> impl Iterator<Item = (Option<ApiKeyId>, RateLimits)> {
    let both = [(None, wish.of_tenant), (Some(wish.key), wish.of_key)];
    both.into_iter()
        .filter(|(_, limits)| !limits.is_unlimited())
}

impl TenantLeases {
    /// Limits of tokens and of requests at once are not given away.
    fn has_permits(&self, wish: &RateWish, now: Instant) -> bool {
        limited(wish).all(|(key, limits)| {
            let (permits, limit) = (self.permits.get(&key), limits.requests);
            let both = permits.zip(limit);
            count_only_requests(&limits)
                && both.is_some_and(|(permits, limit)| permits.has_one(limit.get(), now))
        })
    }

    fn take_permits(&mut self, wish: &RateWish, now: Instant) -> RateStandings {
        let mut standings = RateStandings::unlimited(wish.at);
        for (key, _) in limited(wish) {
            if let Some(permits) = self.permits.get_mut(&key) {
                standings = standings.and(RateStandings {
                    requests: Some(permits.take(now)),
                    ..RateStandings::unlimited(wish.at)
                });
            }
        }
        standings
    }

    fn reserve(&mut self, wish: &Reservation, replica: &str) -> Option<Hold> {
        if let Some(known) = self.fresh.get(&wish.request) {
            return Some(known.hold(wish, Vec::new()));
        }
        let mut remaining: Option<Usd> = None;
        let mut shadows = Vec::new();
        for charge in &wish.charges {
            let slice = self.slices.get_mut(&charge.account)?;
            shadows.extend(charge.would_refuse(slice.balance(), wish.at_least));
            let room = slice.room(charge, wish.wanted);
            let room = room.filter(|_| charge.scope != Scope::Installation)?;
            remaining = [remaining, room.left].into_iter().flatten().min();
        }
        for charge in &wish.charges {
            if let Some(slice) = self.slices.get_mut(&charge.account) {
                slice.take(charge.weight.of(wish.wanted));
            }
        }
        let charges: Vec<&Charge> = wish.charges.iter().collect();
        let fresh = Fresh {
            record: Record::held(wish, &charges, wish.wanted, replica),
            remaining,
            handing: false,
            cost: None,
        };
        let hold = fresh.hold(wish, shadows);
        self.fresh.insert(wish.request, fresh);
        Some(hold)
    }

    fn settle(&mut self, request: RequestId, cost: Usd) -> bool {
        let Some(fresh) = self.fresh.get_mut(&request) else {
            return false;
        };
        if fresh.handing {
            fresh.cost = Some(cost);
        } else if let Some(fresh) = self.fresh.remove(&request) {
            self.end(request, fresh.record, cost);
        }
        true
    }

    fn end(&mut self, request: RequestId, record: Record, cost: Usd) {
        for booked in &record.body.booked {
            if let Some(slice) = self.slices.get_mut(&booked.account) {
                let freed = booked.weight.of(record.body.amount);
                slice.change(freed, booked.weight.of(cost));
            }
        }
        if cost != Usd::ZERO {
            let charged = Record {
                state: State::Charged,
                body: Body {
                    amount: cost,
                    ..record.body
                },
            };
            self.ended.push((request, charged));
        }
    }

    fn note(&mut self, charge: &Charge, amount: Usd, standing: Standing) {
        let slice = self.slices.entry(charge.account).or_insert_with(Slice::new);
        slice.note(charge, amount, standing);
    }

    fn is_given_back(&self) -> bool {
        let is_empty = self.fresh.is_empty() && self.ended.is_empty() && self.report.is_none();
        is_empty && self.slices.values().all(Slice::is_empty)
    }

    fn is_idle(&self) -> bool {
        self.slices.is_empty()
            && self.permits.is_empty()
            && self.fresh.is_empty()
            && self.ended.is_empty()
            && self.report.is_none()
    }

    /// What there is to tell and to ask for among so many replicas, if nothing is being told already;
    /// without a number of them, everything goes back. With the holds, if others have to know of them.
    pub(super) fn next_report(
        &mut self,
        replicas: Option<i64>,
        with_holds: bool,
    ) -> Option<&Report> {
        if self.report.is_none() {
            self.report = self.gather(replicas, with_holds);
        }
        self.report.as_ref()
    }

    fn gather(&mut self, replicas: Option<i64>, with_holds: bool) -> Option<Report> {
        self.slices.retain(|_, slice| !slice.is_over());
        let mut records = std::mem::take(&mut self.ended);
        if with_holds {
            records.extend(self.fresh.iter_mut().map(|(request, fresh)| {
                fresh.handing = true;
                (*request, fresh.record.clone())
            }));
        }
        let mut moved: BTreeMap<Account, [Usd; 2]> = BTreeMap::new();
        for (_, record) in &records {
            for booked in &record.body.booked {
                let [heard, spent] = moved.entry(booked.account).or_default();
                *heard = heard.saturating_add(booked.weight.of(record.body.amount));
                *spent = spent.saturating_add(booked.weight.of(record.spent()));
            }
        }
        let mut parts = Vec::with_capacity(self.slices.len());
        for (account, slice) in &mut self.slices {
            let moved = moved.remove(account).unwrap_or_default();
            parts.extend(slice.report(*account, moved, replicas));
        }
        let now = Instant::now();
        self.permits.retain(|_, permits| !permits.is_over());
        let permits = self.permits.iter_mut();
        let permits: Vec<PermitPart> = permits
            .filter_map(|(key, permits)| permits.report(*key, now))
            .collect();
        let is_news = !(parts.is_empty() && permits.is_empty() && records.is_empty());
        is_news.then(|| Report {
            number: rand::random(),
            with_holds,
            parts,
            permits,
            records,
        })
    }

    /// Redis has heard the report. Hands over the holds that it knows of now, with what they cost if they
    /// have ended meanwhile.
    pub(super) fn heard(
        &mut self,
        told: &Heard,
        mut hand_over: impl FnMut(RequestId, Record, Option<Usd>),
    ) {
        let Some(report) = self.report.take() else {
            return;
        };
        for (part, told) in report.parts.iter().zip(&told.accounts) {
            if let Some(slice) = self.slices.get_mut(&part.account) {
                slice.heard(part, told);
            }
        }
        for (part, permits) in report.permits.iter().zip(&told.permits) {
            if let Some(known) = self.permits.get_mut(&part.key) {
                known.heard(permits, told.sent, told.time);
            }
        }
        let holds = report.records.into_iter();
        for (request, record) in holds.filter(|(_, record)| record.state == State::Held) {
            let cost = self.fresh.remove(&request).and_then(|fresh| fresh.cost);
            hand_over(request, record, cost);
        }
    }
}

impl Fresh {
    fn hold(&self, wish: &Reservation, shadows: Vec<Exhausted>) -> Hold {
        Hold {
            request: wish.request,
            tenant: wish.origin.tenant,
            amount: self.record.body.amount,
            remaining: self.remaining,
            shadows,
        }
    }
}
