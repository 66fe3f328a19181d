//! `budgetguard whatif`: asks a running gateway what would have happened under other budgets, limits or rules,
//! and shows what it says. Nothing is changed.

mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use http::Method;
use serde::Serialize;

use crate::commands::api::{Api, Fields, Target};
use crate::commands::whatif::table::Answer;
use crate::settings::Settings;

/// What `whatif` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The question as JSON, with `from`, `to` and `changes`; the other options are for simple ones.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to", "tenant", "key", "set", "limit", "remove", "policy"])]
    file: Option<PathBuf>,
    /// From this day or instant on (UTC).
    #[arg(long, value_name = "DATE", required_unless_present = "file")]
    from: Option<String>,
    /// Until this day or instant (UTC), which is included.
    #[arg(long, value_name = "DATE", required_unless_present = "file")]
    to: Option<String>,
    /// Tell only of this tenant.
    #[arg(long, value_name = "ID")]
    tenant: Option<i64>,
    /// Tell only of this API key.
    #[arg(long, value_name = "ID")]
    key: Option<i64>,
    /// A budget that there would have been: `tenant:1:daily=5.00`, `key:2:total=1`, `tag:3:monthly=50`
    /// or `installation:daily=100`.
    #[arg(long, value_name = "SCOPE:PERIOD=USD")]
    set: Vec<String>,
    /// Another limit of a budget that there is: `7=2.50`.
    #[arg(long, value_name = "BUDGET=USD")]
    limit: Vec<String>,
    /// A budget that there would not have been.
    #[arg(long, value_name = "BUDGET")]
    remove: Vec<i64>,
    /// Other rules, as Rego.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    from: Option<&'a str>,
    to: Option<&'a str>,
    tenant_id: Option<i64>,
    api_key_id: Option<i64>,
    changes: Changes,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    set_budgets: Vec<SetBudget>,
    alter_budgets: Vec<AlterBudget>,
    remove_budgets: Vec<i64>,
    policy: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SetBudget {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_id: Option<i64>,
    period: String,
    amount_usd: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlterBudget {
    budget_id: i64,
    amount_usd: String,
}

/// Asks, and shows the answer.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let question = match &options.file {
        Some(file) => {
            let text = fs::read_to_string(file);
            text.with_context(|| format!("could not read {}", file.display()))?
        }
        None => serde_json::to_string(&asked(options)?)?,
    };
    let question: Fields =
        serde_json::from_str(&question).context("the question is no JSON object")?;
    let api = Api::new(&options.target, settings)?;
    let said = api.send(Method::POST, "/admin/whatif", question).await?;
    let answer: Answer =
        serde_json::from_str(said.text()).context("the answer is not understood")?;
    let tables = answer.tables().into_iter().map(|table| table.to_string());
    let lines: Vec<String> = tables.chain(answer.last_lines()).collect();
    api.done(&said, &lines.join("\n"));
    Ok(())
}

/// What the options ask.
fn asked(options: &Options) -> Result<Question<'_>> {
    let policy = options.policy.as_ref().map(|file| {
        fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
    });
    let set = options.set.iter().map(|text| set_budget(text));
    let limits = options.limit.iter().map(|text| {
        let parts = text.split_once('=');
        let known = parts.and_then(|(id, usd)| Some((id.parse().ok()?, usd.to_owned())));
        let (budget_id, amount_usd) =
            known.with_context(|| format!("`{text}` is not like 7=2.50"))?;
        Ok(AlterBudget {
            budget_id,
            amount_usd,
        })
    });
    Ok(Question {
        from: options.from.as_deref(),
        to: options.to.as_deref(),
        tenant_id: options.tenant,
        api_key_id: options.key,
        changes: Changes {
            set_budgets: set.collect::<Result<_>>()?,
            alter_budgets: limits.collect::<Result<_>>()?,
            remove_budgets: options.remove.clone(),
            policy: policy.transpose()?,
        },
    })
}

/// Reads `tenant:1:daily=5.00`.
fn set_budget(text: &str) -> Result<SetBudget> {
    let wrong = || format!("`{text}` is not like tenant:1:daily=5.00 or installation:daily=100");
    let (place, amount) = text.split_once('=').with_context(wrong)?;
    let parts: Vec<&str> = place.split(':').collect();
    let plain = |period: &str| SetBudget {
        period: period.to_owned(),
        amount_usd: amount.to_owned(),
        ..SetBudget::default()
    };
    let number = |id: &str| id.parse::<i64>().with_context(wrong).map(Some);
    Ok(match parts.as_slice() {
        ["installation", period] => plain(period),
        ["tenant", id, period] => SetBudget {
            tenant_id: number(id)?,
            ..plain(period)
        },
        ["key", id, period] => SetBudget {
            api_key_id: number(id)?,
            ..plain(period)
        },
        ["tag", id, period] => SetBudget {
            tag_id: number(id)?,
            ..plain(period)
        },
        _ => bail!(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_written_on_one_line() {
        let of_key = SetBudget {
            api_key_id: Some(2),
            period: "total".to_owned(),
            amount_usd: "1.50".to_owned(),
            ..SetBudget::default()
        };
        assert_eq!(set_budget("key:2:total=1.50").unwrap(), of_key);
        let everybodys = set_budget("installation:daily=9").unwrap();
        assert_eq!(everybodys.period, "daily");
        for wrong in [
            "",
            "tenant:daily=1",
            "key:x:daily=1",
            "tenant:1:daily",
            "room:1:daily=1",
        ] {
            assert!(set_budget(wrong).is_err(), "{wrong}");
        }
    }
}
