//! What an entry says, and that its row comes back exactly.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName};
use crate::domain::ledger::Status;
use crate::domain::object::ObjectNotes;
use crate::domain::pricing::Tier;
use crate::domain::session::SessionRef;
use crate::domain::tag::{TagShare, TagShares};
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::UtcMicros;

#[derive(Debug)]
struct Known;

impl Names for Known {
    fn tenant(&self, tenant: TenantId) -> Option<String> {
        (tenant == TenantId(1)).then(|| "acme".to_owned())
    }

    fn tag(&self, _tenant: TenantId, tag: TagId) -> Option<String> {
        (tag == TagId(3)).then(|| "team \"a\"".to_owned())
    }
}

fn share(tag: i64, millionths: u32) -> TagShare {
    TagShare {
        tag: TagId(tag),
        weight: Weight::from_millionths(millionths).unwrap(),
        is_inherited: tag != 3,
    }
}

fn row() -> LedgerRow {
    LedgerRow {
        request: RequestId::from_bytes([7; 16]),
        at: UtcMicros::new(1_700_000_000_123_456),
        tenant: TenantId(1),
        key: ApiKeyId(2),
        session: Some(SessionRef {
            id: "s 1".to_owned(),
            name: Some("a name".to_owned()),
            path: None,
        }),
        tags: TagShares::from_slice(&[share(3, 1_000_000), share(4, 500_000)]),
        route: "/v1/chat/completions".into(),
        provider: ProviderName::new("openai"),
        model: ModelName::new("gpt-5-mini"),
        model_asked: None,
        attempt_of: None,
        model_served: Some(ModelName::new("gpt-5-mini-2025-08-07")),
        status: Status::Failed,
        reason: Some(Cow::Borrowed("upstream_error")),
        http_status: Some(502),
        streamed: true,
        usage: TokenUsage {
            input: 100,
            output: 20,
            ..TokenUsage::default()
        },
        tier: Tier::default(),
        price: Some(PriceId(5)),
        cost: Usd::from_nanos(7_500_499),
        held: Usd::from_nanos(9_000_000),
        basis: Basis::Measured,
        latency_us: 1_234,
        first_byte_us: Some(456),
        upstream_request_id: Some("req-1".to_owned()),
        ruling: None,
        objects: ObjectNotes::default(),
    }
}

/// As a worker gets it.
fn taken(entry: &Entry) -> Taken {
    let fields = entry.fields.iter();
    let fields = fields.map(|(name, value)| (name.as_bytes().to_vec(), value.clone()));
    let id = EntryId {
        millis: 1,
        number: 0,
    };
    Taken::read(id, fields.collect())
}

fn with(mut entry: Entry, name: &'static str, value: &[u8]) -> Entry {
    entry.fields.retain(|(known, _)| *known != name);
    entry.fields.push((name, value.to_vec()));
    entry
}

#[test]
fn the_fields_are_those_that_the_stream_always_had() {
    let entry = Entry::new(&row(), "one", &Known).unwrap();
    let text = |(name, value): &(&str, Vec<u8>)| {
        format!("{name}={}", String::from_utf8(value.clone()).unwrap())
    };
    let (packed, readable) = entry.fields.split_last().unwrap();
    assert_eq!(packed.0, "row");
    let readable: Vec<String> = readable.iter().map(text).collect();
    assert_eq!(
        readable,
        [
            "ts=1700000000123",
            "tenant=acme",
            "route=/v1/chat/completions",
            "model=gpt-5-mini",
            "usd=0.007500",
            "promptTok=100",
            "compTok=20",
            "status=failed",
            "reason=upstream_error",
            "sessionId=s 1",
            r#"tags=[{"id":3,"name":"team \"a\"","weight":1},{"id":4,"name":"4","weight":0.5}]"#,
            "request=07070707-0707-0707-0707-070707070707",
            "gateway=one",
            "form=2",
        ]
    );
}

#[test]
fn what_a_row_does_not_have_is_no_field() {
    let bare = LedgerRow {
        tenant: TenantId(9),
        session: None,
        tags: TagShares::new(),
        reason: None,
        ..row()
    };
    let entry = Entry::new(&bare, "one", &Known).unwrap();
    for name in ["sessionId", "tags", "reason"] {
        assert!(
            entry.fields.iter().all(|(known, _)| *known != name),
            "{name}"
        );
    }
    assert!(entry.fields.contains(&("tenant", b"9".to_vec())));
    assert_eq!(taken(&entry).row, Ok(bare));
}

#[test]
fn an_entry_that_is_not_what_it_says_has_no_row() {
    let entry = || Entry::new(&row(), "one", &Known).unwrap();
    let packed = postcard::to_stdvec(&row()).unwrap();
    let cut_off = &packed[..packed.len() - 1];
    let too_long = [&packed[..], b"x"].concat();
    let other = RequestId::from_bytes([8; 16]).to_string();
    for (wrong, why) in [
        (
            with(entry(), "form", b"1"),
            Undecodable::OtherForm("1".to_owned()),
        ),
        (with(entry(), "row", cut_off), Undecodable::Damaged),
        (with(entry(), "row", &too_long), Undecodable::Damaged),
        (
            with(entry(), "request", other.as_bytes()),
            Undecodable::OtherRequest,
        ),
        (
            with(entry(), "request", b"?"),
            Undecodable::Missing("request"),
        ),
    ] {
        assert_eq!(taken(&wrong).row, Err(why));
    }
}

/// If this fails, [`LedgerRow`] changed: `FORM` has to be another one, or rows of gateways and workers of
/// two versions are taken for something else than they are.
#[test]
fn the_form_of_a_row_is_this_one() {
    let packed = postcard::to_stdvec(&row()).unwrap();
    let hex: Vec<String> = packed.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex.concat());
}

#[test]
fn amounts_have_six_decimals() {
    for (nanos, text) in [
        (0, "0.000000"),
        (499, "0.000000"),
        (500, "0.000001"),
        (7_500_000, "0.007500"),
        (12_000_000_000_499, "12000.000000"),
        (-1_500, "-0.000002"),
    ] {
        assert_eq!(six_decimals(Usd::from_nanos(nanos)), text);
    }
}

proptest! {
    #[test]
    fn a_row_comes_back_exactly(
        [cost, held] in any::<[i64; 2]>(),
        [input, output] in any::<[u64; 2]>(),
        session in proptest::option::of(".*"),
        bytes in any::<[u8; 16]>(),
        streamed in any::<bool>(),
    ) {
        let row = LedgerRow {
            request: RequestId::from_bytes(bytes),
            cost: Usd::from_nanos(cost),
            held: Usd::from_nanos(held),
            usage: TokenUsage { input, output, ..TokenUsage::default() },
            session: session.map(|id| SessionRef { id, name: None, path: None }),
            streamed,
            ..row()
        };
        let entry = Entry::new(&row, "one", &Known).unwrap();
        prop_assert_eq!(taken(&entry).row, Ok(row));
    }
}
