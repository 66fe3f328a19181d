//! Reads the chunks of a chat or completions stream, of which there is one for every token: first by
//! comparing with an earlier chunk, then by a glance, and where that does not do, by parsing.

use std::borrow::Cow;

use crate::providers::answer::Seen;
use crate::providers::json::place_in;
use crate::providers::openai::answer::{Answer, note_answer, note_glance};
use crate::providers::openai::glance::{ChoicePart, Glance};
use crate::providers::scan::{Unclear, text_of};
use crate::providers::shape::UsualChunk;

/// What an event means for a caller that did not ask for the usage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UsageInEvent<'a> {
    /// There is none, or it is part of something else.
    None,
    /// The event is there only for the usage.
    Only,
    /// The event says, with this `null`, that the usage comes later.
    Null(&'a [u8]),
}

/// Reads one event of a chat or completions stream.
pub(crate) fn read_chunk<'a>(seen: &mut Seen, data: &'a [u8]) -> UsageInEvent<'a> {
    if data == b"[DONE]" {
        seen.is_complete = true;
        seen.has_ended = true;
        return UsageInEvent::None;
    }
    if let Some(found) = usual_chunk(seen, data) {
        return found;
    }
    match glance_at_chunk(seen, data) {
        Ok(found) => found,
        Err(Unclear) => parse_chunk(seen, data),
    }
}

/// Reads a chunk that differs from an earlier one only in its text.
fn usual_chunk<'a>(seen: &mut Seen, data: &'a [u8]) -> Option<UsageInEvent<'a>> {
    let (text, null) = seen.usual.as_ref()?.read(data)?;
    seen.transcript.add(seen.usual_choice, text);
    Some(null.map_or(UsageInEvent::None, UsageInEvent::Null))
}

/// How chunks will look that differ from this one only in their text. Only one that brings a text
/// and nothing else is a model for others.
fn usual_of(chunk: &Glance<'_>, part: &ChoicePart<'_>, data: &[u8]) -> Option<UsualChunk> {
    let [Cow::Borrowed(text)] = part.texts.as_slice() else {
        return None;
    };
    if part.is_finished {
        return None;
    }
    let padding = match chunk.obfuscation {
        Some(padding) => Some(place_in(data, text_of(padding).ok()?.as_bytes())?),
        None => None,
    };
    let null = match chunk.usage {
        Some(usage) => Some(place_in(data, usage)?),
        None => None,
    };
    UsualChunk::like(data, place_in(data, text.as_bytes())?, padding, null)
}

fn glance_at_chunk<'a>(seen: &mut Seen, data: &'a [u8]) -> Result<UsageInEvent<'a>, Unclear> {
    let chunk = Glance::at(data)?;
    let (parts, has_choices) = (chunk.parts()?, chunk.has_choices()?);
    note_glance(seen, &chunk)?;
    for part in &parts {
        for text in &part.texts {
            seen.transcript.add(part.index, text);
        }
        if part.is_finished {
            seen.note_finished(part.index);
        }
    }
    let found = match chunk.usage {
        None => UsageInEvent::None,
        Some(usage @ b"null") => UsageInEvent::Null(usage),
        Some(_) => return Ok(usage_came(seen, has_choices)),
    };
    if let [part] = parts.as_slice()
        && let Some(usual) = usual_of(&chunk, part, data)
    {
        seen.usual = Some(usual);
        seen.usual_choice = part.index;
    }
    Ok(found)
}

/// The usage is the last thing but the mark of the end, which some servers leave out.
fn usage_came<'a>(seen: &mut Seen, has_choices: bool) -> UsageInEvent<'a> {
    seen.is_complete = true;
    if has_choices {
        return UsageInEvent::None;
    }
    UsageInEvent::Only
}

fn parse_chunk<'a>(seen: &mut Seen, data: &'a [u8]) -> UsageInEvent<'a> {
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(data) else {
        return UsageInEvent::None;
    };
    note_answer(seen, &answer);
    if answer.usage.is_set() {
        let has_choices = answer.choices.is_none_or(|choices| !choices.is_empty());
        return usage_came(seen, has_choices);
    }
    match answer.usage.raw() {
        Some(null) => UsageInEvent::Null(null.as_bytes()),
        None => UsageInEvent::None,
    }
}

#[cfg(test)]
mod tests;
