//! Counts of tokens by a model's own tokeniser, where it is public, and the stated rule where not.

use std::fmt;

use bpe_openai::Tokenizer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::providers::Dialect;

/// Tokens around each object of a request, such as a message: its role and its marks.
const OBJECT_TOKENS: u64 = 8;
/// Tokens around each text of a request, such as a part of a message.
const STRING_TOKENS: u64 = 1;
/// How many bytes of text one token of an unknown tokeniser is taken to have. English has four or
/// more, code and most other languages three.
const BYTES_PER_TOKEN: u64 = 3;

/// Model names (or their beginnings, if they end with `*`) whose encoding is published.
const ENCODINGS: &[(&str, Encoding)] = &[
    ("gpt-4o*", Encoding::O200k),
    ("gpt-4.1*", Encoding::O200k),
    ("gpt-4.5*", Encoding::O200k),
    ("gpt-oss*", Encoding::O200k),
    ("openai/gpt-oss*", Encoding::O200k),
    ("gpt-5*", Encoding::O200k),
    ("chatgpt-4o*", Encoding::O200k),
    ("o1*", Encoding::O200k),
    ("o3*", Encoding::O200k),
    ("o4*", Encoding::O200k),
    ("gpt-4", Encoding::Cl100k),
    ("gpt-4-*", Encoding::Cl100k),
    ("gpt-3.5-turbo*", Encoding::Cl100k),
    ("text-embedding-3-*", Encoding::Cl100k),
    ("text-embedding-ada-002*", Encoding::Cl100k),
    ("davinci-002", Encoding::Cl100k),
    ("babbage-002", Encoding::Cl100k),
];

/// Beginnings of the names of models that show all that they generate. Every other one may reason
/// first, unseen.
const OPENAI_WITHOUT_REASONING: &[&str] = &["gpt-4", "gpt-3.5", "chatgpt-4o", "davinci", "babbage"];
const GOOGLE_WITHOUT_REASONING: &[&str] = &["gemini-1", "gemini-2.0", "gemma"];

/// A tokeniser that is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Of the models since GPT-4o.
    O200k,
    /// Of those before.
    Cl100k,
}

impl Encoding {
    fn tokenizer(self) -> &'static Tokenizer {
        match self {
            Self::O200k => bpe_openai::o200k_base(),
            Self::Cl100k => bpe_openai::cl100k_base(),
        }
    }

    /// The tokens of a text.
    pub(crate) fn count(self, text: &str) -> u64 {
        to_u64(self.tokenizer().count(text))
    }
}

/// How a model's tokens are made, where it is public.
pub(crate) fn encoding(dialect: Dialect, model: &str) -> Option<Encoding> {
    if dialect != Dialect::OpenAi {
        return None;
    }
    let base = model.strip_prefix("ft:").unwrap_or(model);
    let found = ENCODINGS
        .iter()
        .find(|(name, _)| match name.strip_suffix('*') {
            Some(beginning) => base.starts_with(beginning),
            None => {
                base == *name || (base.len() < model.len() && base.split(':').next() == Some(name))
            }
        });
    found.map(|(_, encoding)| *encoding)
}

/// Whether a model may generate tokens that are billed and not shown, so that the text of an answer
/// says nothing about its usage. Anthropic's streams say themselves when a model thinks.
pub(crate) fn may_reason_unseen(dialect: Dialect, model: &str) -> bool {
    let shows_all = match dialect {
        Dialect::OpenAi => OPENAI_WITHOUT_REASONING,
        Dialect::Google => GOOGLE_WITHOUT_REASONING,
        Dialect::Anthropic => return false,
    };
    let base = model.strip_prefix("ft:").unwrap_or(model);
    !shows_all.iter().any(|name| base.starts_with(name))
}

/// The most tokens that the text of a request can be, counted with the model's own tokeniser;
/// `None` where that is not public. Images and hidden input are not text: see
/// [`counted_input_bound`](crate::providers::bounds::counted_input_bound).
///
/// Every string is decoded and counted by itself, names of members included, as the provider
/// counts each message by itself. (A count of the raw JSON could be too low: a tab before `ext` is
/// written `\text`, which is one token.) Around them the provider puts a few marks for each
/// message and writes tools in a shorter form than JSON; a fixed number for each object and each
/// string is more than both.
pub fn count_upper(dialect: Dialect, model: &str, body: &[u8]) -> Option<u64> {
    let tokenizer = encoding(dialect, model)?.tokenizer();
    let mut json = serde_json::Deserializer::from_slice(body);
    Count(tokenizer).deserialize(&mut json).ok()
}

/// The tokens of a text of which only the length is known.
pub fn estimate_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

pub(crate) fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Three digits are at most one token; in a list of tokens, a number is one token itself.
fn digit_tokens(value: u64) -> u64 {
    let digits = value.checked_ilog10().unwrap_or_default().saturating_add(1);
    u64::from(digits.div_ceil(3))
}

/// Adds up the tokens of a JSON value.
#[derive(Clone, Copy)]
struct Count(&'static Tokenizer);

impl<'de> DeserializeSeed<'de> for Count {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(1)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<u64, E> {
        Ok(1)
    }

    fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
        Ok(digit_tokens(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<u64, E> {
        Ok(digit_tokens(value.unsigned_abs()).saturating_add(1))
    }

    fn visit_f64<E>(self, value: f64) -> Result<u64, E> {
        Ok(to_u64(value.to_string().len()))
    }

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        Ok(to_u64(self.0.count(text)).saturating_add(STRING_TOKENS))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut total = 0_u64;
        while let Some(tokens) = items.next_element_seed(self)? {
            total = total.saturating_add(tokens);
        }
        Ok(total)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let mut total = OBJECT_TOKENS;
        while let Some(name) = members.next_key_seed(self)? {
            let value = members.next_value_seed(self)?;
            total = total.saturating_add(name).saturating_add(value);
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests;
