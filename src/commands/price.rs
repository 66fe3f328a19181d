//! `budgetguard price`: what models cost, over the admin API. Prices are in dollars for a million tokens.

use anyhow::Result;
use clap::{Args, Subcommand};
use http::Method;

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, fields, is_not_found, part, with_query};
use crate::settings::Settings;

const COLUMNS: [Column; 9] = [
    ("id", "id"),
    ("provider", "provider"),
    ("model", "model"),
    ("input", "inputPrice"),
    ("cached", "cachedInputPrice"),
    ("output", "outputPrice"),
    ("version", "versionTag"),
    ("from", "effectiveFrom"),
    ("retired", "isRetired"),
];

/// What `price` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the prices in force.
    List {
        /// Only those whose provider or model contains this.
        #[arg(long)]
        search: Option<String>,
        /// Only those of a provider.
        #[arg(long)]
        provider: Option<String>,
        /// Those in force at another moment.
        #[arg(long, value_name = "DATE")]
        at: Option<String>,
        /// Those that begin later.
        #[arg(long)]
        scheduled: bool,
    },
    /// Set a model's price, now or from a day on.
    Set {
        /// The model's exact name.
        model: String,
        /// Input tokens; a new model needs all three.
        #[arg(long, value_name = "USD")]
        input: Option<String>,
        /// Cached input tokens.
        #[arg(long, value_name = "USD")]
        cached: Option<String>,
        /// Output tokens.
        #[arg(long, value_name = "USD")]
        output: Option<String>,
        #[command(flatten)]
        version: Version,
    },
    /// Take a model's price away: where a budget applies it is refused from then on.
    Retire {
        /// The model's exact name.
        model: String,
        #[command(flatten)]
        version: Version,
    },
    /// List all versions of a model's price.
    History {
        /// The model's exact name.
        model: String,
        /// Whose, where several have it.
        #[arg(long)]
        provider: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Version {
    /// Whose model, where several have it.
    #[arg(long)]
    provider: Option<String>,
    /// What this version is called.
    #[arg(long = "version-tag", value_name = "TAG")]
    tag: Option<String>,
    /// From when on it is in force (default: now).
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::List {
            search,
            provider,
            at,
            scheduled,
        } => {
            let parameters = [
                ("search", search.as_deref()),
                ("provider", provider.as_deref()),
                ("at", at.as_deref()),
                ("scheduled", scheduled.then_some("true")),
            ];
            let path = with_query("/admin/model-pricing", &parameters);
            api.get(&path).await?.show_list(&COLUMNS, "")
        }
        Action::Set {
            model,
            input,
            cached,
            output,
            version,
        } => set(&api, model, [input, cached, output], version).await,
        Action::Retire { model, version } => {
            let path = format!("/admin/model-pricing/{}/retire", part(model));
            let retired = api.send(Method::POST, &path, version.fields()).await?;
            retired.show(&COLUMNS)
        }
        Action::History { model, provider } => {
            let path = format!("/admin/model-pricing/{}/history", part(model));
            let path = with_query(&path, &[("provider", provider.as_deref())]);
            api.get(&path).await?.show_list(&COLUMNS, "data")
        }
    }
}

/// Changes the model's price; adds the model where there is none.
async fn set(
    api: &Api,
    model: &str,
    [input, cached, output]: [&Option<String>; 3],
    version: &Version,
) -> Result<()> {
    let mut body = version.fields();
    body.extend(fields([
        ("inputPrice", input.as_deref()),
        ("cachedInputPrice", cached.as_deref()),
        ("outputPrice", output.as_deref()),
    ]));
    let path = format!("/admin/model-pricing/{}", part(model));
    let changed = api.send(Method::PUT, &path, body.clone()).await;
    if !changed.as_ref().is_err_and(is_not_found) {
        return changed?.show(&COLUMNS);
    }
    body.insert("model".to_owned(), model.into());
    let added = api.send(Method::POST, "/admin/model-pricing", body).await?;
    added.show(&COLUMNS)
}

impl Version {
    fn fields(&self) -> crate::commands::api::Fields {
        fields([
            ("provider", self.provider.as_deref()),
            ("versionTag", self.tag.as_deref()),
            ("effectiveFrom", self.from.as_deref()),
        ])
    }
}
