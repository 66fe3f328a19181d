//! `budgetguard audit`: who changed what, over the admin API.

use anyhow::Result;
use clap::Args;

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, with_query};
use crate::settings::Settings;

const COLUMNS: [Column; 8] = [
    ("time", "at"),
    ("by", "actor.kind"),
    ("user", "actor.name"),
    ("action", "action"),
    ("of", "target.kind"),
    ("id", "target.id"),
    ("tenant", "tenantId"),
    ("from", "address"),
];

/// What `audit` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    /// Only what is a tenant's: name or id. A closed one by its id.
    #[arg(long)]
    tenant: Option<String>,
    /// Only this action, such as `tenant.update`.
    #[arg(long)]
    action: Option<String>,
    /// How many.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<String>,
    /// What came before: the `next` of an earlier answer.
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

/// Lists the log, newest first.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    let tenant = match &options.tenant {
        Some(tenant) => Some(api.tenant(tenant).await?),
        None => None,
    };
    let parameters = [
        ("tenantId", tenant.as_deref()),
        ("action", options.action.as_deref()),
        ("limit", options.limit.as_deref()),
        ("before", options.before.as_deref()),
    ];
    let listed = api.get(&with_query("/admin/audit", &parameters)).await?;
    listed.show_list(&COLUMNS, "data")
}
