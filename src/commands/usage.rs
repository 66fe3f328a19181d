//! `budgetguard usage`: what tenants spend, over the admin API.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, with_query};
use crate::settings::Settings;

const DAYS: [Column; 2] = [("day", "date"), ("spent", "usage")];
const MODELS: [Column; 4] = [
    ("model", "model"),
    ("spent", "usage"),
    ("%", "percentage"),
    ("requests", "requests"),
];
const ROWS: [Column; 9] = [
    ("time", "ts"),
    ("tenant", "tenant"),
    ("model", "model"),
    ("status", "status"),
    ("cost", "usd"),
    ("input", "promptTok"),
    ("output", "compTok"),
    ("session", "sessionId"),
    ("request", "id"),
];

/// What `usage` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what a tenant has spent in the present periods.
    Show {
        /// Its name or id.
        tenant: String,
    },
    /// Show what a tenant spent on each day.
    History {
        /// Its name or id.
        tenant: String,
        #[command(flatten)]
        time: Time,
    },
    /// Show what a tenant spent on each model.
    Models {
        /// Its name or id.
        tenant: String,
        #[command(flatten)]
        time: Time,
    },
    /// List requests, newest first.
    Ledger {
        /// Only those of a tenant: name or id. A closed one by its id.
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        time: Time,
        /// Only those whose model contains this.
        #[arg(long)]
        model: Option<String>,
        /// Only those whose path contains this.
        #[arg(long)]
        route: Option<String>,
        /// Only those that ended so: success, blocked, failed, aborted or interrupted.
        #[arg(long)]
        status: Option<String>,
        /// Which page, from 0 on.
        #[arg(long, value_name = "NUMBER")]
        page: Option<String>,
        /// How many on a page.
        #[arg(long, value_name = "NUMBER")]
        limit: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Time {
    /// The last so many days.
    #[arg(long, value_name = "NUMBER")]
    days: Option<String>,
    /// From a day on.
    #[arg(long, value_name = "DATE", requires = "end")]
    start: Option<String>,
    /// Up to a day.
    #[arg(long, value_name = "DATE", requires = "start")]
    end: Option<String>,
}

type Parameters<'a> = Vec<(&'static str, Option<&'a str>)>;

impl Time {
    fn parameters(&self) -> Parameters<'_> {
        vec![
            ("days", self.days.as_deref()),
            ("startDate", self.start.as_deref()),
            ("endDate", self.end.as_deref()),
        ]
    }
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::Show { tenant } => {
            let path = format!("/admin/tenant/{}/usage", api.tenant(tenant).await?);
            api.get(&path).await?.show(&[])
        }
        Action::History { tenant, time } => {
            let path = format!("/admin/tenant/{}/usage/history", api.tenant(tenant).await?);
            let path = with_query(&path, &time.parameters());
            api.get(&path).await?.show_list(&DAYS, "")
        }
        Action::Models { tenant, time } => {
            let path = format!("/admin/tenant/{}/usage/models", api.tenant(tenant).await?);
            let path = with_query(&path, &time.parameters());
            api.get(&path).await?.show_list(&MODELS, "")
        }
        Action::Ledger {
            tenant,
            time,
            model,
            route,
            status,
            page,
            limit,
        } => {
            let mut parameters = time.parameters();
            parameters.extend([
                ("model", model.as_deref()),
                ("route", route.as_deref()),
                ("status", status.as_deref()),
                ("page", page.as_deref()),
                ("limit", limit.as_deref()),
            ]);
            let path = match tenant {
                Some(tenant) => {
                    format!("/admin/tenant/{}/usage/ledger", api.tenant(tenant).await?)
                }
                None => "/admin/usage/ledger".to_owned(),
            };
            let path = with_query(&path, &parameters);
            api.get(&path).await?.show_list(&ROWS, "data")
        }
    }
}
