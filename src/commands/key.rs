//! `budgetguard key`: API keys, made in the database of the settings. A running gateway that uses
//! the same database takes them over within a second.

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::app;
use crate::commands::terminal::{note, say};
use crate::domain::stamp::Stamp;
use crate::domain::window::{Clock, SystemClock};
use crate::settings::Settings;
use crate::store::keys::NewKey;

/// What `key` does.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a key and print it. It cannot be shown again.
    Create {
        /// Whose key.
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// What to call it.
        #[arg(long, default_value = "")]
        name: String,
    },
}

/// Does it.
pub(super) async fn run(action: &Action, settings: &Settings) -> Result<()> {
    let Action::Create { tenant, name } = action;
    let store = app::open_store(settings).await?;
    app::prepare_store(&store).await?;
    let found = store.tenant_named(tenant).await?;
    let tenant = found
        .with_context(|| format!("there is no tenant `{tenant}`"))?
        .tenant;
    let key = app::key_hasher(settings)?.generate(rand::random(), rand::random());
    let record = NewKey {
        tenant: tenant.id,
        name: name.clone(),
        prefix: key.prefix,
        lookup: key.lookup,
        hash: key.hash,
    };
    let stamp = Stamp::by_command_line(SystemClock.now());
    let made = store.create_key(&record, &stamp).await?;
    let made = made.with_context(|| format!("the tenant `{}` is closed", tenant.name))?;
    note(&format!(
        "key {} of tenant `{}`, shown only now:",
        made.id, tenant.name
    ));
    say(&key.text);
    Ok(())
}
