//! The command line over the admin API: what people see, what programs get, and how it fails.

use std::process::Output;

use insta::assert_snapshot;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};
use crate::ports::free_port;

/// What the command says; times are left out.
fn said(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let words = text.split(' ').map(|word| {
        let is_time = word.len() == 24 && word.ends_with('Z') && word.starts_with("20");
        if is_time {
            "<the time at the moment>"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The exit code and what it complains of.
fn complaint(output: &Output) -> (i32, String) {
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code().unwrap(), told)
}

/// Runs a command on a gateway.
fn on(gateway: &TestGateway, arguments: &[&str]) -> Output {
    let mut all = arguments.to_vec();
    all.extend(["--url", &gateway.url]);
    gateway.run(&all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_set_up_and_closed() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    let limits = ["--rate-limit", "60", "--session-budget", "0.000000001"];
    let create = ["tenant", "create", "acme", "--time-zone", "Europe/Paris"];
    assert_snapshot!("tenant_create", say(&[&create[..], &limits].concat()));
    assert_snapshot!("tenant_list", say(&["tenant", "list"]));
    let renamed = ["tenant", "update", "acme", "--name", "acme 2"];
    say(&[&renamed[..], &["--session-budget", "none"]].concat());
    assert_snapshot!("tenant_show", say(&["tenant", "show", "acme 2"]));
    let limits = ["tenant", "limits", "acme 2", "--tokens", "9000"];
    assert_snapshot!("tenant_limits", say(&limits));
    assert_eq!(
        say(&["tenant", "close", "acme 2"]),
        "tenant acme 2 is closed\n"
    );
    let gone = complaint(&on(&gateway, &["tenant", "show", "acme 2"]));
    assert_eq!(
        gone,
        (1, "budgetguard: there is no tenant `acme 2`\n".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_calls_until_it_is_revoked() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    say(&["tenant", "create", "acme"]);
    let key = say(&["key", "create", "--tenant", "acme", "--name", "ci"]);
    let mut caller = gateway.tenant("other").await;
    caller.key = key.trim().to_owned();
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    call.text(&gateway, &caller).await;
    let listed = say(&["key", "list", "--tenant", "acme", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let id = listed[0]["id"].to_string();
    assert_eq!(listed[0]["name"], "ci");
    assert_snapshot!(
        "key_limits",
        say(&["key", "limits", &id, "--requests", "5"])
    );
    assert_eq!(
        say(&["key", "revoke", &id]),
        format!("key {id} is revoked\n")
    );
    let refused = call.refused(&gateway, &caller).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_of_all_scopes_are_set_and_removed() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    let tenant = gateway.tenant("acme").await;
    let key = tenant.key_id.to_string();
    say(&["tag", "--tenant", "acme", "create", "team"]);
    let scopes: [&[&str]; 4] = [
        &[],
        &["--tenant", "acme"],
        &["--key", &key],
        &["--tenant", "acme", "--tag", "team"],
    ];
    for scope in scopes {
        let set = ["budget", "set", "--period", "total", "--usd", "0.000000003"];
        say(&[&set[..], scope].concat());
        let listed = say(&[&["budget", "list", "--json"][..], scope].concat());
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed[0]["amountUsd"], "0.000000003", "{scope:?}");
        let id = listed[0]["id"].to_string();
        let updated = say(&["budget", "update", &id, "--usd", "7.5", "--alerts", "50,90"]);
        assert!(updated.contains("7.5"), "{updated}");
        if scope.len() == 2 && scope[0] == "--tenant" {
            assert_snapshot!("budget_list", say(&["budget", "list", "--tenant", "acme"]));
        }
        say(&["budget", "remove", &id]);
        let listed = say(&[&["budget", "list", "--json"][..], scope].concat());
        assert_eq!(listed, "[]\n", "{scope:?}");
    }
    let unknown = complaint(&on(&gateway, &["budget", "remove", "12345"]));
    assert_eq!(unknown, (1, "budgetguard: Budget not found\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_stand_in_trees() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    gateway.tenant("acme").await;
    let tag = |arguments: &[&str]| say(&[&["tag", "--tenant", "acme"][..], arguments].concat());
    tag(&[
        "create",
        "team",
        "--color",
        "#ff0000",
        "--description",
        "The team",
    ]);
    tag(&[
        "create",
        "research",
        "--parent",
        "team",
        "--session-budget",
        "2",
    ]);
    assert_snapshot!("tag_list", tag(&["list"]));
    tag(&[
        "update", "research", "--parent", "none", "--name", "science",
    ]);
    tag(&["deactivate", "science"]);
    assert!(!tag(&["list"]).contains("science"));
    assert!(tag(&["list", "--all"]).contains("science"));
    tag(&["activate", "science"]);
    tag(&["remove", "science"]);
    assert!(!tag(&["list", "--all"]).contains("science"));
    let whose = complaint(&on(&gateway, &["tag", "list"]));
    assert_eq!(whose.0, 1);
    assert!(whose.1.contains("--tenant"), "{whose:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_gets_a_price_another_and_none() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    let set = ["price", "set", "house/model", "--provider", "openai"];
    let all = ["--input", "1", "--cached", "0.5", "--output", "2.000001"];
    say(&[&set[..], &all, &["--version-tag", "first"]].concat());
    say(&[
        "price",
        "set",
        "house/model",
        "--output",
        "3",
        "--version-tag",
        "second",
    ]);
    say(&["price", "retire", "house/model", "--version-tag", "third"]);
    assert_snapshot!("price_history", {
        let history = say(&["price", "history", "house/model"]);
        // The ids follow those of the price list.
        history
            .lines()
            .map(|line| line.split_at_checked(7).map_or(line, |(_, rest)| rest))
            .collect::<Vec<_>>()
            .join("\n")
    });
    let listed = say(&["price", "list", "--search", "gpt-4o-mini", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert!(!listed.as_array().unwrap().is_empty());
    let incomplete = complaint(&on(&gateway, &["price", "set", "new", "--output", "3"]));
    assert_eq!(incomplete.0, 1, "{incomplete:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_is_told_as_it_is_kept() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    let tenant = gateway.tenant("acme").await;
    let call = Dialect::OpenAi.call("[[sim input=10 output=7]]", Some(16), false);
    call.text(&gateway, &tenant).await;
    let rows = gateway.ledger_of(&tenant, 1).await;
    let cost = rows[0]["usd"].as_str().unwrap();
    let ledger = say(&["usage", "ledger", "--tenant", "acme", "--limit", "5"]);
    assert!(ledger.contains(cost), "{cost} is not in {ledger}");
    assert!(ledger.ends_with("1 of 1\n"), "{ledger}");
    for what in ["history", "models"] {
        let told = say(&["usage", what, "acme", "--days", "1"]);
        assert!(told.contains(cost), "{cost} is not in {told}");
    }
    assert!(say(&["usage", "show", "acme"]).contains(cost));
    let none = say(&["usage", "ledger", "--status", "failed"]);
    assert!(none.ends_with("0 of 0\n"), "{none}");
    assert!(say(&["alert", "list"]).ends_with("0 of 0\n"));
    let no_webhook = complaint(&on(&gateway, &["alert", "test"]));
    let told = "budgetguard: No alert webhook is configured\n".to_owned();
    assert_eq!(no_webhook, (1, told));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_say_what_to_do() {
    let gateway = Setup::new().start().await;
    let (code, told) = complaint(&on(&gateway, &["tenant", "list", "--unknown"]));
    assert_eq!(code, 2, "{told}");
    let (code, told) = complaint(&on(&gateway, &["tenant", "update", "public"]));
    assert_eq!(code, 1);
    assert!(told.contains("nothing to change"), "{told}");
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let (code, told) = complaint(&gateway.run(&["tenant", "list", "--url", &nowhere]));
    assert_eq!(code, 1);
    assert!(told.contains("budgetguard serve"), "{told}");
    let stranger = Setup::new().env("ADMIN_API_KEY", "another").start().await;
    let (code, told) = complaint(&stranger.run(&["tenant", "list", "--url", &gateway.url]));
    assert_eq!(code, 1);
    assert!(told.contains("ADMIN_API_KEY"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_without_a_gateway() {
    let mut gateway = Setup::new().start().await;
    let caller = gateway.tenant("acme").await;
    gateway.kill();
    let made = gateway.run(&["key", "create", "--tenant", "acme", "--offline"]);
    let key = said(&made).trim().to_owned();
    gateway.start().await;
    let caller = crate::gateway::Tenant { key, ..caller };
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    call.text(&gateway, &caller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changed_what_is_told() {
    let gateway = Setup::new().start().await;
    let say = |arguments: &[&str]| said(&on(&gateway, arguments));
    say(&["tenant", "create", "acme"]);
    let audit = say(&["audit", "--tenant", "acme", "--limit", "10"]);
    assert!(audit.contains("tenant.create"), "{audit}");
    assert!(audit.contains("admin_key"), "{audit}");
    let users = say(&["user", "list"]);
    assert!(users.contains("last login"), "{users}");
    let nothing = complaint(&on(
        &gateway,
        &["user", "create", "ann", "--role", "viewer"],
    ));
    assert_eq!(nothing.0, 1);
    assert!(nothing.1.contains("no password"), "{nothing:?}");
}
