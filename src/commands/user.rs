//! `budgetguard user`: who may use the admin API's pages, over the admin API. Passwords are read from standard input.

use std::io::stdin;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use http::Method;

use crate::commands::api::table::Column;
use crate::commands::api::{Api, Target, fields, something};
use crate::commands::terminal::note;
use crate::settings::Settings;

const COLUMNS: [Column; 6] = [
    ("id", "id"),
    ("name", "name"),
    ("role", "role"),
    ("active", "isActive"),
    ("made", "createdAt"),
    ("last login", "lastLoginAt"),
];

/// What `user` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all users.
    List,
    /// Make a user, whose password is the first line of standard input.
    Create {
        /// Their name.
        name: String,
        /// admin, operator or viewer.
        #[arg(long)]
        role: String,
    },
    /// Change a user.
    Update {
        /// Their id.
        id: u64,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        /// Another role.
        #[arg(long)]
        role: Option<String>,
        /// Another password: the first line of standard input.
        #[arg(long)]
        password: bool,
    },
    /// Log a user out and let them in no more.
    Deactivate {
        /// Their id.
        id: u64,
    },
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let api = Api::new(&options.target, settings)?;
    match &options.action {
        Action::List => api.get("/admin/users").await?.show_list(&COLUMNS, ""),
        Action::Create { name, role } => {
            let password = password()?;
            let body = fields([
                ("name", Some(name)),
                ("role", Some(role)),
                ("password", Some(&password)),
            ]);
            let made = api.send(Method::POST, "/admin/users", body).await?;
            made.show(&COLUMNS)
        }
        Action::Update {
            id,
            name,
            role,
            password: is_new,
        } => {
            let password = is_new.then(password).transpose()?;
            let body = fields([
                ("name", name.as_deref()),
                ("role", role.as_deref()),
                ("password", password.as_deref()),
            ]);
            let path = format!("/admin/users/{id}");
            let updated = api.send(Method::PUT, &path, something(body)?).await?;
            updated.show(&COLUMNS)
        }
        Action::Deactivate { id } => {
            let path = format!("/admin/users/{id}");
            let done = api.tell(Method::DELETE, &path).await?;
            api.done(&done, &format!("user {id} is not active any more"));
            Ok(())
        }
    }
}

fn password() -> Result<String> {
    note("password:");
    let mut line = String::new();
    stdin()
        .read_line(&mut line)
        .context("could not read the password")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("there is no password on standard input");
    }
    Ok(password.to_owned())
}
