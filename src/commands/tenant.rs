//! `budgetguard tenant`: tenants and what they may ask for, over the admin API.

use anyhow::Result;
use clap::{Args, Subcommand};
use http::Method;

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, fields, set_or_clear, something};
use crate::settings::Settings;

const COLUMNS: [Column; 6] = [
    ("id", "id"),
    ("name", "name"),
    ("requests/min", "rateLimitPerMin"),
    ("session budget", "defaultSessionBudgetUsd"),
    ("time zone", "timeZone"),
    ("made", "createdAt"),
];
const LIMITS: [Column; 3] = [
    ("requests/min", "rateLimitPerMin"),
    ("tokens/min", "tokensPerMin"),
    ("requests at once", "maxConcurrent"),
];

/// What `tenant` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the open tenants.
    List,
    /// Show one.
    Show {
        /// Its name or id.
        tenant: String,
    },
    /// Make one.
    Create {
        /// Its name.
        name: String,
        #[command(flatten)]
        change: Change,
    },
    /// Change one.
    Update {
        /// Its name or id.
        tenant: String,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Close one: its keys stop working, its history stays.
    Close {
        /// Its name or id.
        tenant: String,
    },
    /// Show or set what one may ask for.
    Limits {
        /// Its name or id.
        tenant: String,
        #[command(flatten)]
        limits: Limits,
    },
}

#[derive(Debug, Args)]
struct Change {
    /// Requests a minute; 0 is unlimited, `default` what the installation says.
    #[arg(long, value_name = "NUMBER")]
    rate_limit: Option<String>,
    /// What a session may spend that has no budget of its own, in dollars; or `none`.
    #[arg(long, value_name = "USD")]
    session_budget: Option<String>,
    /// The calendar that its budgets follow, such as Europe/Paris.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

/// What a tenant or a key may ask for: a number, 0 for unlimited, or `default`.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Limits {
    /// Requests a minute.
    #[arg(long, value_name = "NUMBER")]
    requests: Option<String>,
    /// Tokens a minute.
    #[arg(long, value_name = "NUMBER")]
    tokens: Option<String>,
    /// Requests at once.
    #[arg(long, value_name = "NUMBER")]
    concurrent: Option<String>,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::List => api.get("/admin/tenant").await?.show_list(&COLUMNS, ""),
        Action::Show { tenant } => api.get(&path(&api, tenant).await?).await?.show(&COLUMNS),
        Action::Create { name, change } => {
            let mut body = change.fields();
            body.insert("name".to_owned(), name.clone().into());
            let made = api.send(Method::POST, "/admin/tenant", body).await?;
            made.show(&COLUMNS)
        }
        Action::Update {
            tenant,
            name,
            change,
        } => {
            let mut body = change.fields();
            body.extend(fields([("name", name.as_deref())]));
            let path = path(&api, tenant).await?;
            let updated = api.send(Method::PUT, &path, something(body)?).await?;
            updated.show(&COLUMNS)
        }
        Action::Close { tenant } => {
            let closed = api.tell(Method::DELETE, &path(&api, tenant).await?).await?;
            api.done(&closed, &format!("tenant {tenant} is closed"));
            Ok(())
        }
        Action::Limits { tenant, limits } => {
            let path = format!("{}/ratelimit", path(&api, tenant).await?);
            limits.show_or_set(&api, &path).await
        }
    }
}

async fn path(api: &Api, tenant: &str) -> Result<String> {
    Ok(format!("/admin/tenant/{}", api.tenant(tenant).await?))
}

impl Change {
    fn fields(&self) -> crate::commands::api::Fields {
        let mut body = fields([("timeZone", self.time_zone.as_deref())]);
        let rate_limit = self.rate_limit.as_deref();
        set_or_clear(&mut body, "rateLimitPerMin", rate_limit, "default");
        let budget = self.session_budget.as_deref();
        set_or_clear(&mut body, "defaultSessionBudgetUsd", budget, "none");
        body
    }
}

impl Limits {
    pub(super) async fn show_or_set(&self, api: &Api, path: &str) -> Result<()> {
        let mut body = fields([]);
        for (name, value) in [
            ("rateLimitPerMin", &self.requests),
            ("tokensPerMin", &self.tokens),
            ("maxConcurrent", &self.concurrent),
        ] {
            set_or_clear(&mut body, name, value.as_deref(), "default");
        }
        let answer = if body.is_empty() {
            api.get(path).await?
        } else {
            api.send(Method::PUT, path, body).await?
        };
        answer.show(&LIMITS)
    }
}
