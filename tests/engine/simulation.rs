//! Any sequence of steps, beside books that are kept in the simplest way.

use std::collections::BTreeMap;

use budgetguard::domain::budget::{Charge, Enforcement, Hold, Reservation};
use budgetguard::domain::money::Usd;
use budgetguard::engine::local::LocalEngine;
use budgetguard::engine::{BudgetEngine, OpenMode, Spending};
use proptest::prelude::*;

use crate::books::{BUDGETS, budgets_of, charge_on, counted, coverage, share_on, tag_of, tags_of};
use crate::{NOW, Spent, balance, opening, reservation, stands, usd};

/// How many sequences of steps are tried.
const SCHEDULES: u32 = 1_000;

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        number: u32,
        tags: u8,
        wanted: i64,
        at_least: i64,
    },
    Settle {
        number: u32,
        share: i64,
    },
    Release {
        number: u32,
    },
    /// As after a restart, or when the budget is changed.
    Reopen {
        tag: usize,
        /// How many of the charges have not reached the ledger.
        unrecorded: usize,
    },
    /// The process dies: what was held is charged, and the budgets are opened anew.
    Crash {
        /// How many of the charges had not reached the ledger.
        unrecorded: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u32..12, 1_u8..1 << BUDGETS.len(), 0_i64..400, 0_i64..400).prop_map(
            |(number, tags, wanted, least)| Step::Reserve {
                number, tags, wanted, at_least: least.min(wanted),
            }
        ),
        3 => (0_u32..12, 0_i64..=100).prop_map(|(number, share)| Step::Settle { number, share }),
        1 => (0_u32..12).prop_map(|number| Step::Release { number }),
        1 => (0..BUDGETS.len(), 0_usize..4)
            .prop_map(|(tag, unrecorded)| Step::Reopen { tag, unrecorded }),
        1 => (0_usize..4).prop_map(|unrecorded| Step::Crash { unrecorded }),
    ]
}

/// The engine beside books that are kept in the simplest way.
struct Simulation {
    runtime: tokio::runtime::Runtime,
    engine: LocalEngine,
    holds: BTreeMap<u32, (Hold, u8)>,
    charged: Vec<Spending>,
    ended: u32,
}

impl Simulation {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        Self {
            runtime: builder.build().unwrap(),
            engine: LocalEngine::default(),
            holds: BTreeMap::new(),
            charged: Vec::new(),
            ended: 0,
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Reserve {
                number,
                tags,
                wanted,
                at_least,
            } => self.reserve(number, tags, (wanted, at_least))?,
            Step::Settle { number, share } => {
                if let Some((hold, tags)) = self.holds.remove(&number) {
                    self.ended += 1;
                    let actual = usd(hold.amount.nanos() * share / 100);
                    self.engine.settle(&hold, actual);
                    self.engine.settle(&hold, actual);
                    self.charged.push(Spending {
                        request: hold.request,
                        origin: tags_of(tags),
                        at: NOW,
                        cost: actual,
                    });
                }
            }
            Step::Release { number } => {
                if let Some((hold, _)) = self.holds.remove(&number) {
                    self.ended += 1;
                    self.engine.release(&hold);
                }
            }
            Step::Reopen { tag, unrecorded } => self.reopen(tag, unrecorded),
            Step::Crash { unrecorded } => self.crash(unrecorded),
        }
        Ok(())
    }

    fn reserve(
        &mut self,
        number: u32,
        tags: u8,
        (wanted, at_least): (i64, i64),
    ) -> Result<(), TestCaseError> {
        let charges: Vec<Charge> = budgets_of(tags).map(charge_on).collect();
        let wish = Reservation {
            origin: tags_of(tags),
            at_least: usd(at_least),
            // No two requests have the same id, also after one of them is over.
            ..reservation(number + 12 * self.ended, &charges, wanted)
        };
        let wish = match self.holds.get(&number) {
            Some((known, _)) => Reservation {
                request: known.request,
                ..wish
            },
            None => wish,
        };
        if let Ok(hold) = self.runtime.block_on(self.engine.reserve(&wish)) {
            if let Some((known, _)) = self.holds.get(&number) {
                // What shadows would have refused is told once.
                let known = Hold {
                    shadows: Vec::new(),
                    ..known.clone()
                };
                prop_assert_eq!(&hold, &known);
            } else {
                prop_assert!(hold.amount >= usd(at_least) && hold.amount <= usd(wanted));
                self.holds.insert(number, (hold, tags));
            }
        }
        Ok(())
    }

    fn crash(&mut self, unrecorded: usize) {
        for (hold, tags) in std::mem::take(&mut self.holds).into_values() {
            self.ended += 1;
            self.charged.push(Spending {
                request: hold.request,
                origin: tags_of(tags),
                at: NOW,
                cost: hold.amount,
            });
        }
        self.engine = LocalEngine::default();
        for bit in 0..BUDGETS.len() {
            self.reopen(bit, unrecorded);
        }
    }

    fn reopen(&mut self, bit: usize, unrecorded: usize) {
        let recorded = self.charged.len().saturating_sub(unrecorded);
        let (in_ledger, in_spool) = self.charged.split_at(recorded);
        let spent = Spent {
            in_ledger: counted(bit, in_ledger).nanos(),
            unrecorded: in_spool.to_vec(),
            ..Spent::default()
        };
        let openings = [opening(tag_of(bit).0, coverage(bit))];
        let opened = self.engine.open(&openings, OpenMode::Anew, &spent);
        self.runtime.block_on(opened).unwrap();
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (bit, (limit, _, enforcement)) in BUDGETS.iter().enumerate() {
            let held = self.holds.values();
            let held = held.map(|(hold, tags)| share_on(bit, &tags_of(*tags), hold.amount).nanos());
            let expected = stands(counted(bit, &self.charged).nanos(), held.sum());
            let stood = self.runtime.block_on(balance(&self.engine, tag_of(bit).0));
            prop_assert_eq!(stood, expected);
            let is_ceiling = *enforcement == Enforcement::Ceiling;
            prop_assert!(!is_ceiling || stood.headroom(usd(*limit)) >= Usd::ZERO);
        }
        prop_assert_eq!(self.engine.holds_open(), self.holds.len());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(SCHEDULES))]

    /// Whatever the order of steps: no ceiling is passed, a step on one request never changes what
    /// another holds, what is charged is the sum of what was settled, and an account that is opened
    /// anew in the middle of it, or after a crash, stands at what it stood at.
    #[test]
    fn any_sequence_of_steps_keeps_every_limit(steps in proptest::collection::vec(step(), 1..120)) {
        let mut simulation = Simulation::new();
        for step in steps {
            simulation.take(&step)?;
            simulation.check()?;
        }
    }
}
