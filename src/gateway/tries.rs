//! What follows a try that came to nothing: another key, the same provider after a pause, or the next
//! that serves the model. Each try is held for and recorded by itself, and none follows the first
//! byte of an answer.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use pingora::{Error, ErrorType, Result};

use crate::domain::denial::Denial;
use crate::domain::id::RequestId;
use crate::domain::window::UtcMicros;
use crate::gateway::Gateway;
use crate::gateway::aim::Source;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::consult::Ruled;
use crate::gateway::context::{Exchange, RequestContext};
use crate::gateway::reply::UpstreamFailure;
use crate::gateway::routing::{Target, Targets};
use crate::gateway::settle::Ending;
use crate::gateway::upstream::Reaction;
use crate::metrics::tally::Timings;
use crate::metrics::upstreams::RetryTarget;

/// How a request is tried again, from the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryRules {
    pub(crate) retries_max: u32,
    pub(crate) backoff: Duration,
    pub(crate) wait_max: Duration,
}

/// Why a try came to nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// The provider refused, with a wish for a pause.
    Status(u16, Option<Duration>),
    /// It could not be reached.
    Unreachable,
}

/// A try that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextTry {
    pub(crate) pause: Duration,
    pub(crate) target: RetryTarget,
}

/// What it takes to try a request again; only requests that may be have it.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) source: Source,
    /// The first try, whose id the later ones' rows name.
    pub(crate) first: RequestId,
    targets: Targets,
    place: usize,
    retries: u32,
    other_keys: usize,
    /// What the policy decided for all tries, where it chose the model.
    pub(crate) ruled: Option<Ruled>,
}

/// Who is asked first, and what there is after it.
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) again: Option<Box<Again>>,
}

impl Gateway {
    /// Finds who is to serve a request.
    pub(crate) fn plan(
        &self,
        source: &Source,
        caller: &Authenticated,
        (first, at): (RequestId, UtcMicros),
    ) -> std::result::Result<Plan, Denial> {
        let targets = self.router.targets(source.endpoint, &source.call.model);
        let mut denial = Denial::UnknownRoute;
        for (place, target) in targets.iter().enumerate() {
            match self.upstreams.check(target.upstream, caller, at) {
                Ok(()) => {
                    let target = target.clone();
                    let again = self.may_try_again(&targets, &target, caller).then(|| {
                        Box::new(Again {
                            source: source.clone(),
                            first,
                            other_keys: self.upstreams.other_keys(target.upstream, caller),
                            targets: targets.clone(),
                            place,
                            retries: 0,
                            ruled: None,
                        })
                    });
                    return Ok(Plan { target, again });
                }
                Err(refused) => denial = refused,
            }
        }
        Err(denial)
    }

    fn may_try_again(&self, targets: &Targets, target: &Target, caller: &Authenticated) -> bool {
        targets.len() > 1
            || self.retry_rules.retries_max > 0
            || self.upstreams.other_keys(target.upstream, caller) > 0
    }
}

impl Gateway {
    /// Takes note of how the provider of a request does.
    pub(super) fn note(&self, exchange: &Exchange, reaction: Reaction) {
        let upstream = exchange.admitted.aim.upstream;
        let key = exchange.progress.key;
        self.upstreams
            .note(upstream, key, reaction, self.clock.now());
    }

    /// Ends a try that came to nothing, if another follows it.
    pub(super) fn plan_next_try(&self, context: &mut RequestContext, failure: Failure) -> bool {
        let Some(exchange) = &mut context.exchange else {
            return false;
        };
        if matches!(failure, Failure::Unreachable) {
            self.note(exchange, Reaction::Failed);
        }
        let admitted = &mut exchange.admitted;
        let Some(again) = &mut admitted.again else {
            return false;
        };
        let asker = (&admitted.caller, self.clock.now());
        let Some(next) = again.after(failure, self, asker) else {
            return false;
        };
        self.metrics
            .request_retried(&admitted.provider, next.target);
        exchange.settle(match failure {
            Failure::Status(..) => Ending::Answered,
            Failure::Unreachable => Ending::UpstreamFailed {
                reason: UpstreamFailure::Unreachable.reason(),
                http_status: None,
            },
        });
        context.next_try = Some(next);
        true
    }

    /// Admits the request anew, to whom it goes now.
    pub(super) async fn try_again(
        &self,
        context: &mut RequestContext,
        next: NextTry,
    ) -> Result<()> {
        tokio::time::sleep(next.pause).await;
        let missing = || Error::explain(ErrorType::InternalError, "nothing to try again");
        let mut exchange = context.exchange.take().ok_or_else(missing)?;
        let now = self.clock.now();
        context.request = RequestId::new(now, rand::random());
        (context.at, context.started) = (now, Instant::now());
        context.timings = Timings::since(context.started);
        let ids = (context.request, now);
        let admitted = exchange
            .admitted
            .admit_again(self, ids, &mut context.timings)
            .await;
        match admitted {
            Ok(admitted) => {
                let since = (
                    context.started,
                    mem::replace(&mut context.timings, Timings::since(context.started)),
                );
                let before = exchange.trace.take();
                let mut exchange = Exchange::new(admitted, since, Arc::clone(&self.settler));
                exchange.trace = before.map(|trace| Box::new(trace.beside()));
                context.exchange = Some(Box::new(exchange));
                Ok(())
            }
            Err(denial) => {
                context.late_denial = Some(denial);
                Error::e_explain(ErrorType::InternalError, "not admitted again")
            }
        }
    }
}

impl Again {
    /// The target that is tried now.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.targets.get(self.place)
    }

    /// What follows a failure, if anything does.
    pub(crate) fn after(
        &mut self,
        failure: Failure,
        gateway: &Gateway,
        (caller, now): (&Authenticated, UtcMicros),
    ) -> Option<NextTry> {
        let upstream = self.target()?.upstream;
        if failure.is_about_key()
            && self.other_keys > 0
            && gateway.upstreams.has_another_key(upstream, now)
        {
            self.other_keys = self.other_keys.saturating_sub(1);
            return Some(NextTry {
                pause: Duration::ZERO,
                target: RetryTarget::Same,
            });
        }
        if !failure.is_for_the_moment() && !failure.is_about_key() {
            return None;
        }
        let is_over_soon = failure.is_for_the_moment();
        let same = is_over_soon.then(|| self.same(failure, gateway.retry_rules));
        same.flatten()
            .filter(|_| gateway.upstreams.check(upstream, caller, now).is_ok())
            .or_else(|| self.next(gateway, (caller, now)))
    }

    fn same(&mut self, failure: Failure, rules: RetryRules) -> Option<NextTry> {
        if self.retries >= rules.retries_max {
            return None;
        }
        let doubled = 1_u32.checked_shl(self.retries).unwrap_or(u32::MAX);
        let backoff = rules.backoff.saturating_mul(doubled).min(rules.wait_max);
        let pause = failure.wish().unwrap_or(backoff);
        if pause > rules.wait_max {
            return None;
        }
        self.retries = self.retries.saturating_add(1);
        let target = RetryTarget::Same;
        Some(NextTry { pause, target })
    }

    fn next(
        &mut self,
        gateway: &Gateway,
        (caller, now): (&Authenticated, UtcMicros),
    ) -> Option<NextTry> {
        let later = self.place.saturating_add(1)..self.targets.len();
        let (place, target) = later
            .filter_map(|place| Some((place, self.targets.get(place)?)))
            .find(|(_, target)| {
                let upstreams = &gateway.upstreams;
                upstreams.check(target.upstream, caller, now).is_ok()
            })?;
        self.other_keys = gateway.upstreams.other_keys(target.upstream, caller);
        (self.place, self.retries) = (place, 0);
        Some(NextTry {
            pause: Duration::ZERO,
            target: RetryTarget::Next,
        })
    }
}

impl Failure {
    /// Whether it may be over soon.
    fn is_for_the_moment(self) -> bool {
        match self {
            Self::Status(status, _) => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 529)
            }
            Self::Unreachable => true,
        }
    }

    /// Whether another key could help, or another provider.
    fn is_about_key(self) -> bool {
        matches!(self, Self::Status(401 | 403 | 429, _))
    }

    fn wish(self) -> Option<Duration> {
        match self {
            Self::Status(_, wish) => wish,
            Self::Unreachable => None,
        }
    }
}

/// How long a provider asks to be left alone: `retry-after-ms`, else `Retry-After` in seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |value: &http::HeaderValue| value.to_str().ok()?.trim().parse::<f64>().ok();
    let millis = headers.get("retry-after-ms").and_then(number);
    let seconds = millis.map(|millis| millis / 1_000.0);
    let seconds = seconds.or_else(|| headers.get(RETRY_AFTER).and_then(number))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &'static str, value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn a_providers_wish_for_a_pause_is_read_in_both_forms() {
        assert_eq!(asked("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(
            asked("retry-after", "0.5"),
            Some(Duration::from_millis(500))
        );
        assert_eq!(
            asked("retry-after-ms", "20"),
            Some(Duration::from_millis(20))
        );
        for wrong in ["-1", "soon", "NaN", "1e300"] {
            assert_eq!(asked("retry-after", wrong), None, "{wrong}");
        }
    }
}
