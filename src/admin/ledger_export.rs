//! The ledger as a file, sent as it is read: a batch of rows is in memory, however many there are.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;

use crate::admin::AdminState;
use crate::admin::document::USAGE;
use crate::admin::document::parameters::{DaysQuery, FormatQuery, OwnerQuery, RowQuery};
use crate::admin::document::responses::Invalid;
use crate::admin::error::AdminError;
use crate::admin::ledger::filter_of_all;
use crate::admin::query::Params;
use crate::domain::ledger::export::Format;
use crate::store::error::StoreError;
use crate::store::ledger_rows::{ExactRow, LedgerReader};

/// The rows that the page of the ledger would show as a file, oldest first.
#[utoipa::path(get, path = "/admin/usage/ledger/export", tag = USAGE, operation_id = "ledgerExport",
    params(FormatQuery, OwnerQuery, DaysQuery, RowQuery),
    responses((status = 200, content((String = "application/jsonl"), (String = "text/csv"))), Invalid))]
pub(super) async fn send(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Response, AdminError> {
    let format = params.one_of("format", Format::ALL, Format::as_str)?;
    let format = format.unwrap_or(Format::JsonLines);
    let filter = filter_of_all(&state, &params)?;
    let mut reader = state.store.ledger_reader(filter);
    // What fails now is told as everywhere; later, the answer ends in the middle.
    let first = reader.next().await?;
    let mut head = format.head();
    write(&mut head, format, &first);
    let rest = stream::try_unfold(reader, move |reader| next(reader, format));
    let body = stream::once(async { Ok(Bytes::from(head)) });
    let body = Body::from_stream(futures::StreamExt::chain(body, rest));
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        ),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_static(match format {
                Format::JsonLines => "attachment; filename=\"ledger.jsonl\"",
                Format::Csv => "attachment; filename=\"ledger.csv\"",
            }),
        ),
    ];
    Ok((headers, body).into_response())
}

async fn next(
    mut reader: LedgerReader,
    format: Format,
) -> Result<Option<(Bytes, LedgerReader)>, StoreError> {
    let rows = reader.next().await;
    let rows =
        rows.inspect_err(|error| tracing::warn!(%error, "an export of the ledger broke off"))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    write(&mut text, format, &rows);
    Ok(Some((Bytes::from(text), reader)))
}

fn write(text: &mut String, format: Format, rows: &[ExactRow]) {
    for exact in rows {
        format.write(text, &exact.row, &exact.line);
    }
}
