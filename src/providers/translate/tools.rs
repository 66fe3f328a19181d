//! Reads tools, the choice among them and the form of the answer. In `/v1/chat/completions` their
//! members are inside a member of their own, in `/v1/responses` beside the type.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;
use crate::providers::json::opening;
use crate::providers::translate::given::{Given, Members};
use crate::providers::translate::prompt::{At, Format, Tool, ToolChoice};

/// Where the members of a tool are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nesting {
    /// Inside a member that is named after the type.
    Inside,
    /// Beside the type.
    Beside,
}

impl Nesting {
    /// Reads the members, and makes sure that there are no others.
    fn read<'a, T>(
        self,
        mut outer: Members<'a>,
        name: &str,
        read: impl FnOnce(&mut Members<'a>) -> Result<T, BadRequest>,
    ) -> Result<T, BadRequest> {
        if self == Self::Beside {
            let value = read(&mut outer)?;
            outer.finish()?;
            return Ok(value);
        }
        let mut inner = outer.need(name)?.members()?;
        outer.finish()?;
        let value = read(&mut inner)?;
        inner.finish()?;
        Ok(value)
    }
}

/// Tools, which are functions of the caller's: a provider's own tools are another provider's.
pub(super) fn read_tools<'a>(
    given: &Given<'a>,
    nesting: Nesting,
) -> Result<Vec<Tool<'a>>, BadRequest> {
    let tools = given.list()?;
    tools.iter().map(|tool| read_tool(tool, nesting)).collect()
}

fn read_tool<'a>(given: &Given<'a>, nesting: Nesting) -> Result<Tool<'a>, BadRequest> {
    let mut members = given.members()?;
    let kind = members.need("type")?;
    if kind.text()? != "function" {
        return Err(kind.not_possible());
    }
    nesting.read(members, "function", |function| {
        Ok(Tool {
            name: function.need("name")?.text()?,
            description: function.text("description")?,
            parameters: function
                .take("parameters")
                .map(|parameters| parameters.object())
                .transpose()?,
            is_strict: function.flag("strict")?.unwrap_or(false),
        })
    })
}

/// Whether and which tool must be called.
pub(super) fn read_choice<'a>(
    given: &Given<'a>,
    nesting: Nesting,
) -> Result<ToolChoice<'a>, BadRequest> {
    if given.is_text() {
        return match &*given.text()? {
            "none" => Ok(ToolChoice::None),
            "auto" => Ok(ToolChoice::Auto),
            "required" => Ok(ToolChoice::Required),
            _ => Err(given.refuse("must be `none`, `auto`, `required` or a function.")),
        };
    }
    let mut members = given.members()?;
    let kind = members.need("type")?;
    if kind.text()? != "function" {
        return Err(kind.not_possible());
    }
    let name = nesting.read(members, "function", |function| {
        function.need("name")?.text()
    })?;
    Ok(ToolChoice::Named(name))
}

/// The form of the answer; nothing where it is free.
pub(super) fn read_format<'a>(
    given: &Given<'a>,
    nesting: Nesting,
) -> Result<Option<At<Format<'a>>>, BadRequest> {
    let mut members = given.members()?;
    let kind = members.need("type")?;
    let format = match &*kind.text()? {
        "text" => {
            members.finish()?;
            return Ok(None);
        }
        "json_object" => {
            members.finish()?;
            Format::Json
        }
        "json_schema" => nesting.read(members, "json_schema", read_schema)?,
        _ => return Err(kind.refuse("must be `text`, `json_object` or `json_schema`.")),
    };
    Ok(Some(At::new(format, kind.place())))
}

fn read_schema<'a>(members: &mut Members<'a>) -> Result<Format<'a>, BadRequest> {
    // A schema is always followed strictly; its name is a label.
    members.flag("strict")?;
    members.text("name")?;
    let description = members.text("description")?;
    let schema = members.need("schema")?.object()?;
    let described = description.and_then(|text| with_description(schema, &text));
    Ok(Format::Schema(
        described.map_or(Cow::Borrowed(schema), Cow::Owned),
    ))
}

/// The schema with what the caller says about it, unless it says that itself.
fn with_description(schema: &RawValue, text: &str) -> Option<Box<RawValue>> {
    let (open, is_empty) = opening(schema.get().as_bytes())?;
    let own: Member = serde_json::from_str(schema.get()).ok()?;
    if own.description.is_some() {
        return None;
    }
    let (before, after) = schema.get().split_at_checked(open)?;
    let text = serde_json::to_string(text).ok()?;
    let separator = if is_empty { "" } else { "," };
    RawValue::from_string(format!("{before}\"description\":{text}{separator}{after}")).ok()
}

#[derive(serde::Deserialize)]
struct Member {
    #[serde(default)]
    description: Option<serde::de::IgnoredAny>,
}
