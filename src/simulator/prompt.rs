//! Measures a prompt without building a tree: how much text and media it holds, and whether it
//! ends in a tool's result.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Less than any provider's smallest charge for an image, so that a bound on media holds.
pub(super) const TOKENS_PER_MEDIUM: u64 = 64;
const BYTES_PER_TOKEN: u64 = 4;

/// What a prompt (a string, one content or a list of them) amounts to, in any dialect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) text_bytes: u64,
    pub(super) media: u64,
    /// Elements of the list; 1 for a single string or content.
    pub(super) elements: u64,
    /// Token ids, as an embedding or a completion may send them instead of text.
    pub(super) token_ids: u64,
    /// The last element answers a tool call.
    pub(super) tool_result: bool,
}

impl Prompt {
    pub(super) fn tokens(&self) -> u64 {
        self.text_bytes.div_ceil(BYTES_PER_TOKEN) + self.media * TOKENS_PER_MEDIUM + self.token_ids
    }
}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut prompt = Self {
            elements: 1,
            ..Self::default()
        };
        let walk = Walk {
            prompt: &mut prompt,
            place: Place::Top,
        };
        walk.deserialize(deserializer)?;
        Ok(prompt)
    }
}

/// What the key above a value says about it.
#[derive(Clone, Copy)]
enum Place {
    Top,
    Text,
    Role,
    Kind,
    Medium,
    ToolResult,
}

struct Walk<'p> {
    prompt: &'p mut Prompt,
    place: Place,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a prompt")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        match self.place {
            Place::Top | Place::Text | Place::ToolResult => {
                self.prompt.text_bytes += text.len() as u64;
            }
            Place::Role => self.prompt.tool_result |= text == "tool",
            Place::Kind => {
                self.prompt.tool_result |= matches!(text, "tool_result" | "function_call_output");
            }
            Place::Medium => self.prompt.media += 1,
        }
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.prompt.token_ids += 1;
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let top = matches!(self.place, Place::Top);
        let mut elements = 0;
        loop {
            let tool_result = self.prompt.tool_result;
            if top {
                self.prompt.tool_result = false;
            }
            let element = Walk {
                prompt: &mut *self.prompt,
                place: Place::Text,
            };
            if list.next_element_seed(element)?.is_none() {
                self.prompt.tool_result = tool_result;
                break;
            }
            elements += 1;
        }
        if top {
            self.prompt.elements = elements;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(place)) = map.next_key()? {
            self.prompt.tool_result |= matches!(place, Place::ToolResult);
            map.next_value_seed(Walk {
                prompt: &mut *self.prompt,
                place,
            })?;
        }
        Ok(())
    }
}

struct Key(Place);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key(match key {
            "role" => Place::Role,
            "type" => Place::Kind,
            "data" | "audio" | "url" | "image_url" | "file_data" | "file_id" | "file_url"
            | "fileUri" => Place::Medium,
            "functionResponse" | "function_response" => Place::ToolResult,
            _ => Place::Text,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Prompt;

    fn measure(json: &str) -> Prompt {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn counts_text_and_not_structure() {
        let prompt = measure(r#"[{"role":"user","content":[{"type":"text","text":"12345"}]}]"#);
        assert_eq!(
            (prompt.text_bytes, prompt.tokens(), prompt.elements),
            (5, 2, 1)
        );
        assert_eq!(measure(r#""é""#).text_bytes, 2);
    }

    #[test]
    fn counts_media_by_number_and_not_by_size() {
        let image = "A".repeat(100_000);
        let prompt = measure(&format!(
            r#"[{{"content":[{{"type":"image_url","image_url":{{"url":"data:;base64,{image}"}}}},
                {{"inlineData":{{"mimeType":"","data":"{image}"}}}}]}}]"#
        ));
        assert_eq!((prompt.media, prompt.text_bytes), (2, 0));
    }

    #[test]
    fn counts_token_ids() {
        assert_eq!(measure("[[1,2,3],[4]]").tokens(), 4);
    }

    #[test]
    fn knows_a_tool_result_only_at_the_end() {
        for end in [
            r#"{"role":"tool","content":"x"}"#,
            r#"{"role":"user","content":[{"type":"tool_result","content":"x"}]}"#,
            r#"{"type":"function_call_output","output":"x"}"#,
            r#"{"role":"user","parts":[{"functionResponse":{"name":"f"}}]}"#,
        ] {
            assert!(measure(&format!("[{{}},{end}]")).tool_result, "{end}");
            assert!(
                !measure(&format!("[{end},{{\"role\":\"user\"}}]")).tool_result,
                "{end}"
            );
        }
    }
}
