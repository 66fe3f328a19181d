//! Tests of the input document.

use super::*;
use crate::domain::id::TenantId;

fn figures(window: Window) -> BudgetFigures {
    BudgetFigures {
        scope: Scope::Tenant(TenantId(1)),
        period: Period::Daily,
        window,
        limit: Usd::from_nanos(10_000_000_000),
        balance: Balance {
            spent: Usd::from_nanos(1_250_000_000),
            held: Usd::from_nanos(500_000_000),
        },
    }
}

fn input<'a>(session: Option<&'a str>, budgets: &'a [BudgetFigures]) -> PolicyInput<'a> {
    PolicyInput {
        tenant: "acme",
        key: ApiKeyId(7),
        route: "/v1/chat/completions",
        model: "gpt-5",
        provider: "openai",
        streamed: true,
        session,
        hour: 23,
        estimate: Usd::from_nanos(7_500_000),
        budgets,
    }
}

#[test]
fn the_document_has_the_names_and_figures_that_rules_use() {
    let day = Window {
        start: UtcMicros::new(0),
        end: UtcMicros::new(86_400_000_000),
    };
    let document =
        InputBuilder::new(&InputRead::Whole).document(&input(Some("chat-1"), &[figures(day)]));
    let expected = r#"{
        "tenant": "acme",
        "key": 7,
        "route": "/v1/chat/completions",
        "model": "gpt-5",
        "provider": "openai",
        "streamed": true,
        "session": "chat-1",
        "time": 23,
        "estimate": 0.0075,
        "budgets": [
            {
                "scope": "tenant",
                "period": "daily",
                "usage": 1.25,
                "held": 0.5,
                "budget": 10,
                "remaining": 8.25,
                "start": "1970-01-01T00:00:00.000Z",
                "end": "1970-01-02T00:00:00.000Z"
            }
        ]
    }"#;
    assert_eq!(document, Value::from_json_str(expected).unwrap());
}

#[test]
fn both_engines_are_told_the_same() {
    let day = Window {
        start: UtcMicros::new(0),
        end: UtcMicros::new(86_400_000_000),
    };
    let budgets = [figures(day), figures(Window::TOTAL)];
    let quoted = "quote \" and \\ and \u{1} and ä";
    for input in [input(Some(quoted), &budgets), input(None, &[])] {
        for reads in [
            InputRead::Whole,
            InputRead::by("input.budgets"),
            InputRead::by("input.model"),
        ] {
            let builder = InputBuilder::new(&reads);
            let text = String::from_utf8(builder.json(&input)).unwrap();
            let read = Value::from_json_str(&text).unwrap();
            assert_eq!(read, builder.document(&input), "{text}");
        }
    }
}

#[test]
fn what_does_not_exist_is_left_out_of_the_document() {
    let document =
        InputBuilder::new(&InputRead::Whole).document(&input(None, &[figures(Window::TOTAL)]));
    let text = document.to_json_str().unwrap();
    for absent in ["session", "start", "end"] {
        assert!(
            !text.contains(&format!("\"{absent}\"")),
            "`{absent}` in {text}"
        );
    }
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
