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
    let tags = Tags {
        all: format!("/admin/tenant/{tenant}/tags"),
        api,
        tenant,
    };
    match &options.action {
        Action::List { all } => tags.list(*all).await,
        Action::Create { name, change } => tags.create(name, change).await,
        Action::Update { tag, name, change } => tags.update(tag, name.as_deref(), change).await,
        Action::Activate { tag } => tags.switch(tag, "activate", "active").await,
        Action::Deactivate { tag } => tags.switch(tag, "deactivate", "not active any more").await,
        Action::Remove { tag } => tags.remove(tag).await,
    }
}

/// A tenant's tags, as the API has them.
struct Tags {
    api: Api,
    tenant: String,
    all: String,
}

impl Tags {
    async fn list(&self, all: bool) -> Result<()> {
        let query = if all { "?includeInactive=true" } else { "" };
        let listed = self.api.get(&format!("{}{query}", self.all)).await?;
        listed.show_list(&COLUMNS, "")
    }

    async fn create(&self, name: &str, change: &Change) -> Result<()> {
        let mut body = change.fields(&self.api, &self.tenant).await?;
        body.insert("name".to_owned(), name.into());
        let made = self.api.send(Method::POST, &self.all, body).await?;
        made.show(&COLUMNS)
    }

    async fn update(&self, tag: &str, name: Option<&str>, change: &Change) -> Result<()> {
        let mut body = change.fields(&self.api, &self.tenant).await?;
        body.extend(fields([("name", name)]));
        let path = self.path(tag).await?;
        let updated = self.api.send(Method::PUT, &path, something(body)?).await?;
        updated.show(&COLUMNS)
    }

    async fn switch(&self, tag: &str, how: &str, what: &str) -> Result<()> {
        let path = format!("{}/{how}", self.path(tag).await?);
        let done = self.api.tell(Method::PATCH, &path).await?;
        self.api.done(&done, &format!("tag {tag} is {what}"));
        Ok(())
    }

    async fn remove(&self, tag: &str) -> Result<()> {
        let path = self.path(tag).await?;
        let done = self.api.tell(Method::DELETE, &path).await?;
        self.api.done(&done, &format!("tag {tag} is removed"));
        Ok(())
    }

    async fn path(&self, tag: &str) -> Result<String> {
        Ok(format!(
            "{}/{}",
            self.all,
            self.api.tag(&self.tenant, tag).await?
        ))
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
