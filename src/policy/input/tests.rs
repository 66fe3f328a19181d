//! What documents say, and what is read of them.

use super::*;
use crate::domain::id::{TagId, TenantId};
use crate::domain::session::SessionKey;
use crate::domain::tag::{Tag, TagShares, Weight};

fn figures(scope: Scope, window: Window) -> BudgetFigures {
    BudgetFigures {
        scope,
        period: Period::Daily,
        window,
        limit: Usd::from_nanos(10_000_000_000),
        balance: Balance {
            spent: Usd::from_nanos(1_250_000_000),
            held: Usd::from_nanos(500_000_000),
        },
    }
}

/// What tests of the document start from.
pub(in crate::policy) struct Sample {
    tree: TagTree,
    shares: TagShares,
    zone: TimeZone,
}

impl Sample {
    pub(in crate::policy) fn new() -> Self {
        let tag = |id, name: &str, parent| Tag {
            id: TagId(id),
            name: name.to_owned(),
            parent,
            is_active: true,
            session_budget: None,
        };
        let tree = TagTree::new([tag(1, "research", None), tag(2, "nlp", Some(TagId(1)))]);
        Self {
            shares: tree.shares(&[(TagId(2), Weight::ONE)]),
            tree,
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    pub(in crate::policy) fn input<'a>(
        &'a self,
        session: Option<&'a str>,
        budgets: &'a [BudgetFigures],
    ) -> PolicyInput<'a> {
        PolicyInput {
            tenant: "acme",
            key: ApiKeyId(7),
            key_name: "laptop",
            route: "/v1/chat/completions",
            model: "gpt-5",
            model_asked: "fast",
            provider: "openai",
            streamed: true,
            tags: TagsOfInput {
                shares: &self.shares,
                tree: &self.tree,
            },
            session,
            // Monday, 00:04:55 in Berlin.
            at: UtcMicros::new(1_795_993_495_754_000),
            time_zone: &self.zone,
            estimate: Some(Usd::from_nanos(2_500_000)),
            worst_case: Some(Usd::from_nanos(7_500_000)),
            budgets,
        }
    }

    /// As much of each as there can be.
    pub(in crate::policy) fn budgets() -> Vec<BudgetFigures> {
        let day = Window {
            start: UtcMicros::new(0),
            end: UtcMicros::new(86_400_000_000),
        };
        let session = SessionKey::new(TenantId(1), "chat-1");
        let scopes = [
            Scope::Installation,
            Scope::Tenant(TenantId(1)),
            Scope::Key(ApiKeyId(7)),
            Scope::Tag(TagId(2)),
        ];
        let mut budgets: Vec<_> = scopes.map(|scope| figures(scope, day)).to_vec();
        budgets.push(figures(Scope::Session(session), Window::TOTAL));
        budgets
    }
}

fn whole() -> InputBuilder {
    InputBuilder::new(&InputRead::Whole)
}

#[test]
fn the_document_has_the_names_and_figures_that_rules_use() {
    let (sample, budgets) = (Sample::new(), Sample::budgets());
    let document = whole().document(&sample.input(Some("chat-1"), &budgets));
    let text = document.to_json_str().unwrap();
    insta::assert_json_snapshot!(serde_json::from_str::<serde_json::Value>(&text).unwrap());
}

#[test]
fn json_says_what_the_document_says() {
    let (sample, budgets) = (Sample::new(), Sample::budgets());
    for input in [
        sample.input(Some("a \"quoted\" \u{1f} id"), &budgets),
        sample.input(None, &[]),
    ] {
        let json = Value::from_json_str(&input.to_json()).unwrap();
        assert_eq!(json, whole().document(&input));
    }
}

#[test]
fn what_does_not_exist_is_left_out_of_the_document() {
    let sample = Sample::new();
    let unlimited = [figures(Scope::Installation, Window::TOTAL)];
    let input = PolicyInput {
        estimate: None,
        worst_case: None,
        ..sample.input(None, &unlimited)
    };
    let text = input.to_json();
    for absent in [
        "session",
        "session_spent",
        "session_limit",
        "estimate",
        "worst_case",
        "start",
        "end",
    ] {
        assert!(
            !text.contains(&format!("\"{absent}\"")),
            "`{absent}` in {text}"
        );
    }
}

#[test]
fn what_changes_with_every_request_is_told_from_what_does_not() {
    let volatile = |name: &str| {
        let reads = InputRead::Members(BTreeSet::from([name.to_owned()]));
        InputBuilder::new(&reads).is_volatile()
    };
    for name in ["instant", "minute", "budgets", "session_spent"] {
        assert!(volatile(name), "{name}");
    }
    for name in ["tenant", "tags", "time", "weekday", "date", "worst_case"] {
        assert!(!volatile(name), "{name}");
    }
}

#[test]
fn tags_tell_inputs_apart() {
    let reads = InputRead::Members(BTreeSet::from(["tags".to_owned()]));
    let builder = InputBuilder::new(&reads);
    let sample = Sample::new();
    let tagged = sample.input(None, &[]);
    let untagged = PolicyInput {
        tags: TagsOfInput {
            shares: &[],
            ..tagged.tags
        },
        ..tagged.clone()
    };
    assert_ne!(builder.key(&tagged), builder.key(&untagged));
    assert_eq!(builder.key(&tagged), builder.key(&tagged.clone()));
}

#[test]
fn figures_are_gathered_for_what_needs_them() {
    let reads_figures = |name: &str| {
        let reads = InputRead::Members(BTreeSet::from([name.to_owned()]));
        InputBuilder::new(&reads).reads_figures()
    };
    for name in OF_FIGURES {
        assert!(FACTS.iter().any(|row| row.name == name), "{name}");
        assert!(reads_figures(name), "{name}");
    }
    assert!(!reads_figures("session"));
    assert!(whole().reads_figures());
}

#[test]
fn an_amount_equals_the_same_amount_written_in_a_rule() {
    for text in [
        "0",
        "12",
        "0.1",
        "0.3",
        "0.000000001",
        "-1.5",
        "8999999.999999999",
    ] {
        let written = Value::from_json_str(text).unwrap();
        assert_eq!(dollars(text.parse().unwrap()), written, "{text}");
    }
}

#[test]
fn what_rules_read_is_found_by_their_text() {
    let members =
        |names: &[&str]| InputRead::Members(names.iter().map(|name| (*name).to_owned()).collect());
    for (text, reads) in [
        ("allow := true", members(&[])),
        (
            "# input[x]\nallow if input.tenant == \"a\"",
            members(&["tenant"]),
        ),
        (
            "a if inputs[1]\nb if {input.key; input.time}",
            members(&["key", "time"]),
        ),
        ("b := input.budgets[_].usage", members(&["budgets"])),
        ("a if input[\"model\"] == 1", InputRead::Whole),
        ("a if input\n.model == 1", InputRead::Whole),
        ("import input as request", InputRead::Whole),
        ("a := `\n# ` == input.model", InputRead::Whole),
    ] {
        assert_eq!(InputRead::by(text), reads, "{text}");
    }
}
