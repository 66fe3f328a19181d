//! What was found in messages: images and sound with what is known of them, and what else costs
//! more than its text.

use std::mem;
use std::ops::Range;

use serde::Deserialize;
use smallvec::SmallVec;

use crate::domain::usage::RateKind;
use crate::providers::content::{Names, Part};
use crate::providers::json::Text;
use crate::providers::payload::{Packed, Payload};
use crate::providers::pictures::{Detail, Picture, size_of};
use crate::providers::reference::Reference;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// Images, inline or by reference.
    pub(crate) pictures: SmallVec<[Picture; 1]>,
    /// The most tokens of the sound whose length is known.
    pub(crate) sound_tokens: u64,
    /// Where packed images and sound are whose tokens are known: they are no text.
    pub(crate) packed: Vec<Range<usize>>,
    /// Something is longer for the model than it is here.
    pub(crate) is_unbounded: bool,
    needs: SmallVec<[RateKind; 4]>,
    /// What is named of the things that the provider keeps.
    pub(crate) references: Vec<Reference>,
    /// What the object itself says that it is.
    pub(super) own: Part,
    /// What was packed further in, for the object that says what it is.
    pub(super) open: Open,
}

/// A packed thing of which it is not known yet what it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// How many there are: of several, nobody knows which one counts.
    pub(super) count: usize,
    pub(super) payload: Option<Payload>,
    detail: Detail,
}

impl Content {
    /// Kinds of units beside plain input.
    pub(crate) fn needs(&self) -> impl Iterator<Item = RateKind> {
        self.needs.iter().copied()
    }

    pub(super) fn need(&mut self, kind: RateKind) {
        if !self.needs.contains(&kind) {
            self.needs.push(kind);
        }
    }

    /// Adds what was found further down.
    pub(super) fn add(&mut self, inner: &Self) {
        self.pictures.extend_from_slice(&inner.pictures);
        self.sound_tokens = self.sound_tokens.saturating_add(inner.sound_tokens);
        self.packed.extend_from_slice(&inner.packed);
        self.is_unbounded |= inner.is_unbounded;
        self.open.add(&inner.open);
        self.references.extend_from_slice(&inner.references);
        for kind in inner.needs() {
            self.need(kind);
        }
    }

    pub(super) fn add_part(&mut self, part: Part) {
        // Said twice, the part that costs more counts.
        if !matches!(self.own, Part::Image | Part::Audio) {
            self.own = part;
        }
        match part {
            Part::Audio => self.need(RateKind::AudioInput),
            Part::Unbounded => self.is_unbounded = true,
            Part::Plain | Part::Image | Part::Document | Part::Packed => {}
        }
    }

    /// At the end of an object: what was packed in it is what it says.
    pub(super) fn close<N: Names>(&mut self) {
        match self.own {
            Part::Image => {
                let open = mem::take(&mut self.open);
                self.add_picture(open);
            }
            Part::Audio => {
                let open = mem::take(&mut self.open);
                // Sound of unknown length has no more tokens than bytes.
                if let Some(payload) = open.only() {
                    self.add_sound::<N>(payload);
                }
            }
            Part::Plain | Part::Document | Part::Packed | Part::Unbounded => {}
        }
    }

    fn add_picture(&mut self, open: Open) {
        let detail = open.detail;
        let payload = open.only();
        let size = payload.as_ref().and_then(|payload| size_of(&payload.head));
        self.pictures.push(Picture { size, detail });
        if let (Some(_), Some(payload)) = (size, payload) {
            self.packed.extend(payload.place);
        }
    }

    /// Adds a piece of sound, if its length is known.
    fn add_sound<N: Names>(&mut self, payload: Payload) -> bool {
        let Some(tokens) = N::sound_tokens(&payload.head, payload.bytes) else {
            return false;
        };
        self.sound_tokens = self.sound_tokens.saturating_add(tokens);
        self.packed.extend(payload.place);
        true
    }

    pub(super) fn add_blob<N: Names>(&mut self, blob: Blob<'_>, by_address: bool) {
        let media_type = blob.media_type.unwrap_or_default();
        let (class, _) = media_type.split_once('/').unwrap_or((&media_type, ""));
        let open = Open {
            count: usize::from(blob.data.is_some()),
            payload: blob.data.and_then(|Packed(payload)| payload),
            detail: Detail::Auto,
        };
        match class {
            "image" => self.add_picture(open),
            "text" => self.is_unbounded |= by_address,
            "audio" => {
                self.need(RateKind::AudioInput);
                let is_known = open
                    .only()
                    .is_some_and(|payload| self.add_sound::<N>(payload));
                self.is_unbounded |= !is_known;
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

impl Open {
    fn add(&mut self, inner: &Self) {
        self.count = self.count.saturating_add(inner.count);
        self.payload = self.payload.take().or_else(|| inner.payload.clone());
        self.look(inner.detail);
    }

    /// Of two wishes, neither is sure.
    pub(super) fn look(&mut self, detail: Detail) {
        self.detail = match (self.detail, detail) {
            (Detail::Auto, other) | (other, Detail::Auto) => other,
            (one, other) if one == other => one,
            (Detail::Low | Detail::High, Detail::Low | Detail::High) => Detail::High,
        };
    }

    /// What is packed, if it is one thing.
    fn only(self) -> Option<Payload> {
        self.payload.filter(|_| self.count == 1)
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
pub(super) struct Blob<'a> {
    #[serde(default, borrow, rename = "mimeType", alias = "mime_type")]
    media_type: Option<Text<'a>>,
    #[serde(default, borrow, rename = "fileUri", alias = "file_uri")]
    pub(super) address: Option<Text<'a>>,
    #[serde(default)]
    data: Option<Packed>,
}
