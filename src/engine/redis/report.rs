//! Tells Redis what was done with slices, and asks it for more.

use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{Cmd, Value};
use smallvec::smallvec;
use tokio::time::{Instant, sleep, timeout};

use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::engine::redis::keys::{Owner, account_name};
use crate::engine::redis::lease::{
    Heard, PermitsTold, REPORT_INTERVAL, Report, TenantLeases, Told, divisor_of_minutes,
};
use crate::engine::redis::link::{Session, Unreachable};
use crate::engine::redis::opening::FREEZE_MAX;
use crate::engine::redis::reply::{Unreadable, array, bytes, instant, integer, standing_of};
use crate::engine::redis::scripts::{Call, number, word};
use crate::engine::redis::step::record_lifetime;
use crate::engine::redis::{FROZEN_MAX, FROZEN_RETRY, RedisEngine, UnderWay, keys};

/// How long rows wait for Redis to hear of them before they are written to the ledger: longer than anybody
/// keeps it from that who opens accounts.
const HEARD_WITHIN: Duration = FREEZE_MAX.saturating_add(Duration::from_secs(1));

impl RedisEngine {
    /// Keeps slices as large as they should be.
    pub(super) async fn keep_leases(&self, session: &Session) {
        if !self.leases_are_taken {
            return std::future::pending().await;
        }
        while self.report(&self.leases.active(), session).await.is_ok() {
            // Others may have counted from the ledger what Redis has heard of only now.
            if self.wrote_unheard.swap(false, Ordering::Relaxed) {
                self.neighbours.came_late.notify_one();
            }
            sleep(REPORT_INTERVAL).await;
        }
    }

    /// Tells what is not in the ledger yet, so that nobody counts it from there and from a slice.
    pub(super) async fn report_before_recording(&self) {
        if !self.leases_are_taken {
            return;
        }
        let Some(session) = self.link.session() else {
            self.wrote_unheard.store(true, Ordering::Relaxed);
            return;
        };
        let active = self.leases.active();
        let telling = async {
            // Whoever opens accounts may be about to count the rows.
            while !self.report(&active, &session).await? {
                sleep(FROZEN_RETRY).await;
            }
            Ok::<_, Unreachable>(())
        };
        if !matches!(timeout(HEARD_WITHIN, telling).await, Ok(Ok(()))) {
            self.wrote_unheard.store(true, Ordering::Relaxed);
        }
    }

    /// One report for each tenant. True if all that has ended before was heard.
    pub(super) async fn report(
        &self,
        tenants: &[TenantId],
        session: &Session,
    ) -> Result<bool, Unreachable> {
        let _turn = self.reporting.lock().await;
        let mut is_all = true;
        let mut told = Vec::new();
        let mut commands = Vec::new();
        for tenant in tenants {
            let replicas =
                (!self.leases.is_closed()).then(|| self.replicas.load(Ordering::Relaxed));
            let command = self.leases.with(*tenant, |leases| {
                // What is told once more is without what ended since.
                is_all &= leases.report.is_none();
                let report = leases.next_report(replicas, false)?;
                Some(self.report_command(*tenant, report, session))
            });
            if let Some(command) = command {
                told.push(*tenant);
                commands.extend(command);
            }
        }
        if commands.is_empty() {
            return Ok(true);
        }
        let sent = Instant::now();
        let answers = self.link.ask(session, commands).await?;
        for (tenant, answer) in told.into_iter().zip(answers.chunks_exact(2)) {
            is_all &= self.hear(tenant, (answer.last(), sent), session).await?;
        }
        Ok(is_all)
    }

    /// Tells of all holds that only this process knows of.
    pub(super) async fn hand_over(
        &self,
        tenant: TenantId,
        session: &Session,
    ) -> Result<(), Unreachable> {
        if !self.leases_are_taken {
            return Ok(());
        }
        let _turn = self.reporting.lock().await;
        let deadline = Instant::now() + FROZEN_MAX;
        while Instant::now() < deadline {
            let command = self.leases.with(tenant, |leases| {
                let report = leases.next_report(None, true)?;
                let command = self.report_command(tenant, report, session);
                Some((command, report.with_holds))
            });
            let Some((command, with_holds)) = command else {
                return Ok(());
            };
            let sent = Instant::now();
            let answers = self.link.ask(session, command.into()).await?;
            let answer = (answers.last(), sent);
            if self.hear(tenant, answer, session).await? && with_holds {
                return Ok(());
            }
            sleep(FROZEN_RETRY).await;
        }
        Err(Unreachable)
    }

    fn report_command(&self, tenant: TenantId, report: &Report, session: &Session) -> [Cmd; 2] {
        let books = Owner::Tenant(tenant).keys(&session.keys);
        let mut list = redis::cmd("SADD");
        list.arg(keys::leased(&session.keys, &self.replica));
        list.arg(Owner::Tenant(tenant).name());
        let mut keys = books.of_step().to_vec();
        keys.push(books.reports());
        keys.push(books.slices(&self.replica));
        let mut args = vec![
            word(&self.replica),
            number(report.number),
            number(report.parts.len()),
        ];
        for part in &report.parts {
            keys.push(books.account(&part.account));
            args.push(word(&account_name(&part.account)));
            for amount in [
                part.used,
                part.spent,
                part.granted,
                part.wanted,
                part.used_max,
            ] {
                args.push(number(amount.nanos()));
            }
        }
        let replicas = self.replicas.load(Ordering::Relaxed);
        args.push(number(report.permits.len()));
        for part in &report.permits {
            let [requests, ..] = books.rates(part.key);
            keys.push(requests);
            args.push(number(part.limit));
            args.push(number(part.wanted));
            args.push(number(divisor_of_minutes(replicas)));
            args.push(number(part.returned.0));
            args.push(number(part.returned.1));
        }
        for (request, record) in &report.records {
            args.push(request.as_bytes().to_vec());
            args.push(record.pack());
            args.push(number(record_lifetime(record.state, session).as_millis()));
        }
        [list, self.scripts.call(Call::Lease, &keys, &args)]
    }

    /// True if the report was heard.
    async fn hear(
        &self,
        tenant: TenantId,
        (answer, sent): (Option<&Value>, Instant),
        session: &Session,
    ) -> Result<bool, Unreachable> {
        let owner = Owner::Tenant(tenant);
        let parts = answer.map(array).and_then(Result::ok).ok_or(Unreachable)?;
        match parts.first().map(bytes) {
            Some(Ok(b"ok")) => {
                let told = heard(parts, sent).map_err(|_unreadable| Unreachable)?;
                self.leases
                    .with(tenant, |leases| self.note_heard(tenant, leases, &told));
                Ok(true)
            }
            Some(Ok(b"frozen")) => Ok(false),
            Some(Ok(b"lost")) if self.has_seen(owner, session) => {
                self.lost(session).await;
                Err(Unreachable)
            }
            Some(Ok(b"lost")) => {
                self.meet(owner, session).await?;
                Ok(false)
            }
            _other => Err(Unreachable),
        }
    }

    /// From here on, the holds that were told are as those that Redis decided on.
    fn note_heard(&self, tenant: TenantId, leases: &mut TenantLeases, told: &Heard) {
        leases.heard(told, |request, record, cost| {
            let under_way = UnderWay {
                since: Instant::now(),
                records: smallvec![(Owner::Tenant(tenant), record)],
            };
            match cost {
                Some(cost) => self.settle_all(request, under_way, cost),
                None => drop(self.under_way.insert(request, under_way)),
            }
        });
    }

    /// Slices of an epoch that is over mean nothing.
    pub(super) fn give_up_leases(&self) {
        self.leases.give_up(|request, tenant, record| {
            let under_way = UnderWay {
                since: Instant::now(),
                records: smallvec![(Owner::Tenant(tenant), record)],
            };
            self.under_way.insert(request, under_way);
        });
    }
}

/// After the word: what became of accounts; the time, and what became of minutes.
fn heard(parts: &[Value], sent: Instant) -> Result<Heard, Unreadable> {
    let [_, accounts, permits] = parts else {
        return Err(Unreadable);
    };
    let [second, micros, permits @ ..] = array(permits)? else {
        return Err(Unreadable);
    };
    let accounts = array(accounts)?.chunks_exact(4).map(told_of_account);
    let permits = permits.chunks_exact(3).map(told_of_permits);
    Ok(Heard {
        accounts: accounts.collect::<Result<_, _>>()?,
        permits: permits.collect::<Result<_, _>>()?,
        sent,
        time: instant(integer(second)?, integer(micros)?),
    })
}

fn told_of_account(told: &[Value]) -> Result<Told, Unreadable> {
    let (granted, standing) = told.split_first().ok_or(Unreadable)?;
    Ok(Told {
        granted: Usd::from_nanos(integer(granted)?),
        standing: standing_of(standing)?.ok_or(Unreadable)?,
    })
}

fn told_of_permits(told: &[Value]) -> Result<PermitsTold, Unreadable> {
    let [granted, total, oldest] = told else {
        return Err(Unreadable);
    };
    let count = |value: &Value| u32::try_from(integer(value)?).map_err(|_too_many| Unreadable);
    Ok(PermitsTold {
        granted: count(granted)?,
        total: count(total)?,
        oldest: integer(oldest)?,
    })
}
