//! `budgetguard tag`: a tenant's tags, over the admin API.

use anyhow::Result;
use clap::{Args, Subcommand};
use http::Method;

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Fields, Target, fields, set_or_clear, something};
use crate::settings::Settings;

const COLUMNS: [Column; 6] = [
    ("id", "id"),
    ("path", "path"),
    ("active", "isActive"),
    ("session budget", "sessionBudgetUsd"),
    ("color", "color"),
    ("description", "description"),
];

/// What `tag` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    /// Whose tags: name or id.
    #[arg(long, global = true, default_value = "")]
    tenant: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the active tags.
    List {
        /// The others too.
        #[arg(long)]
        all: bool,
    },
    /// Make a tag.
    Create {
        /// Its name.
        name: String,
        #[command(flatten)]
        change: Change,
    },
    /// Change a tag.
    Update {
        /// Its name or id.
        tag: String,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Let requests name a tag again.
    Activate {
        /// Its name or id.
        tag: String,
    },
    /// Let no request name a tag any more.
    Deactivate {
        /// Its name or id.
        tag: String,
    },
    /// Remove a tag and its budgets. What was spent on it stays in the ledger.
    Remove {
        /// Its name or id.
        tag: String,
    },
}

#[derive(Debug, Args)]
struct Change {
    /// The tag that it stands under, by name or id; or `none`.
    #[arg(long)]
    parent: Option<String>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// How it is shown.
    #[arg(long)]
    color: Option<String>,
    /// What a session may spend that is tagged with it, in dollars; or `none`.
    #[arg(long, value_name = "USD")]
    session_budget: Option<String>,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    if options.tenant.is_empty() {
        anyhow::bail!("whose tags? Name the tenant with --tenant");
    }
    let api = Api::new(&options.target, settings)?;
    let tenant = api.tenant(&options.tenant).await?;
    let all = format!("/admin/tenant/{tenant}/tags");
    let path =
        async |tag: &str| Ok::<_, anyhow::Error>(format!("{all}/{}", api.tag(&tenant, tag).await?));
    match &options.action {
        Action::List { all: true } => {
            let listed = api.get(&format!("{all}?includeInactive=true")).await?;
            listed.show_list(&COLUMNS, "")
        }
        Action::List { all: false } => api.get(&all).await?.show_list(&COLUMNS, ""),
        Action::Create { name, change } => {
            let mut body = change.fields(&api, &tenant).await?;
            body.insert("name".to_owned(), name.clone().into());
            api.send(Method::POST, &all, body).await?.show(&COLUMNS)
        }
        Action::Update { tag, name, change } => {
            let mut body = change.fields(&api, &tenant).await?;
            body.extend(fields([("name", name.as_deref())]));
            let path = path(tag).await?;
            let updated = api.send(Method::PUT, &path, something(body)?).await?;
            updated.show(&COLUMNS)
        }
        Action::Activate { tag } => {
            let path = format!("{}/activate", path(tag).await?);
            let done = api.tell(Method::PATCH, &path).await?;
            api.done(&done, &format!("tag {tag} is active"));
            Ok(())
        }
        Action::Deactivate { tag } => {
            let path = format!("{}/deactivate", path(tag).await?);
            let done = api.tell(Method::PATCH, &path).await?;
            api.done(&done, &format!("tag {tag} is not active any more"));
            Ok(())
        }
        Action::Remove { tag } => {
            let done = api.tell(Method::DELETE, &path(tag).await?).await?;
            api.done(&done, &format!("tag {tag} is removed"));
            Ok(())
        }
    }
}

impl Change {
    async fn fields(&self, api: &Api, tenant: &str) -> Result<Fields> {
        let mut body = fields([
            ("description", self.description.as_deref()),
            ("color", self.color.as_deref()),
        ]);
        let budget = self.session_budget.as_deref();
        set_or_clear(&mut body, "sessionBudgetUsd", budget, "none");
        let parent = match self.parent.as_deref() {
            Some(parent) if parent != "none" => Some(api.tag(tenant, parent).await?),
            none => none.map(str::to_owned),
        };
        set_or_clear(&mut body, "parentId", parent.as_deref(), "none");
        Ok(body)
    }
}
