//! JSON bodies, read field by field so that a problem names its field. Unknown fields are ignored;
//! numbers are taken from their text, so that no amount goes through a float.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::admin::choice::one_of;
use crate::admin::dates::Moment;
use crate::admin::error::AdminError;
use crate::domain::money::{ParseUsdError, Usd};
use crate::settings::secret::Secret;

/// Longest name, tag or other short text.
const TEXT_LENGTH_MAX: usize = 200;
/// Longest password or key.
const SECRET_BYTES_MAX: usize = 1_024;
/// Largest object that is kept as it is.
const OBJECT_BYTES_MAX: usize = 16 * 1024;
/// How long a body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The fields of a JSON object.
#[derive(Debug)]
pub(super) struct Fields {
    values: BTreeMap<String, Box<RawValue>>,
    /// Where the object is in the body, for messages: empty, or such as `budgets/0/`.
    place: String,
}

/// A body that may be left out: then it has no fields.
#[derive(Debug)]
pub(super) struct OptionalFields(pub(super) Fields);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = AdminError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AdminError> {
        Self::parse(&body(request, state).await?, String::new())
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalFields {
    type Rejection = AdminError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AdminError> {
        let body = body(request, state).await?;
        let body = if body.is_empty() { b"{}" } else { &*body };
        Fields::parse(body, String::new()).map(Self)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, AdminError> {
    let read = timeout(BODY_WAIT_MAX, Bytes::from_request(request, state)).await;
    let read = read.map_err(|_elapsed| AdminError::BodyTimeout)?;
    read.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => AdminError::BodyTooLarge,
        _ => AdminError::invalid("The request body could not be read"),
    })
}

impl Fields {
    fn parse(json: &[u8], place: String) -> Result<Self, AdminError> {
        match serde_json::from_slice(json) {
            Ok(values) => Ok(Self { values, place }),
            Err(_) if place.is_empty() => Err(AdminError::invalid(
                "The request body must be a JSON object",
            )),
            Err(_) => {
                let place = place.trim_end_matches('/');
                Err(AdminError::Invalid(format!("{place} must be an object")))
            }
        }
    }

    /// The others, without one.
    pub(super) fn without(&self, name: &str) -> Self {
        let others = self.values.iter().filter(|(other, _)| *other != name);
        Self {
            values: others
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            place: self.place.clone(),
        }
    }

    /// Whether the field was sent, even as `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A text without the blanks around it; `None` when it was not sent or is `null`.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let text: String = serde_json::from_str(value.get())
            .map_err(|_cause| self.problem(name, "must be a string"))?;
        if text.chars().count() > TEXT_LENGTH_MAX || text.chars().any(char::is_control) {
            let reason = format!("must be at most {TEXT_LENGTH_MAX} printable characters");
            return Err(self.problem(name, &reason));
        }
        Ok(Some(text.trim().to_owned()))
    }

    /// What has the name that was sent; `None` when none was or it is `null`.
    pub(super) fn one_of<T: Copy, const N: usize>(
        &self,
        name: &str,
        all: [T; N],
        name_of: fn(T) -> &'static str,
    ) -> Result<Option<T>, AdminError> {
        let sent = self.text(name)?;
        let found = sent.map(|sent| one_of(all, name_of, &sent));
        let problem = |reason: String| self.problem(name, &reason);
        found.transpose().map_err(problem)
    }

    /// A password or a key, taken as it is; `None` when it was not sent or is `null`.
    pub(super) fn secret(&self, name: &str) -> Result<Option<Secret>, AdminError> {
        let text = self.source(name, SECRET_BYTES_MAX)?;
        if text.as_ref().is_some_and(String::is_empty) {
            return Err(self.problem(name, "must not be empty"));
        }
        Ok(text.map(Secret::new))
    }

    /// A text of many lines, as it was sent; `None` when it was not or is `null`.
    pub(super) fn source(&self, name: &str, most: usize) -> Result<Option<String>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let text: String = serde_json::from_str(value.get())
            .map_err(|_cause| self.problem(name, "must be a string"))?;
        if text.len() > most {
            return Err(self.problem(name, &format!("must be at most {most} bytes")));
        }
        Ok(Some(text))
    }

    /// A list of texts, at most `most`; `None` when it was not sent, and an empty one for `null`.
    pub(super) fn texts(&self, name: &str, most: usize) -> Result<Option<Vec<String>>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(self.has(name).then(Vec::new));
        };
        let texts: Vec<String> = serde_json::from_str(value.get())
            .map_err(|_cause| self.problem(name, "must be an array of strings"))?;
        if texts.len() > most {
            return Err(self.problem(name, &format!("must have at most {most} items")));
        }
        Ok(Some(texts))
    }

    /// True or false; `None` when it was not sent or is `null`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, AdminError> {
        let read = |value: &RawValue| {
            serde_json::from_str(value.get())
                .map_err(|_cause| self.problem(name, "must be true or false"))
        };
        self.value(name).map(read).transpose()
    }

    /// The text of a JSON object; `None` when it was not sent or is `null`.
    pub(super) fn object(&self, name: &str) -> Result<Option<String>, AdminError> {
        let text = self.json(name)?;
        if text.as_ref().is_some_and(|text| !text.starts_with('{')) {
            return Err(self.problem(name, "must be an object"));
        }
        Ok(text)
    }

    /// The text of a JSON value of any kind; `None` when it was not sent or is `null`.
    pub(super) fn json(&self, name: &str) -> Result<Option<String>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        if value.get().len() > OBJECT_BYTES_MAX {
            let reason = format!("must be at most {OBJECT_BYTES_MAX} bytes");
            return Err(self.problem(name, &reason));
        }
        Ok(Some(value.get().to_owned()))
    }

    /// An amount, sent as a number or as text; `None` when it was not sent, is `null` or empty.
    pub(super) fn amount(&self, name: &str) -> Result<Option<Usd>, AdminError> {
        let amount = self.decimal(name, str::parse::<Usd>)?;
        if amount.is_some_and(Usd::is_negative) {
            return Err(self.problem(name, "must be >= 0"));
        }
        Ok(amount)
    }

    /// A decimal that `read` understands, sent as a number or as text.
    pub(super) fn decimal<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, ParseUsdError>,
    ) -> Result<Option<T>, AdminError> {
        let Some(text) = self.number_text(name, "must be a number")? else {
            return Ok(None);
        };
        let reason = |error| match error {
            ParseUsdError::NotDecimal(_) => "must be a number",
            ParseUsdError::TooPrecise(_) => "has too many decimal places",
            ParseUsdError::TooLarge(_) => "is too large",
        };
        let value = read(&text).map_err(|error| self.problem(name, reason(error)))?;
        Ok(Some(value))
    }

    /// A whole number from zero to `most`, sent as a number or as text.
    pub(super) fn whole(&self, name: &str, most: u64) -> Result<Option<u64>, AdminError> {
        let Some(text) = self.number_text(name, "must be a whole number")? else {
            return Ok(None);
        };
        if text.starts_with('-') {
            return Err(self.problem(name, "must be >= 0"));
        }
        let number: u64 = text
            .parse()
            .map_err(|_cause| self.problem(name, "must be a whole number"))?;
        if number > most {
            return Err(self.problem(name, &format!("must be <= {most}")));
        }
        Ok(Some(number))
    }

    /// A date; `None` when it was not sent, is `null` or a text that is no date.
    pub(super) fn date(&self, name: &str) -> Result<Option<Moment>, AdminError> {
        let text = self.text(name)?;
        Ok(text.and_then(|text| Moment::parse(&text)))
    }

    /// A list of texts or numbers, as texts; `None` when it was not sent.
    pub(super) fn texts_or_numbers(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Option<Vec<String>>, AdminError> {
        let Some(items) = self.items(name, most)? else {
            return Ok(None);
        };
        let texts = items.iter().map(|item| item.get().trim_matches('"'));
        Ok(Some(texts.map(str::to_owned).collect()))
    }

    /// An object in this one; `None` when it was not sent or is `null`.
    pub(super) fn nested(&self, name: &str) -> Result<Option<Self>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let place = format!("{}{name}/", self.place);
        Self::parse(value.get().as_bytes(), place).map(Some)
    }

    /// The names of all fields, at most `most`.
    pub(super) fn names(&self, most: usize) -> Result<Vec<String>, AdminError> {
        if self.values.len() > most {
            let place = self.place.trim_end_matches('/');
            return Err(AdminError::Invalid(format!(
                "{place} must have at most {most} fields"
            )));
        }
        Ok(self.values.keys().cloned().collect())
    }

    /// A list of objects, at most `most`; `None` when it was not sent.
    pub(super) fn objects(&self, name: &str, most: usize) -> Result<Option<Vec<Self>>, AdminError> {
        let Some(items) = self.items(name, most)? else {
            return Ok(None);
        };
        let items = items.iter().enumerate().map(|(at, item)| {
            let place = format!("{}{name}/{at}/", self.place);
            Self::parse(item.get().as_bytes(), place)
        });
        items.collect::<Result<_, _>>().map(Some)
    }

    /// The items of a list, at most `most`; `None` when it was not sent.
    fn items(&self, name: &str, most: usize) -> Result<Option<Vec<Box<RawValue>>>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let items: Vec<Box<RawValue>> = serde_json::from_str(value.get())
            .map_err(|_cause| self.problem(name, "must be an array"))?;
        if items.len() > most {
            return Err(self.problem(name, &format!("must have at most {most} items")));
        }
        Ok(Some(items))
    }

    /// Says that a field must be sent.
    pub(super) fn required(&self, name: &str) -> AdminError {
        self.problem(name, "is required")
    }

    /// Says what is wrong with a field.
    pub(super) fn problem(&self, name: &str, reason: &str) -> AdminError {
        AdminError::Invalid(format!("{}{name} {reason}", self.place))
    }

    fn value(&self, name: &str) -> Option<&RawValue> {
        let value = self.values.get(name)?;
        (value.get() != "null").then_some(value)
    }

    /// The text of a number, or of a string that may hold one.
    fn number_text(&self, name: &str, reason: &str) -> Result<Option<String>, AdminError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let raw = value.get();
        if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Ok(Some(raw.to_owned()));
        }
        let text: String =
            serde_json::from_str(raw).map_err(|_cause| self.problem(name, reason))?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }
}
