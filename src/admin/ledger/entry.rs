//! Everything that is kept of one request.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::USAGE;
use crate::admin::document::gateway::own::Receipt as ReceiptSchema;
use crate::admin::document::parameters::RowPath;
use crate::admin::document::responses::{Invalid, Missing};
use crate::admin::document::schemas::ChainState;
use crate::admin::error::AdminError;
use crate::admin::ledger::shown::RowBody;
use crate::admin::path::PathRequest;
use crate::domain::ledger::receipt::Receipt;
use crate::store::receipts::{ChainPlace, Integrity};

/// A row with its receipt and its place in the chain of whoever wrote it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct LedgerEntryBody {
    #[serde(flatten)]
    row: RowBody,
    /// The name of the key; nothing where it has none.
    #[schema(required)]
    api_key_name: Option<String>,
    /// What the text of the key begins with.
    #[schema(required)]
    api_key_prefix: Option<String>,
    /// As its tenant gets it.
    #[schema(value_type = ReceiptSchema)]
    receipt: Receipt,
    /// Nothing for a row from before rows were chained.
    #[schema(required)]
    chain: Option<ChainBody>,
}

/// Where a row stands among those of its writer, and whether it still is what was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChainPlaceBody)]
struct ChainBody {
    /// The id of the writer.
    writer: String,
    #[schema(required)]
    writer_name: Option<String>,
    /// The place; the first row of a writer is number 1.
    seq: u64,
    /// What the chain hashes to with this row (SHA-256).
    hash: String,
    /// What it hashed to before; nothing where the row before is not in the ledger any more.
    #[schema(required)]
    previous_hash: Option<String>,
    /// `intact` where the hash is that of the row and the hash before, `unknown` where that is not there.
    #[schema(value_type = ChainState, inline)]
    state: &'static str,
}

impl From<ChainPlace> for ChainBody {
    fn from(place: ChainPlace) -> Self {
        let tail = place.link.tail;
        Self {
            writer: place.link.writer.to_string(),
            writer_name: place.writer_name,
            seq: tail.seq,
            hash: tail.hash.to_string(),
            previous_hash: place.previous.map(|hash| hash.to_string()),
            state: match place.integrity {
                Integrity::Intact => "intact",
                Integrity::Altered => "altered",
                Integrity::Unknown => "unknown",
            },
        }
    }
}

/// One row of the ledger, with its receipt, what the policy decided, and its place in the chain.
#[utoipa::path(get, path = "/admin/usage/ledger/{requestId}", tag = USAGE, operation_id = "ledgerEntry",
    params(RowPath), responses((status = 200, body = LedgerEntryBody), Invalid, Missing))]
pub(in crate::admin) async fn show(
    State(state): State<Arc<AdminState>>,
    PathRequest(request): PathRequest,
) -> Result<Json<LedgerEntryBody>, AdminError> {
    let found = state.store.ledger_record(request).await?;
    let found = found.ok_or(AdminError::NotFound("Ledger entry not found"))?;
    let snapshot = state.catalog.snapshot();
    Ok(Json(LedgerEntryBody {
        receipt: Receipt::new(&found.entry.row),
        row: RowBody::new(found.entry, &snapshot),
        api_key_name: found.key_name.filter(|name| !name.is_empty()),
        api_key_prefix: found.key_prefix,
        chain: found.chain.map(ChainBody::from),
    }))
}
