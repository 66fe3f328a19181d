//! What a request names of the things that its provider keeps. Behind a shared key the provider would
//! show any caller any of them, so each is looked up before the request is sent.

use std::borrow::Cow;

use crate::domain::feature::Feature;
use crate::domain::object::ObjectKind;
use crate::providers::json::{Member, Text};

/// The longest id that is looked up.
pub const OBJECT_ID_BYTES_MAX: usize = 200;
/// Google's paths of files, whoever's host is before them.
const GOOGLE_FILE_PATHS: [&str; 3] = ["/v1beta/files/", "/v1/files/", "/v1alpha/files/"];
/// Whose addresses are files of the API, whatever their path begins with.
const GOOGLE_HOST: &str = "googleapis.com/";

/// Something that a request names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// What it is.
    pub kind: ReferenceKind,
    /// Its id.
    pub id: String,
}

/// What a request can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// What tenants make, each its own.
    Object(ObjectKind),
    /// What no tenant can have made here, unless the installation lets the feature pass.
    Of(Feature),
}

impl Reference {
    pub(crate) fn new(kind: ReferenceKind, id: &str) -> Self {
        let id = id.to_owned();
        Self { kind, id }
    }

    pub(crate) fn object(kind: ObjectKind, id: &str) -> Self {
        Self::new(ReferenceKind::Object(kind), id)
    }

    /// A file of Google by its address; nothing where the address is somebody else's.
    pub(crate) fn google_file(address: &str) -> Option<Self> {
        let id = match address.strip_prefix("files/") {
            Some(id) => id,
            None => google_file_id(address)?,
        };
        let id = id.split(['?', '#', ':', '/']).next().unwrap_or_default();
        Some(Self::object(ObjectKind::File, id))
    }

    /// What `cachedContent` names.
    pub(crate) fn cached_content(name: &str) -> Self {
        let id = name.strip_prefix("cachedContents/").unwrap_or(name);
        Self::object(ObjectKind::CachedContent, id)
    }
}

fn google_file_id(address: &str) -> Option<&str> {
    let after = |path: &str| address.split_once(path).map(|(_, id)| id);
    let known = GOOGLE_FILE_PATHS.into_iter().find_map(after);
    known.or_else(|| after("/files/").filter(|_| address.contains(GOOGLE_HOST)))
}

/// The ids in a member: one text, or a list of them. Whatever else stands there names nothing.
pub(crate) fn ids(member: Member<'_>) -> Vec<Cow<'_, str>> {
    let name = "file_id";
    match member.written() {
        Some(text) if text.starts_with('"') => {
            member.text(name).ok().flatten().into_iter().collect()
        }
        Some(text) if text.starts_with('[') => {
            let list: Option<Vec<Member<'_>>> = member.parsed(name).ok().flatten();
            let list = list.unwrap_or_default().into_iter();
            list.filter_map(|id| id.text(name).ok().flatten()).collect()
        }
        Some(text) if text.starts_with('{') => {
            let named: Option<NamedById<'_>> = member.parsed(name).ok().flatten();
            named
                .and_then(|named| named.id)
                .map(|id| id.0)
                .into_iter()
                .collect()
        }
        Some(_) | None => Vec::new(),
    }
}

#[derive(serde::Deserialize)]
#[serde(expecting = "an object")]
struct NamedById<'a> {
    #[serde(default, borrow)]
    id: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_google_is_known_by_any_of_its_addresses() {
        for address in [
            "files/abc-1",
            "https://generativelanguage.googleapis.com/v1beta/files/abc-1",
            "https://generativelanguage.googleapis.com/v1/files/abc-1?alt=media",
            "https://generativelanguage.googleapis.com/v1main/files/abc-1",
            "http://127.0.0.1:3000/v1beta/files/abc-1:download",
        ] {
            let found = Reference::google_file(address);
            assert_eq!(
                found,
                Some(Reference::object(ObjectKind::File, "abc-1")),
                "{address}"
            );
        }
        for address in [
            "https://example.com/files/a.pdf",
            "gs://bucket/files/a",
            "https://youtu.be/x",
        ] {
            assert_eq!(Reference::google_file(address), None, "{address}");
        }
    }
}
