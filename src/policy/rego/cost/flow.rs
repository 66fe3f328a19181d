//! Which values of a program are made of which others, and how large they become.

use std::collections::BTreeMap;

use crate::policy::rego::cost::Register;

/// How often a register's value is in the one that is made.
pub(super) type Part = (Register, u64);

/// A register gets a value, or its collection another member.
pub(super) struct Making {
    pub(super) register: Register,
    pub(super) grows: bool,
    pub(super) own: u64,
    pub(super) parts: Vec<Part>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) makings: Vec<Making>,
    /// What instructions walk through: the smallest of these, together.
    pub(super) walks: Vec<Vec<Register>>,
}

impl Flow {
    /// How large each register's value can be, if they are at most so large.
    pub(super) fn sizes(&self, before: &BTreeMap<Register, u64>) -> BTreeMap<Register, u64> {
        let mut sizes: BTreeMap<Register, u64> = BTreeMap::new();
        let mut growth: BTreeMap<Register, u64> = BTreeMap::new();
        for making in &self.makings {
            let size = making.parts.iter().fold(making.own, |size, (part, times)| {
                let part = before.get(part).copied().unwrap_or_default();
                size.saturating_add(part.saturating_mul(*times))
            });
            if making.grows {
                let grown = growth.entry(making.register).or_default();
                *grown = grown.saturating_add(size);
            } else {
                let largest = sizes.entry(making.register).or_default();
                *largest = size.max(*largest);
            }
        }
        for (register, grown) in growth {
            let size = sizes.entry(register).or_default();
            *size = size.saturating_add(grown);
        }
        sizes
    }

    /// The most values that one instruction walks through.
    pub(super) fn walked_most(&self, sizes: &BTreeMap<Register, u64>) -> u64 {
        let size = |register: &Register| sizes.get(register).copied().unwrap_or_default();
        let walks = self.walks.iter();
        let walked = walks.filter_map(|walk| walk.iter().map(size).min());
        walked.max().unwrap_or_default()
    }
}
