//! Secrets: written as they are, or as `file:` and `env:` references. Problems never quote them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::settings::environment::Variable;
use crate::settings::reader::{FILE_BYTES_MAX, Reader};
use crate::settings::secret::{Secret, WeightedKey};
use crate::settings::text::read_bounded;

/// The most keys of one provider.
const KEYS_MAX: usize = 32;
/// The largest share of one key.
const SHARE_MAX: u32 = 1_000;
/// Where Docker puts secrets.
const DOCKER_SECRETS: &str = "/run/secrets";

impl Reader<'_> {
    /// A secret.
    pub(in crate::settings) fn secret(&mut self, key: &str, length_min: usize) -> Option<Secret> {
        self.collected.keep_back(key);
        let entry = self.entry(key);
        let Some(text) = entry.given.text() else {
            self.problems
                .push(format!("{}: must be a string in quotes", entry.label));
            return None;
        };
        let secret = self
            .dereference(&entry.label, text.trim())
            .and_then(|text| check_secret(text, length_min));
        secret.unwrap_or_else(|problem| {
            self.problems.push(format!("{}: {problem}", entry.label));
            None
        })
    }

    /// Keys with commas between; `*3` behind one gives it three shares.
    pub(in crate::settings) fn keys(&mut self, key: &str) -> Vec<WeightedKey> {
        self.collected.keep_back(key);
        let entry = self.entry(key);
        let Some(text) = entry.given.text() else {
            self.problems
                .push(format!("{}: must be a string in quotes", entry.label));
            return Vec::new();
        };
        let text = text.to_owned();
        self.keys_of(&Variable {
            label: entry.label,
            text,
        })
    }

    /// The same of a cell of a table.
    pub(in crate::settings) fn keys_of(&mut self, cell: &Variable) -> Vec<WeightedKey> {
        let parts = cell.text.split(',').map(str::trim);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let mut keys = Vec::new();
        for part in &parts {
            match self.weighted_keys(&cell.label, part) {
                Ok(named) => keys.extend(named),
                Err(problem) => self.problems.push(format!("{}: {problem}", cell.label)),
            }
        }
        if keys.len() > KEYS_MAX {
            let problem = format!("{}: at most {KEYS_MAX} keys are possible", cell.label);
            self.problems.push(problem);
        }
        keys
    }

    /// One key, or those of the file or variable that is named: there may be commas and shares there, too.
    fn weighted_keys(&mut self, label: &str, text: &str) -> Result<Vec<WeightedKey>, String> {
        let (text, shares) = weighted(text)?;
        let found = self.dereference(label, text)?;
        let mut keys = Vec::new();
        for part in found.split(',').map(str::trim) {
            let (part, own) = weighted(part)?;
            let secret = check_secret(part.to_owned(), 1)?;
            let shares = own.or(shares).unwrap_or(1);
            keys.extend(secret.map(|secret| WeightedKey { secret, shares }));
        }
        Ok(keys)
    }

    fn dereference(&mut self, label: &str, text: &str) -> Result<String, String> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = self.working_dir.join(path);
            let content = read_bounded(&path, FILE_BYTES_MAX)
                .map_err(|error| format!("could not read the file it names: {error}"))?;
            if is_open_to_all(&path) {
                let warning =
                    format!("{label}: everybody on this machine may read the file it names");
                self.warnings.push(warning);
            }
            return Ok(content.trim().to_owned());
        }
        match text.strip_prefix("env:") {
            Some(name) => match self.environment.all.get(name) {
                Some(variable) => Ok(variable.text.trim().to_owned()),
                None => Err("the variable it names is not set".into()),
            },
            None => Ok(text.to_owned()),
        }
    }
}

/// What stands before `*`, and the shares behind it.
fn weighted(text: &str) -> Result<(&str, Option<u32>), String> {
    let Some((text, shares)) = text.rsplit_once('*') else {
        return Ok((text, None));
    };
    let shares = shares.trim().parse().ok();
    let shares = shares.filter(|shares| (1..=SHARE_MAX).contains(shares));
    let wrong = || format!("the number behind `*` must be 1 to {SHARE_MAX}");
    Ok((text.trim(), Some(shares.ok_or_else(wrong)?)))
}

/// Whether accounts that have nothing to do with the gateway may read a file. Docker gives its secrets such
/// a mode whatever one does, in a container that nobody else is in.
fn is_open_to_all(path: &Path) -> bool {
    const OTHERS_READ: u32 = 0o004;
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    mode & OTHERS_READ != 0 && !path.starts_with(DOCKER_SECRETS)
}

/// Secrets go into header fields, so they must be made of visible characters.
fn check_secret(text: String, length_min: usize) -> Result<Option<Secret>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.chars().all(|character| character.is_ascii_graphic()) {
        return Err("must consist of visible ASCII characters without spaces".into());
    }
    if text.len() < length_min {
        return Err(format!("must have at least {length_min} characters"));
    }
    Ok(Some(Secret::new(text)))
}
