//! What one evaluation of the policy costs: `cargo run --release --example policy_cost [FILE]`.
//! Prints microseconds per decision with no, two and eight budgets.

use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use budgetguard::domain::budget::{Balance, Scope};
use budgetguard::domain::id::{ApiKeyId, TenantId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::TagTree;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::policy::input::{BudgetFigures, PolicyInput, TagsOfInput};
use budgetguard::policy::rego::RegoPolicy;
use budgetguard::policy::{PolicyEngine, PolicyError};
use jiff::tz::TimeZone;

const ROUNDS: u32 = 200_000;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), PolicyError> {
    let policy = match std::env::args().nth(1) {
        Some(path) => RegoPolicy::load(Path::new(&path))?,
        None => RegoPolicy::embedded()?,
    };
    let tree = TagTree::default();
    for count in [0, 2, 8] {
        let budgets = vec![figures(); count];
        let started = Instant::now();
        for _ in 0..ROUNDS {
            black_box(policy.decide(black_box(&request(&budgets, &tree)))?);
        }
        let micros = started.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
        // A closed pipe is the reader's wish, not a failure.
        let _ = writeln!(io::stdout(), "{count} budgets: {micros:.2} us");
    }
    Ok(())
}

fn request<'a>(budgets: &'a [BudgetFigures], tree: &'a TagTree) -> PolicyInput<'a> {
    PolicyInput {
        tenant: "acme",
        key: ApiKeyId(7),
        key_name: "laptop",
        route: "/v1/chat/completions",
        model: "gpt-5",
        model_asked: "gpt-5",
        provider: "openai",
        streamed: true,
        tags: TagsOfInput { shares: &[], tree },
        session: None,
        at: UtcMicros::new(1_795_400_000_000_000),
        time_zone: &TimeZone::UTC,
        estimate: Some(Usd::from_nanos(2_500_000)),
        worst_case: Some(Usd::from_nanos(7_500_000)),
        budgets,
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
