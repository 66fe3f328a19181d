//! Looks keys up in the layers and checks their values. It never stops at a problem: it notes it,
//! hands back a stand-in, and `Settings::load` refuses the whole tree at the end.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};

use crate::settings::choice::Choice;
use crate::settings::environment::{Environment, Variable};
use crate::settings::shown::{Collected, Layer};
use crate::settings::text::{leaf_keys, parse_toml, read_bounded};

mod secrets;

/// Longest settings file and longest file that a `file:` reference may name.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Longest part of a bad value that a problem quotes.
const QUOTED_CHARS_MAX: usize = 80;

/// A value and how problems call the place it comes from.
struct Entry {
    label: String,
    given: Given,
}

enum Given {
    /// From the environment, where everything is a text.
    Word(String),
    Toml(Value),
}

impl Given {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Toml(value) => value.as_str(),
        }
    }

    /// Nothing of a table: its entries are read one by one.
    fn shown(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word.clone()),
            Self::Toml(value) => plain(value),
        }
    }
}

/// The layers, and what was found out while reading them.
pub(super) struct Reader<'a> {
    pub(super) environment: Environment,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
    working_dir: &'a Path,
    file: Value,
    file_name: String,
    defaults: Value,
    keys_read: BTreeSet<String>,
    pub(super) collected: Collected,
}

impl<'a> Reader<'a> {
    pub(super) fn new(defaults: &str, mut environment: Environment, working_dir: &'a Path) -> Self {
        let mut problems = std::mem::take(&mut environment.problems);
        let warnings = std::mem::take(&mut environment.warnings);
        let defaults = parse_toml(defaults).unwrap_or_else(|problem| {
            problems.push(format!("built-in defaults: {problem}"));
            Value::from(Dict::new())
        });
        Self {
            environment,
            problems,
            warnings,
            working_dir,
            file: Value::from(Dict::new()),
            file_name: String::new(),
            defaults,
            keys_read: BTreeSet::new(),
            collected: Collected::default(),
        }
    }

    pub(super) fn take_file(&mut self, path: &Path) {
        self.file_name = path.display().to_string();
        match read_bounded(path, FILE_BYTES_MAX) {
            Ok(text) => match parse_toml(&text) {
                Ok(file) => self.file = file,
                Err(problem) => self.problems.push(format!("{}: {problem}", self.file_name)),
            },
            Err(error) => {
                self.problems.push(format!(
                    "could not read settings {}: {error}",
                    self.file_name
                ));
            }
        }
    }

    /// Keys of the file that nothing has asked for.
    pub(super) fn note_unknown_keys(&mut self) {
        for key in leaf_keys(&self.file) {
            let known = self.keys_read.iter().any(|read| {
                key.strip_prefix(read.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            if !known {
                self.problems
                    .push(format!("unknown key `{key}` in {}", self.file_name));
            }
        }
    }

    pub(super) fn problem(&mut self, key: &str, problem: impl Display) {
        let label = self.entry(key).label;
        self.problems.push(format!("{label}: {problem}"));
    }

    pub(super) fn integer<T>(&mut self, key: &str, range: RangeInclusive<T>) -> T
    where
        T: Copy + PartialOrd + Display + TryFrom<i128>,
    {
        let entry = self.entry(key);
        let number = match &entry.given {
            Given::Word(word) => word.trim().parse().ok(),
            Given::Toml(value) => value.to_i128(),
        };
        let number = number.and_then(|number| T::try_from(number).ok());
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return number;
        }
        let (low, high) = (range.start(), range.end());
        self.reject(
            &entry,
            &format!("must be a whole number from {low} to {high}"),
        );
        *low
    }

    pub(super) fn flag(&mut self, key: &str) -> bool {
        let entry = self.entry(key);
        let flag = match &entry.given {
            Given::Word(word) => word.trim().parse().ok(),
            Given::Toml(value) => value.to_bool(),
        };
        flag.unwrap_or_else(|| {
            self.reject(&entry, "must be true or false");
            false
        })
    }

    pub(super) fn choice<T: Choice + Default>(&mut self, key: &str) -> T {
        let entry = self.entry(key);
        let word = match &entry.given {
            Given::Word(word) => Some(word.clone()),
            Given::Toml(value) => value
                .as_str()
                .map(str::to_owned)
                .or(value.to_i128().map(|it| it.to_string())),
        };
        word.and_then(|word| T::from_name(&word))
            .unwrap_or_else(|| {
                self.reject(&entry, &format!("must be {}", T::names()));
                T::default()
            })
    }

    /// A list without repetitions; in the environment with commas.
    pub(super) fn choices<T: Choice>(&mut self, key: &str) -> Vec<T> {
        let entry = self.entry(key);
        let words: Option<Vec<String>> = match &entry.given {
            Given::Word(word) => Some(word.split(',').map(str::to_owned).collect()),
            Given::Toml(value) => value.as_array().and_then(|items| {
                items
                    .iter()
                    .map(|it| it.as_str().map(str::to_owned))
                    .collect()
            }),
        };
        let mut choices = Vec::new();
        let Some(words) = words else {
            self.reject(&entry, &format!("must be a list of {}", T::names()));
            return choices;
        };
        for word in words {
            match T::from_name(&word) {
                Some(choice) if choices.contains(&choice) => {}
                Some(choice) => choices.push(choice),
                None => {
                    let label = &entry.label;
                    let (expected, found) = (T::names(), quoted(&word));
                    self.problems
                        .push(format!("{label}: each must be {expected}, not {found}"));
                }
            }
        }
        choices
    }

    /// A text that may be left out.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let entry = self.entry(key);
        let text = self.text_of(&entry)?;
        match parse(&text) {
            Ok(parsed) => Some(parsed),
            Err(problem) => {
                let label = &entry.label;
                self.problems.push(if may_hold_secret(&text) {
                    format!("{label}: {problem}")
                } else {
                    format!("{label}: {problem}: {}", quoted(&text))
                });
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required<T: Default, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        let problems_before = self.problems.len();
        let value = self.optional(key, parse);
        if value.is_none() && self.problems.len() == problems_before {
            self.problem(key, "must not be empty");
        }
        value.unwrap_or_default()
    }

    /// A path, relative to the working directory.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let working_dir = self.working_dir;
        self.optional(key, |text| Ok::<_, String>(working_dir.join(text)))
    }

    /// A path to something that `check` accepts.
    pub(super) fn checked_path(
        &mut self,
        key: &str,
        check: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Option<PathBuf> {
        let path = self.path(key)?;
        if let Err(problem) = check(&path) {
            self.problem(key, format!("{}: {problem}", path.display()));
        }
        Some(path)
    }

    /// Two levels of free names below `key`: each table, its entries and their texts.
    pub(super) fn tables(&mut self, key: &str) -> Vec<(String, String, Variable)> {
        let entry = self.entry(key);
        let Given::Toml(value) = &entry.given else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for (name, table) in value.as_dict().into_iter().flatten() {
            let Some(table) = table.as_dict() else {
                self.problems
                    .push(format!("{}: `{name}` must be a table", entry.label));
                continue;
            };
            for (column, cell) in table {
                let label = format!("`{key}.{name}.{column}` in {}", self.file_name);
                match cell.as_str() {
                    Some(text) => {
                        let text = text.to_owned();
                        let shown = format!("{key}.{name}.{column}");
                        self.collected.note(&shown, text.clone(), Layer::File);
                        rows.push((name.clone(), column.clone(), Variable { label, text }));
                    }
                    None => self
                        .problems
                        .push(format!("{label}: must be a string in quotes")),
                }
            }
        }
        rows
    }

    fn text_of(&mut self, entry: &Entry) -> Option<String> {
        let text = entry.given.text();
        if text.is_none() {
            self.reject(entry, "must be a string in quotes");
        }
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    fn reject(&mut self, entry: &Entry, expected: &str) {
        let found = match &entry.given {
            Given::Word(word) => quoted(word),
            Given::Toml(value) => describe(value),
        };
        self.problems
            .push(format!("{}: {expected}, not {found}", entry.label));
    }

    fn entry(&mut self, key: &str) -> Entry {
        self.keys_read.insert(key.to_owned());
        let (entry, layer) = self.find(key);
        if let Some(text) = entry.given.shown() {
            self.collected.note(key, text, layer);
        }
        entry
    }

    fn find(&self, key: &str) -> (Entry, Layer) {
        if let Some(Variable { label, text }) = self.environment.by_key.get(key) {
            let entry = Entry {
                label: label.clone(),
                given: Given::Word(text.clone()),
            };
            return (entry, Layer::Environment);
        }
        if let Some(value) = self.file.find_ref(key) {
            let label = format!("`{key}` in {}", self.file_name);
            let entry = Entry {
                label,
                given: Given::Toml(value.clone()),
            };
            return (entry, Layer::File);
        }
        let value = self.defaults.find_ref(key).cloned();
        // A key without default is a mistake of ours, which the tests find; empty is refused or unset.
        let given = Given::Toml(value.unwrap_or_else(|| Value::from("")));
        let entry = Entry {
            label: format!("`{key}`"),
            given,
        };
        (entry, Layer::Default)
    }

    #[cfg(test)]
    pub(super) fn keys_read(&self) -> &BTreeSet<String> {
        &self.keys_read
    }
}

/// `text` in backquotes, shortened, on one line.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text
        .chars()
        .take(QUOTED_CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    format!("`{shown}`")
}

/// A value without quotes, a list with commas; nothing for a table.
fn plain(value: &Value) -> Option<String> {
    if let Some(items) = value.as_array() {
        let items: Option<Vec<String>> = items.iter().map(plain).collect();
        return Some(items?.join(", "));
    }
    let text = value.as_str().map(str::to_owned);
    let number = || value.to_i128().map(|number| number.to_string());
    let flag = || value.to_bool().map(|flag| flag.to_string());
    text.or_else(number).or_else(flag)
}

fn describe(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return format!("the string {}", quoted(text));
    }
    let number = value.to_i128().map(|number| number.to_string());
    let float = || value.to_f64().map(|number| number.to_string());
    let flag = || value.to_bool().map(|flag| flag.to_string());
    match number.or_else(float).or_else(flag) {
        Some(shown) => format!("`{shown}`"),
        None if value.as_array().is_some() => "a list".into(),
        None => "a table".into(),
    }
}

/// A URL with a user part or a query: quoting it could show a password or a key.
fn may_hold_secret(text: &str) -> bool {
    text.contains(['@', '?'])
}
