//! The ledger from a shell: by other prices, and beside what the providers' own books say.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use budgetguard::simulator::BilledTokens;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::{cost, usd};

const PROMPTS: [&str; 3] = [
    "hello",
    "[[sim output=33 chunks=4 input=101]]",
    "[[sim output=9 input=5000]]",
];

/// A gateway whose ledger has calls of all three providers, whole and streamed.
struct Used {
    gateway: TestGateway,
    tenant: Tenant,
    rows: Vec<Value>,
    folder: TempDir,
}

impl Used {
    async fn new() -> Self {
        let gateway = Setup::new().start().await;
        let tenant = gateway.tenant_with("used", "100").await;
        let mut count = 0;
        for dialect in Dialect::ALL {
            for (prompt, streamed) in PROMPTS.into_iter().zip([false, true, false]) {
                let call = dialect.call(prompt, Some(2_000), streamed);
                call.text(&gateway, &tenant).await;
                count += 1;
            }
        }
        Self {
            rows: gateway.ledger_of(&tenant, count).await,
            gateway,
            tenant,
            folder: TempDir::new().unwrap(),
        }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// The day of the calls.
    fn day(&self) -> String {
        let instant = self.rows[0]["ts"].as_str().unwrap();
        instant.split('T').next().unwrap().to_owned()
    }

    /// The ledger by another book, as JSON.
    fn repriced(&self, book: &str, more: &[&str]) -> Value {
        let arguments = [&["ledger", "reprice", "--json", "--book", book], more].concat();
        let output = self.gateway.run(&arguments);
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn reconciled(&self, provider: &str, export: &str, more: &[&str]) -> Output {
        let command = ["ledger", "reconcile", "--provider", provider, "--export"];
        let arguments = [&command, [export].as_slice(), more].concat();
        self.gateway.run(&arguments)
    }

    /// What a provider has in its books of one model.
    fn billed(&self, model: &str) -> (usize, BilledTokens, i64) {
        let calls = self.gateway.simulator.calls();
        let calls: Vec<_> = calls.iter().filter(|call| call.model == model).collect();
        let mut sum = BilledTokens::default();
        let mut nanos = 0;
        for call in &calls {
            sum.input += call.billed.input;
            sum.cached_input += call.billed.cached_input;
            sum.cache_write += call.billed.cache_write;
            sum.output += call.billed.output;
            nanos += cost(model, &call.billed);
        }
        (calls.len(), sum, nanos)
    }
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(all).unwrap()
}

/// An amount with all nine decimal places.
fn decimal_in_full(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, rest) = (nanos.abs() / 1_000_000_000, nanos.abs() % 1_000_000_000);
    format!("{sign}{whole}.{rest:09}")
}

/// An amount as the program prints it.
fn decimal(nanos: i64) -> String {
    let text = decimal_in_full(nanos);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn shipped_book() -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conf/prices");
    folder.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_same_prices_the_ledger_comes_to_the_same() {
    let used = Used::new().await;
    let spent: i64 = used.rows.iter().map(usd).sum();
    let report = used.repriced(&shipped_book(), &[]);
    let total = json!({
        "rows": used.rows.len(), "ledgerUsd": decimal(spent), "bookUsd": decimal(spent),
        "differenceUsd": "0", "byNeighbour": 0,
    });
    assert_eq!(report["total"], total);
    assert_eq!(report["models"].as_array().unwrap().len(), 3);
    assert_eq!(report["notInBook"], json!([]));

    let tenant = used.repriced(&shipped_book(), &["--tenant", "used"]);
    assert_eq!(tenant["total"], total);
    let day = used.day();
    let that_day = used.repriced(&shipped_book(), &["--from", &day, "--to", &day]);
    assert_eq!(that_day["total"], total);
    let before = used.repriced(&shipped_book(), &["--to", "2026-01-01"]);
    assert_eq!(before["total"]["rows"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_other_prices_the_difference_is_exact_and_nothing_is_changed() {
    let used = Used::new().await;
    let rates = "provider,model,tier,context_above_tokens,kind,usd,per\n\
                 openai,gpt-4o-mini,standard,0,input,0.0333,1000000\n\
                 openai,gpt-4o-mini,standard,0,output,0.7,1000000\n";
    let book = used.file("rates.csv", rates);
    let report = used.repriced(&book, &[]);
    let mut by_book = 0;
    let mut by_ledger = 0;
    let of_model = |row: &&Value| row["model"] == "gpt-4o-mini";
    for row in used.rows.iter().filter(of_model) {
        let (input, output) = (row["promptTok"].as_i64(), row["compTok"].as_i64());
        let picos = input.unwrap() * 33_300 + output.unwrap() * 700_000;
        by_book += (picos + 999) / 1_000;
        by_ledger += usd(row);
    }
    let expected = json!({
        "provider": "openai", "model": "gpt-4o-mini", "rows": 3, "byNeighbour": 0,
        "ledgerUsd": decimal(by_ledger), "bookUsd": decimal(by_book),
        "differenceUsd": decimal(by_book - by_ledger),
    });
    assert_eq!(report["models"], json!([expected]));
    let left_out = report["notInBook"].as_array().unwrap();
    let left_out: Vec<_> = left_out.iter().map(|line| &line["model"]).collect();
    assert_eq!(left_out, ["claude-haiku-4-5", "gemini-2.5-flash"]);

    let table = used.gateway.run(&["ledger", "reprice", "--book", &book]);
    assert!(text(&table).contains(&decimal(by_book - by_ledger)));
    assert_eq!(used.gateway.ledger(&used.tenant).await, used.rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_installations_own_prices_only_a_change_of_the_past_makes_a_difference() {
    let used = Used::new().await;
    let path = "/admin/model-pricing/gpt-4o-mini";
    let dearer = json!({"outputPrice": 1.6});
    let change = |change| used.gateway.admin(Method::PUT, path, change);
    let own = || {
        let output = used.gateway.run(&["ledger", "reprice", "--json"]);
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["total"].clone()
    };
    change(dearer.clone()).await;
    assert_eq!(own()["differenceUsd"], "0", "old rows keep their price");

    // A dollar more for a million tokens is a thousand nano-dollars more for each.
    let mut dearer = dearer;
    let first = used.rows.last().unwrap();
    dearer["effectiveFrom"] = first["ts"].clone();
    change(dearer).await;
    let of_model = |row: &&Value| row["model"] == "gpt-4o-mini";
    let rows = used.rows.iter().filter(of_model);
    let tokens: i64 = rows.map(|row| row["compTok"].as_i64().unwrap()).sum();
    assert_eq!(own()["differenceUsd"], decimal(tokens * 1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_book_that_cannot_be_read_is_refused_with_its_fault() {
    let used = Used::new().await;
    let broken = "provider,model,tier,context_above_tokens,kind,usd,per\n\
                  openai,small,standard,0,input,-1,1000000\n";
    let broken = used.file("broken.csv", broken);
    for (arguments, reason) in [
        (["--book", &broken, "--to", "2026-11-01"], "below zero"),
        (
            ["--book", "/nowhere", "--to", "2026-11-01"],
            "could not read",
        ),
        (
            ["--book", &shipped_book(), "--tenant", "nobody"],
            "no tenant",
        ),
    ] {
        let arguments = [["ledger", "reprice"].as_slice(), &arguments].concat();
        let output = used.gateway.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(reason), "{}", text(&output));
    }
    let arguments = ["ledger", "reprice", "--book", "x", "--from", "soon"];
    let output = used.gateway.run(&arguments);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_what_openai_says_that_it_billed() {
    let used = Used::new().await;
    let (requests, billed, nanos) = used.billed("gpt-4o-mini");
    let page = |output_tokens: u64| {
        let start = format!("{}T00:00:00Z", used.day());
        let bucket = json!({
            "starting_at": start, "ending_at": format!("{}T23:59:59Z", used.day()),
            "results": [{
                "input_tokens": billed.input, "input_cached_tokens": billed.cached_input,
                "output_tokens": output_tokens, "num_model_requests": requests,
                "model": "gpt-4o-mini",
            }],
        });
        json!({"object": "page", "data": [bucket], "has_more": false}).to_string()
    };
    let usage = used.file("usage.json", &page(billed.output));
    let costs = format!(
        "day,model,cost_usd\n{},gpt-4o-mini,{}\n",
        used.day(),
        decimal(nanos)
    );
    let costs = used.file("costs.csv", &costs);
    let output = used.reconciled("openai", &usage, &["--export", &costs]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("1 compared, 0 differ"));

    let other = used.file("other.json", &page(billed.output + 3));
    let output = used.reconciled("openai", &other, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let difference = &told["differences"][0];
    assert_eq!(difference["model"], "gpt-4o-mini");
    assert_eq!(difference["ledger"]["outputTokens"], billed.output);
    assert_eq!(difference["export"]["outputTokens"], billed.output + 3);
    let output = used.reconciled("openai", &other, &["--token-tolerance", "3"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_may_differ_by_what_is_tolerated_and_no_more() {
    let used = Used::new().await;
    let (_, _, nanos) = used.billed("claude-haiku-4-5");
    // A tenth of a nano-dollar more than we charged: providers do not round as we do.
    let cost = format!("{}1", decimal_in_full(nanos));
    let costs = format!(
        "usage_date_utc,model,cost_usd\n{},claude-haiku-4-5,{cost}\n",
        used.day()
    );
    let costs = used.file("costs.csv", &costs);
    let strict = used.reconciled("anthropic", &costs, &[]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict).contains("-0.0000000001"), "{}", text(&strict));
    for (tolerance, is_tolerated) in [("0.0000000001", true), ("0.00000000009", false)] {
        let output = used.reconciled("anthropic", &costs, &["--tolerance", tolerance]);
        assert_eq!(output.status.success(), is_tolerated, "{}", text(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_one_of_both_has_is_a_difference() {
    let used = Used::new().await;
    let day = used.day();
    let (_, _, nanos) = used.billed("gemini-2.5-flash");
    let table = format!("day,cost_usd\n{day},{}\n", decimal(nanos));
    let all_models = used.file("all.csv", &table);
    let output = used.reconciled("google", &all_models, &[]);
    assert!(output.status.success(), "{}", text(&output));

    let table = format!("Tag,Modell,Kosten\n{day},gemini-nobody,0.5\n");
    let other = used.file("other.csv", &table);
    let named = [
        "--column",
        "day=Tag",
        "--column",
        "model=Modell",
        "--column",
        "cost_usd=Kosten",
    ];
    let output = used.reconciled("google", &other, &[&named, ["--json"].as_slice()].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let differences = told["differences"].as_array().unwrap();
    let by_model: BTreeMap<_, _> = differences
        .iter()
        .map(|one| (one["model"].as_str().unwrap(), &one["costDifferenceUsd"]))
        .collect();
    let expected = BTreeMap::from([
        ("gemini-2.5-flash", json!(decimal(nanos))),
        ("gemini-nobody", json!("-0.5")),
    ]);
    assert_eq!(by_model.len(), expected.len());
    assert!(by_model.iter().all(|(model, usd)| expected[model] == **usd));

    let next = ["--from", &day, "--to", &day, "--tolerance", "-1"];
    let output = used.reconciled("google", &all_models, &next);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_row_of_an_export_is_told_and_nothing_compared() {
    let used = Used::new().await;
    let table = "day,model,cost_usd\n2026-11-01,a,much\nnever,a,1\n2026-11-01,a\n";
    let broken = used.file("broken.csv", table);
    let output = used.reconciled("openai", &broken, &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output);
    for line in [
        "broken.csv:2:",
        "broken.csv:3:",
        "broken.csv:4:",
        "3 problems",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(output.stdout.is_empty(), "{told}");
}
