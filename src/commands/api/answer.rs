//! An answer of the admin API. Its numbers stay the texts that they are, so that no amount becomes another.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::value::RawValue;

use crate::commands::api::table::{Column, list, sheet};
use crate::commands::terminal::say;

/// What the API said.
#[derive(Debug)]
pub(in crate::commands) struct Answer {
    text: String,
    is_json: bool,
}

/// An object of an answer.
pub(super) struct Object(BTreeMap<String, Box<RawValue>>);

impl Object {
    fn read(text: &str) -> Result<Self> {
        let members = serde_json::from_str(text).context("the answer is not what it should be")?;
        Ok(Self(members))
    }

    /// A member, or one of an object inside it (`delivery.state`), as people read it.
    pub(super) fn shown(&self, path: &str) -> String {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let Some(value) = self.0.get(name) else {
            return String::new();
        };
        if rest.is_empty() {
            return plain(value.get());
        }
        let inner = Self::read(value.get());
        inner.map_or_else(|_no_object| String::new(), |inner| inner.shown(rest))
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&str, String)> {
        let members = self.0.iter();
        members.map(|(name, value)| (name.as_str(), plain(value.get())))
    }
}

impl Answer {
    pub(super) fn new(text: String, is_json: bool) -> Self {
        Self { text, is_json }
    }

    /// As it came.
    pub(in crate::commands) fn text(&self) -> &str {
        &self.text
    }

    /// A member of the answer.
    pub(in crate::commands) fn member(&self, name: &str) -> Result<String> {
        Ok(Object::read(&self.text)?.shown(name))
    }

    /// Shows the rows of a list, which is the answer or one of its members.
    pub(in crate::commands) fn show_list(&self, columns: &[Column], within: &str) -> Result<()> {
        if self.is_json {
            say(&self.text);
            return Ok(());
        }
        let rows = self.rows(within)?;
        say(&list(columns, &rows));
        if !within.is_empty() {
            let whole = Object::read(&self.text)?;
            let total = whole.shown("total");
            if !total.is_empty() {
                say(&format!("{} of {total}", rows.len()));
            }
        }
        Ok(())
    }

    /// Shows the members of an object, those with a name first and in that order.
    pub(in crate::commands) fn show(&self, columns: &[Column]) -> Result<()> {
        if self.is_json {
            say(&self.text);
            return Ok(());
        }
        say(&sheet(columns, &Object::read(&self.text)?));
        Ok(())
    }

    /// The id of the row in which a member has a value.
    pub(in crate::commands) fn id_of(&self, member: &str, value: &str) -> Result<Option<String>> {
        let rows = self.rows("")?;
        let found = rows.iter().find(|row| row.shown(member) == value);
        Ok(found.map(|row| row.shown("id")))
    }

    fn rows(&self, within: &str) -> Result<Vec<Object>> {
        let whole;
        let text = if within.is_empty() {
            &self.text
        } else {
            whole = Object::read(&self.text)?;
            let rows = whole.0.get(within).map(|rows| rows.get());
            rows.context("the answer is not what it should be")?
        };
        let rows: Vec<&RawValue> =
            serde_json::from_str(text).context("the answer is not what it should be")?;
        rows.into_iter()
            .map(|row| Object::read(row.get()))
            .collect()
    }
}

/// A value as people read it: texts without quotes, lists with commas, nothing for nothing.
fn plain(value: &str) -> String {
    if value == "null" {
        return String::new();
    }
    if let Ok(text) = serde_json::from_str::<String>(value) {
        return text;
    }
    if let Ok(texts) = serde_json::from_str::<Vec<String>>(value) {
        return texts.join(", ");
    }
    match value {
        "true" => "yes".to_owned(),
        "false" => "no".to_owned(),
        value => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_as_they_came() {
        let text = r#"{"a":0.000000001,"b":"1.10","c":null,"d":["x","y"],"e":true,"f":{"g":9007199254740993}}"#;
        let object = Object::read(text).unwrap();
        let shown = ["a", "b", "c", "d", "e", "f.g", "f.h", "i"].map(|path| object.shown(path));
        let plain = [
            "0.000000001",
            "1.10",
            "",
            "x, y",
            "yes",
            "9007199254740993",
            "",
            "",
        ];
        assert_eq!(shown, plain);
    }
}
