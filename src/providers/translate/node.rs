//! JSON that is being written: members stay in their order, and what the caller wrote, such as a
//! schema, stays as it is. Models read schemas in the order in which they are written.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Node<'a> {
    Flag(bool),
    Count(u64),
    Text(Cow<'a, str>),
    Raw(Cow<'a, RawValue>),
    List(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// The members of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Object<'a>(Vec<(&'static str, Node<'a>)>);

impl<'a> Object<'a> {
    /// An object with one member.
    pub(super) fn of(name: &'static str, value: impl Into<Node<'a>>) -> Self {
        Self::default().with(name, value)
    }

    /// An object that says its type first.
    pub(super) fn typed(kind: &'static str) -> Self {
        Self::of("type", kind)
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Node<'a>>) -> Self {
        self.put(name, value);
        self
    }

    /// Adds a member if there is a value for it.
    #[must_use]
    pub(super) fn with_some(
        mut self,
        name: &'static str,
        value: Option<impl Into<Node<'a>>>,
    ) -> Self {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    pub(super) fn put(&mut self, name: &'static str, value: impl Into<Node<'a>>) {
        self.0.push((name, value.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object, if it has a member.
    pub(super) fn unless_empty(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        // Text, numbers and valid JSON can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Raw(raw) => raw.serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl From<bool> for Node<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Node<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl<'a> From<&'a str> for Node<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Node<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Node<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a RawValue> for Node<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self::Raw(Cow::Borrowed(raw))
    }
}

impl<'a> From<Cow<'a, RawValue>> for Node<'a> {
    fn from(raw: Cow<'a, RawValue>) -> Self {
        Self::Raw(raw)
    }
}

impl<'a> From<Vec<Node<'a>>> for Node<'a> {
    fn from(items: Vec<Node<'a>>) -> Self {
        Self::List(items)
    }
}

impl<'a> From<Object<'a>> for Node<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}
