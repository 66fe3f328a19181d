//! What calls cost, by the providers' price lists and arithmetic of its own.

use budgetguard::simulator::BilledTokens;
use serde_json::Value;

/// Pico-USD for each token: input, cached input, cache write, output.
fn rates(model: &str) -> [u64; 4] {
    match model {
        "gpt-4o-mini" => [150_000, 75_000, 0, 600_000],
        "gpt-5-mini" => [250_000, 25_000, 0, 2_000_000],
        "claude-haiku-4-5" => [1_000_000, 100_000, 1_250_000, 5_000_000],
        "gemini-2.5-flash" => [300_000, 30_000, 0, 2_500_000],
        "gpt-3.5-turbo-instruct" => [1_500_000, 0, 0, 2_000_000],
        "text-embedding-3-small" => [20_000, 0, 0, 0],
        "gemini-embedding-001" => [150_000, 0, 0, 0],
        "gemini-embedding-2" => [200_000, 0, 0, 0],
        other => panic!("no price of {other} here"),
    }
}

/// What a call costs in nano-USD, rounded up once.
pub(crate) fn cost(model: &str, billed: &BilledTokens) -> i64 {
    let [input, cached, write, output] = rates(model);
    let plain = billed.input - billed.cached_input - billed.cache_write;
    let picos = plain * input
        + billed.cached_input * cached
        + billed.cache_write * write
        + billed.output * output;
    i64::try_from(picos.div_ceil(1_000)).unwrap()
}

/// What the tokens of a row cost, none of them cached.
pub(crate) fn cost_of_row(row: &Value) -> i64 {
    let billed = BilledTokens {
        input: row["promptTok"].as_u64().unwrap(),
        output: row["compTok"].as_u64().unwrap(),
        ..BilledTokens::default()
    };
    cost(row["model"].as_str().unwrap(), &billed)
}

/// What a row says that it cost.
pub(crate) fn usd(row: &Value) -> i64 {
    crate::gateway::nanos(row["usd"].as_str().unwrap())
}
