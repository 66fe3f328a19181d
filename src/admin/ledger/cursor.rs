//! Where a page ended, as callers are given it, who may make nothing of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::admin::error::AdminError;
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::store::ledger_page::Place;
use crate::store::ledger_ranked::Mark;
use crate::store::order::Sort;

/// In an order by cost, what the row cost comes first.
pub(super) fn of(mark: Mark, sort: Sort) -> String {
    let mut bytes = match sort {
        Sort::At => Vec::new(),
        Sort::Cost => Vec::from(mark.cost.nanos().to_be_bytes()),
    };
    bytes.extend_from_slice(&mark.place.at.get().to_be_bytes());
    bytes.extend_from_slice(mark.place.request.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn read(cursor: &str, sort: Sort) -> Result<Mark, AdminError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let mark = bytes.and_then(|bytes| mark_of(&bytes, sort));
    let reason = "cursor must be the nextCursor of an answer in the same order";
    mark.ok_or_else(|| AdminError::invalid(reason))
}

fn mark_of(bytes: &[u8], sort: Sort) -> Option<Mark> {
    let (cost, bytes) = match sort {
        Sort::At => (Usd::ZERO, bytes),
        Sort::Cost => {
            let (cost, rest) = bytes.split_first_chunk()?;
            (Usd::from_nanos(i64::from_be_bytes(*cost)), rest)
        }
    };
    let (at, request) = bytes.split_first_chunk()?;
    Some(Mark {
        cost,
        place: Place {
            at: UtcMicros::new(i64::from_be_bytes(*at)),
            request: RequestId::from_bytes(request.try_into().ok()?),
        },
    })
}
