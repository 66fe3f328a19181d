//! The `budgetguard` binary: reads the command line and runs one command.

use std::process::ExitCode;

use budgetguard::commands;
use mimalloc::MiMalloc;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for pages of two megabytes, of which a gateway at rest uses a fraction. A kernel that
    // cannot leave them out only takes more memory.
    let _unknown_to_the_kernel = disable_transparent_huge_pages(true);
    allow_files();
    commands::main()
}

/// Takes as many open files as whoever started the process allows: two for each stream. Where that is not
/// possible it stays with what it has.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _as_it_was = setrlimit(Resource::Nofile, raised);
}
