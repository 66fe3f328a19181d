//! `budgetguard key`: API keys over the admin API; `key create --offline` makes one in the database of the settings,
//! which a running gateway that uses it takes over within a second.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use http::Method;

use crate::app;
use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, fields};
use crate::commands::tenant::Limits;
use crate::commands::terminal::{note, say};
use crate::domain::stamp::Stamp;
use crate::domain::window::{Clock, SystemClock};
use crate::settings::Settings;
use crate::store::keys::NewKey;

const COLUMNS: [Column; 6] = [
    ("id", "id"),
    ("name", "name"),
    ("prefix", "prefix"),
    ("works", "isActive"),
    ("made", "createdAt"),
    ("last used", "lastUsedAt"),
];

/// What `key` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List a tenant's keys, revoked ones too.
    List {
        /// Whose: name or id.
        #[arg(long)]
        tenant: String,
    },
    /// Make a key and print it. It cannot be shown again.
    Create(NewOptions),
    /// Revoke a key.
    Revoke {
        /// Its id.
        id: u64,
    },
    /// Show or set what a key may ask for, beside what its tenant may.
    Limits {
        /// Its id.
        id: u64,
        #[command(flatten)]
        limits: Limits,
    },
}

#[derive(Debug, Args)]
struct NewOptions {
    /// Whose key: name or id.
    #[arg(long)]
    tenant: String,
    /// What to call it.
    #[arg(long, default_value = "")]
    name: String,
    /// Make it in the database of the settings, without a gateway.
    #[arg(long, conflicts_with = "url")]
    offline: bool,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    if let Action::Create(wanted) = &options.action
        && wanted.offline
    {
        return create_offline(wanted, settings).await;
    }
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::List { tenant } => {
            let path = format!("/admin/tenant/{}/apikeys", api.tenant(tenant).await?);
            api.get(&path).await?.show_list(&COLUMNS, "")
        }
        Action::Create(wanted) => create(&api, wanted).await,
        Action::Revoke { id } => {
            let path = format!("/admin/apikey/{id}");
            let revoked = api.tell(Method::DELETE, &path).await?;
            api.done(&revoked, &format!("key {id} is revoked"));
            Ok(())
        }
        Action::Limits { id, limits } => {
            let path = format!("/admin/apikey/{id}/ratelimit");
            limits.show_or_set(&api, &path).await
        }
    }
}

async fn create(api: &Api, wanted: &NewOptions) -> Result<()> {
    let path = format!(
        "/admin/tenant/{}/apikeys",
        api.tenant(&wanted.tenant).await?
    );
    let body = fields([("name", Some(&*wanted.name))]);
    let made = api.send(Method::POST, &path, body).await?;
    let (id, key) = (made.member("id")?, made.member("key")?);
    note(&shown_once(&id, &wanted.tenant));
    api.done(&made, &key);
    Ok(())
}

async fn create_offline(wanted: &NewOptions, settings: &Settings) -> Result<()> {
    let store = app::open_store(settings).await?;
    app::prepare_store(&store).await?;
    let found = store.tenant_named(&wanted.tenant).await?;
    let found = found.with_context(|| format!("there is no tenant `{}`", wanted.tenant))?;
    let tenant = found.tenant;
    let key = app::key_hasher(settings)?.generate(rand::random(), rand::random());
    let record = NewKey {
        tenant: tenant.id,
        name: wanted.name.clone(),
        prefix: key.prefix,
        lookup: key.lookup,
        hash: key.hash,
    };
    let stamp = Stamp::by_command_line(SystemClock.now());
    let made = store.create_key(&record, &stamp).await?;
    let made = made.with_context(|| format!("the tenant `{}` is closed", tenant.name))?;
    note(&shown_once(&made.id.to_string(), &tenant.name));
    say(&key.text);
    Ok(())
}

fn shown_once(id: &str, tenant: &str) -> String {
    format!("key {id} of tenant `{tenant}`, shown only now:")
}
