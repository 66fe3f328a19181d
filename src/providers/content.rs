//! Walks through messages, whatever their shape, for what is more than its text: images, files,
//! audio, marks for the cache. What is not known to be text counts as unbounded.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::usage::RateKind;
use crate::providers::content::found::Blob;
use crate::providers::json::Member;
use crate::providers::payload::{Packing, Payload};
use crate::providers::pictures::Detail;
use crate::providers::reference::{Reference, ReferenceKind, ids};

pub(crate) use crate::providers::content::found::{CacheControl, Content};

mod found;

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
    /// Where an image is, or all of it.
    Address,
    /// All of an image or of a piece of sound.
    Data,
    /// How closely to look at an image.
    Detail,
    /// Bytes with a media type.
    InlineData,
    /// A file by its address.
    FileData,
    /// Audio that was made earlier.
    EarlierAudio,
    /// Names one, or several, of the things that the provider keeps.
    Ids(ReferenceKind),
    /// A member to look into.
    Other,
}

/// The names that a dialect uses.
pub(crate) trait Names {
    /// What an object of this type is.
    fn part(type_name: &str) -> Part;
    /// What a member of this name is.
    fn key(name: &str) -> Key;
    /// The most tokens of a piece of sound that begins so and is so long, where that is known.
    fn sound_tokens(_head: &[u8], _bytes: u64) -> Option<u64> {
        None
    }
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

impl<'de, N: Names> Deserialize<'de> for Walked<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk::<N>(None, PhantomData))
    }
}

/// Walks through a value; a text in the place of something packed is looked at.
struct Walk<N>(Option<Packing>, PhantomData<N>);

impl<'de, N: Names> DeserializeSeed<'de> for Walk<N> {
    type Value = Walked<N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Walked<N>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<N: Names> Walk<N> {
    fn text(&self, text: &str, place: Option<Range<usize>>) -> Walked<N> {
        let mut content = Content::default();
        if let Some(packing) = self.0 {
            content.open.count = 1;
            content.open.payload = Payload::read(text, packing, place);
        }
        Walked::found(content)
    }
}

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

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Walked<N>, E> {
        let start = text.as_ptr().addr();
        Ok(self.text(text, Some(start..start.saturating_add(text.len()))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Walked<N>, E> {
        Ok(self.text(text, None))
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
                Key::Address | Key::Data => {
                    let packing = if key == Key::Data {
                        Packing::Bare
                    } else {
                        Packing::InUrl
                    };
                    let inner = members.next_value_seed(Walk::<N>(Some(packing), PhantomData))?;
                    content.add(&inner.content);
                }
                Key::Other => content.add(&members.next_value::<Walked<N>>()?.content),
                Key::Detail
                | Key::CacheControl
                | Key::Opaque
                | Key::InlineData
                | Key::FileData
                | Key::EarlierAudio
                | Key::Ids(_) => {
                    add_leaf::<N, A>(key, &mut members, &mut content)?;
                }
            }
        }
        content.close::<N>();
        content.is_unbounded |= is_document && !has_text_source;
        Ok(Walked::found(content))
    }
}

/// Reads a member that has nothing further inside.
fn add_leaf<'de, N: Names, A: MapAccess<'de>>(
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
                let address = blob.address.as_deref().unwrap_or_default();
                content.references.extend(Reference::google_file(address));
                content.add_blob::<N>(blob, key == Key::FileData);
            }
        }
        Key::EarlierAudio => {
            if members.next_value::<Option<IgnoredAny>>()?.is_some() {
                content.is_unbounded = true;
                content.need(RateKind::AudioInput);
            }
        }
        Key::Detail => {
            let detail: Member<'de> = members.next_value()?;
            content.open.look(match detail.written() {
                Some("\"low\"") => Detail::Low,
                Some("\"high\"") => Detail::High,
                Some(_) | None => Detail::Auto,
            });
        }
        Key::Ids(kind) => {
            let named = ids(members.next_value::<Member<'de>>()?);
            let named = named.iter().map(|id| Reference::new(kind, id));
            content.references.extend(named);
            // What it is of is not here.
            content.open.count = content.open.count.saturating_add(1);
        }
        Key::Opaque | Key::Type | Key::Source | Key::Address | Key::Data | Key::Other => {
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
