//! `budgetguard worker dead-letters`: rows that could not be written. Their gateways keep them in the
//! spool, and budgets count them, until they are written after all or removed here.

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use comfy_table::Table;

use crate::app;
use crate::commands::terminal::{printable, say};
use crate::queue::{DeadLetter, EntryId, Queue};
use crate::settings::Settings;

/// How many are read at once.
const PAGE: usize = 100;
/// The columns of the list: what they are called, and the field that they show.
const COLUMNS: [(&str, &str); 5] = [
    ("request", "request"),
    ("tenant", "tenant"),
    ("model", "model"),
    ("usd", "usd"),
    ("gateway", "gateway"),
];

/// What `dead-letters` does.
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Action {
    /// List them, oldest first.
    List {
        /// The most that are listed.
        #[arg(long, default_value_t = PAGE)]
        limit: usize,
    },
    /// Show one with all its fields.
    Show {
        /// Its id in the list.
        id: String,
    },
    /// Have workers try again to write them.
    Replay(Chosen),
    /// Give them up for good: the ledger will never have these rows.
    Remove(Chosen),
}

/// Which.
#[derive(Debug, Args)]
pub(in crate::commands) struct Chosen {
    /// Their ids in the list.
    ids: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

/// Does it.
pub(super) async fn run(action: &Action, settings: &Settings) -> Result<()> {
    let queue = app::queue(settings)?;
    match action {
        Action::List { limit } => list(&queue, *limit).await,
        Action::Show { id } => show(&queue, id).await,
        Action::Replay(chosen) => {
            let letters = chosen.find(&queue).await?;
            for letter in &letters {
                queue.replay(letter).await?;
            }
            say(&format!("{} dead letters are tried again", letters.len()));
            Ok(())
        }
        Action::Remove(chosen) => {
            let letters = chosen.find(&queue).await?;
            for letter in &letters {
                queue.remove_dead(letter).await?;
                say(&format!("removed {}", summary(letter)));
            }
            Ok(())
        }
    }
}

async fn list(queue: &Queue, limit: usize) -> Result<()> {
    let letters = queue.dead_letters(None, limit).await?;
    if letters.is_empty() {
        say("there are no dead letters");
        return Ok(());
    }
    let mut table = Table::new();
    let names = COLUMNS.iter().map(|(name, _)| *name);
    table.set_header(["id"].into_iter().chain(names).chain(["reason"]));
    for letter in &letters {
        let fields = COLUMNS.iter().map(|(_, field)| letter.field(field));
        let fields = fields.map(|field| printable(field.unwrap_or_default()));
        let row = [letter.id.to_string()].into_iter().chain(fields);
        table.add_row(row.chain([printable(&letter.reason)]));
    }
    say(&table.to_string());
    Ok(())
}

async fn show(queue: &Queue, id: &str) -> Result<()> {
    let letter = letter(queue, id).await?;
    say(&format!("id: {}", letter.id));
    say(&format!("reason: {}", printable(&letter.reason)));
    for (name, value) in &letter.fields {
        say(&format!("{}: {}", printable(name), printable(value)));
    }
    let row = match &letter.undecodable {
        None => "can be read".to_owned(),
        Some(why) => format!("cannot be read by this version: {why}"),
    };
    say(&format!("row: {} bytes, {row}", letter.row_bytes()));
    Ok(())
}

impl Chosen {
    async fn find(&self, queue: &Queue) -> Result<Vec<DeadLetter>> {
        ensure!(self.all || !self.ids.is_empty(), "say which, or --all");
        let mut found = Vec::new();
        for id in &self.ids {
            found.push(letter(queue, id).await?);
        }
        if self.all {
            found = all(queue).await?;
        }
        Ok(found)
    }
}

async fn all(queue: &Queue) -> Result<Vec<DeadLetter>> {
    let mut found: Vec<DeadLetter> = Vec::new();
    loop {
        let last = found.last().map(|letter| letter.id);
        let more = queue.dead_letters(last, PAGE).await?;
        if more.is_empty() {
            return Ok(found);
        }
        found.extend(more);
    }
}

async fn letter(queue: &Queue, id: &str) -> Result<DeadLetter> {
    let Some(place) = EntryId::parse(id) else {
        bail!("`{id}` is no id of a dead letter");
    };
    let found = queue.dead_letter(place).await?;
    found.with_context(|| format!("there is no dead letter {id}"))
}

fn summary(letter: &DeadLetter) -> String {
    let field = |name| printable(letter.field(name).unwrap_or("unknown"));
    let (request, tenant, usd) = (field("request"), field("tenant"), field("usd"));
    format!("{}: request {request} of {tenant}, {usd} USD", letter.id)
}
