//! The `budgetguard` binary: reads the command line and runs one command.

use std::process::ExitCode;

use budgetguard::commands;
use mimalloc::MiMalloc;
use rustix::thread::disable_transparent_huge_pages;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for pages of two megabytes, of which a gateway at rest uses a fraction. A kernel that
    // cannot leave them out only takes more memory.
    let _unknown_to_the_kernel = disable_transparent_huge_pages(true);
    commands::main()
}
