//! `budgetguard policy`: rules as files, without a gateway: whether they can be loaded, what they decide, whether
//! their tests pass, and what they cost.

mod bench;
mod check;
mod eval;
mod test;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;

use crate::policy::PolicyEngine;
use crate::policy::source::PolicySource;
use crate::policy::wasm::WasmRuntime;

/// What `policy` does.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Compile rules, and tell what they read and call.
    Check(check::Options),
    /// Ask rules about an input, and print what they decide as JSON.
    Eval(eval::Options),
    /// Run every rule whose name begins with `test_` in the `_test.rego` files of a folder and of those in it,
    /// each folder as one policy. Fails if a test fails or there is none.
    Test(test::Options),
    /// Measure what one decision costs on this machine.
    Bench(bench::Options),
}

/// Does it.
pub(super) fn run(action: &Action) -> Result<()> {
    match action {
        Action::Check(options) => check::run(options),
        Action::Eval(options) => eval::run(options),
        Action::Test(options) => test::run(options),
        Action::Bench(options) => bench::run(options),
    }
}

/// The rules at a path, or those that come with the gateway.
fn source_of(path: Option<&Path>) -> Result<PolicySource> {
    Ok(match path {
        Some(path) => PolicySource::read(path)?,
        None => PolicySource::embedded(),
    })
}

fn load(path: Option<&Path>) -> Result<Arc<dyn PolicyEngine>> {
    Ok(source_of(path)?.compile(&WasmRuntime::default())?)
}
