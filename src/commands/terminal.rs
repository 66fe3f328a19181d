//! What commands say: results on standard output, everything else on standard error.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the place where commands print"
)]

use std::io::{IsTerminal, stdout};

/// Prints a result.
pub(super) fn say(text: &str) {
    println!("{text}");
}

/// A text that comes from elsewhere: nothing in it may talk to the terminal.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Tells what goes on, or what somebody should know.
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// Tells what is wrong.
pub(super) fn complain(text: &str) {
    eprintln!("budgetguard: {text}");
}

/// Whether a person is looking: secrets are shown to nobody else.
pub(super) fn has_reader() -> bool {
    stdout().is_terminal()
}
