//! What the names in `OpenAI`'s messages and input items mean for the price of a request.

use crate::domain::feature::Feature;
use crate::domain::object::ObjectKind;
use crate::providers::content::{Key, Names, Part};
use crate::providers::reference::ReferenceKind;
use crate::providers::sound;

/// The names in `OpenAI`'s messages and input items.
#[derive(Debug)]
pub(super) struct OpenAi;

impl Names for OpenAi {
    fn part(type_name: &str) -> Part {
        match type_name {
            "text"
            | "input_text"
            | "output_text"
            | "summary_text"
            | "reasoning_text"
            | "refusal"
            | "message"
            | "function"
            | "custom"
            | "reasoning"
            | "function_call"
            | "function_call_output"
            | "custom_tool_call"
            | "custom_tool_call_output"
            | "local_shell_call"
            | "local_shell_call_output"
            | "apply_patch_call"
            | "apply_patch_call_output"
            | "mcp_call"
            | "mcp_list_tools"
            | "mcp_approval_request"
            | "mcp_approval_response"
            | "web_search_call"
            | "search"
            | "open_page"
            | "find_in_page"
            | "url"
            | "exec"
            | "url_citation" => Part::Plain,
            "image_url" | "input_image" | "computer_screenshot" => Part::Image,
            "input_audio" => Part::Audio,
            _ => Part::Unbounded,
        }
    }

    fn key(name: &str) -> Key {
        match name {
            "type" => Key::Type,
            "audio" => Key::EarlierAudio,
            "url" | "image_url" => Key::Address,
            "data" => Key::Data,
            "detail" => Key::Detail,
            "file_id" | "file_ids" => Key::Ids(ReferenceKind::Object(ObjectKind::File)),
            "vector_store_ids" => Key::Ids(ReferenceKind::Of(Feature::SearchStores)),
            _ => Key::Other,
        }
    }

    fn sound_tokens(head: &[u8], bytes: u64) -> Option<u64> {
        sound::openai_tokens(head, bytes)
    }
}
