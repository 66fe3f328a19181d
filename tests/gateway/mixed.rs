//! Thousands of calls of every kind at once: the ledger agrees with the provider's own books, row by
//! row, to the nano-dollar, by prices and arithmetic of this test's own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use budgetguard::simulator::{BilledTokens, CallOutcome, CallRecord};
use futures::{StreamExt, stream};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::usd;

/// How many calls, unless `BUDGETGUARD_MIXED_CALLS` says otherwise.
const CALLS: usize = 10_000;
const AT_ONCE: usize = 32;
const SEED: u64 = 20_261_129;

/// Pico-dollars for each unit, as the price list has them.
struct List(HashMap<(String, String, String, String), BTreeMap<u64, u64>>);

impl List {
    fn read() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/prices/rates.csv");
        let text = std::fs::read_to_string(file).unwrap();
        let mut list: HashMap<_, BTreeMap<u64, u64>> = HashMap::new();
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let [provider, model, tier, above, kind, usd, per] = cells[..] else {
                panic!("{line}");
            };
            let [provider, model, tier, kind] = [provider, model, tier, kind].map(str::to_owned);
            let rates = list.entry((provider, model, tier, kind)).or_default();
            rates.insert(above.parse().unwrap(), picos(usd, per));
        }
        Self(list)
    }

    /// Whether the list has prices for the tier that a call was billed at; if not, the normal ones count.
    fn has_tier(&self, call: &CallRecord) -> bool {
        self.0.contains_key(&key(call, tier(call), "input"))
    }

    /// The rate of a kind for a request with so much input: the list's own, else that of the kind that
    /// the list means when it names none.
    fn rate(&self, call: &CallRecord, kind: &str) -> u64 {
        let tier = if self.has_tier(call) {
            tier(call)
        } else {
            "standard"
        };
        let rates = self.0.get(&key(call, tier, kind));
        if let Some(rates) = rates {
            let reached = rates
                .iter()
                .filter(|(above, _)| **above == 0 || call.billed.input > **above);
            return *reached.max_by_key(|(above, _)| **above).unwrap().1;
        }
        match kind {
            "web_search_call" => self.0.get(&key(call, "standard", kind)).unwrap()[&0],
            "cached_input" | "image_input" => self.rate(call, "input"),
            "reasoning_output" => self.rate(call, "output"),
            _ => panic!("no {kind} of {}", call.model),
        }
    }

    /// What a call costs in nano-dollars, rounded up once.
    fn cost(&self, call: &CallRecord) -> i64 {
        let billed = &call.billed;
        let in_parts = [
            ("cached_input", billed.cached_input),
            ("cache_write", billed.cache_write),
            ("cache_write_1h", billed.cache_write_1h),
            ("audio_input", billed.audio_input),
            ("image_input", billed.image_input),
        ];
        let out_parts = [
            ("reasoning_output", billed.reasoning),
            ("audio_output", billed.audio_output),
            ("image_output", billed.image_output),
        ];
        let sum = |parts: &[(&str, u64)]| parts.iter().map(|(_, units)| units).sum::<u64>();
        let whole = [
            ("input", billed.input - sum(&in_parts)),
            ("output", billed.output - sum(&out_parts)),
            ("web_search_call", billed.web_search_calls),
        ];
        let used = in_parts.iter().chain(&out_parts).chain(&whole);
        let used = used.filter(|(_, units)| *units > 0);
        let mut picos: u128 = used
            .map(|(kind, units)| u128::from(*units) * u128::from(self.rate(call, kind)))
            .sum();
        if billed.stored_token_seconds > 0 {
            let of_hours = u128::from(self.rate(call, "cache_storage"));
            let stored = u128::from(billed.stored_token_seconds);
            picos += (stored * of_hours).div_ceil(3_600);
        }
        i64::try_from(picos.div_ceil(1_000)).unwrap()
    }
}

fn key(call: &CallRecord, tier: &str, kind: &str) -> (String, String, String, String) {
    let provider = format!("{:?}", call.dialect).to_lowercase();
    let provider = provider.replace("gemini", "google");
    (
        provider,
        call.model.clone(),
        tier.to_owned(),
        kind.to_owned(),
    )
}

fn picos(usd: &str, per: &str) -> u64 {
    let (whole, fraction) = usd.split_once('.').unwrap_or((usd, ""));
    let digits = if per == "1" { 12 } else { 6 };
    format!("{whole}{fraction:0<digits$}").parse().unwrap()
}

/// The tier that a call was billed at, as the price list calls it.
fn tier(call: &CallRecord) -> &str {
    match &*call.tier {
        "" | "default" | "standard" | "on_demand" | "ON_DEMAND" => "standard",
        other => other,
    }
}

/// A call, and whether its caller leaves before the end.
struct Plan {
    path: String,
    body: Sent,
    leaves: bool,
}

/// What is sent.
enum Sent {
    Json(Value),
    /// Fields, and one file.
    Form(&'static [(&'static str, &'static str)], &'static str),
}

fn plan(rng: &mut SmallRng) -> Plan {
    let (path, body) = match rng.random_range(0..10) {
        0..2 => media(rng),
        2..4 => beside_text(rng),
        _ => return plan_of_text(rng),
    };
    Plan {
        path: path.to_owned(),
        body,
        leaves: false,
    }
}

fn plan_of_text(rng: &mut SmallRng) -> Plan {
    let streamed = rng.random_bool(0.5);
    let leaves = streamed && rng.random_bool(0.1);
    let prompt = prompt(rng, streamed);
    let message = json!([{"role": "user", "content": prompt}]);
    let chat = |model: &str| json!({"model": model, "messages": message, "stream": streamed});
    let (path, body) = match rng.random_range(0..10) {
        0 => ("/v1/chat/completions", chat("gpt-4o-mini")),
        1 => ("/v1/chat/completions", chat("gpt-5-mini")),
        2 => {
            let body = json!({"model": "gpt-5-mini", "input": prompt, "stream": streamed});
            ("/v1/responses", body)
        }
        3 => {
            let body =
                json!({"model": "gpt-3.5-turbo-instruct", "prompt": prompt, "stream": streamed});
            ("/v1/completions", body)
        }
        4 => {
            let body = json!({"model": "text-embedding-3-small", "input": prompt});
            ("/v1/embeddings", body)
        }
        5 => {
            let mut body = chat("claude-haiku-4-5");
            body["max_tokens"] = json!(4_000);
            ("/v1/messages", body)
        }
        6 => ("/v1/chat/completions", chat("claude-haiku-4-5")),
        7 => (
            "/v1/responses",
            json!({"model": "gemini-2.5-flash", "input": prompt, "stream": streamed}),
        ),
        8 => {
            let body = json!({"content": {"parts": [{"text": prompt}]}});
            ("/v1beta/models/gemini-embedding-001:embedContent", body)
        }
        _ => {
            let body = json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]});
            let path = match (streamed, rng.random_bool(0.5)) {
                (false, _) => "/v1beta/models/gemini-2.5-pro:generateContent",
                (true, true) => "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
                (true, false) => "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            };
            (path, body)
        }
    };
    Plan {
        path: path.to_owned(),
        body: Sent::Json(body),
        leaves,
    }
}

/// What makes or reads images and sound.
fn media(rng: &mut SmallRng) -> (&'static str, Sent) {
    const TRANSCRIPT: &[(&str, &str)] = &[("model", "gpt-4o-transcribe"), ("stream", "true")];
    const EDIT: &[(&str, &str)] = &[("model", "gpt-image-1.5"), ("prompt", "a hat"), ("n", "2")];
    let (streamed, text) = (rng.random_bool(0.5), words(rng));
    match rng.random_range(0..4) {
        0 => {
            let body = json!({"model": "gpt-image-1-mini", "prompt": text, "stream": streamed,
                "quality": "low", "size": "1024x1536"});
            ("/v1/images/generations", Sent::Json(body))
        }
        1 => ("/v1/images/edits", Sent::Form(EDIT, "image")),
        2 => {
            let body = json!({"model": "gpt-4o-mini-tts", "voice": "alloy", "input": text,
                "stream_format": "sse"});
            ("/v1/audio/speech", Sent::Json(body))
        }
        _ => {
            let fields = if streamed {
                TRANSCRIPT
            } else {
                &TRANSCRIPT[..1]
            };
            ("/v1/audio/transcriptions", Sent::Form(fields, "file"))
        }
    }
}

/// Embeddings, what is kept for later, what is free.
fn beside_text(rng: &mut SmallRng) -> (&'static str, Sent) {
    const FLASH: &str = "models/gemini-2.5-flash";
    let text = words(rng);
    let contents = json!([{"role": "user", "parts": [{"text": text}]}]);
    match rng.random_range(0..6) {
        0 => {
            let model = "models/gemini-embedding-001";
            let one = json!({"model": model, "content": {"parts": [{"text": text}]}});
            let body = json!({"requests": [one.clone(), one]});
            let path = "/v1beta/models/gemini-embedding-001:batchEmbedContents";
            (path, Sent::Json(body))
        }
        1 => {
            let ttl = format!("{}s", rng.random_range(1..100_000));
            let body = json!({"model": FLASH, "contents": contents, "ttl": ttl});
            ("/v1beta/cachedContents", Sent::Json(body))
        }
        2 => {
            let path = "/v1beta/models/gemini-2.5-flash:countTokens";
            (path, Sent::Json(json!({"contents": contents})))
        }
        3 => {
            let message = json!([{"role": "user", "content": text}]);
            let body = json!({"model": "claude-haiku-4-5", "messages": message});
            ("/v1/messages/count_tokens", Sent::Json(body))
        }
        4 => {
            let body = json!({"model": "gpt-5-mini", "input": text});
            ("/v1/responses/input_tokens", Sent::Json(body))
        }
        _ => ("/v1/moderations", Sent::Json(json!({"input": text}))),
    }
}

/// Mostly plain words, some of which the provider answers with an error.
fn words(rng: &mut SmallRng) -> &'static str {
    match rng.random_range(0..10) {
        0 => "[[sim status=429]]",
        1 => "[[sim status=500]]",
        _ => "some words",
    }
}

/// What the provider is asked to do: usage of several kinds, a tier, an error, a broken stream.
fn prompt(rng: &mut SmallRng, streamed: bool) -> String {
    let input = *[12, 900, 250_000].get(rng.random_range(0..3)).unwrap();
    let output = rng.random_range(1..60);
    let more = match rng.random_range(0..10) {
        0 => format!("cached={}", rng.random_range(1..12)),
        1 => format!("reasoning={}", rng.random_range(0..output)),
        2 => "tier=priority".to_owned(),
        3 => {
            let statuses = [400, 401, 404, 429, 500, 503, 529];
            let status = statuses[rng.random_range(0..statuses.len())];
            return format!("[[sim status={status}]]");
        }
        // Without its usage, the input is what it is.
        4 if streamed => return format!("[[sim output={output} chunks=8 cut_after=3]]"),
        5 if streamed => return format!("[[sim output={output} chunks=8 error_after=3]]"),
        _ => String::new(),
    };
    format!("[[sim input={input} output={output} chunks=8 {more}]]")
}

fn form(fields: &[(&str, &str)], file: &str) -> String {
    let part = |name: &str, more: &str, content: &str| {
        let name = format!("name=\"{name}\"{more}");
        format!("--BoUnDaRy\r\nContent-Disposition: form-data; {name}\r\n\r\n{content}\r\n")
    };
    let fields: String = fields
        .iter()
        .map(|(name, text)| part(name, "", text))
        .collect();
    let file = part(file, "; filename=\"a.wav\"", "RIFF, or a picture");
    fields + &file + "--BoUnDaRy--\r\n"
}

async fn carry_out(gateway: &TestGateway, tenant: &Tenant, plan: Plan) {
    let request = gateway.request(Method::POST, &plan.path);
    let request = match plan.body {
        Sent::Json(body) => request.json(&body),
        Sent::Form(fields, file) => request
            .header(CONTENT_TYPE, "multipart/form-data; boundary=BoUnDaRy")
            .body(form(fields, file)),
    };
    let request = request
        .header("anthropic-version", "2023-06-01")
        .header("x-api-key", &tenant.key);
    // A connection is closed after a stream that broke: who uses it again before that is known asks once more.
    let again = request.try_clone().unwrap();
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(_closed) => again.send().await.unwrap(),
    };
    if plan.leaves {
        let _first = answer.bytes_stream().next().await;
        return;
    }
    // A broken stream is an error here; what became of it is in the books.
    let _ = answer.bytes().await;
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
fn calls() -> usize {
    let asked = std::env::var("BUDGETGUARD_MIXED_CALLS");
    asked.map_or(CALLS, |calls| calls.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_of_thousands_of_mixed_calls_is_the_providers_own() {
    // Read to the end, an abandoned answer tells its usage.
    let gateway = Setup::new().env("ABORT_MODE", "drain").start().await;
    let tenant = gateway.tenant("mixed").await;
    let mut rng = SmallRng::seed_from_u64(SEED);
    let count = calls();
    let plans: Vec<Plan> = (0..count).map(|_| plan(&mut rng)).collect();
    let each = plans
        .into_iter()
        .map(|plan| carry_out(&gateway, &tenant, plan));
    stream::iter(each)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;

    let rows = gateway.ledger_of(&tenant, count).await;
    gateway.assert_nothing_held().await;
    let books: HashMap<String, Arc<CallRecord>> = gateway
        .simulator
        .calls()
        .into_iter()
        .map(|call| (call.request_id.clone(), Arc::new(call)))
        .collect();
    assert_eq!(books.len(), count, "each call was made once");
    let list = List::read();
    let mut exact = 0;
    for row in &rows {
        let id = row["upstreamRequestId"].as_str().unwrap();
        let call = &books[id];
        exact += usize::from(check(&list, row, call));
    }
    // All but the broken streams, of which nobody knows the usage.
    assert!(exact * 100 >= count * 90, "{exact} of {count} are exact");
}

/// Holds a row against the provider's record; whether it had to be exact.
fn check(list: &List, row: &Value, call: &CallRecord) -> bool {
    let billed = list.cost(call);
    let context = format!("{row} for {call:?}");
    if row["reason"] == "upstream_error_in_stream" {
        // The usage may never have come.
        assert!(usd(row) >= billed, "{context}");
        return false;
    }
    match call.outcome {
        CallOutcome::Refused => {
            assert_eq!(
                (usd(row), &row["status"]),
                (0, &json!("failed")),
                "{context}"
            );
            true
        }
        CallOutcome::Finished => {
            assert_eq!(usd(row), billed, "{context}");
            let is_free = call.billed == BilledTokens::default();
            let basis = if is_free || list.has_tier(call) {
                "measured"
            } else {
                "estimated"
            };
            assert_eq!(row["basis"], basis, "{context}");
            true
        }
        CallOutcome::Cut | CallOutcome::Aborted => {
            // Google tells with each piece what was used up to it.
            assert!(usd(row) >= billed, "{context}");
            false
        }
        CallOutcome::InFlight => panic!("still under way: {context}"),
    }
}
