//! What the model may read: an upper bound of everything that was said so far, in tokens.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;
use crate::providers::json::{Member, Text};
use crate::providers::openai::realtime::length;

/// What marks an item's role and its ends.
const ITEM_TOKENS_MAX: u64 = 16;
/// Characters of base64 for each token of audio. A token is a tenth of a second: 800 bytes in the
/// densest format, which are 1,067 characters; half of it, for nobody promises the tenth.
const AUDIO_CHARACTERS_PER_TOKEN: u64 = 512;

/// What was added to a conversation, or all of it. It only grows: what the provider forgets is not
/// known to be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Tokens that were counted, and bytes of text, none of which is longer than a token.
    pub tokens: u64,
    /// Audio in base64.
    pub audio_characters: u64,
    /// Something is in it of which only the context window is a bound.
    pub is_unbounded: bool,
}

impl Heard {
    /// What audio may be, written in base64.
    pub fn audio(text: &RawValue) -> Self {
        Self {
            audio_characters: length(text),
            ..Self::default()
        }
    }

    /// So many tokens, and no audio.
    pub fn tokens(tokens: u64) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let audio_characters = self.audio_characters.saturating_add(other.audio_characters);
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            audio_characters,
            is_unbounded: self.is_unbounded || other.is_unbounded,
        }
    }

    /// The most tokens that it can be.
    pub fn tokens_max(self) -> u64 {
        let audio = self.audio_characters.div_ceil(AUDIO_CHARACTERS_PER_TOKEN);
        self.tokens.saturating_add(audio)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Item<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default, borrow)]
    content: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Part<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default, borrow)]
    audio: Member<'a>,
}

/// What an item adds.
pub(super) fn of_item(written: &RawValue) -> Result<Heard, BadRequest> {
    let item: Item<'_> = serde_json::from_str(written.get())
        .map_err(|error| BadRequest::field("item", format!("the item is not valid: {error}")))?;
    let mut heard = Heard::tokens(ITEM_TOKENS_MAX);
    match &*item.kind {
        "message" | "function_call" | "function_call_output" | "item_reference" => {}
        kind => {
            let message = format!("items of type `{kind}` are not possible here");
            return Err(BadRequest::field("item", message));
        }
    }
    let mut audio_bytes = 0_u64;
    for part in item.content.into_iter().flatten() {
        match &*part.kind {
            "input_text" | "text" | "output_text" => {}
            "input_audio" | "audio" | "output_audio" => {
                let audio = part.audio.written().map_or(0, str::len);
                let audio = u64::try_from(audio).unwrap_or(u64::MAX);
                audio_bytes = audio_bytes.saturating_add(audio);
            }
            _ => heard.is_unbounded = true,
        }
    }
    heard.audio_characters = audio_bytes;
    let text = length(written).saturating_sub(audio_bytes);
    heard.tokens = heard.tokens.saturating_add(text);
    Ok(heard)
}

/// What a list of items adds.
pub(super) fn of_items(written: &RawValue) -> Result<Heard, BadRequest> {
    let items: Vec<&RawValue> = serde_json::from_str(written.get())
        .map_err(|error| BadRequest::field("input", format!("`input` is not valid: {error}")))?;
    let mut items = items.into_iter().map(of_item);
    items.try_fold(Heard::default(), |sum, item| Ok(sum.plus(item?)))
}
