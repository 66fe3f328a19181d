//! What the readers of the three dialects share: counts that may be impossible, generated text of
//! any shape, and what was seen of an answer so far.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;

use crate::domain::id::ModelName;
use crate::domain::pricing::Tier;
use crate::domain::usage::TokenUsage;
use crate::providers::json::{Member, Text};
use crate::providers::openai::usage::Shape;
use crate::providers::shape::UsualChunk;
use crate::providers::transcript::Transcript;

/// More than any answer can use; a larger count is a mistake, not a bill.
const COUNT_MAX: u64 = 1 << 40;
/// The longest error code that is kept.
const ERROR_CODE_BYTES_MAX: usize = 100;

/// A count as a provider reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Count {
    /// Not reported.
    #[default]
    Missing,
    /// Reported.
    Known(u64),
    /// Negative, fractional, absurdly large, or no number.
    Impossible,
}

impl Count {
    /// The count; what is not known is nothing.
    pub(crate) fn or_zero(self) -> u64 {
        match self {
            Self::Known(count) => count,
            Self::Missing | Self::Impossible => 0,
        }
    }

    /// This count, or an older one if this one is not reported.
    pub(crate) fn or(self, older: Self) -> Self {
        match self {
            Self::Missing => older,
            Self::Known(_) | Self::Impossible => self,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Impossible, _) | (_, Self::Impossible) => Self::Impossible,
            (Self::Missing, other) => other,
            (known, Self::Missing) => known,
            (Self::Known(one), Self::Known(other)) => Self::Known(one.saturating_add(other)),
        }
    }

    fn whole(count: u64) -> Self {
        if count > COUNT_MAX {
            return Self::Impossible;
        }
        Self::Known(count)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a count")
    }

    fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
        Ok(Count::whole(count))
    }

    fn visit_i64<E>(self, count: i64) -> Result<Count, E> {
        Ok(u64::try_from(count).map_or(Count::Impossible, Count::whole))
    }

    fn visit_f64<E>(self, count: f64) -> Result<Count, E> {
        let whole = (count.fract() == 0.0)
            .then(|| format!("{count:.0}").parse().ok())
            .flatten();
        Ok(whole.map_or(Count::Impossible, Count::whole))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count::Missing)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Count, E> {
        Ok(Count::Impossible)
    }

    fn visit_str<E>(self, _text: &str) -> Result<Count, E> {
        Ok(Count::Impossible)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count::Impossible)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Count, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count::Impossible)
    }
}

/// A whole that is divided into disjoint kinds, the rest last.
#[derive(Debug)]
pub(crate) struct Division {
    rest: u64,
    is_exact: bool,
}

impl Division {
    pub(crate) fn of(whole: Count) -> Self {
        Self {
            rest: whole.or_zero(),
            is_exact: whole != Count::Impossible,
        }
    }

    /// Takes a part out. A part cannot be more than what is left of the whole.
    pub(crate) fn take(&mut self, part: Count) -> u64 {
        let part_size = part.or_zero();
        self.is_exact &= part != Count::Impossible && part_size <= self.rest;
        let taken = part_size.min(self.rest);
        self.rest = self.rest.saturating_sub(taken);
        taken
    }

    /// What is left, and whether the parts were consistent.
    pub(crate) fn rest(self) -> (u64, bool) {
        (self.rest, self.is_exact)
    }
}

/// Usage that a provider reported, in our units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The usage. Where a side is not known it is nothing.
    pub(crate) usage: TokenUsage,
    /// The input was reported and possible.
    pub(crate) knows_input: bool,
    /// The output was reported and possible.
    pub(crate) knows_output: bool,
    /// No count had to be corrected.
    pub(crate) is_exact: bool,
}

impl Reported {
    /// The usage of two pieces of work together.
    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            usage: self.usage.plus(&more.usage),
            knows_input: self.knows_input && more.knows_input,
            knows_output: self.knows_output && more.knows_output,
            is_exact: self.is_exact && more.is_exact,
        }
    }
}

/// Text that a model generated, found in a value of any shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strings<'a> {
    /// Most pieces of an answer have one text, which needs no list.
    first: Option<Cow<'a, str>>,
    others: Vec<Cow<'a, str>>,
}

impl<'a> Strings<'a> {
    fn one(text: Cow<'a, str>) -> Self {
        Self {
            first: Some(text),
            others: Vec::new(),
        }
    }

    fn add(&mut self, more: Self) {
        if self.first.is_none() {
            *self = more;
        } else {
            self.others.extend(more.first);
            self.others.extend(more.others);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain(&self.others).map(|text| &**text)
    }
}

/// Members that hold no generated text, or text of others that a model cites or a tool returned.
pub(crate) const NOT_TEXT: [&str; 20] = [
    "role",
    "id",
    "type",
    "call_id",
    "item_id",
    "status",
    "signature",
    "thoughtSignature",
    "encrypted_content",
    "data",
    "mimeType",
    "finish_reason",
    "stop_reason",
    "stop_sequence",
    "expires_at",
    "index",
    "annotations",
    "citation",
    "citations",
    "codeExecutionResult",
];

impl<'de: 'a, 'a> Deserialize<'de> for Strings<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StringsVisitor)
    }
}

struct StringsVisitor;

impl<'de> Visitor<'de> for StringsVisitor {
    type Value = Strings<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Strings<'de>, E> {
        Ok(Strings::one(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Strings<'de>, E> {
        Ok(Strings::one(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Strings<'de>, E> {
        Ok(Strings::default())
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Strings<'de>, E> {
        Ok(Strings::default())
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Strings<'de>, E> {
        Ok(Strings::default())
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Strings<'de>, E> {
        Ok(Strings::default())
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Strings<'de>, E> {
        Ok(Strings::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strings<'de>, A::Error> {
        let mut strings = Strings::default();
        while let Some(more) = items.next_element()? {
            strings.add(more);
        }
        Ok(strings)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strings<'de>, A::Error> {
        let mut strings = Strings::default();
        while let Some(name) = members.next_key::<Text<'de>>()? {
            if NOT_TEXT.contains(&&*name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                strings.add(members.next_value()?);
            }
        }
        Ok(strings)
    }
}

/// What was seen of an answer so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The usage, as last reported.
    pub(crate) reported: Option<Reported>,
    /// How `OpenAI`'s usage is to be understood.
    pub(crate) usage_shape: Shape,
    pub(crate) tier: Option<Tier>,
    pub(crate) model: Option<ModelName>,
    /// The answer came to its proper end.
    pub(crate) is_complete: bool,
    /// The mark of the end was there: nothing that follows is billed.
    pub(crate) has_ended: bool,
    pub(crate) error: Option<String>,
    /// Web searches that were seen, where the usage does not count them.
    pub(crate) web_searches: u64,
    /// The generated text, should the usage not come.
    pub(crate) transcript: Transcript,
    /// The choices that came to their end.
    pub(crate) finished: SmallVec<[u64; 1]>,
    /// A chunk that brought a text and nothing else, as most do.
    pub(crate) usual: Option<UsualChunk>,
    /// The choice that such a chunk belongs to.
    pub(crate) usual_choice: u64,
}

impl Seen {
    pub(crate) fn add_text(&mut self, choice: u64, strings: &Strings<'_>) {
        for text in strings.iter() {
            self.transcript.add(choice, text);
        }
    }

    pub(crate) fn note_finished(&mut self, choice: u64) {
        if !self.finished.contains(&choice) {
            self.finished.push(choice);
        }
    }

    pub(crate) fn note_model(&mut self, model: Option<&str>) {
        if self.model.is_none() {
            self.model = model.map(ModelName::new);
        }
    }

    pub(crate) fn note_error(&mut self, error: Option<&ErrorBody<'_>>) {
        if let Some(error) = error {
            self.error = Some(error.code());
        }
    }
}

/// The error of any dialect.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct ErrorBody<'a> {
    #[serde(default, borrow)]
    code: Member<'a>,
    #[serde(default, borrow)]
    status: Member<'a>,
    #[serde(default, borrow, rename = "type")]
    kind: Member<'a>,
}

impl ErrorBody<'_> {
    /// The most telling word: a code, else the status or the type.
    pub(crate) fn code(&self) -> String {
        let word = [self.code, self.status, self.kind]
            .into_iter()
            .find_map(|member| member.text("error").ok().flatten())
            .unwrap_or_else(|| Cow::Owned(self.code.written().unwrap_or("error").to_owned()));
        word.chars().take(ERROR_CODE_BYTES_MAX).collect()
    }
}

/// An answer that is an error, in any dialect; Google puts it in a list when it would stream.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ErrorAnswer<'a> {
    #[serde(borrow)]
    error: ErrorBody<'a>,
}

/// The code of an error answer.
pub(crate) fn error_code(body: &[u8]) -> Option<String> {
    if let Ok(answer) = serde_json::from_slice::<ErrorAnswer<'_>>(body) {
        return Some(answer.error.code());
    }
    let answers: Vec<ErrorAnswer<'_>> = serde_json::from_slice(body).ok()?;
    answers.first().map(|answer| answer.error.code())
}
