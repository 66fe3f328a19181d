//! `budgetguard policy eval`: what rules decide on an input.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::commands::policy::load;
use crate::commands::terminal::say;
use crate::policy::Verdict;

/// The largest input.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;

/// What to ask about.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// A `.rego` file, a folder of such files, or a `.wasm` module (default: the built-in policy).
    path: Option<PathBuf>,
    /// The input document as JSON; `-` reads it from standard input.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

/// A decision in the words of rules.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Decision {
    allow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags_required: Vec<String>,
}

/// Prints the decision.
pub(super) fn run(options: &Options) -> Result<()> {
    let policy = load(options.path.as_deref())?;
    let verdict = policy.decide_on(&read_input(&options.input)?)?;
    say(&serde_json::to_string_pretty(&Decision::from(verdict))?);
    Ok(())
}

/// An input document from a file, or from standard input.
pub(super) fn read_input(path: &Path) -> Result<String> {
    let named = || format!("could not read {}", path.display());
    let mut text = String::new();
    let limit = INPUT_BYTES_MAX.saturating_add(1);
    let read = if path.as_os_str() == "-" {
        stdin().lock().take(limit).read_to_string(&mut text)
    } else {
        let file = File::open(path).with_context(named)?;
        file.take(limit).read_to_string(&mut text)
    };
    let bytes = read.with_context(named)?;
    let is_bounded = u64::try_from(bytes).is_ok_and(|bytes| bytes <= INPUT_BYTES_MAX);
    ensure!(
        is_bounded,
        "{}: more than {INPUT_BYTES_MAX} bytes",
        path.display()
    );
    Ok(text)
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow(effects) => Self {
                allow: true,
                reason: None,
                max_output_tokens: effects.max_output_tokens,
                model: effects.model.map(|model| model.as_str().to_owned()),
                tags_required: effects.tags_required,
            },
            Verdict::Deny { reason } => Self {
                reason,
                ..Self::default()
            },
        }
    }
}
