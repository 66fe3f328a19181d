//! The `budgetguard` binary: reads the command line and runs one command.

use std::process::ExitCode;

use budgetguard::commands;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    commands::main()
}
