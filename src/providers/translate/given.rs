//! Reads a request that is to be said anew: every member is taken out by name, and one that nobody
//! took is refused by its place. So nothing of a request is lost on the way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;
use crate::providers::json::{Text, read_count};

/// A value with the place where the caller wrote it.
#[derive(Clone, Debug)]
pub(super) struct Given<'a> {
    raw: &'a RawValue,
    place: String,
}

/// The members of an object that were not taken yet.
#[derive(Debug)]
pub(super) struct Members<'a> {
    members: BTreeMap<Cow<'a, str>, &'a RawValue>,
    place: String,
}

/// A refusal that names a place in the request.
pub(super) fn refuse(place: impl Into<String>, why: &str) -> BadRequest {
    let place = place.into();
    let message = format!("`{place}` {why}");
    BadRequest::field(place, message)
}

/// What has no counterpart in the other API.
pub(super) const NOT_POSSIBLE: &str =
    "cannot be translated for this model: its provider has nothing like it.";

impl<'a> Given<'a> {
    /// The whole body.
    pub(super) fn body(body: &'a [u8]) -> Result<Members<'a>, BadRequest> {
        let raw: &RawValue = serde_json::from_slice(body).map_err(|error| {
            BadRequest::new(format!("The body could not be read as JSON: {error}."))
        })?;
        let body = Self {
            raw,
            place: String::new(),
        };
        body.members()
            .map_err(|_error| BadRequest::new("The body must be a JSON object."))
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The value as it was written.
    pub(super) fn raw(&self) -> &'a RawValue {
        self.raw
    }

    /// A refusal of this value.
    pub(super) fn refuse(&self, why: &str) -> BadRequest {
        refuse(self.place.as_str(), why)
    }

    /// A refusal of this value because the other API has nothing like it.
    pub(super) fn not_possible(&self) -> BadRequest {
        self.refuse(NOT_POSSIBLE)
    }

    pub(super) fn is_text(&self) -> bool {
        self.raw.get().starts_with('"')
    }

    pub(super) fn text(&self) -> Result<Cow<'a, str>, BadRequest> {
        let text: Result<Text<'a>, _> = serde_json::from_str(self.raw.get());
        text.map(|Text(text)| text)
            .map_err(|_error| self.refuse("must be a string."))
    }

    pub(super) fn flag(&self) -> Result<bool, BadRequest> {
        match self.raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.refuse("must be true or false.")),
        }
    }

    pub(super) fn count(&self) -> Result<u64, BadRequest> {
        read_count(self.raw.get())
            .ok_or_else(|| self.refuse("must be a whole number of at least 1."))
    }

    pub(super) fn number(&self) -> Result<f64, BadRequest> {
        serde_json::from_str(self.raw.get()).map_err(|_error| self.refuse("must be a number."))
    }

    /// Whether the value is one of these, which are written in JSON.
    fn is_one_of(&self, possible: &[&str]) -> bool {
        let value = |text: &str| serde_json::from_str::<Value>(text).ok();
        let own = value(self.raw.get());
        possible.iter().any(|text| value(text) == own)
    }

    /// The value, checked to be an object, as it was written.
    pub(super) fn object(&self) -> Result<&'a RawValue, BadRequest> {
        if self.raw.get().starts_with('{') {
            return Ok(self.raw);
        }
        Err(self.refuse("must be an object."))
    }

    pub(super) fn list(&self) -> Result<Vec<Given<'a>>, BadRequest> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.raw.get())
            .map_err(|_error| self.refuse("must be a list."))?;
        let placed = items.into_iter().enumerate().map(|(index, raw)| Given {
            raw,
            place: format!("{}[{index}]", self.place),
        });
        Ok(placed.collect())
    }

    pub(super) fn members(&self) -> Result<Members<'a>, BadRequest> {
        let members: BTreeMap<Text<'a>, &'a RawValue> = serde_json::from_str(self.raw.get())
            .map_err(|_error| self.refuse("must be an object."))?;
        // A member that is `null` says nothing.
        let said = members
            .into_iter()
            .filter(|(_, raw)| raw.get() != "null")
            .map(|(Text(name), raw)| (name, raw));
        Ok(Members {
            members: said.collect(),
            place: self.place.clone(),
        })
    }
}

impl<'a> Members<'a> {
    /// Where a member is, or would be.
    pub(super) fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() {
            return name.to_owned();
        }
        format!("{}.{name}", self.place)
    }

    /// Takes a member out; `null` is as good as none.
    pub(super) fn take(&mut self, name: &str) -> Option<Given<'a>> {
        let raw = self.members.remove(name)?;
        Some(Given {
            raw,
            place: self.place_of(name),
        })
    }

    /// Takes a member out that must be there.
    pub(super) fn need(&mut self, name: &str) -> Result<Given<'a>, BadRequest> {
        let place = self.place_of(name);
        self.take(name).ok_or_else(|| refuse(place, "is missing."))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, BadRequest> {
        self.take(name).map(|given| given.text()).transpose()
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, BadRequest> {
        self.take(name).map(|given| given.flag()).transpose()
    }

    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, BadRequest> {
        self.take(name).map(|given| given.count()).transpose()
    }

    /// Takes out members that change nothing in what is answered.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Takes a member out that may only say what is the case anyway.
    pub(super) fn only(&mut self, name: &str, possible: &[&str]) -> Result<(), BadRequest> {
        match self.take(name) {
            Some(given) if !given.is_one_of(possible) => Err(given.not_possible()),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self) -> Result<(), BadRequest> {
        match self.members.keys().next() {
            Some(name) => Err(refuse(self.place_of(name), NOT_POSSIBLE)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_took_is_refused_by_its_place() {
        let mut body = Given::body(br#"{"a":[{"b":1,"c":null},{"d":2}]}"#).unwrap();
        let list = body.take("a").unwrap().list().unwrap();
        body.finish().unwrap();
        let mut first = list[0].members().unwrap();
        assert_eq!(first.count("b").unwrap(), Some(1));
        first.finish().unwrap();
        let refused = list[1].members().unwrap().finish().unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("a[1].d"));
        assert!(refused.message.starts_with("`a[1].d` cannot"));
    }

    #[test]
    fn what_is_no_object_is_told_so() {
        for body in ["[]", "1", "\"x\""] {
            let refused = Given::body(body.as_bytes()).unwrap_err();
            assert_eq!(refused.message, "The body must be a JSON object.");
        }
        assert!(Given::body(b"{").unwrap_err().message.contains("line 1"));
    }
}
