//! Bounds what one call of a builtin may take: how large its arguments are, how large its result becomes, and
//! what all results of an evaluation are together. The machine itself looks only between instructions, and a
//! call is one.

use std::cell::Cell;

use regorus::rvm::program::Program;
use regorus::unstable::{BUILTINS, Expr, Ref, Span};
use regorus::{LimitError, Value};

use crate::policy::PolicyError;
use crate::policy::rego::builtins::{self, Bound};
use crate::policy::rego::invalid;

/// How large the arguments of one call may be together, its result, and all results of one evaluation.
pub(super) const ARGUMENTS_BYTES_MAX: usize = 256 * 1024;
pub(super) const RESULT_BYTES_MAX: usize = 512 * 1024;
const RESULTS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What any value counts, beside its text.
pub(super) const VALUE_BYTES: usize = 16;

thread_local! {
    static RESULTS_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// An evaluation begins on this thread.
pub(super) fn begin() {
    RESULTS_BYTES.set(0);
}

/// Puts the bounds around every builtin that a program calls.
pub(super) fn limit_builtins(program: &mut Program) -> Result<(), PolicyError> {
    let called = program.builtin_info_table.iter();
    for (info, resolved) in called.zip(&mut program.resolved_builtins) {
        let known = builtins::find(&info.name)
            .ok_or_else(|| invalid(&format!("the builtin `{}` is not to be had", info.name)))?;
        resolved.0 = known.call;
    }
    Ok(())
}

/// How a builtin is called.
pub(super) type Call = fn(&Span, &[Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

/// Where a call stands, which only errors show.
pub(super) struct Place<'a> {
    pub(super) span: &'a Span,
    pub(super) expressions: &'a [Ref<Expr>],
    pub(super) is_strict: bool,
}

/// Calls a builtin within the bounds. Beyond them the evaluation ends; no rule can catch it.
pub(super) fn call(
    name: &'static str,
    bound: Bound,
    place: &Place<'_>,
    arguments: &[Value],
) -> anyhow::Result<Value> {
    let size = size_of_all(arguments, ARGUMENTS_BYTES_MAX);
    within(size, ARGUMENTS_BYTES_MAX)?;
    let result = bound.of(size, arguments);
    within(result, RESULT_BYTES_MAX)?;
    let results = RESULTS_BYTES.get().saturating_add(result);
    within(results, RESULTS_BYTES_MAX)?;
    RESULTS_BYTES.set(results);
    let builtin = BUILTINS
        .get(name)
        .ok_or_else(|| anyhow::anyhow!("the builtin `{name}` is not to be had"))?;
    (builtin.0)(place.span, place.expressions, arguments, place.is_strict)
}

fn within(bytes: usize, limit: usize) -> anyhow::Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    let wide = |bytes| u64::try_from(bytes).unwrap_or(u64::MAX);
    Err(anyhow::Error::new(LimitError::MemoryLimitExceeded {
        usage: wide(bytes),
        limit: wide(limit),
    }))
}

/// How large values are together. Looks no further than is needed to know that it is more than a limit.
pub(super) fn size_of_all<'a>(values: impl IntoIterator<Item = &'a Value>, limit: usize) -> usize {
    let mut size = 0;
    for value in values {
        add_size(value, limit, &mut size);
    }
    size
}

fn add_size(value: &Value, limit: usize, size: &mut usize) {
    /// A number that is too large for the processor: rules have no longer ones.
    const LARGE_NUMBER_BYTES: usize = 1024;
    *size = size.saturating_add(VALUE_BYTES);
    if *size > limit {
        return;
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Undefined => {}
        Value::Number(number) => {
            if number.as_i64().is_none() && number.as_f64().is_none() {
                *size = size.saturating_add(LARGE_NUMBER_BYTES);
            }
        }
        Value::String(text) => *size = size.saturating_add(text.len()),
        Value::Array(values) => add_sizes(values.iter(), limit, size),
        Value::Set(values) => add_sizes(values.iter(), limit, size),
        Value::Object(members) => {
            let both = members.iter().flat_map(|(name, value)| [name, value]);
            add_sizes(both, limit, size);
        }
    }
}

fn add_sizes<'a>(values: impl Iterator<Item = &'a Value>, limit: usize, size: &mut usize) {
    for value in values {
        if *size > limit {
            return;
        }
        add_size(value, limit, size);
    }
}
