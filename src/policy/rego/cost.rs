//! Whether a program is sure to be quick: an instruction that compares or joins collections takes as long as
//! they are large, and the machine can only stop between instructions. How large a value can become is worked
//! out from the program, rather too large than too small.

use std::collections::BTreeMap;

use regorus::Value;
use regorus::rvm::program::Program;

use crate::policy::rego::cost::reading::flow_of;
use crate::policy::rego::guard;

mod flow;
mod reading;

/// How many instructions a quick evaluation may take.
pub(super) const INSTRUCTIONS_MAX: usize = 1_000;
/// How often a loop can go round in that time.
const ROUNDS_MAX: u64 = 250;
/// How large an input may be, in values. A larger one is not evaluated on the thread of a request.
const INPUT_VALUES_MAX: u64 = 512;
/// What a builtin can give, in values.
const RESULT_VALUES_MAX: u64 = (guard::RESULT_BYTES_MAX / guard::VALUE_BYTES) as u64;
/// How many values one instruction may walk through: about two milliseconds.
const WALKED_MAX: u64 = 150_000;
/// How often sizes are worked out again before they are given up: more than rules depend on each other.
const PASSES_MAX: usize = 256;

/// A register of a rule, or of the code that calls the entry point.
type Register = (Option<u16>, u8);

/// Whether each instruction of a program takes little time, whatever a small input says.
pub(super) fn is_quick(program: &Program) -> bool {
    let Some(flow) = flow_of(program) else {
        return false;
    };
    let mut sizes = BTreeMap::new();
    for _ in 0..PASSES_MAX {
        let next = flow.sizes(&sizes);
        if next == sizes {
            return flow.walked_most(&sizes) <= WALKED_MAX;
        }
        sizes = next;
    }
    false
}

/// Whether an input is small enough for that.
pub(super) fn is_small(input: &Value) -> bool {
    let values = usize::try_from(INPUT_VALUES_MAX).unwrap_or(usize::MAX);
    let limit = values.saturating_mul(guard::VALUE_BYTES);
    guard::size_of_all([input], limit) <= limit
}

#[cfg(test)]
mod tests;
