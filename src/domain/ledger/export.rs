//! The ledger as a file: a line for each row, exact in every column, for programs or for a spreadsheet.

use uuid::Uuid;

use crate::domain::ledger::LedgerRow;
use crate::domain::ledger::canonical::{COLUMNS, Cell};
use crate::domain::ledger::chain::ExportLine;

/// How a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The canonical form of each row, and where it stands in its chain, on a line of its own.
    JsonLines,
    /// A table with commas (RFC 4180): what people read first, then every column by name.
    Csv,
}

/// What people read; the same is in the columns, exactly.
const READABLE: [&str; 3] = ["time", "cost_usd", "held_usd"];
/// A spreadsheet takes a text that begins so for a formula, and one that begins with `'` for what follows.
const MARKED: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '\n', '\''];

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::JsonLines, Self::Csv];

    /// Its name, which files end with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Reads what [`Format::as_str`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// What answers say that it is.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What a file begins with.
    pub fn head(self) -> String {
        match self {
            Self::JsonLines => String::new(),
            Self::Csv => {
                let columns = COLUMNS.iter().map(|column| column.name);
                let names: Vec<&str> = READABLE.into_iter().chain(columns).collect();
                format!("{}\r\n", names.join(","))
            }
        }
    }

    /// Writes one row at the end of a file.
    pub fn write(self, file: &mut String, row: &LedgerRow, line: &ExportLine<'_>) {
        match self {
            Self::JsonLines => {
                file.push_str(&line.to_string());
                file.push('\n');
            }
            Self::Csv => {
                let readable = [
                    row.at.to_string(),
                    row.cost.to_string(),
                    row.held.to_string(),
                ];
                file.push_str(&readable.join(","));
                for column in COLUMNS {
                    file.push(',');
                    if let Some(cell) = line.row.cell(column.name) {
                        write_cell(file, cell);
                    }
                }
                file.push_str("\r\n");
            }
        }
    }
}

fn write_cell(file: &mut String, cell: &Cell<'_>) {
    match cell {
        Cell::Number(number) => file.push_str(&number.to_string()),
        Cell::Id(id) => file.push_str(&Uuid::from_bytes(*id).to_string()),
        Cell::Hash(hash) => file.push_str(&hex::encode(hash)),
        Cell::Text(text) => field(file, text),
    }
}

/// A text of a table. One that a spreadsheet would take for something else, or for no text at all, begins
/// with a `'` that is not its own.
fn field(file: &mut String, text: &str) {
    let marked = if text.is_empty() || text.starts_with(MARKED) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if marked.contains([',', '"', '\r', '\n']) {
        file.push('"');
        file.push_str(&marked.replace('"', "\"\""));
        file.push('"');
    } else {
        file.push_str(&marked);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ledger::canonical::{CanonicalRow, Kind};

    /// The row that a line of a table stands for.
    fn read_back(fields: &csv::StringRecord) -> CanonicalRow<'static> {
        let cells = COLUMNS.iter().zip(fields.iter().skip(READABLE.len()));
        let cells = cells.map(|(column, text)| {
            if text.is_empty() {
                return None;
            }
            Some(match column.kind {
                Kind::Number | Kind::NumberOrZero => Cell::Number(text.parse().unwrap()),
                Kind::Text => {
                    let text = text.strip_prefix('\'').unwrap_or(text);
                    Cell::Text(text.to_owned().into())
                }
                Kind::Id => Cell::Id(Uuid::parse_str(text).unwrap().into_bytes()),
                Kind::Hash => {
                    let mut hash = [0; 32];
                    hex::decode_to_slice(text, &mut hash).unwrap();
                    Cell::Hash(hash)
                }
            })
        });
        CanonicalRow::new(cells).unwrap()
    }

    proptest! {
        #[test]
        fn a_table_holds_every_column_exactly(
            number in any::<i64>(),
            texts in proptest::collection::vec("[=+@',\"\\r\\n\\ta-é \\-]{0,6}", 40),
        ) {
            let cells = COLUMNS.iter().zip(&texts).map(|(column, text)| Some(match column.kind {
                Kind::Number | Kind::NumberOrZero => Cell::Number(number),
                Kind::Text => Cell::Text(text.clone().into()),
                Kind::Id => Cell::Id([7; 16]),
                Kind::Hash => Cell::Hash([8; 32]),
            }));
            let canonical = CanonicalRow::new(cells).unwrap();
            let mut file = Format::Csv.head();
            let line = ExportLine { link: None, row: canonical.clone() };
            Format::Csv.write(&mut file, &row(), &line);
            let mut reader = csv::Reader::from_reader(file.as_bytes());
            let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(lines.len(), 1);
            prop_assert_eq!(read_back(&lines[0]), canonical);
            for field in &lines[0] {
                let is_formula = field.starts_with(['=', '+', '@', '\t', '\r', '\n'])
                    || field.strip_prefix('-').is_some_and(|rest| !is_decimal(rest));
                prop_assert!(!is_formula, "{field:?}");
            }
        }
    }

    fn is_decimal(text: &str) -> bool {
        let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        !text.is_empty() && text.split('.').all(is_part)
    }

    fn row() -> LedgerRow {
        use crate::domain::id::{ApiKeyId, ModelName, ProviderName, RequestId, TenantId};
        use crate::domain::ledger::Status;
        use crate::domain::money::Usd;
        use crate::domain::object::ObjectNotes;
        use crate::domain::pricing::Tier;
        use crate::domain::tag::TagShares;
        use crate::domain::usage::{Basis, TokenUsage};
        use crate::domain::window::UtcMicros;
        LedgerRow {
            request: RequestId::from_bytes([7; 16]),
            at: UtcMicros::new(1_795_000_000_000_000),
            tenant: TenantId(1),
            key: ApiKeyId(1),
            session: None,
            tags: TagShares::new(),
            route: "/v1/chat/completions".into(),
            provider: ProviderName::new("openai"),
            model: ModelName::new("gpt-5"),
            model_asked: None,
            attempt_of: None,
            model_served: None,
            status: Status::Success,
            reason: None,
            http_status: None,
            streamed: false,
            usage: TokenUsage::default(),
            tier: Tier::Standard,
            price: None,
            cost: Usd::from_nanos(-5),
            held: Usd::from_nanos(1_500_000_000),
            basis: Basis::Measured,
            latency_us: 1,
            first_byte_us: None,
            upstream_request_id: None,
            ruling: None,
            objects: ObjectNotes::default(),
        }
    }

    #[test]
    fn a_table_begins_with_what_people_read() {
        let nothing = CanonicalRow::new(COLUMNS.map(|_column| None)).unwrap();
        let exact = ExportLine {
            link: None,
            row: nothing,
        };
        let mut line = String::new();
        Format::Csv.write(&mut line, &row(), &exact);
        assert!(
            line.starts_with("2026-11-18T11:06:40.000Z,-0.000000005,1.5,,"),
            "{line}"
        );
        assert!(
            Format::Csv
                .head()
                .starts_with("time,cost_usd,held_usd,at,attempt_of,")
        );
    }
}
