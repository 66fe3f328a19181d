//! Steps that replicas give in the same moment are one call: what it says and does is what each would have said and
//! done alone.

use budgetguard::domain::budget::{Charge, Enforcement, Hold};
use budgetguard::domain::rate::{RateClaim, RateLimits, RateStandings};
use budgetguard::engine::Refusal;
use futures::future::join_all;
use proptest::prelude::*;

use crate::fleet::{Fleet, Replica};
use crate::rates::wish;
use crate::redis_server::RedisServer;
use crate::{TENANT, balance, charge, reservation, usd, weight};

const CASES: u32 = 48;
const ROUNDS_MAX: usize = 4;
/// So many futures are polled in their order.
const TOGETHER_MAX: usize = 24;
const BUDGETS: i64 = 3;
const KEYS_MINUTE: RateLimits = RateLimits {
    requests: std::num::NonZeroU32::new(9),
    tokens: std::num::NonZeroU32::new(60),
    concurrent: None,
};

#[derive(Clone, Debug)]
enum Deed {
    Reserve {
        budgets: u8,
        amount: i64,
        tokens: Option<u32>,
    },
    /// The hold of an earlier round, and how much of it was used, in quarters.
    Settle(usize, i64),
}

/// Ceilings close enough to be met, a limit that is lenient, and one that counts a part.
fn charges(budgets: u8) -> Vec<Charge> {
    let lenient = Charge {
        enforcement: Enforcement::Settled,
        ..charge(2, 60)
    };
    let weighed = Charge {
        weight: weight("0.5"),
        ..charge(3, 50)
    };
    let all = [charge(1, 120), lenient, weighed].into_iter().enumerate();
    let wanted = all.filter(|(bit, _)| budgets & (1 << bit) != 0);
    wanted.map(|(_, charge)| charge).collect()
}

fn deed() -> impl Strategy<Value = Deed> {
    let reserve = (1..8_u8, 0..40_i64, proptest::option::of(0..20_u32));
    prop_oneof![
        3 => reserve.prop_map(|(budgets, amount, tokens)| Deed::Reserve {
            budgets,
            amount,
            tokens,
        }),
        1 => (any::<usize>(), 0..6_i64).prop_map(|(which, part)| Deed::Settle(which, part)),
    ]
}

/// What its caller sees of a reservation, without times.
fn told((rates, held): (Option<RateStandings>, Result<Hold, Refusal>)) -> (String, Option<Hold>) {
    let minutes = rates.map(|rates| {
        let both = [rates.requests, rates.tokens];
        both.map(|minute| minute.map(|minute| (minute.limit, minute.remaining)))
    });
    let told = match &held {
        Err(Refusal::TooMany(it)) => {
            format!("{:?} {:?} {}", it.unit, it.subject, it.standing.remaining)
        }
        other => format!("{other:?}"),
    };
    (format!("{minutes:?} {told}"), held.ok())
}

/// A replica, and what it holds.
struct Teller {
    replica: Replica,
    holds: Vec<Hold>,
}

impl Teller {
    async fn new(fleet: &Fleet) -> Self {
        let replica = fleet.replica().await;
        // Whoever comes first begins the books.
        let first = replica.hold(0, &[], 0).await;
        replica.engine().release(&first);
        Self {
            replica,
            holds: Vec::new(),
        }
    }

    async fn take(&self, number: u32, deed: &Deed) -> Option<(String, Option<Hold>)> {
        let engine = self.replica.engine();
        match *deed {
            Deed::Settle(which, part) => {
                let index = which.checked_rem(self.holds.len());
                if let Some(hold) = index.and_then(|index| self.holds.get(index)) {
                    engine.settle(hold, usd(hold.amount.nanos() * part / 4));
                }
                None
            }
            Deed::Reserve {
                budgets,
                amount,
                tokens,
            } => {
                let wanted = reservation(number, &charges(budgets), amount);
                Some(told(match tokens {
                    None => (None, engine.reserve(&wanted).await),
                    Some(tokens) => {
                        let wish = wish(number, RateLimits::default(), KEYS_MINUTE);
                        let claim = RateClaim { wish, tokens };
                        engine.reserve_at_rate(&wanted, &claim).await
                    }
                }))
            }
        }
    }

    /// What callers were told, and what the accounts stand at then.
    async fn hear(&mut self, told: Vec<Option<(String, Option<Hold>)>>) -> Vec<String> {
        let (mut said, holds): (Vec<_>, Vec<_>) = told.into_iter().flatten().unzip();
        self.holds.extend(holds.into_iter().flatten());
        for budget in 1..=BUDGETS {
            let stands = balance(&*self.replica.engine(), budget).await;
            said.push(format!("{budget}: {stands:?}"));
        }
        said
    }
}

async fn compare(fleets: [Fleet; 2], rounds: &[Vec<Deed>]) -> Result<(), TestCaseError> {
    let [mut together, mut alone] = [Teller::new(&fleets[0]).await, Teller::new(&fleets[1]).await];
    let mut number = 0;
    for round in rounds {
        let numbered: Vec<_> = round.iter().zip(number + 1..).collect();
        number += u32::try_from(round.len()).unwrap();
        let all = numbered
            .iter()
            .map(|(deed, number)| together.take(*number, deed));
        let all = join_all(all).await;
        let mut each = Vec::new();
        for (deed, number) in &numbered {
            each.push(alone.take(*number, deed).await);
        }
        prop_assert_eq!(together.hear(all).await, alone.hear(each).await);
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn steps_that_are_taken_together_are_as_if_each_came_alone(
        rounds in proptest::collection::vec(
            proptest::collection::vec(deed(), 1..TOGETHER_MAX),
            1..ROUNDS_MAX,
        )
    ) {
        let fleets = [0, 1].map(|_| Fleet::shared("BUDGETGUARD_TEST_REDIS"));
        if let [Some(one), Some(other)] = fleets {
            runtime().block_on(compare([one, other], &rounds))?;
        }
    }
}

fn calls_of_scripts(server: &RedisServer) -> u64 {
    let statistics = server.run(&["INFO", "commandstats"]);
    let line = statistics
        .lines()
        .find(|line| line.starts_with("cmdstat_evalsha:"));
    let calls = line.and_then(|line| line.split(['=', ',']).nth(1));
    calls.unwrap().parse().unwrap()
}

#[tokio::test]
async fn steps_that_come_together_are_one_call() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let teller = Teller::new(&Fleet::at(server.url())).await;
    teller.replica.engine().balances(TENANT, &[]).await;
    let before = calls_of_scripts(&server);
    let budgets = [charge(1, 1_000)];
    let holds = (1..21).map(|number| teller.replica.hold(number, &budgets, 1));
    assert_eq!(join_all(holds).await.len(), 20);
    assert_eq!(calls_of_scripts(&server) - before, 1);
}
