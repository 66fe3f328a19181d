//! A look at a chunk, or a whole answer, of chat, completions and embeddings, without parsing it:
//! most chunks bring a few letters of text and nothing else, and one comes for every token.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::providers::answer::NOT_TEXT;
use crate::providers::scan::{Items, Members, Unclear, text_of};

/// How deep generated text is looked for; what is deeper is for the parser.
const DEPTH_MAX: usize = 6;

/// Pieces of generated text: most chunks have one.
pub(super) type Texts<'a> = SmallVec<[Cow<'a, str>; 2]>;

/// What a chunk brings of one choice.
#[derive(Clone, Debug, Default)]
pub(super) struct ChoicePart<'a> {
    pub(super) index: u64,
    /// The text that was generated.
    pub(super) texts: Texts<'a>,
    /// It is the last part.
    pub(super) is_finished: bool,
}

/// The members that matter, as they were written. Those that are `null` count as missing, but for
/// the usage, whose place is of interest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Glance<'a> {
    pub(super) model: Option<&'a [u8]>,
    pub(super) service_tier: Option<&'a [u8]>,
    pub(super) usage: Option<&'a [u8]>,
    pub(super) choices: Option<&'a [u8]>,
    pub(super) error: Option<&'a [u8]>,
    /// What the provider pads a chunk with, so that its length tells nothing.
    pub(super) obfuscation: Option<&'a [u8]>,
}

impl<'a> Glance<'a> {
    pub(super) fn at(text: &'a [u8]) -> Result<Self, Unclear> {
        let mut glance = Self::default();
        let mut members = Members::of(text)?;
        while let Some((name, value)) = members.next_member()? {
            let slot = match name {
                b"model" => &mut glance.model,
                b"service_tier" => &mut glance.service_tier,
                b"usage" => &mut glance.usage,
                b"choices" => &mut glance.choices,
                b"error" => &mut glance.error,
                b"obfuscation" => &mut glance.obfuscation,
                _ => continue,
            };
            // Which of two members of one name counts is for the parser to say.
            if slot.replace(value).is_some() {
                return Err(Unclear);
            }
        }
        Ok(Self {
            model: unless_null(glance.model),
            service_tier: unless_null(glance.service_tier),
            choices: unless_null(glance.choices),
            error: unless_null(glance.error),
            ..glance
        })
    }

    /// Whether there is anything beside the usage. Without a list of choices, nobody can say.
    pub(super) fn has_choices(&self) -> Result<bool, Unclear> {
        let Some(choices) = self.choices else {
            return Ok(true);
        };
        Ok(Items::of(choices)?.next_item()?.is_some())
    }

    /// What it brings of each choice.
    pub(super) fn parts(&self) -> Result<SmallVec<[ChoicePart<'a>; 1]>, Unclear> {
        let mut parts = SmallVec::new();
        let Some(choices) = self.choices else {
            return Ok(parts);
        };
        let mut choices = Items::of(choices)?;
        while let Some(choice) = choices.next_item()? {
            parts.push(ChoicePart::at(choice)?);
        }
        Ok(parts)
    }
}

impl<'a> ChoicePart<'a> {
    fn at(choice: &'a [u8]) -> Result<Self, Unclear> {
        let mut part = Self::default();
        let mut members = Members::of(choice)?;
        while let Some((name, value)) = members.next_member()? {
            match name {
                b"delta" | b"message" | b"text" => collect(value, DEPTH_MAX, &mut part.texts)?,
                b"index" => part.index = number(value)?,
                b"finish_reason" => part.is_finished = value != b"null",
                _ => {}
            }
        }
        Ok(part)
    }
}

fn number(value: &[u8]) -> Result<u64, Unclear> {
    let digits = std::str::from_utf8(value).ok();
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or(Unclear)
}

fn unless_null(value: Option<&[u8]>) -> Option<&[u8]> {
    value.filter(|value| *value != b"null")
}

/// Adds every text in `value`, as the parser's `Strings` would.
fn collect<'a>(value: &'a [u8], depth: usize, texts: &mut Texts<'a>) -> Result<(), Unclear> {
    let deeper = depth.checked_sub(1).ok_or(Unclear)?;
    match value.first() {
        Some(b'"') => texts.push(text_of(value)?),
        Some(b'{') => {
            let mut members = Members::of(value)?;
            while let Some((name, value)) = members.next_member()? {
                if !NOT_TEXT.iter().any(|other| other.as_bytes() == name) {
                    collect(value, deeper, texts)?;
                }
            }
        }
        Some(b'[') => {
            let mut items = Items::of(value)?;
            while let Some(item) = items.next_item()? {
                collect(item, deeper, texts)?;
            }
        }
        Some(_) | None => {}
    }
    Ok(())
}
