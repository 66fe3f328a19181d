//! Reads the usage that `OpenAI` reports. Cached tokens are inside the input that it reports,
//! reasoning tokens inside the output.

use serde::Deserialize;

use crate::domain::usage::TokenUsage;
use crate::providers::answer::{Count, Division, Reported};
use crate::providers::scan::{Members, Unclear};

/// What a usage says; nothing if it is none.
pub(super) fn reported(usage: &[u8]) -> Option<Reported> {
    let read = match Usage::at_a_glance(usage) {
        Ok(read) => read,
        Err(Unclear) => serde_json::from_slice(usage).ok()?,
    };
    Some(normalised(&read))
}

/// Usage of chat (`prompt`, `completion`) and of responses (`input`, `output`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, expecting = "an object")]
struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Count,
    #[serde(alias = "output_tokens")]
    completion_tokens: Count,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, expecting = "an object")]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
}

fn normalised(usage: &Usage) -> Reported {
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let mut input = Division::of(usage.prompt_tokens);
    let audio_input = input.take(details.audio_tokens);
    let image_input = input.take(details.image_tokens);
    let cache_write = input.take(details.cache_write_tokens);
    let cached_input = input.take(details.cached_tokens);
    let (plain_input, input_exact) = input.rest();
    let details = usage.completion_tokens_details.unwrap_or_default();
    let mut output = Division::of(usage.completion_tokens);
    let audio_output = output.take(details.audio_tokens);
    let image_output = output.take(details.image_tokens);
    let reasoning_output = output.take(details.reasoning_tokens);
    let (plain_output, output_exact) = output.rest();
    Reported {
        usage: TokenUsage {
            input: plain_input,
            cached_input,
            cache_write,
            output: plain_output,
            reasoning_output,
            audio_input,
            audio_output,
            image_input,
            image_output,
            ..TokenUsage::default()
        },
        knows_input: matches!(usage.prompt_tokens, Count::Known(_)),
        knows_output: matches!(usage.completion_tokens, Count::Known(_)),
        is_exact: input_exact && output_exact,
    }
}

/// No count of tokens has more digits.
const DIGITS_MAX: usize = 12;

impl Usage {
    /// The usage, where it is written as providers write it: an object of whole numbers.
    fn at_a_glance(text: &[u8]) -> Result<Self, Unclear> {
        let (mut input, mut output) = (None, None);
        let (mut input_details, mut output_details) = (None, None);
        let mut members = Members::of(text)?;
        while let Some((name, value)) = members.next_member()? {
            match name {
                b"prompt_tokens" | b"input_tokens" => put(&mut input, count(value)?)?,
                b"completion_tokens" | b"output_tokens" => put(&mut output, count(value)?)?,
                b"prompt_tokens_details" | b"input_tokens_details" => {
                    put(&mut input_details, Details::at_a_glance(value)?)?;
                }
                b"completion_tokens_details" | b"output_tokens_details" => {
                    put(&mut output_details, Details::at_a_glance(value)?)?;
                }
                _ => {}
            }
        }
        Ok(Self {
            prompt_tokens: input.unwrap_or_default(),
            completion_tokens: output.unwrap_or_default(),
            prompt_tokens_details: input_details.flatten(),
            completion_tokens_details: output_details.flatten(),
        })
    }
}

impl Details {
    fn at_a_glance(text: &[u8]) -> Result<Option<Self>, Unclear> {
        if text == b"null" {
            return Ok(None);
        }
        let (mut cached, mut written, mut audio) = (None, None, None);
        let (mut image, mut reasoning) = (None, None);
        let mut members = Members::of(text)?;
        while let Some((name, value)) = members.next_member()? {
            let slot = match name {
                b"cached_tokens" => &mut cached,
                b"cache_write_tokens" => &mut written,
                b"audio_tokens" => &mut audio,
                b"image_tokens" => &mut image,
                b"reasoning_tokens" => &mut reasoning,
                _ => continue,
            };
            put(slot, count(value)?)?;
        }
        Ok(Some(Self {
            cached_tokens: cached.unwrap_or_default(),
            cache_write_tokens: written.unwrap_or_default(),
            audio_tokens: audio.unwrap_or_default(),
            image_tokens: image.unwrap_or_default(),
            reasoning_tokens: reasoning.unwrap_or_default(),
        }))
    }
}

/// A member that is there twice is for the parser to judge.
fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), Unclear> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Unclear),
    }
}

fn count(text: &[u8]) -> Result<Count, Unclear> {
    if text == b"null" {
        return Ok(Count::Missing);
    }
    let is_plain = text.len() <= DIGITS_MAX
        && text.iter().all(u8::is_ascii_digit)
        && (text.len() == 1 || text.first() != Some(&b'0'));
    let digits = std::str::from_utf8(text).ok().filter(|_| is_plain);
    let whole = digits.and_then(|digits| digits.parse().ok());
    whole.map(Count::whole).ok_or(Unclear)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (0_u64..1 << 44).prop_map(|count| count.to_string()),
            1 => prop::sample::select(vec!["null", "0", "-1", "1.0", "1e3", "007", "\"7\"", "[]", "{}"])
                .prop_map(str::to_owned),
        ]
    }

    fn details() -> impl Strategy<Value = String> {
        let names = vec![
            "cached_tokens",
            "audio_tokens",
            "reasoning_tokens",
            "image_tokens",
            "new",
        ];
        let member = (prop::sample::select(names), number());
        prop_oneof![
            4 => prop::collection::vec(member, 0..4).prop_map(|members| object(&members)),
            1 => Just("null".to_owned()),
            1 => Just("3".to_owned()),
        ]
    }

    fn object(members: &[(&str, String)]) -> String {
        let members = members
            .iter()
            .map(|(name, value)| format!("\"{name}\": {value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    proptest! {
        #[test]
        fn a_glance_agrees_with_the_parser(
            counts in prop::collection::vec(
                (
                    prop::sample::select(vec![
                        "prompt_tokens", "output_tokens", "completion_tokens", "total_tokens",
                    ]),
                    number(),
                ),
                0..4,
            ),
            details in prop::option::of((
                prop::sample::select(vec!["prompt_tokens_details", "output_tokens_details"]),
                details(),
            )),
        ) {
            let members: Vec<_> = counts.into_iter().chain(details).collect();
            let text = object(&members);
            // A glance does not see that members which do not matter are no JSON.
            prop_assume!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            let parsed = serde_json::from_str::<Usage>(&text).ok();
            if let Ok(glanced) = Usage::at_a_glance(text.as_bytes()) {
                prop_assert_eq!(Some(glanced), parsed, "{}", text);
            }
        }
    }

    #[test]
    fn what_providers_write_is_read_at_a_glance() {
        let text = br#"{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46,
            "prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":null}"#;
        let usage = Usage::at_a_glance(text).unwrap();
        assert_eq!(usage.prompt_tokens, Count::Known(12));
        assert_eq!(usage.completion_tokens, Count::Known(34));
        assert_eq!(
            usage.prompt_tokens_details.unwrap().cached_tokens,
            Count::Known(5)
        );
        assert_eq!(usage.completion_tokens_details, None);
    }
}
