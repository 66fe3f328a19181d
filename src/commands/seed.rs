//! `budgetguard seed`: the default tenant, its first key, and the price book.

use anyhow::Result;

use crate::app;
use crate::commands::terminal::{note, say};
use crate::domain::window::SystemClock;
use crate::settings::Settings;

/// Makes what is missing; what is there stays as it is.
pub(super) async fn run(settings: &Settings) -> Result<()> {
    let store = app::open_store(settings).await?;
    note("bringing schema and price book up to date");
    app::prepare_store(&store).await?;
    let hasher = app::key_hasher(settings)?;
    let first_run = app::ensure_first_tenant(settings, &store, &hasher, &SystemClock).await?;
    match &first_run.tenant_key {
        Some(key) => {
            note(&format!(
                "API key of tenant `{}`, shown only now:",
                first_run.tenant
            ));
            say(key.expose());
        }
        None => say(&format!("tenant `{}` has a key already", first_run.tenant)),
    }
    Ok(())
}
