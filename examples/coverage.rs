//! Prints docs/COVERAGE.md from the table of endpoints: `cargo run --example coverage`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(budgetguard::providers::endpoints::coverage::page().as_bytes())
}
