//! The settings as a page: docs/CONFIGURE.md, printed by `cargo run --example configure`. It is made of the file
//! that holds the defaults and of the table of variables, so it says what the program does.

use std::fmt::Write as _;

use crate::settings::DEFAULTS;
use crate::settings::environment::{NAMES, SECRETS};

const INTRODUCTION: &str = "# Settings

Every setting with its default and its environment variable. Printed from
[conf/budgetguard.toml](../conf/budgetguard.toml) by `cargo run --example configure > docs/CONFIGURE.md`; a test compares
the two.

On SIGHUP a running gateway reads its settings again. It takes over `telemetry.log_filter` and keys for providers (`api_key`,
also from files that they are references to), and reads the certificate's files again; the log names the other keys that were
changed, which need a restart. Of secrets it is not told whether they changed. The policy's
files and the certificate's are also looked at without a signal.

";

/// The page.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut section = String::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            let _ = write!(page, "## `[{section}]`\n\n{}", paragraphs(&comment));
            comment.clear();
        } else if let Some((name, value)) = line.split_once(" = ") {
            let key = format!("{section}.{name}");
            page.push_str(&setting(&key, value, &comment));
            comment.clear();
        } else {
            page.push_str(&paragraphs(&comment));
            comment.clear();
        }
    }
    while page.ends_with("\n\n") {
        page.pop();
    }
    page
}

fn setting(key: &str, value: &str, comment: &[&str]) -> String {
    let value = if value == "\"\"" { "not set" } else { value };
    let mut facts = vec![format!("default `{value}`")];
    let is_secret = SECRETS.contains(&key);
    let variables = NAMES.iter().filter(|(_, named)| *named == key);
    let variables: Vec<String> = variables
        .map(|(name, _)| {
            if is_secret {
                format!("`{name}` or `{name}_FILE`")
            } else {
                format!("`{name}`")
            }
        })
        .collect();
    if variables.is_empty() {
        facts.push("no variable".to_owned());
    } else {
        facts.push(variables.join(", else "));
    }
    if is_secret {
        facts.push("secret".to_owned());
    }
    let facts = facts.join(" · ");
    format!("### `{key}`\n\n{facts}\n\n{}", paragraphs(comment))
}

/// Lines that are set in stay as they are; the others run on.
fn paragraphs(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut running = String::new();
    for line in lines {
        if line.is_empty() || line.starts_with("  ") {
            close(&mut text, &mut running);
        }
        if line.starts_with("  ") {
            let _ = writeln!(text, "    {}", line.trim_start());
        } else if !line.is_empty() {
            if text.ends_with('\n') && !text.ends_with("\n\n") {
                text.push('\n');
            }
            running.push_str(line);
            running.push(' ');
        }
    }
    close(&mut text, &mut running);
    if text.ends_with('\n') && !text.ends_with("\n\n") {
        text.push('\n');
    }
    text
}

fn close(text: &mut String, running: &mut String) {
    let said = without_variables(running.trim()).replace('<', "&lt;");
    if !said.is_empty() {
        let _ = write!(text, "{said}\n\n");
    }
    running.clear();
}

/// Without the variables that stand in brackets: they stand above.
fn without_variables(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (inside, behind) = after.split_once(']').unwrap_or((after, ""));
        let is_known = |name: &str| NAMES.iter().any(|(known, _)| *known == name);
        kept.push_str(before);
        if !inside.split(", else ").all(is_known) {
            let _ = write!(kept, "[{inside}]");
        }
        rest = behind;
    }
    kept.push_str(rest);
    kept.trim().replace("  ", " ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_is_that_of_these_settings() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURE.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == page(),
            "print it anew: cargo run --example configure > docs/CONFIGURE.md"
        );
    }

    #[test]
    fn every_variable_and_every_secret_is_on_the_page() {
        let page = page();
        for (name, key) in NAMES {
            assert!(page.contains(&format!("`{name}`")), "{name}");
            assert!(page.contains(&format!("### `{key}`")), "{key}");
        }
        let secret = "### `admin.api_key`\n\ndefault `not set` · `ADMIN_API_KEY` or \
            `ADMIN_API_KEY_FILE` · secret\n\nKey of the admin API.";
        assert!(page.contains(secret), "{page}");
    }
}
