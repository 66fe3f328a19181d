//! The part of the contract that is about rates.

use std::sync::Arc;

use budgetguard::domain::id::{ApiKeyId, TenantId};
use budgetguard::domain::rate::{RateClaim, RateLimits, RateSubject, RateUnit, RateWish, TooMany};
use budgetguard::engine::{BudgetEngine, RateRefusal, Refusal};

use crate::{KEY, NOW, TENANT, balance, charge, request, reservation, stands, usd};

pub(crate) fn wish(number: u32, of_tenant: RateLimits, of_key: RateLimits) -> RateWish {
    RateWish {
        request: request(number),
        tenant: TENANT,
        key: KEY,
        at: NOW,
        of_tenant,
        of_key,
    }
}

fn too_many<T: std::fmt::Debug>(refused: Result<T, RateRefusal>) -> TooMany {
    match refused.unwrap_err() {
        RateRefusal::TooMany(too_many) => too_many,
        RateRefusal::Unavailable => panic!("not counted at all"),
    }
}

pub(crate) async fn rates_are_counted_per_tenant_and_per_key(engine: Arc<dyn BudgetEngine>) {
    let limit = |requests| RateLimits::from_kept(Some(requests), None, None);
    let both = wish(1, limit(3), limit(2));
    let standing = engine.take_rate(&both).await.unwrap().requests.unwrap();
    assert_eq!(
        (standing.limit, standing.remaining),
        (2, 1),
        "the tighter one"
    );
    engine.take_rate(&both).await.unwrap();
    let refused = too_many(engine.take_rate(&both).await);
    assert_eq!(
        (refused.unit, refused.subject),
        (RateUnit::Requests, RateSubject::Key)
    );
    assert!(!refused.retry_after.is_zero());
    // What a key was refused does not count on its tenant.
    let other_key = RateWish {
        key: ApiKeyId(12),
        ..both
    };
    engine.take_rate(&other_key).await.unwrap();
    let refused = too_many(engine.take_rate(&other_key).await);
    assert_eq!(refused.subject, RateSubject::Tenant);
    let other_tenant = RateWish {
        tenant: TenantId(2),
        ..both
    };
    engine.take_rate(&other_tenant).await.unwrap();
}

pub(crate) async fn tokens_are_counted_as_they_are_used(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(None, Some(100), None);
    let wish = wish(1, limits, RateLimits::default());
    let standings = engine.take_tokens(&wish, 80).await.unwrap();
    assert_eq!(standings.tokens.unwrap().remaining, 20);
    let refused = too_many(engine.take_tokens(&wish, 21).await);
    assert_eq!(
        (refused.unit, refused.standing.remaining),
        (RateUnit::Tokens, 20)
    );
    let counted = RateWish {
        at: standings.at,
        ..wish
    };
    engine.end_rate(&counted, 80, 50);
    let standings = engine.take_tokens(&wish, 21).await.unwrap();
    assert_eq!(standings.tokens.unwrap().remaining, 29);
}

pub(crate) async fn requests_at_once_end_with_the_request(engine: Arc<dyn BudgetEngine>) {
    let limits = RateLimits::from_kept(None, None, Some(2));
    let wish = |number| wish(number, RateLimits::default(), limits);
    engine.take_rate(&wish(1)).await.unwrap();
    engine.take_rate(&wish(2)).await.unwrap();
    let refused = too_many(engine.take_rate(&wish(3)).await);
    assert_eq!(
        (refused.unit, refused.subject),
        (RateUnit::Concurrent, RateSubject::Key)
    );
    engine.end_rate(&wish(1), 0, 0);
    engine.take_rate(&wish(3)).await.unwrap();
}

pub(crate) async fn a_request_is_counted_in_the_step_that_holds_its_money(
    engine: Arc<dyn BudgetEngine>,
) {
    let limits = RateLimits::from_kept(Some(2), Some(100), Some(2));
    let claim = |number, tokens| RateClaim {
        wish: wish(number, limits, RateLimits::default()),
        tokens,
    };
    let charges = [charge(1, 100)];
    let ask = async |number, amount, tokens| {
        let wish = reservation(number, &charges, amount);
        engine.reserve_at_rate(&wish, &claim(number, tokens)).await
    };
    let (standings, held) = ask(1, 60, 30).await;
    let standings = standings.unwrap();
    let left = [standings.requests, standings.tokens].map(|it| it.unwrap().remaining);
    assert_eq!((held.unwrap().amount, left), (usd(60), [1, 70]));
    // Money that does not fit does not undo that the request was made.
    let (standings, held) = ask(2, 60, 70).await;
    assert!(matches!(held.unwrap_err(), Refusal::Exhausted(_)));
    assert_eq!(standings.unwrap().requests.unwrap().remaining, 0);
    let third = ask(3, 10, 1).await;
    assert!(
        matches!(third, (None, Err(Refusal::TooMany(_)))),
        "{third:?}"
    );
    assert_eq!(balance(&*engine, 1).await, stands(0, 60), "nothing is held");
}
