//! Rules of a tenant's own are asked after the installation's, can only tighten, and hold on every replica.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::postgres::Schema;
use crate::replicas::{CHANGE_HOLDS_WITHIN, PEPPER, within};

const DENY: &str = "default allow := false\nreason := \"not this tenant\"";

fn path(tenant: &Tenant, what: &str) -> String {
    format!("/admin/tenant/{}/policy-bundles{what}", tenant.id)
}

/// Uploads rules and puts them in force.
async fn rule(gateway: &TestGateway, tenant: &Tenant, rules: &str) {
    let text = format!("package budgetguard.policy\n{rules}");
    let body = json!({"files": {"own.rego": text}});
    let made = gateway.admin(Method::POST, &path(tenant, ""), body).await;
    let version = made["version"].as_i64().unwrap();
    let activate = path(tenant, &format!("/{version}/activate"));
    gateway.admin(Method::POST, &activate, Value::Null).await;
}

async fn status(gateway: &TestGateway, tenant: &Tenant) -> u16 {
    let call = Dialect::OpenAi.call("[[sim output=5]]", Some(5), false);
    call.send(gateway, tenant).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_rules_deny_its_own_requests_in_each_dialect_and_nobody_elses() {
    let gateway = Setup::new().start().await;
    let (ruled, free) = (gateway.tenant("ruled").await, gateway.tenant("free").await);
    rule(&gateway, &ruled, DENY).await;
    for dialect in Dialect::ALL {
        let call = dialect.call("hello", Some(16), false);
        let refused = call.refused(&gateway, &ruled).await;
        assert_eq!((refused.status, &*refused.code), (403, "policy_denied"));
        assert_eq!(refused.message, "not this tenant");
        call.text(&gateway, &free).await;
    }
    let back = path(&ruled, "/deactivate");
    gateway.admin(Method::POST, &back, Value::Null).await;
    assert_eq!(status(&gateway, &ruled).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_rules_cannot_allow_what_the_installation_denies() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("own.rego");
    fs::write(&file, format!("package budgetguard.policy\n{DENY}")).unwrap();
    let setup = Setup::new().env("OPA_POLICY_PATH", file.to_string_lossy());
    let gateway = setup.start().await;
    let tenant = gateway.tenant("ruled").await;
    rule(&gateway, &tenant, "allow := true").await;
    assert_eq!(status(&gateway, &tenant).await, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_rules_see_its_budgets() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("ruled", "7").await;
    let reads = "allow if {\n\tsome budget in input.budgets\n\tbudget.budget == 7\n}";
    rule(&gateway, &tenant, reads).await;
    assert_eq!(status(&gateway, &tenant).await, 200);
    let reads = "allow if {\n\tsome budget in input.budgets\n\tbudget.budget == 8\n}";
    rule(&gateway, &tenant, reads).await;
    assert_eq!(status(&gateway, &tenant).await, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_rules_outlive_a_restart() {
    let mut gateway = Setup::new().start().await;
    let tenant = gateway.tenant("ruled").await;
    rule(&gateway, &tenant, DENY).await;
    gateway.kill();
    gateway.start().await;
    assert_eq!(status(&gateway, &tenant).await, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_are_activated_on_one_replica_hold_on_the_other_within_a_second() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let setup = || {
        Setup::new()
            .env("DATABASE_URL", schema.url())
            .env("KEY_PEPPER", PEPPER)
    };
    let (one, other) = (setup().start().await, setup().start().await);
    let tenant = one.tenant("shared").await;
    let becomes = async |expected: u16, what: &str| {
        within(CHANGE_HOLDS_WITHIN, what, async || {
            status(&other, &tenant).await == expected
        })
        .await;
    };
    becomes(200, "a new key").await;
    rule(&one, &tenant, "allow := true").await;
    rule(&one, &tenant, DENY).await;
    becomes(403, "an activated version").await;
    let back = path(&tenant, "/rollback");
    one.admin(Method::POST, &back, Value::Null).await;
    becomes(200, "a version that was rolled back").await;
    drop((one, other));
    schema.drop().await;
}
