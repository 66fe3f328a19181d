//! The canonical form of a ledger row: the bytes that are hashed, and the lines of exact exports.
//!
//! A row is one JSON object without spaces: its columns by name, sorted, each value as text. Numbers
//! are decimal, ids are UUIDs, hashes are hex. A column that is null is left out, and so is one that a later version
//! added while it is zero: what was hashed before a column existed hashes the same ever after.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use thiserror::Error;
use uuid::Uuid;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number, a flag, an amount or an instant.
    Number,
    /// A number of a column that was added later: zero is what older rows have.
    NumberOrZero,
    /// Text.
    Text,
    /// The id of a request.
    Id,
    /// A SHA-256.
    Hash,
}

/// A column of the ledger that is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the database.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// Every column that is hashed, by name. A new one goes to its place in the alphabet; one that is not
/// nullable is [`Kind::NumberOrZero`].
pub const COLUMNS: [Column; 39] = [
    column("at", Kind::Number),
    column("attempt_of", Kind::Id),
    column("audio_input", Kind::Number),
    column("audio_output", Kind::Number),
    column("basis", Kind::Text),
    column("cache_storage_token_seconds", Kind::NumberOrZero),
    column("cache_write", Kind::Number),
    column("cache_write_1h", Kind::Number),
    column("cached_input", Kind::Number),
    column("cost", Kind::Number),
    column("decision_id", Kind::Id),
    column("first_byte_us", Kind::Number),
    column("held", Kind::Number),
    column("http_status", Kind::Number),
    column("image_input", Kind::Number),
    column("image_output", Kind::Number),
    column("input", Kind::Number),
    column("key_id", Kind::Number),
    column("latency_us", Kind::Number),
    column("model", Kind::Text),
    column("model_asked", Kind::Text),
    column("model_served", Kind::Text),
    column("output", Kind::Number),
    column("policy_effects", Kind::Text),
    column("policy_hash", Kind::Hash),
    column("price_id", Kind::Number),
    column("provider", Kind::Text),
    column("reason", Kind::Text),
    column("reasoning_output", Kind::Number),
    column("request_id", Kind::Id),
    column("route", Kind::Text),
    column("session", Kind::Text),
    column("status", Kind::Text),
    column("streamed", Kind::Number),
    column("tags", Kind::Text),
    column("tenant_id", Kind::Number),
    column("tier", Kind::Text),
    column("upstream_request_id", Kind::Text),
    column("web_search_calls", Kind::Number),
];

/// The value of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Of a [`Kind::Number`].
    Number(i64),
    /// Of a [`Kind::Text`].
    Text(Cow<'a, str>),
    /// Of a [`Kind::Id`].
    Id([u8; 16]),
    /// Of a [`Kind::Hash`].
    Hash([u8; 32]),
}

/// Why a text is no canonical row, or values are none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CanonicalError {
    /// No JSON object of texts.
    #[error("not a canonical ledger row: {0}")]
    Malformed(String),
    /// A column that this version of the program does not know.
    #[error("column `{0}` is not known")]
    UnknownColumn(String),
    /// A value that its column cannot have.
    #[error("column `{0}` has a value of another kind")]
    WrongKind(&'static str),
    /// It says what a canonical row says, in another way.
    #[error("written in another way than the canonical one")]
    OtherSpelling,
}

/// The values of a row, in the order of [`COLUMNS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalRow<'a> {
    cells: Vec<Option<Cell<'a>>>,
}

impl<'a> CanonicalRow<'a> {
    /// A row of values in the order of [`COLUMNS`]; each must be of its column's kind.
    pub fn new(values: impl IntoIterator<Item = Option<Cell<'a>>>) -> Result<Self, CanonicalError> {
        let mut values = values.into_iter();
        let mut cells = Vec::with_capacity(COLUMNS.len());
        for column in COLUMNS {
            let cell = values.next().flatten();
            let fits = match (&cell, column.kind) {
                (None, _)
                | (Some(Cell::Number(_)), Kind::Number | Kind::NumberOrZero)
                | (Some(Cell::Text(_)), Kind::Text)
                | (Some(Cell::Id(_)), Kind::Id)
                | (Some(Cell::Hash(_)), Kind::Hash) => true,
                (Some(Cell::Number(_) | Cell::Text(_) | Cell::Id(_) | Cell::Hash(_)), _) => false,
            };
            if !fits {
                return Err(CanonicalError::WrongKind(column.name));
            }
            let is_default =
                column.kind == Kind::NumberOrZero && matches!(cell, Some(Cell::Number(0)));
            cells.push(cell.filter(|_cell| !is_default));
        }
        Ok(Self { cells })
    }

    /// Reads what [`CanonicalRow`] prints, and nothing else: no other order, spelling or space.
    pub fn parse(text: &'a str) -> Result<Self, CanonicalError> {
        let malformed = |error: serde_json::Error| CanonicalError::Malformed(error.to_string());
        let mut texts: BTreeMap<Cow<'a, str>, Cow<'a, str>> =
            serde_json::from_str::<BTreeMap<Borrowed<'a>, Borrowed<'a>>>(text)
                .map_err(malformed)?
                .into_iter()
                .map(|(name, value)| (name.0, value.0))
                .collect();
        let mut cells = Vec::with_capacity(COLUMNS.len());
        for column in COLUMNS {
            let cell = texts.remove(column.name).map(|text| cell_of(column, text));
            cells.push(cell.transpose()?);
        }
        if let Some((name, _value)) = texts.pop_first() {
            return Err(CanonicalError::UnknownColumn(name.into_owned()));
        }
        let row = Self::new(cells)?;
        if row.to_string() != text {
            return Err(CanonicalError::OtherSpelling);
        }
        Ok(row)
    }

    /// The value of a column; nothing where it is null, or zero in a column that was added later.
    pub fn cell(&self, name: &str) -> Option<&Cell<'a>> {
        let place = COLUMNS.iter().position(|column| column.name == name)?;
        self.cells.get(place)?.as_ref()
    }

    /// Each column that has a value.
    pub fn cells(&self) -> impl Iterator<Item = (Column, &Cell<'a>)> {
        let named = COLUMNS.into_iter().zip(&self.cells);
        named.filter_map(|(column, cell)| Some((column, cell.as_ref()?)))
    }
}

impl CanonicalRow<'_> {
    /// Appends the canonical form to `text`. Each row of a ledger is hashed when it is written, so this does not go by
    /// way of formatters, which take several times as long.
    pub fn print(&self, text: &mut Vec<u8>) {
        let mut comma: &[u8] = b"{";
        for (column, cell) in self.cells() {
            text.extend_from_slice(comma);
            comma = b",";
            quote(text, column.name.as_bytes());
            text.push(b':');
            match cell {
                Cell::Number(number) => quote(text, itoa::Buffer::new().format(*number).as_bytes()),
                Cell::Id(id) => {
                    let id = Uuid::from_bytes(*id).hyphenated();
                    let mut printed = Uuid::encode_buffer();
                    quote(text, id.encode_lower(&mut printed).as_bytes());
                }
                Cell::Hash(hash) => {
                    let mut printed = [0; 64];
                    // Fails only where the buffer has another length.
                    let _printed = hex::encode_to_slice(hash, &mut printed);
                    quote(text, &printed);
                }
                Cell::Text(value) if is_plain(value) => quote(text, value.as_bytes()),
                // The escapes of RFC 8785: the short ones, else \u00xx below a space, else the text.
                Cell::Text(value) => {
                    // Writing text into memory cannot fail.
                    let _written = serde_json::to_writer(&mut *text, value);
                }
            }
        }
        if comma == b"{" {
            text.push(b'{');
        }
        text.push(b'}');
    }
}

impl fmt::Display for CanonicalRow<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.print(&mut text);
        formatter.write_str(std::str::from_utf8(&text).map_err(|_error| fmt::Error)?)
    }
}

fn quote(text: &mut Vec<u8>, value: &[u8]) {
    text.push(b'"');
    text.extend_from_slice(value);
    text.push(b'"');
}

/// Whether JSON has text as it is.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

fn cell_of(column: Column, text: Cow<'_, str>) -> Result<Cell<'_>, CanonicalError> {
    let wrong = CanonicalError::WrongKind(column.name);
    match column.kind {
        Kind::Number | Kind::NumberOrZero => {
            let number = text.parse().map(Cell::Number);
            number.map_err(|_error| wrong)
        }
        Kind::Text => Ok(Cell::Text(text)),
        Kind::Id => {
            let id = Uuid::try_parse(&text).map(|id| Cell::Id(id.into_bytes()));
            id.map_err(|_error| wrong)
        }
        Kind::Hash => {
            let mut hash = [0; 32];
            let read = hex::decode_to_slice(&*text, &mut hash);
            read.map(|()| Cell::Hash(hash)).map_err(|_error| wrong)
        }
    }
}

/// Text that is not copied where it has no escapes.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A row with a value in every column.
    fn full() -> CanonicalRow<'static> {
        let cells = (1_i64..).zip(COLUMNS).map(|(number, column)| {
            Some(match column.kind {
                Kind::Number => Cell::Number(-number),
                Kind::NumberOrZero => Cell::Number(i64::MAX),
                Kind::Text => Cell::Text(format!("{} \"é\u{1f}\n\\/\u{7f}", column.name).into()),
                Kind::Id => Cell::Id([u8::try_from(number).unwrap(); 16]),
                Kind::Hash => Cell::Hash([u8::try_from(number).unwrap(); 32]),
            })
        });
        CanonicalRow::new(cells).unwrap()
    }

    fn any_row() -> impl Strategy<Value = CanonicalRow<'static>> {
        let cells = COLUMNS.map(|column| {
            let cell = match column.kind {
                Kind::Number | Kind::NumberOrZero => prop_oneof![any::<i64>(), -2_i64..2]
                    .prop_map(Cell::Number)
                    .boxed(),
                Kind::Text => {
                    let text = prop_oneof![".{0,8}", "[\"\\\\\u{0}-\u{20}\u{7f}é,{}:]{0,8}"];
                    text.prop_map(|text: String| Cell::Text(text.into()))
                        .boxed()
                }
                Kind::Id => any::<[u8; 16]>().prop_map(Cell::Id).boxed(),
                Kind::Hash => any::<[u8; 32]>().prop_map(Cell::Hash).boxed(),
            };
            proptest::option::of(cell).boxed()
        });
        Vec::from(cells).prop_map(|cells| CanonicalRow::new(cells).unwrap())
    }

    proptest! {
        #[test]
        fn a_row_is_read_back_as_it_was(row in any_row()) {
            let text = row.to_string();
            prop_assert_eq!(CanonicalRow::parse(&text), Ok(row));
        }

        /// Whatever is read is what is printed: two texts never stand for one row.
        #[test]
        fn a_changed_text_is_another_row_or_none(row in any_row(), place in any::<prop::sample::Index>(), to in " -~") {
            let text = row.to_string();
            let mut characters: Vec<char> = text.chars().collect();
            let place = place.index(characters.len());
            characters[place] = to.chars().next().unwrap();
            let changed: String = characters.into_iter().collect();
            if let Ok(read) = CanonicalRow::parse(&changed) {
                prop_assert_eq!(read.to_string(), changed.as_str());
                prop_assert_eq!(read == row, changed == text);
            }
        }

        #[test]
        fn different_rows_have_different_texts(one in any_row(), other in any_row()) {
            prop_assert_eq!(one == other, one.to_string() == other.to_string());
        }
    }

    #[test]
    fn the_form_is_as_it_always_was() {
        // What this prints was hashed in installations: it may grow by columns and change in nothing.
        insta::assert_snapshot!(full().to_string());
    }

    #[test]
    fn columns_are_sorted_by_name() {
        assert!(COLUMNS.is_sorted_by(|one, next| one.name < next.name));
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let zeros = COLUMNS.map(|column| match column.kind {
            Kind::Number | Kind::NumberOrZero => Some(Cell::Number(0)),
            Kind::Text | Kind::Id | Kind::Hash => None,
        });
        let text = CanonicalRow::new(zeros).unwrap().to_string();
        assert!(
            text.starts_with(
                r#"{"at":"0","audio_input":"0","audio_output":"0","cache_write":"0","#
            )
        );
        assert!(!text.contains("cache_storage_token_seconds"), "{text}");
        let nothing = CanonicalRow::new(COLUMNS.map(|_column| None)).unwrap();
        assert_eq!(nothing.to_string(), "{}");
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        use CanonicalError::{Malformed, OtherSpelling, UnknownColumn, WrongKind};
        let kind_of = |text: &str| match CanonicalRow::parse(text).unwrap_err() {
            Malformed(_reason) => Malformed(String::new()),
            other @ (UnknownColumn(_) | WrongKind(_) | OtherSpelling) => other,
        };
        let malformed = Malformed(String::new());
        let cases = [
            ("", malformed.clone()),
            ("[]", malformed.clone()),
            (r#"{"at":1}"#, malformed.clone()),
            (r#"{"at":null}"#, malformed.clone()),
            (r#"{"at":"1"} x"#, malformed),
            (r#"{"at":"1" }"#, OtherSpelling),
            (r#" {"at":"1"}"#, OtherSpelling),
            (r#"{"at":"01"}"#, OtherSpelling),
            (r#"{"at":"+1"}"#, OtherSpelling),
            (r#"{"at":"-0"}"#, OtherSpelling),
            (r#"{"at":"1","at":"1"}"#, OtherSpelling),
            (r#"{"cost":"1","at":"1"}"#, OtherSpelling),
            (r#"{"cache_storage_token_seconds":"0"}"#, OtherSpelling),
            (r#"{"model":"\u0061"}"#, OtherSpelling),
            (r#"{"model":"\/"}"#, OtherSpelling),
            (
                r#"{"attempt_of":"01010101010101010101010101010101"}"#,
                OtherSpelling,
            ),
            (
                &*format!(r#"{{"policy_hash":"{}"}}"#, "AB".repeat(32)),
                OtherSpelling,
            ),
            (r#"{"policy_hash":"abcd"}"#, WrongKind("policy_hash")),
            (r#"{"at":""}"#, WrongKind("at")),
            (r#"{"at":"1.0"}"#, WrongKind("at")),
            (r#"{"at":"9223372036854775808"}"#, WrongKind("at")),
            (r#"{"request_id":"1"}"#, WrongKind("request_id")),
            (r#"{"colour":"red"}"#, UnknownColumn("colour".to_owned())),
        ];
        for (text, expected) in cases {
            assert_eq!(kind_of(text), expected, "{text}");
        }
    }
}
