//! Secrets: written as they are, or as `file:` and `env:` references. Problems never quote them.

use crate::settings::environment::Variable;
use crate::settings::reader::{FILE_BYTES_MAX, Reader};
use crate::settings::secret::{Secret, WeightedKey};
use crate::settings::text::read_bounded;

/// The most keys of one provider.
const KEYS_MAX: usize = 32;
/// The largest share of one key.
const SHARE_MAX: u32 = 1_000;

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
            .dereference(text.trim())
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
            match self.weighted_key(part) {
                Ok(key) => keys.extend(key),
                Err(problem) => self.problems.push(format!("{}: {problem}", cell.label)),
            }
        }
        if keys.len() > KEYS_MAX {
            let problem = format!("{}: at most {KEYS_MAX} keys are possible", cell.label);
            self.problems.push(problem);
        }
        keys
    }

    fn weighted_key(&self, text: &str) -> Result<Option<WeightedKey>, String> {
        let (text, shares) = match text.rsplit_once('*') {
            None => (text, 1),
            Some((text, shares)) => {
                let shares = shares.trim().parse().ok();
                let shares = shares.filter(|shares| (1..=SHARE_MAX).contains(shares));
                let wrong = || format!("the number behind `*` must be 1 to {SHARE_MAX}");
                (text.trim(), shares.ok_or_else(wrong)?)
            }
        };
        let secret = self
            .dereference(text)
            .and_then(|text| check_secret(text, 1))?;
        Ok(secret.map(|secret| WeightedKey { secret, shares }))
    }

    fn dereference(&self, text: &str) -> Result<String, String> {
        if let Some(path) = text.strip_prefix("file:") {
            return read_bounded(&self.working_dir.join(path), FILE_BYTES_MAX)
                .map(|content| content.trim().to_owned())
                .map_err(|error| format!("could not read the file it names: {error}"));
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
