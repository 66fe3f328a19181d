//! Lists of objects as each dialect asks for them and pages through them.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;
use crate::domain::object::ObjectKind;
use crate::providers::Dialect;
use crate::providers::endpoints::is_object_id;
use crate::providers::json::Text;
use crate::providers::upstream::query_members;

/// The most objects of one page, whatever the provider allows: each is asked for by itself.
pub const PAGE_MAX: u32 = 100;
/// How many there are on a page of which nothing is said.
const PAGE_DEFAULT: u32 = 20;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// The most objects.
    pub limit: u32,
    /// The one that the page follows, or precedes, in the list's order.
    pub cursor: Option<String>,
    /// The page is that before the cursor.
    pub is_before: bool,
    /// The list begins with the oldest.
    pub oldest_first: bool,
    /// Only files of this purpose.
    pub purpose: Option<String>,
}

/// Reads what a query asks for.
pub fn list_query(dialect: Dialect, query: Option<&str>) -> Result<ListQuery, BadRequest> {
    let mut asked = ListQuery {
        limit: PAGE_DEFAULT,
        cursor: None,
        is_before: false,
        oldest_first: false,
        purpose: None,
    };
    for (name, value) in query.into_iter().flat_map(query_members) {
        match (dialect, &*name) {
            (Dialect::OpenAi | Dialect::Anthropic, "limit") => asked.limit = limit(value, "limit")?,
            (Dialect::Google, "pageSize" | "page_size") => asked.limit = limit(value, "pageSize")?,
            (Dialect::OpenAi, "after") => asked.cursor = cursor(value, "after")?,
            (Dialect::Anthropic, "after_id") => asked.cursor = cursor(value, "after_id")?,
            (Dialect::Google, "pageToken" | "page_token") => {
                asked.cursor = cursor(value, "pageToken")?;
            }
            (Dialect::Anthropic, "before_id") => {
                asked.cursor = cursor(value, "before_id")?;
                asked.is_before = asked.cursor.is_some();
            }
            (Dialect::OpenAi, "order") => asked.oldest_first = value == "asc",
            (Dialect::OpenAi, "purpose") => asked.purpose = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(asked)
}

fn limit(value: &str, name: &'static str) -> Result<u32, BadRequest> {
    match value.parse::<u32>() {
        Ok(0) | Err(_) => Err(BadRequest::field(
            name,
            format!("`{name}` must be a whole number of at least 1."),
        )),
        Ok(limit) => Ok(limit.min(PAGE_MAX)),
    }
}

fn cursor(value: &str, name: &'static str) -> Result<Option<String>, BadRequest> {
    if value.is_empty() {
        return Ok(None);
    }
    if !is_object_id(value) {
        return Err(BadRequest::field(name, format!("`{name}` is not an id.")));
    }
    Ok(Some(value.to_owned()))
}

/// Whether an object is one that the query asks for.
pub fn is_asked_for(query: &ListQuery, object: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(expecting = "an object")]
    struct Purpose<'a> {
        #[serde(default, borrow)]
        purpose: Option<Text<'a>>,
    }
    let Some(wanted) = &query.purpose else {
        return true;
    };
    let found: Option<Purpose<'_>> = serde_json::from_slice(object).ok();
    let found = found.and_then(|object| object.purpose);
    found.is_some_and(|purpose| *purpose == **wanted)
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'static str>,
    data: &'a [&'a RawValue],
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
    has_more: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum GooglePart<'a> {
    Objects(&'a [&'a RawValue]),
    Token(&'a str),
}

/// A page of objects, each with its id, in a dialect's words.
pub fn page(
    dialect: Dialect,
    kind: ObjectKind,
    objects: &[(String, Bytes)],
    has_more: bool,
) -> Vec<u8> {
    let bodies = objects.iter().map(|(_, body)| serde_json::from_slice(body));
    let data: Vec<&RawValue> = bodies.filter_map(Result::ok).collect();
    let last = objects.last().map(|(id, _)| id.as_str());
    let body = match dialect {
        Dialect::OpenAi | Dialect::Anthropic => serde_json::to_vec(&Page {
            object: (dialect == Dialect::OpenAi).then_some("list"),
            data: &data,
            first_id: objects.first().map(|(id, _)| id.as_str()),
            last_id: last,
            has_more,
        }),
        Dialect::Google => {
            let name = google_name(kind);
            let listed = (!data.is_empty()).then_some((name, GooglePart::Objects(&data)));
            let token = last.filter(|_| has_more);
            let token = token.map(|last| ("nextPageToken", GooglePart::Token(last)));
            let members: BTreeMap<_, _> = listed.into_iter().chain(token).collect();
            serde_json::to_vec(&members)
        }
    };
    // Strings and JSON that was read always serialise.
    body.unwrap_or_default()
}

fn google_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::File | ObjectKind::Upload => "files",
        ObjectKind::Batch | ObjectKind::Response => "operations",
        ObjectKind::CachedContent => "cachedContents",
    }
}
