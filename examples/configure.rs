//! Prints docs/CONFIGURE.md from the settings: `cargo run --example configure`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(budgetguard::settings::reference::page().as_bytes())
}
