//! Walks through messages, whatever their shape, for what is more than its text: images, files,
//! audio, marks for the cache. What is not known to be text counts as unbounded.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;

use crate::domain::usage::RateKind;
use crate::providers::json::Text;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// Images, inline or by reference.
    pub(crate) images: u64,
    /// Something is longer for the model than it is here.
    pub(crate) is_unbounded: bool,
    needs: SmallVec<[RateKind; 4]>,
    /// What the object itself says that it is.
    own: Part,
}

/// What the `type` of an object means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text: no more tokens than bytes.
    #[default]
    Plain,
    /// An image.
    Image,
    /// Audio that has no more tokens than bytes.
    Audio,
    /// A document: text, or something packed.
    Document,
    /// The packed content of an image or a document.
    Packed,
    /// Anything else.
    Unbounded,
}

/// What the name of a member means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Says what the object is.
    Type,
    /// Marks the end of what is to be cached.
    CacheControl,
    /// The caller's own data: no names of the API in it.
    Opaque,
    /// The content of an image or a document.
    Source,
    /// Bytes with a media type.
    InlineData,
    /// A file by its address.
    FileData,
    /// Audio that was made earlier.
    EarlierAudio,
    /// A member to look into.
    Other,
}

/// The names that a dialect uses.
pub(crate) trait Names {
    /// What an object of this type is.
    fn part(type_name: &str) -> Part;
    /// What a member of this name is.
    fn key(name: &str) -> Key;
}

/// A part of a body that was walked through.
#[derive(Debug)]
pub(crate) struct Walked<N> {
    /// What was found.
    pub(crate) content: Content,
    names: PhantomData<N>,
}

impl<N> Default for Walked<N> {
    fn default() -> Self {
        Self::found(Content::default())
    }
}

impl<N> Walked<N> {
    fn found(content: Content) -> Self {
        Self {
            content,
            names: PhantomData,
        }
    }
}

impl Content {
    /// Kinds of units beside plain input.
    pub(crate) fn needs(&self) -> impl Iterator<Item = RateKind> {
        self.needs.iter().copied()
    }

    fn need(&mut self, kind: RateKind) {
        if !self.needs.contains(&kind) {
            self.needs.push(kind);
        }
    }

    /// Adds what was found further down.
    fn add(&mut self, inner: &Self) {
        self.images = self.images.saturating_add(inner.images);
        self.is_unbounded |= inner.is_unbounded;
        for kind in inner.needs() {
            self.need(kind);
        }
    }

    fn add_part(&mut self, part: Part) {
        self.own = part;
        match part {
            Part::Image => self.images = self.images.saturating_add(1),
            Part::Audio => self.need(RateKind::AudioInput),
            Part::Unbounded => self.is_unbounded = true,
            Part::Plain | Part::Document | Part::Packed => {}
        }
    }

    fn add_blob(&mut self, media_type: &str, by_address: bool) {
        let (class, _) = media_type.split_once('/').unwrap_or((media_type, ""));
        match class {
            "image" => self.images = self.images.saturating_add(1),
            "text" => self.is_unbounded |= by_address,
            "audio" => {
                self.need(RateKind::AudioInput);
                self.is_unbounded = true;
            }
            _ => self.is_unbounded = true,
        }
    }

    pub(crate) fn add_cache_control(&mut self, control: Option<&CacheControl<'_>>) {
        match control {
            Some(control) if control.ttl.as_deref() == Some("1h") => {
                self.need(RateKind::CacheWrite1h);
            }
            Some(_) => self.need(RateKind::CacheWrite),
            None => {}
        }
    }
}

/// How long something stays cached.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct CacheControl<'a> {
    #[serde(default, borrow)]
    ttl: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Blob<'a> {
    #[serde(default, borrow, rename = "mimeType", alias = "mime_type")]
    media_type: Option<Text<'a>>,
}

impl<'de, N: Names> Deserialize<'de> for Walked<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk::<N>(PhantomData))
    }
}

struct Walk<N>(PhantomData<N>);

impl<'de, N: Names> Visitor<'de> for Walk<N> {
    type Value = Walked<N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Walked<N>, E> {
        Ok(Walked::default())
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Walked<N>, E> {
        Ok(Walked::default())
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Walked<N>, E> {
        Ok(Walked::default())
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Walked<N>, E> {
        Ok(Walked::default())
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Walked<N>, E> {
        Ok(Walked::default())
    }

    fn visit_str<E>(self, _text: &str) -> Result<Walked<N>, E> {
        Ok(Walked::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Walked<N>, A::Error> {
        let mut content = Content::default();
        while let Some(inner) = items.next_element::<Walked<N>>()? {
            content.add(&inner.content);
        }
        Ok(Walked::found(content))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Walked<N>, A::Error> {
        let mut content = Content::default();
        let mut is_document = false;
        let mut has_text_source = false;
        while let Some(Named(key, ..)) = members.next_key::<Named<Key, N>>()? {
            match key {
                Key::Type => {
                    let Named(part, ..) = members.next_value::<Named<Part, N>>()?;
                    is_document |= part == Part::Document;
                    content.add_part(part);
                }
                Key::Source => {
                    let inner = members.next_value::<Walked<N>>()?.content;
                    has_text_source = inner.own == Part::Plain;
                    content.add(&inner);
                }
                Key::Other => content.add(&members.next_value::<Walked<N>>()?.content),
                Key::CacheControl
                | Key::Opaque
                | Key::InlineData
                | Key::FileData
                | Key::EarlierAudio => {
                    add_leaf(key, &mut members, &mut content)?;
                }
            }
        }
        content.is_unbounded |= is_document && !has_text_source;
        Ok(Walked::found(content))
    }
}

/// Reads a member that has nothing further inside.
fn add_leaf<'de, A: MapAccess<'de>>(
    key: Key,
    members: &mut A,
    content: &mut Content,
) -> Result<(), A::Error> {
    match key {
        Key::CacheControl => {
            let control: Option<CacheControl<'de>> = members.next_value()?;
            content.add_cache_control(control.as_ref());
        }
        Key::InlineData | Key::FileData => {
            if let Some(blob) = members.next_value::<Option<Blob<'de>>>()? {
                let media_type = blob.media_type.unwrap_or_default();
                content.add_blob(&media_type, key == Key::FileData);
            }
        }
        Key::EarlierAudio => {
            if members.next_value::<Option<IgnoredAny>>()?.is_some() {
                content.is_unbounded = true;
                content.need(RateKind::AudioInput);
            }
        }
        Key::Opaque | Key::Type | Key::Source | Key::Other => {
            members.next_value::<IgnoredAny>()?;
        }
    }
    Ok(())
}

/// A string that is looked up among a dialect's names without being kept.
struct Named<T, N>(T, PhantomData<N>);

impl<'de, N: Names> Deserialize<'de> for Named<Key, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor(PhantomData))
    }
}

struct KeyVisitor<N>(PhantomData<N>);

impl<N: Names> Visitor<'_> for KeyVisitor<N> {
    type Value = Named<Key, N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Named(N::key(name), PhantomData))
    }
}

impl<'de, N: Names> Deserialize<'de> for Named<Part, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PartVisitor(PhantomData))
    }
}

struct PartVisitor<N>(PhantomData<N>);

impl<N: Names> Visitor<'_> for PartVisitor<N> {
    type Value = Named<Part, N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a type")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Named(N::part(name), PhantomData))
    }
}
