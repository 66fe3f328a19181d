//! What the demo shows: the calls, the money by three accounts that know nothing of each other (the
//! budget, the ledger, the provider's own bill), and which promise was broken, if one was.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::app;
use crate::commands::demo::load::Load;
use crate::commands::demo::stage::{BUDGET_USD, Customer, Stage};
use crate::domain::money::Usd;
use crate::domain::pricing::Tier;
use crate::domain::usage::TokenUsage;
use crate::evidence::book::Testimony;
use crate::evidence::sorting::Exports;
use crate::evidence::verify::{self, Report};
use crate::metrics::Metrics;
use crate::metrics::calls::TenantLabel;
use crate::simulator::{CallOutcome, CallRecord};
use crate::store::seed;

const LEDGER_TRIES_MAX: usize = 200;
const LEDGER_INTERVAL: Duration = Duration::from_millis(50);
const LEDGER_PAGE_ROWS: u64 = 1_000;

/// See the module.
pub(super) struct Verdict {
    load: Load,
    limit: Usd,
    spent: Usd,
    held: Usd,
    ledger: Ledger,
    provider_calls: u64,
    provider_bill: Usd,
    chains: Report,
    broken: Vec<String>,
}

/// What the ledger has of the customer's calls that were sent.
#[derive(Clone, Copy, Debug, Default)]
struct Ledger {
    rows: u64,
    sum: Usd,
}

impl Verdict {
    /// Waits for the ledger and compares.
    pub(super) async fn reach(stage: &Stage, customer: &Customer, load: Load) -> Result<Self> {
        for _try in 0..LEDGER_TRIES_MAX {
            if ledger_page(stage, customer, 0, 1).await?.total >= load.accepted {
                break;
            }
            tokio::time::sleep(LEDGER_INTERVAL).await;
        }
        let ledger = read_ledger(stage, customer).await?;
        let budgets: Vec<BudgetRow> = stage
            .get(&format!("/admin/tenant/{}/budgets", customer.tenant))
            .await?;
        let budget = budgets.first().context("the budget is not listed")?;
        let finished: Vec<CallRecord> = stage
            .simulator()
            .calls()
            .into_iter()
            .filter(|call| call.outcome == CallOutcome::Finished)
            .collect();
        let mut verdict = Self {
            load,
            limit: BUDGET_USD.parse()?,
            spent: amount(&budget.current_usage)?,
            held: amount(&budget.held_usd)?,
            ledger,
            provider_calls: u64::try_from(finished.len())?,
            provider_bill: bill(&finished)?,
            chains: verify_chains(stage).await?,
            broken: Vec::new(),
        };
        verdict.judge();
        Ok(verdict)
    }

    /// The promises that were broken.
    pub(super) fn broken(&self) -> &[String] {
        &self.broken
    }

    pub(super) fn table(&self) -> String {
        let usd = |amount: Usd| format!("${amount}");
        let mut table = Table::new();
        table.set_header(["", "calls", "dollars"]);
        let Load {
            sent,
            accepted,
            refused,
            failed,
            streamed,
        } = self.load;
        let overspent = self.spent.saturating_sub(self.limit).max(Usd::ZERO);
        let rows = [
            ("sent", sent.to_string(), String::new()),
            ("  of them streamed", streamed.to_string(), String::new()),
            ("accepted", accepted.to_string(), String::new()),
            ("refused by the budget", refused.to_string(), String::new()),
            ("failed", failed.to_string(), String::new()),
            ("limit", String::new(), usd(self.limit)),
            ("spent", String::new(), usd(self.spent)),
            ("held", String::new(), usd(self.held)),
            ("ledger", self.ledger.rows.to_string(), usd(self.ledger.sum)),
            (
                "provider's own bill",
                self.provider_calls.to_string(),
                usd(self.provider_bill),
            ),
            ("overspent", String::new(), usd(overspent)),
            (
                "chain verified",
                self.chains.rows.to_string(),
                String::new(),
            ),
        ];
        for (name, calls, dollars) in rows {
            table.add_row([name.to_owned(), calls, dollars]);
        }
        for column in 1..=2 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }

    fn is_used_up(&self) -> bool {
        i128::from(self.spent.nanos()) * 100 >= i128::from(self.limit.nanos()) * 95
    }

    fn judge(&mut self) {
        let claims = [
            (
                self.spent <= self.limit,
                "more was spent than the budget allows",
            ),
            (
                self.is_used_up(),
                "less than 95 % of the budget could be used",
            ),
            (
                self.held == Usd::ZERO,
                "money is held for calls that have ended",
            ),
            (self.load.failed == 0, "calls failed"),
            (
                self.ledger.rows == self.load.accepted,
                "the ledger does not have one row a call",
            ),
            (
                self.ledger.rows == self.provider_calls,
                "the ledger and the provider count differently",
            ),
            (self.chains.is_clean(), "the ledger's chain is broken"),
            (
                self.chains.rows >= self.load.accepted,
                "rows of the ledger are in no chain",
            ),
            (
                self.ledger.sum == self.spent,
                "the ledger and the budget differ",
            ),
            (
                self.ledger.sum == self.provider_bill,
                "the ledger and the provider's bill differ",
            ),
        ];
        let broken = claims.into_iter().filter(|(holds, _)| !holds);
        self.broken = broken.map(|(_, claim)| claim.to_owned()).collect();
    }
}

/// Recomputes the chain from the rows, and compares it with a checkpoint that is signed now.
async fn verify_chains(stage: &Stage) -> Result<Report> {
    let settings = stage.settings();
    let store = app::open_store(settings).await?;
    let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
    let notary = app::notary(settings, &store, &metrics)?;
    notary.sign().await?;
    let testimony = Testimony::of(&notary.book.read()?, &[notary.key.public()]);
    Ok(verify::of_store(&store, &testimony, Exports::default()).await?)
}

async fn read_ledger(stage: &Stage, customer: &Customer) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    for page in 0.. {
        let listed = ledger_page(stage, customer, page, LEDGER_PAGE_ROWS).await?;
        for row in &listed.data {
            ledger.rows += 1;
            ledger.sum = ledger.sum.saturating_add(amount(&row.usd)?);
        }
        if ledger.rows >= listed.total || listed.data.is_empty() {
            break;
        }
    }
    Ok(ledger)
}

async fn ledger_page(
    stage: &Stage,
    customer: &Customer,
    page: u64,
    limit: u64,
) -> Result<LedgerPage> {
    let tenant = customer.tenant;
    let query = format!("page={page}&limit={limit}&status=success");
    stage
        .get(&format!("/admin/tenant/{tenant}/usage/ledger?{query}"))
        .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BudgetRow {
    current_usage: Box<RawValue>,
    held_usd: Box<RawValue>,
}

#[derive(Deserialize)]
struct LedgerPage {
    data: Vec<LedgerItem>,
    total: u64,
}

#[derive(Deserialize)]
struct LedgerItem {
    usd: Box<RawValue>,
}

/// What the provider charges for the calls that it has finished, by the public price list.
fn bill(calls: &[CallRecord]) -> Result<Usd> {
    let prices = seed::seed_prices()?;
    let mut total = Usd::ZERO;
    for call in calls {
        let price = prices
            .iter()
            .find(|price| price.model.as_str() == call.model);
        let price = price.with_context(|| format!("no price for {}", call.model))?;
        let usage = TokenUsage {
            input: call.billed.input,
            output: call.billed.output,
            ..TokenUsage::default()
        };
        total = total.saturating_add(price.cost(Tier::Standard, &usage).usd);
    }
    Ok(total)
}

/// An amount as the admin API writes it: an exact decimal, as a number or as text.
fn amount(value: &RawValue) -> Result<Usd> {
    Ok(value.get().trim_matches('"').parse()?)
}
