//! Holds the worst case of a request on all of its budgets.

use std::time::Duration;

use crate::domain::budget::{Account, AccountOwner, Hold, Reservation, Scope};
use crate::domain::denial::{Denial, Dependency, OverBudget};
use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::session::SessionRef;
use crate::engine::Refusal;
use crate::gateway::admit::Asked;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::labels::Labels;
use crate::gateway::quote::Quote;
use crate::gateway::rates::Rate;
use crate::gateway::{Gateway, shadows};
use crate::providers::tokens;

/// Bodies beyond this are not counted token by token: their length has to fit.
const COUNTED_BYTES_MAX: usize = 1024 * 1024;
/// How long the first request of a session waits for what the session has spent: for a batch of rows that is being
/// written, and for those who opened theirs before it.
const SESSION_OPENING_MAX: Duration = Duration::from_secs(5);
/// How often it is opened for one request. Other replicas may open accounts of the same tenant meanwhile.
const SESSION_OPENINGS_MAX: u32 = 3;
/// When to try again what could not be decided.
pub(crate) const UNDECIDED_RETRY: Duration = Duration::from_secs(1);

/// Holds the worst case. If it does not fit by the length of the input, the input is counted and
/// tried once more.
pub(crate) async fn hold<'price>(
    gateway: &Gateway,
    asked: &Asked<'_>,
    wish: &mut Reservation,
    quote: Quote<'price>,
    rate: &mut Rate,
) -> Result<(Hold, Quote<'price>), Denial> {
    wish.wanted = quote.wanted();
    wish.at_least = quote.at_least();
    // What few requests come to is boxed: it would enlarge the future of all others.
    let mut reserved = rate.reserve(wish).await;
    for _opening in 0..SESSION_OPENINGS_MAX {
        let Err(Refusal::Unknown(account)) = reserved else {
            break;
        };
        if !Box::pin(open_session(gateway, asked, account)).await {
            break;
        }
        reserved = rate.reserve(wish).await;
    }
    let refusal = match reserved {
        Ok(hold) if hold.shadows.is_empty() => return Ok((hold, quote)),
        Ok(hold) => {
            Box::pin(shadows::note(gateway, asked, &quote, &hold.shadows)).await;
            return Ok((hold, quote));
        }
        Err(refusal) => refusal,
    };
    let counted = match &refusal {
        Refusal::Exhausted(exhausted) => Box::pin(count(asked, &quote, exhausted.room)).await,
        Refusal::Unknown(_) | Refusal::TooMany(_) | Refusal::Unavailable => None,
    };
    let Some(counted) = counted else {
        return Err(over_budget(gateway, asked, &quote, &refusal));
    };
    wish.wanted = counted.wanted();
    wish.at_least = counted.at_least();
    match rate.reserve(wish).await {
        Ok(hold) => {
            shadows::tell(gateway, asked, &hold.shadows);
            Ok((hold, counted))
        }
        Err(refusal) => Err(over_budget(gateway, asked, &counted, &refusal)),
    }
}

/// Opens the account of the request's session, if it is that which is not known. True once it is.
async fn open_session(gateway: &Gateway, asked: &Asked<'_>, account: Account) -> bool {
    match (account.owner, &asked.labels.session) {
        (AccountOwner::Session(_), Some(session)) => {
            let tenant = asked.caller.tenant().tenant.id;
            gateway.open_session(tenant, session).await
        }
        (AccountOwner::Session(_) | AccountOwner::Budget(_), _) => false,
    }
}

impl Gateway {
    /// Learns what the request's session was tagged with when it began, where that says what it may
    /// spend.
    pub(crate) async fn recall_session(
        &self,
        labels: &mut Labels,
        caller: &Authenticated,
    ) -> Result<(), Denial> {
        if !labels.has_session_to_recall(caller.tenant()) {
            return Ok(());
        }
        let recalling = Box::pin(labels.recall_session(caller.tenant(), &self.accounts));
        match tokio::time::timeout(SESSION_OPENING_MAX, recalling).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Denial::Unavailable {
                what: Dependency::Budgets,
                retry_after: UNDECIDED_RETRY,
            }),
        }
    }

    /// Opens the account of a session that was not used yet. True once it is open.
    pub(crate) async fn open_session(&self, tenant: TenantId, session: &SessionRef) -> bool {
        let opening = self.accounts.open_session(tenant, session);
        match tokio::time::timeout(SESSION_OPENING_MAX, opening).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a session's account could not be opened");
                false
            }
            Err(_elapsed) => false,
        }
    }
}

/// The quote by an exact count, where there is one and it could help to fit into so much.
pub(crate) async fn count<'price>(
    asked: &Asked<'_>,
    quote: &Quote<'price>,
    room: Usd,
) -> Option<Quote<'price>> {
    let (call, body) = (asked.call, asked.body);
    let is_batch = !call.lines.is_empty();
    let text = call.text_of(body);
    if is_batch || text.len() > COUNTED_BYTES_MAX || quote.without_input() > room {
        return None;
    }
    let (dialect, model) = (call.dialect, call.model.clone());
    // A large body takes milliseconds to count: not on a thread that others wait for.
    let counting =
        tokio::task::spawn_blocking(move || tokens::count_upper(dialect, model.as_str(), &text));
    let text_tokens = counting.await.ok()??;
    let counted = quote.counted(call, text_tokens).ok()?;
    (counted.at_least() < quote.at_least()).then_some(counted)
}

fn over_budget(
    gateway: &Gateway,
    asked: &Asked<'_>,
    quote: &Quote<'_>,
    refusal: &Refusal,
) -> Denial {
    match refusal {
        Refusal::Exhausted(exhausted) => {
            let floor = gateway.limits.output_cap_floor;
            Denial::OverBudget(Box::new(OverBudget {
                whose: name_of(exhausted.scope, asked),
                affordable_output_tokens: quote.affordable_cap(
                    exhausted.room,
                    asked.call.choices,
                    floor,
                ),
                exhausted: **exhausted,
            }))
        }
        Refusal::Unknown(account) => {
            tracing::warn!(
                ?account,
                "a budget's account is not known; it is opened again"
            );
            gateway.reopen.missing();
            Denial::Unavailable {
                what: Dependency::Budgets,
                retry_after: UNDECIDED_RETRY,
            }
        }
        Refusal::TooMany(too_many) => Denial::RateLimited(*too_many),
        Refusal::Unavailable => Denial::Unavailable {
            what: Dependency::Budgets,
            retry_after: UNDECIDED_RETRY,
        },
    }
}

fn name_of(scope: Scope, asked: &Asked<'_>) -> Option<String> {
    match scope {
        Scope::Installation | Scope::Tenant(_) | Scope::Key(_) => None,
        Scope::Tag(tag) => asked.caller.tenant().tags.path(tag),
        Scope::Session(_) => asked
            .labels
            .session
            .as_ref()
            .map(|session| session.id.clone()),
    }
}
