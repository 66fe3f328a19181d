//! Opens accounts: nobody else changes the books meanwhile, and what the ledger has is added to what the
//! records say that it does not have.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::domain::budget::{Account, Balance};
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::engine::redis::keys::{self, Owner, account_name};
use crate::engine::redis::link::{Session, Unreachable};
use crate::engine::redis::record::{Record, State};
use crate::engine::redis::reply::{array, bytes, text};
use crate::engine::redis::scripts::{Call, number, word};
use crate::engine::redis::step::lifetime_of;
use crate::engine::redis::{FROZEN_RETRY, RedisEngine};
use crate::engine::{OpenMode, Opening, Spendings, UnknownSpending};

/// How long books are kept from others while their accounts are opened: the ledger is asked meanwhile.
pub(super) const FREEZE_MAX: Duration = Duration::from_secs(5);
/// How long an opener waits for a connection, and for others to tell what they know.
pub(super) const CONNECTED_WITHIN: Duration = Duration::from_secs(10);

/// A record, and the request that it is of.
type Known = BTreeMap<RequestId, Record>;

impl From<Unreachable> for UnknownSpending {
    fn from(_: Unreachable) -> Self {
        Self::Engine
    }
}

impl RedisEngine {
    pub(super) async fn open_all(
        &self,
        openings: &[Opening],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending> {
        let mut owners: BTreeMap<Owner, Vec<Opening>> = BTreeMap::new();
        for opening in openings {
            let owner = opening.tenant.map_or(Owner::Installation, Owner::Tenant);
            owners.entry(owner).or_default().push(opening.clone());
        }
        if owners.contains_key(&Owner::Installation) {
            let counts = &self.installation_counts;
            counts.store(true, Ordering::Relaxed);
        }
        for (owner, mut openings) in owners {
            let session = timeout(CONNECTED_WITHIN, self.link.next_session());
            let session = session.await.map_err(|_elapsed| UnknownSpending::Engine)?;
            sleep_until(session.opens_at).await;
            if mode == OpenMode::Missing {
                let accounts: Vec<Account> = openings.iter().map(|it| it.account).collect();
                let known = self.read_balances(owner, &accounts).await?;
                let mut known = known.iter();
                openings.retain(|_| known.next().is_none_or(Option::is_none));
            }
            if !openings.is_empty() {
                self.open_on(owner, &openings, spendings, &session).await?;
            }
        }
        // Those that an earlier process had are in no account any more.
        self.slices_are_gone.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn open_on(
        &self,
        owner: Owner,
        openings: &[Opening],
        spendings: &dyn Spendings,
        session: &Session,
    ) -> Result<(), UnknownSpending> {
        let holder = format!("{:016x}", rand::random::<u64>());
        self.meet_if_new(owner, session).await?;
        let concerned = match owner {
            Owner::Tenant(tenant) => vec![tenant],
            Owner::Installation => self.leases.active(),
        };
        for tenant in concerned {
            self.hand_over(tenant, session).await?;
        }
        self.freeze(owner, &holder, session).await?;
        let opened = self.open_frozen(owner, openings, spendings, (&holder, session));
        let opened = opened.await;
        if opened.is_err() {
            // Nothing to open: the books are only let go.
            let nothing = Known::new();
            let _ = self.write(owner, (&holder, session), &[], &nothing).await;
        }
        opened
    }

    async fn meet_if_new(&self, owner: Owner, session: &Session) -> Result<(), Unreachable> {
        if self.has_seen(owner, session) {
            return Ok(());
        }
        self.meet(owner, session).await
    }

    async fn freeze(
        &self,
        owner: Owner,
        holder: &str,
        session: &Session,
    ) -> Result<(), UnknownSpending> {
        let deadline = Instant::now() + FREEZE_MAX + FREEZE_MAX;
        while Instant::now() < deadline {
            let mut freeze = redis::cmd("SET");
            freeze.arg(owner.keys(&session.keys).frozen()).arg(holder);
            freeze.arg("NX").arg("PX").arg(millis(FREEZE_MAX));
            let answers = self.link.ask(session, vec![freeze]).await?;
            if matches!(answers.first(), Some(Value::Okay)) {
                return Ok(());
            }
            sleep(FROZEN_RETRY).await;
        }
        Err(UnknownSpending::Engine)
    }

    async fn open_frozen(
        &self,
        owner: Owner,
        openings: &[Opening],
        spendings: &dyn Spendings,
        (holder, session): (&str, &Session),
    ) -> Result<(), UnknownSpending> {
        let mut known = self.records_of(owner, session).await?;
        if owner == Owner::Installation {
            for (request, record) in self.records_of_tenants(session).await? {
                known.entry(request).or_insert(record);
            }
        }
        let requests: Vec<RequestId> = known.keys().copied().collect();
        let sums = spendings.in_ledger(openings, &requests).await?;
        let mut balances = Vec::with_capacity(openings.len());
        for (opening, in_ledger) in openings.iter().zip(sums) {
            balances.push((opening.account, counted(opening, in_ledger, &known)));
            for record in known.values_mut() {
                record.join(opening);
            }
        }
        // A charge changes no more: it is only kept for whoever opens the next account.
        known.retain(|_, record| record.state != State::Charged && !record.body.booked.is_empty());
        self.write(owner, (holder, session), &balances, &known)
            .await
    }

    async fn write(
        &self,
        owner: Owner,
        (holder, session): (&str, &Session),
        balances: &[(Account, Balance)],
        known: &Known,
    ) -> Result<(), UnknownSpending> {
        let books = owner.keys(&session.keys);
        let mut keys = books.of_step().to_vec();
        keys.push(books.slices(&self.replica));
        let is_first = self.slices_are_gone.load(Ordering::Relaxed);
        let slices = word(if is_first { "gone" } else { "" });
        let mut args = vec![word(holder), number(balances.len()), slices];
        for (account, balance) in balances {
            keys.push(books.account(account));
            args.push(word(&account_name(account)));
            let used = balance.spent.saturating_add(balance.held);
            args.push(number(used.nanos()));
            args.push(number(balance.spent.nanos()));
            let lifetime = lifetime_of(account, session.time()).map(millis);
            args.push(lifetime.map(number).unwrap_or_default());
        }
        for (request, record) in known {
            args.push(request.as_bytes().to_vec());
            args.push(record.pack());
            // The installation's books begin to count requests that only their tenants' knew.
            args.push(match owner {
                Owner::Installation => number(session.hold_lifetime.as_millis()),
                Owner::Tenant(_) => Vec::new(),
            });
        }
        let command = self.scripts.call(Call::Open, &keys, &args);
        let answers = self.link.ask(session, vec![command]).await?;
        if answers.first().map(text) == Some(Ok("ok")) {
            Ok(())
        } else {
            Err(UnknownSpending::Engine)
        }
    }

    pub(super) async fn records_of(
        &self,
        owner: Owner,
        session: &Session,
    ) -> Result<Known, Unreachable> {
        let mut all = redis::cmd("HGETALL");
        all.arg(owner.keys(&session.keys).requests());
        let answers = self.link.ask(session, vec![all]).await?;
        let pairs = answers.first().map(array).and_then(Result::ok);
        let pairs = pairs.ok_or(Unreachable)?.chunks_exact(2);
        // A record that cannot be read may be of any amount.
        let known: Option<Known> = pairs.map(read_record).collect();
        known.ok_or(Unreachable)
    }

    async fn records_of_tenants(&self, session: &Session) -> Result<Known, Unreachable> {
        let mut known = Known::new();
        for owner in self.owners(session).await? {
            if owner != Owner::Installation {
                known.append(&mut self.records_of(owner, session).await?);
            }
        }
        Ok(known)
    }

    /// Everybody who has books.
    pub(super) async fn owners(&self, session: &Session) -> Result<Vec<Owner>, Unreachable> {
        let mut list = redis::cmd("SMEMBERS");
        list.arg(keys::books(&session.keys));
        let answers = self.link.ask(session, vec![list]).await?;
        let names = answers.first().map(array).and_then(Result::ok);
        let names = names.ok_or(Unreachable)?;
        let owners = names
            .iter()
            .filter_map(|name| Owner::named(text(name).ok()?));
        Ok(owners.collect())
    }
}

pub(super) fn read_record(pair: &[Value]) -> Option<(RequestId, Record)> {
    let [request, record] = pair else {
        return None;
    };
    let request = bytes(request).ok()?.try_into().ok()?;
    let record = Record::read(bytes(record).ok()?)?;
    Some((RequestId::from_bytes(request), record))
}

/// What an account stands at: by the ledger, and by the requests that it is without.
fn counted(opening: &Opening, in_ledger: Usd, known: &Known) -> Balance {
    let mut balance = Balance {
        spent: in_ledger,
        held: Usd::ZERO,
    };
    for record in known.values() {
        let Some(amount) = record.counted_on(opening) else {
            continue;
        };
        match record.state {
            State::Held => balance.held = balance.held.saturating_add(amount),
            State::Charged | State::Swept => balance.spent = balance.spent.saturating_add(amount),
        }
    }
    balance
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
