//! `budgetguard budget`: budgets of the installation, of tenants, keys and tags, over the admin API.

use anyhow::Result;
use clap::{Args, Subcommand};
use http::Method;

use crate::commands::api::answer::Answer;
use crate::commands::api::table::Column;
use crate::commands::api::{Api, Fields, Target, fields, is_not_found, set_list, something};
use crate::settings::Settings;

const COLUMNS: [Column; 9] = [
    ("id", "id"),
    ("period", "period"),
    ("limit", "amountUsd"),
    ("spent", "currentUsage"),
    ("held", "heldUsd"),
    ("until", "currentPeriodEndDate"),
    ("models", "models"),
    ("providers", "providers"),
    ("alerts at", "alertThresholds"),
];
const SET: [Column; 6] = [
    ("id", "id"),
    ("period", "period"),
    ("limit", "amountUsd"),
    ("models", "models"),
    ("providers", "providers"),
    ("alerts at", "alertThresholds"),
];
const OF_TAG: [Column; 8] = [
    ("id", "id"),
    ("period", "period"),
    ("limit", "amountUsd"),
    ("weight", "weight"),
    ("inheritance", "inheritanceMode"),
    ("in force", "isActive"),
    ("models", "models"),
    ("alerts at", "alertThresholds"),
];

/// What `budget` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the budgets of a scope, and what they stand at.
    List(Scope),
    /// Set a scope's budget of a period, in place of the one that there is. Of a tag, there must be none.
    Set {
        #[command(flatten)]
        scope: Scope,
        /// hourly, daily, weekly, monthly, total, or custom with --start and --end.
        #[arg(long)]
        period: String,
        /// The limit in dollars.
        #[arg(long)]
        usd: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Change a budget.
    Update {
        /// Its id.
        id: u64,
        /// Another period; not of a tag's budget.
        #[arg(long)]
        period: Option<String>,
        /// Another limit in dollars.
        #[arg(long)]
        usd: Option<String>,
        #[command(flatten)]
        terms: Terms,
        /// Whether it is in force; only of a tag's budget.
        #[arg(long, value_name = "BOOL")]
        active: Option<bool>,
    },
    /// Remove a budget.
    Remove {
        /// Its id.
        id: u64,
    },
}

/// Whose budget; without any, the installation's.
#[derive(Debug, Args)]
struct Scope {
    /// Of a tenant: name or id.
    #[arg(long, conflicts_with = "key")]
    tenant: Option<String>,
    /// Of a key: its id.
    #[arg(long, value_name = "ID")]
    key: Option<u64>,
    /// Of a tag of the tenant: name or id.
    #[arg(long, requires = "tenant")]
    tag: Option<String>,
}

#[derive(Debug, Args)]
struct Terms {
    /// The first day of a custom period.
    #[arg(long, value_name = "DATE")]
    start: Option<String>,
    /// The last day of a custom period.
    #[arg(long, value_name = "DATE")]
    end: Option<String>,
    /// Only these models: patterns with commas between.
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    models: Option<Vec<String>>,
    /// Only these providers: patterns with commas between.
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    providers: Option<Vec<String>>,
    /// At which parts of the limit an alert is raised: percents with commas between.
    #[arg(long, value_delimiter = ',', value_name = "PERCENTS")]
    alerts: Option<Vec<u16>>,
    /// How much of a charge counts, from 0 to 10; only of a tag's budget.
    #[arg(long)]
    weight: Option<String>,
    /// STRICT, LENIENT or BYPASS; only of a tag's budget.
    #[arg(long, value_name = "MODE")]
    inheritance: Option<String>,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::List(scope) => {
            let columns: &[Column] = if scope.tag.is_some() {
                &OF_TAG
            } else {
                &COLUMNS
            };
            let path = scope.path(&api).await?;
            api.get(&path).await?.show_list(columns, "")
        }
        Action::Set {
            scope,
            period,
            usd,
            terms,
        } => {
            let mut body = terms.fields();
            body.extend(fields([("period", Some(period)), ("amountUsd", Some(usd))]));
            set(&api, scope, body).await
        }
        Action::Update {
            id,
            period,
            usd,
            terms,
            active,
        } => {
            let mut body = terms.fields();
            body.extend(fields([
                ("period", period.as_deref()),
                ("amountUsd", usd.as_deref()),
            ]));
            body.extend(active.map(|active| ("isActive".to_owned(), active.into())));
            let body = something(body)?;
            let updated = either(&api, *id, (Method::PUT, Some(body))).await?;
            updated.show(&SET)
        }
        Action::Remove { id } => {
            let removed = either(&api, *id, (Method::DELETE, None)).await?;
            api.done(&removed, &format!("budget {id} is removed"));
            Ok(())
        }
    }
}

async fn set(api: &Api, scope: &Scope, body: Fields) -> Result<()> {
    let path = scope.path(api).await?;
    if scope.tag.is_some() {
        let made = api.send(Method::POST, &path, body).await?;
        return made.show(&OF_TAG);
    }
    let budgets = vec![serde_json::Value::from(body)];
    let mut body = Fields::new();
    body.insert("budgets".to_owned(), budgets.into());
    let set = api.send(Method::POST, &path, body).await?;
    set.show_list(&SET, "")
}

/// Budgets of tags have routes of their own; all have ids of one kind.
async fn either(api: &Api, id: u64, (method, body): (Method, Option<Fields>)) -> Result<Answer> {
    let ask = async |path: String| match &body {
        Some(body) => api.send(method.clone(), &path, body.clone()).await,
        None => api.tell(method.clone(), &path).await,
    };
    let plain = ask(format!("/admin/budget/{id}")).await;
    if !plain.as_ref().is_err_and(is_not_found) {
        return plain;
    }
    let of_tag = ask(format!("/admin/budget/tag/{id}")).await;
    if of_tag.as_ref().is_err_and(is_not_found) {
        return plain;
    }
    of_tag
}

impl Scope {
    async fn path(&self, api: &Api) -> Result<String> {
        if let Some(key) = self.key {
            return Ok(format!("/admin/apikey/{key}/budgets"));
        }
        let Some(tenant) = &self.tenant else {
            return Ok("/admin/budgets".to_owned());
        };
        let tenant = api.tenant(tenant).await?;
        let Some(tag) = &self.tag else {
            return Ok(format!("/admin/tenant/{tenant}/budgets"));
        };
        let tag = api.tag(&tenant, tag).await?;
        Ok(format!("/admin/tenant/{tenant}/tags/{tag}/budgets"))
    }
}

impl Terms {
    fn fields(&self) -> Fields {
        let mut body = fields([
            ("startDate", self.start.as_deref()),
            ("endDate", self.end.as_deref()),
            ("weight", self.weight.as_deref()),
            ("inheritanceMode", self.inheritance.as_deref()),
        ]);
        set_list(&mut body, "models", self.models.as_deref());
        set_list(&mut body, "providers", self.providers.as_deref());
        if let Some(percents) = &self.alerts {
            body.insert("alertThresholds".to_owned(), percents.clone().into());
        }
        body
    }
}
