//! What one decision of a policy costs: `cargo run --release --example policy_cost [FILE.rego | FILE.wasm]..`.
//! Prints microseconds by engine, for requests that are asked about for the first time and again. Without files
//! it takes the default policy, a decision, and modules by hand, for which clang and lld must be there.

use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, anyhow};
use budgetguard::domain::budget::{Balance, Scope};
use budgetguard::domain::id::TenantId;
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::TagTree;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::policy::input::{BudgetFigures, PolicyInput};
use budgetguard::policy::rego::RegoPolicy;
use budgetguard::policy::wasm::{WasmPolicy, WasmRuntime};
use budgetguard::policy::{Asked, PolicyEngine};

#[path = "../tests/policy/module.rs"]
mod module;

const ABI_MINOR: u8 = 3;

const ROUNDS: usize = 200_000;
/// More models than a thread remembers: each is asked about as if for the first time.
const MODELS: usize = 1_024;
const BUDGETS: usize = 2;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    say(&format!(
        "{:<44} {:>9} {:>9} {:>9} {:>9}",
        "microseconds", "new p50", "p99", "again p50", "p99"
    ));
    if files.is_empty() {
        measure("default policy, Rego", &RegoPolicy::embedded()?)?;
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy/modules");
        for name in ["allow", "decision"] {
            let file = modules.join(name);
            measure(
                &format!("{name}, Rego"),
                &RegoPolicy::load(&file.with_extension("rego"))?,
            )?;
            measure(
                &format!("{name}, wasm"),
                &wasm(&compile(&file.with_extension("c"))?)?,
            )?;
        }
    }
    for file in files {
        let name = file.display().to_string();
        if file
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            measure(&name, &wasm(&std::fs::read(&file)?)?)?;
        } else {
            measure(&name, &RegoPolicy::load(&file)?)?;
        }
    }
    Ok(())
}

fn wasm(module: &[u8]) -> Result<WasmPolicy> {
    let runtime = WasmRuntime::default();
    Ok(WasmPolicy::of_module(
        &runtime,
        "policy.wasm",
        (module, None),
    )?)
}

fn compile(source: &Path) -> Result<Vec<u8>> {
    module::compile(source, ABI_MINOR).map_err(|problem| anyhow!(problem))
}

fn measure(name: &str, policy: &dyn PolicyEngine) -> Result<()> {
    let models: Vec<String> = (0..MODELS).map(|model| format!("gpt-{model}")).collect();
    let budgets = vec![figures(); BUDGETS];
    let tree = TagTree::default();
    let mut figures = Vec::new();
    for models in [models.as_slice(), models.get(..1).unwrap_or_default()] {
        let mut nanos = Vec::with_capacity(ROUNDS);
        let mut pending = 0_usize;
        for model in models.iter().cycle().take(ROUNDS) {
            let input = request((model, &budgets), &tree);
            let started = Instant::now();
            let asked = policy.ask(black_box(&input));
            pending = pending.saturating_add(usize::from(matches!(asked, Asked::Pending(_))));
            if let Asked::Decided(decision) = asked {
                black_box(decision)?;
            }
            nanos.push(started.elapsed().as_nanos());
        }
        nanos.sort_unstable();
        if pending > 0 {
            say(&format!(
                "{name}: {pending} of {ROUNDS} were not decided at once"
            ));
        }
        for place in [ROUNDS / 2, ROUNDS / 100 * 99] {
            let nanos = u32::try_from(nanos.get(place).copied().unwrap_or_default())?;
            figures.push(format!("{:>9.2}", f64::from(nanos) / 1e3));
        }
    }
    say(&format!("{name:<44} {}", figures.join(" ")));
    Ok(())
}

fn say(line: &str) {
    // A closed pipe is the reader's wish, not a failure.
    let _ = writeln!(io::stdout(), "{line}");
}

fn request<'a>(
    (model, budgets): (&'a str, &'a [BudgetFigures]),
    tree: &'a TagTree,
) -> PolicyInput<'a> {
    PolicyInput {
        model,
        model_asked: model,
        streamed: true,
        budgets,
        ..PolicyInput::example(tree)
    }
}

fn figures() -> BudgetFigures {
    BudgetFigures {
        scope: Scope::Tenant(TenantId(1)),
        period: Period::Daily,
        window: Window {
            start: UtcMicros::new(1_795_392_000_000_000),
            end: UtcMicros::new(1_795_478_400_000_000),
        },
        limit: Usd::from_nanos(10_000_000_000),
        balance: Balance {
            spent: Usd::from_nanos(1_250_000_000),
            held: Usd::from_nanos(7_500_000),
        },
    }
}
