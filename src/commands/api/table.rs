//! How lists and single things are printed: the one place that lays out tables.

use comfy_table::Table;

use crate::commands::api::answer::Object;
use crate::commands::terminal::printable;

/// What people read at the top of a column, and the member that stands in it.
pub(in crate::commands) type Column = (&'static str, &'static str);

/// A row for each object.
pub(super) fn list(columns: &[Column], rows: &[Object]) -> String {
    let mut table = Table::new();
    table.set_header(columns.iter().map(|(title, _)| *title));
    for row in rows {
        table.add_row(
            columns
                .iter()
                .map(|(_, member)| printable(&row.shown(member))),
        );
    }
    table.to_string()
}

/// A row for each member; without columns for all there are.
pub(super) fn sheet(columns: &[Column], object: &Object) -> String {
    let mut table = Table::new();
    if columns.is_empty() {
        for (name, value) in object.members() {
            table.add_row([name.to_owned(), printable(&value)]);
        }
    }
    for (title, member) in columns {
        table.add_row([(*title).to_owned(), printable(&object.shown(member))]);
    }
    table.to_string()
}
