//! What happens to a fleet.

use proptest::prelude::*;

use crate::books::BUDGETS;
use crate::fleet_simulation::LEASES;

/// Something that a replica does while others do something else.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Reserve {
        member: usize,
        tags: u8,
        wanted: i64,
        at_least: i64,
        /// After so many microseconds nobody waits for it any more.
        patience: Option<u64>,
    },
    /// Requests one after the other, until one is refused.
    Spend {
        member: usize,
        tags: u8,
        amount: i64,
        share: i64,
        times: u8,
    },
    Settle {
        which: usize,
        share: i64,
    },
    Release {
        which: usize,
    },
    Record {
        member: usize,
        rows: usize,
    },
    /// As when budgets are changed.
    Reopen {
        member: usize,
        budgets: u8,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Together(Vec<Deed>),
    /// Waits until all is told, and compares.
    Compare,
    Kill {
        member: usize,
        /// Of eight holds, those whose requests were not sent yet: they are free again.
        unsent: u8,
        /// So many rows it had just written, and told nobody.
        written: usize,
    },
    /// Starts all that are dead.
    ComeBack,
    /// Redis loses all that it has.
    Flush,
}

fn member() -> std::ops::Range<usize> {
    0..LEASES.len()
}

/// A bit for each of some budgets.
fn budgets() -> std::ops::Range<u8> {
    1..1 << BUDGETS.len()
}

fn rows() -> impl Strategy<Value = usize> {
    prop_oneof![0_usize..12, Just(usize::MAX)]
}

fn deed() -> impl Strategy<Value = Deed> {
    let amounts = prop_oneof![9 => 0_i64..150, 1 => 0_i64..20_000];
    let patience = prop_oneof![5 => Just(None), 1 => (0_u64..600).prop_map(Some)];
    prop_oneof![
        6 => (member(), budgets(), amounts, 0_i64..150, patience).prop_map(
            |(member, tags, wanted, least, patience)| Deed::Reserve {
                member, tags, wanted, at_least: least.min(wanted), patience,
            }
        ),
        3 => (member(), budgets(), 1_i64..60, 0_i64..=100, 1_u8..16).prop_map(
            |(member, tags, amount, share, times)| Deed::Spend {
                member, tags, amount, share, times,
            }
        ),
        4 => (any::<usize>(), 0_i64..=100).prop_map(|(which, share)| Deed::Settle { which, share }),
        1 => any::<usize>().prop_map(|which| Deed::Release { which }),
        3 => (member(), rows()).prop_map(|(member, rows)| Deed::Record { member, rows }),
        2 => (member(), budgets()).prop_map(|(member, budgets)| Deed::Reopen { member, budgets }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => proptest::collection::vec(deed(), 1..6).prop_map(Step::Together),
        3 => Just(Step::Compare),
        1 => (member(), any::<u8>(), rows()).prop_map(
            |(member, unsent, written)| Step::Kill { member, unsent, written }
        ),
        1 => Just(Step::ComeBack),
    ]
}

pub(super) fn step_or_loss() -> impl Strategy<Value = Step> {
    prop_oneof![14 => step(), 1 => Just(Step::Flush)]
}
