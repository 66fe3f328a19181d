//! Retention of the ledger: how long rows stay, and where they go.

use std::path::PathBuf;

use crate::settings::reader::Reader;
use crate::settings::storage::Stores;

/// Where archives go, if no other folder is named.
const ARCHIVE_FOLDER: &str = "ledger-archive";
/// A hundred years.
const MONTHS_MAX: i32 = 1_200;

/// `[ledger]`, what begins with `retention_`
#[derive(Debug, Clone)]
pub struct Retention {
    /// How many whole months stay beside the present one; nothing for all.
    pub months: Option<i32>,
    /// The folder that gets a file of each month that leaves.
    pub folder: PathBuf,
}

impl Retention {
    pub(super) fn read(reader: &mut Reader<'_>, stores: &Stores) -> Self {
        let months = reader.integer("ledger.retention_months", 0..=MONTHS_MAX);
        let folder = reader.path("ledger.retention_dir");
        Self {
            months: (months > 0).then_some(months),
            folder: folder.unwrap_or_else(|| stores.data_dir.join(ARCHIVE_FOLDER)),
        }
    }
}
