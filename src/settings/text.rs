//! Files as text and as TOML, with a bound on what is read. It knows no key and no setting.

use std::io::{BufReader, Error, Read as _};
use std::path::Path;

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Value};

/// Reads a text file of at most `bytes_max`.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    let mut reader = BufReader::new(file.take(bytes_max.saturating_add(1)));
    let length = reader.read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length <= bytes_max) {
        Ok(text)
    } else {
        Err(Error::other(format!("larger than {bytes_max} bytes")))
    }
}

/// Parses TOML; the problem names the line but does not quote it, because it may hold a secret.
pub(super) fn parse_toml(text: &str) -> Result<Value, String> {
    Toml::from_str::<Dict>(text)
        .map(Value::from)
        .map_err(|error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            let message = error.message().replace('\n', ", ");
            format!("line {line}: {message}")
        })
}

/// The dotted names of everything in `value` that is not a table with content.
pub(super) fn leaf_keys(value: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, child) in value.as_dict().into_iter().flatten() {
        match child.as_dict() {
            Some(table) if !table.is_empty() => {
                keys.extend(
                    leaf_keys(child)
                        .into_iter()
                        .map(|leaf| format!("{name}.{leaf}")),
                );
            }
            Some(_) | None => keys.push(name.clone()),
        }
    }
    keys
}
