//! `budgetguard alert`: alerts of budgets, over the admin API.

use anyhow::Result;
use clap::{Args, Subcommand};
use http::Method;

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, with_query};
use crate::settings::Settings;

const COLUMNS: [Column; 8] = [
    ("raised", "raisedAt"),
    ("tenant", "tenant"),
    ("scope", "scope"),
    ("period", "period"),
    ("%", "threshold"),
    ("spent", "spentUsd"),
    ("limit", "limitUsd"),
    ("webhook", "delivery.state"),
];
const TEST: [Column; 3] = [
    ("delivered", "delivered"),
    ("error", "error"),
    ("ms", "durationMs"),
];

/// What `alert` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List alerts, newest first.
    List {
        /// Only those of a tenant: name or id.
        #[arg(long)]
        tenant: Option<String>,
        /// Which page, from 0 on.
        #[arg(long, value_name = "NUMBER")]
        page: Option<String>,
        /// How many on a page.
        #[arg(long, value_name = "NUMBER")]
        limit: Option<String>,
    },
    /// Send a message to the webhook that says it is a test.
    Test,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::List {
            tenant,
            page,
            limit,
        } => {
            let path = match tenant {
                Some(tenant) => format!("/admin/tenant/{}/alerts", api.tenant(tenant).await?),
                None => "/admin/alerts".to_owned(),
            };
            let parameters = [("page", page.as_deref()), ("limit", limit.as_deref())];
            let listed = api.get(&with_query(&path, &parameters)).await?;
            listed.show_list(&COLUMNS, "data")
        }
        Action::Test => {
            let sent = api.tell(Method::POST, "/admin/alerts/test").await?;
            sent.show(&TEST)
        }
    }
}
