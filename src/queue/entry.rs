//! The form of an entry: fields that anybody can read, as the stream always had them, and beside them
//! the packed row, from which the ledger is written.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::domain::id::{RequestId, TagId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::tag::Weight;
use crate::queue::EntryId;
use crate::queue::wire::Fields;

/// The form of the packed row. Postcard does not name fields: a change of [`LedgerRow`] is another form.
const FORM: &str = "2";
const NANOS_PER_MICRO: i64 = 1_000;
const MICROS_PER_USD: i64 = 1_000_000;

const ROW: &str = "row";
const FORM_FIELD: &str = "form";
const REQUEST: &str = "request";
const GATEWAY: &str = "gateway";

/// Names of what rows have ids of. They are for readers; where there is none, the id stands.
pub trait Names: Send + Sync + fmt::Debug {
    /// That of a tenant.
    fn tenant(&self, tenant: TenantId) -> Option<String>;
    /// That of a tag.
    fn tag(&self, tenant: TenantId, tag: TagId) -> Option<String>;
}

/// A row as it is shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) fields: Vec<(&'static str, Vec<u8>)>,
}

/// An entry as a worker gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its place in the stream.
    pub id: EntryId,
    /// The row, if there is one.
    pub row: Result<LedgerRow, Undecodable>,
    pub(super) request: Option<RequestId>,
    pub(super) gateway: Option<String>,
    pub(super) fields: Fields,
}

/// Why an entry has no row.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// A field is missing.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// A gateway of another version made it.
    #[error("its row has the form `{0}`, which this version does not know")]
    OtherForm(String),
    /// The packed row is damaged.
    #[error("its row cannot be read")]
    Damaged,
    /// Row and fields are of two requests.
    #[error("its row is of another request")]
    OtherRequest,
}

#[derive(Serialize)]
struct TagField {
    id: i64,
    name: String,
    weight: Box<RawValue>,
}

impl Entry {
    /// A row of a gateway. Nothing where it cannot be packed, which no row is known to be.
    pub fn new(row: &LedgerRow, gateway: &str, names: &dyn Names) -> Option<Self> {
        let packed = postcard::to_stdvec(row).ok()?;
        let tenant = names.tenant(row.tenant);
        let mut fields = vec![
            ("ts", row.at.as_millis().to_string()),
            ("tenant", tenant.unwrap_or_else(|| row.tenant.to_string())),
            ("route", row.route.to_string()),
            ("model", row.model.as_str().to_owned()),
            ("usd", six_decimals(row.cost)),
            ("promptTok", row.usage.input.to_string()),
            ("compTok", row.usage.output.to_string()),
            ("status", row.status.as_str().to_owned()),
        ];
        fields.extend(
            row.reason
                .iter()
                .map(|reason| ("reason", reason.to_string())),
        );
        let session = row.session.iter();
        fields.extend(session.map(|session| ("sessionId", session.id.clone())));
        fields.extend(tags(row, names).map(|tags| ("tags", tags)));
        fields.push((REQUEST, row.request.to_string()));
        fields.push((GATEWAY, gateway.to_owned()));
        fields.push((FORM_FIELD, FORM.to_owned()));
        let fields = fields.into_iter();
        let mut fields: Vec<_> = fields
            .map(|(name, text)| (name, text.into_bytes()))
            .collect();
        fields.push((ROW, packed));
        Some(Self { fields })
    }
}

impl Taken {
    pub(super) fn read(id: EntryId, fields: Fields) -> Self {
        let request = text_of(&fields, REQUEST).and_then(RequestId::parse);
        Self {
            id,
            row: row_of(&fields, request),
            request,
            gateway: text_of(&fields, GATEWAY).map(str::to_owned),
            fields,
        }
    }
}

fn row_of(fields: &Fields, request: Option<RequestId>) -> Result<LedgerRow, Undecodable> {
    let form = text_of(fields, FORM_FIELD).ok_or(Undecodable::Missing(FORM_FIELD))?;
    if form != FORM {
        return Err(Undecodable::OtherForm(form.chars().take(16).collect()));
    }
    let request = request.ok_or(Undecodable::Missing(REQUEST))?;
    let packed = value_of(fields, ROW).ok_or(Undecodable::Missing(ROW))?;
    let row: LedgerRow = match postcard::take_from_bytes(packed) {
        Ok((row, [])) => row,
        Ok(_) | Err(_) => return Err(Undecodable::Damaged),
    };
    if row.request != request {
        return Err(Undecodable::OtherRequest);
    }
    Ok(row)
}

pub(super) fn value_of<'a>(fields: &'a Fields, name: &str) -> Option<&'a [u8]> {
    let mut fields = fields.iter();
    let (_, value) = fields.find(|(known, _)| known == name.as_bytes())?;
    Some(value)
}

pub(super) fn text_of<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    std::str::from_utf8(value_of(fields, name)?).ok()
}

fn tags(row: &LedgerRow, names: &dyn Names) -> Option<String> {
    let tags = row.tags.iter().map(|share| {
        let name = names.tag(row.tenant, share.tag);
        Some(TagField {
            id: share.tag.0,
            name: name.unwrap_or_else(|| share.tag.to_string()),
            weight: RawValue::from_string(decimal(share.weight)).ok()?,
        })
    });
    let tags: Vec<TagField> = tags.collect::<Option<_>>()?;
    (!tags.is_empty()).then(|| serde_json::to_string(&tags).ok())?
}

fn decimal(weight: Weight) -> String {
    let millionths = weight.millionths();
    let (whole, part) = (millionths / 1_000_000, millionths % 1_000_000);
    let text = format!("{whole}.{part:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Rounded to the nearest millionth; the row has the exact amount.
fn six_decimals(amount: Usd) -> String {
    let nanos = amount.nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let rounded = nanos.saturating_abs().saturating_add(NANOS_PER_MICRO / 2) / NANOS_PER_MICRO;
    format!(
        "{sign}{}.{:06}",
        rounded / MICROS_PER_USD,
        rounded % MICROS_PER_USD
    )
}

#[cfg(test)]
mod tests;
