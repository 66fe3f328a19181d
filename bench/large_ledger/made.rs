//! Rows as they are made: the same for the same number, as if by chance.

use budgetguard::domain::id::{ApiKeyId, ModelName, ProviderName, RequestId, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::ObjectNotes;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::session::SessionRef;
use budgetguard::domain::tag::{TagShare, TagShares, Weight};
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::UtcMicros;

pub(crate) const TENANTS: u64 = 50;
pub(crate) const KEYS_EACH: u64 = 4;
pub(crate) const TAGS_EACH: u64 = 8;
const MODELS: [(&str, &str, &str); 12] = [
    ("openai", "gpt-5", "/v1/chat/completions"),
    ("openai", "gpt-5-mini", "/v1/chat/completions"),
    ("openai", "gpt-5", "/v1/responses"),
    ("openai", "text-embedding-3-small", "/v1/embeddings"),
    ("openai", "gpt-4o-mini", "/v1/chat/completions"),
    ("anthropic", "claude-sonnet-4-5", "/v1/messages"),
    ("anthropic", "claude-haiku-4-5", "/v1/messages"),
    ("anthropic", "claude-opus-4-1", "/v1/messages"),
    ("google", "gemini-2.5-pro", "/v1beta/models/generateContent"),
    (
        "google",
        "gemini-2.5-flash",
        "/v1beta/models/streamGenerateContent",
    ),
    ("openai", "o3", "/v1/responses"),
    ("openai", "gpt-image-1", "/v1/images/generations"),
];

/// What seems to be chance.
struct Chance(u64);

impl Chance {
    fn of(number: u64) -> Self {
        let mut chance = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        chance = (chance ^ (chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        chance = (chance ^ (chance >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(chance ^ (chance >> 31))
    }

    fn dice(&self, shift: u32, sides: u64) -> u64 {
        (self.0 >> shift) % sides
    }

    fn request(&self, at: UtcMicros) -> RequestId {
        let mut entropy = [0; 10];
        entropy[2..].copy_from_slice(&self.0.to_be_bytes());
        RequestId::new(at, entropy)
    }

    fn status(&self) -> Status {
        match self.dice(24, 200) {
            0..=3 => Status::Blocked,
            4..=7 => Status::Failed,
            8..=9 => Status::Aborted,
            10 => Status::Interrupted,
            _ => Status::Success,
        }
    }
}

/// The row of a number.
pub(crate) fn row(number: u64, at: i64) -> LedgerRow {
    let chance = Chance::of(number);
    // A few tenants make most of the requests.
    let tenant = 1 + chance.dice(0, TENANTS).min(chance.dice(8, TENANTS));
    let key = (tenant - 1) * KEYS_EACH + 1 + chance.dice(16, KEYS_EACH);
    let place = usize::try_from((key * 5 + chance.dice(20, 4)) % 12).unwrap_or_default();
    let (provider, model, route) = MODELS.get(place).copied().unwrap_or_default();
    let at = UtcMicros::new(at);
    let input = 200 + chance.dice(30, 4_000);
    LedgerRow {
        request: chance.request(at),
        at,
        tenant: TenantId(tenant.cast_signed()),
        key: ApiKeyId(key.cast_signed()),
        session: (chance.dice(40, 10) < 3).then(|| session(number / 4_000, tenant)),
        tags: tags(tenant, chance.dice(44, 20)),
        route: route.into(),
        provider: ProviderName::new(provider),
        model: ModelName::new(model),
        model_asked: None,
        attempt_of: None,
        model_served: None,
        status: chance.status(),
        reason: None,
        http_status: Some(200),
        streamed: chance.dice(50, 2) == 0,
        usage: TokenUsage {
            input,
            output: input / 3,
            ..TokenUsage::default()
        },
        tier: Tier::Standard,
        price: None,
        // What is refused is not charged.
        cost: match chance.status() {
            Status::Blocked => Usd::ZERO,
            Status::Success | Status::Failed | Status::Aborted | Status::Interrupted => {
                Usd::from_nanos((input * 3_750).cast_signed())
            }
        },
        held: Usd::from_nanos(50_000_000),
        basis: Basis::Measured,
        latency_us: 900_000 + input,
        first_byte_us: Some(300_000),
        upstream_request_id: Some(format!("req_{:016x}", chance.0)),
        ruling: None,
        objects: ObjectNotes::default(),
    }
}

fn session(block: u64, tenant: u64) -> SessionRef {
    SessionRef {
        id: format!("session-{block}-{tenant}"),
        name: None,
        path: None,
    }
}

/// Two of five requests name a tag, which counts on the tenant's first as well.
fn tags(tenant: u64, dice: u64) -> TagShares {
    let root = (tenant - 1) * TAGS_EACH + 1;
    let share = |tag: u64, is_inherited| TagShare {
        tag: TagId(tag.cast_signed()),
        weight: Weight::ONE,
        is_inherited,
    };
    let own = root + dice;
    (1..TAGS_EACH)
        .contains(&dice)
        .then(|| [share(own, false), share(root, true)])
        .into_iter()
        .flatten()
        .collect()
}
