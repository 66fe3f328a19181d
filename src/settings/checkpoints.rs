//! Checkpoints of the ledger: who signs them, where they are kept, how often there is one.

use std::path::PathBuf;
use std::time::Duration;

use crate::settings::alerts::{WebhookSettings, check_url};
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;
use crate::settings::storage::Stores;

/// The book of checkpoints, if no other file is named.
const BOOK_FILE: &str = "checkpoints.jsonl";
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);
const WEBHOOK_ATTEMPTS_MAX: u32 = 3;
/// Hexadecimal digits of a key.
const KEY_DIGITS: usize = 64;
const INTERVAL_S_MAX: u64 = 604_800;

/// `[ledger]`, what begins with `checkpoint_`
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// Signs them, checked; without it a key is made and kept in the data folder.
    pub key: Option<Secret>,
    /// The book that they are kept in.
    pub file: PathBuf,
    /// How often there is one; nothing for never.
    pub interval: Option<Duration>,
    /// Where each is sent, if anywhere.
    pub webhook: Option<WebhookSettings>,
}

impl Checkpoints {
    pub(super) fn read(reader: &mut Reader<'_>, stores: &Stores) -> Self {
        let key = reader.secret("ledger.checkpoint_key", 1);
        if let Some(key) = &key {
            let is_hex = key.expose().chars().all(|digit| digit.is_ascii_hexdigit());
            if !is_hex || key.expose().len() != KEY_DIGITS {
                let problem = "must be 64 hexadecimal digits, as `openssl rand -hex 32` prints";
                reader.problem("ledger.checkpoint_key", problem);
            }
        }
        let file = reader.path("ledger.checkpoint_file");
        let seconds = reader.integer("ledger.checkpoint_interval_s", 0..=INTERVAL_S_MAX);
        Self {
            key,
            file: file.unwrap_or_else(|| stores.data_dir.join(BOOK_FILE)),
            interval: (seconds > 0).then(|| Duration::from_secs(seconds)),
            webhook: read_webhook(reader),
        }
    }
}

fn read_webhook(reader: &mut Reader<'_>) -> Option<WebhookSettings> {
    let url = reader.secret("ledger.checkpoint_webhook_url", 1);
    let secret = reader.secret("ledger.checkpoint_webhook_secret", 1);
    let secret = secret.and_then(|secret| {
        let parsed = secret.expose().parse();
        parsed
            .map_err(|problem: String| reader.problem("ledger.checkpoint_webhook_secret", problem))
            .ok()
    });
    let url = url?;
    if let Err(problem) = check_url(url.expose()) {
        reader.problem("ledger.checkpoint_webhook_url", problem);
    }
    Some(WebhookSettings {
        url,
        secret,
        timeout: WEBHOOK_TIMEOUT,
        attempts_max: WEBHOOK_ATTEMPTS_MAX,
    })
}
