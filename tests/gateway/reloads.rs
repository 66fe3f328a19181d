//! The policy's files change while requests run: nothing is dropped, what is broken changes nothing, and whoever
//! operates the gateway is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::ports::free_port;
use crate::receiver::{Receiver, SECRET};
use crate::replicas::within;

/// Within this, a changed file is in force.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(1);
const FAILED: &str = "budgetguard_policy_reload_failed";
const BROKEN: &str = "package budgetguard.policy\nallow if {";

fn rules(reason: &str) -> String {
    format!("package budgetguard.policy\ndefault allow := false\nreason := \"{reason}\"")
}

const ALLOW: &str = "package budgetguard.policy\nallow := true";

struct Place {
    folder: TempDir,
    file: PathBuf,
}

impl Place {
    fn with(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("own.rego");
        fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    fn setup(&self) -> Setup {
        Setup::new().env("OPA_POLICY_PATH", self.file.to_string_lossy())
    }

    /// As editors and deployments do: written beside it and renamed.
    fn replace(&self, text: &str) {
        let beside = self.folder.path().join("own.rego.new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, &self.file).unwrap();
    }
}

fn call() -> Call {
    Dialect::OpenAi.call("[[sim output=5]]", Some(5), false)
}

async fn status(gateway: &TestGateway, tenant: &Tenant) -> u16 {
    call().send(gateway, tenant).await.status().as_u16()
}

async fn is_in_force(gateway: &TestGateway, tenant: &Tenant, reason: &str) {
    within(IN_FORCE_WITHIN, reason, async || {
        let answer = call().send(gateway, tenant).await;
        answer.text().await.unwrap().contains(reason)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_is_in_force_within_a_second() {
    let place = Place::with(ALLOW);
    let gateway = place.setup().start().await;
    let tenant = gateway.tenant("ruled").await;
    assert_eq!(status(&gateway, &tenant).await, 200);
    fs::write(&place.file, rules("written in place")).unwrap();
    is_in_force(&gateway, &tenant, "written in place").await;
    place.replace(&rules("renamed over it"));
    is_in_force(&gateway, &tenant, "renamed over it").await;
    let loaded = "budgetguard_policy_reloads_total{outcome=\"loaded\"}";
    assert_eq!(gateway.metric(loaded).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_a_deployment_exchanges_is_followed() {
    let mount = TempDir::new().unwrap();
    let version = |name: &str, text: &str| {
        let folder = mount.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("own.rego"), text).unwrap();
    };
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, mount.path().join(name)).unwrap();
    };
    version("..one", ALLOW);
    link("..one", "..data");
    link("..data/own.rego", "own.rego");
    let setup = Setup::new().env("OPA_POLICY_PATH", mount.path().to_string_lossy());
    let gateway = setup.start().await;
    let tenant = gateway.tenant("ruled").await;
    assert_eq!(status(&gateway, &tenant).await, 200);
    version("..two", &rules("the second version"));
    link("..two", "..new");
    fs::rename(mount.path().join("..new"), mount.path().join("..data")).unwrap();
    is_in_force(&gateway, &tenant, "the second version").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_is_dropped_while_the_policy_changes() {
    let place = Place::with(ALLOW);
    let gateway = place.setup().start().await;
    let tenant = gateway.tenant_with("ruled", "100").await;
    let is_over = AtomicBool::new(false);
    let ask = async || {
        let mut count = 0_u32;
        while !is_over.load(Ordering::Relaxed) {
            let text = call().text(&gateway, &tenant).await;
            assert!(text.contains("token"), "{text}");
            count += 1;
        }
        count
    };
    let change = async {
        for number in 0..6 {
            let text = if number % 3 == 2 { BROKEN } else { ALLOW };
            place.replace(&format!("# {number}\n{text}"));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), change);
    assert!(one > 0 && two > 0 && three > 0);
    let rows = usize::try_from(one + two + three).unwrap();
    let rows = gateway.ledger_of(&tenant, rows).await;
    assert!(rows.iter().all(|row| row["status"] == "success"));
    let loaded = "budgetguard_policy_reloads_total{outcome=\"loaded\"}";
    assert!(gateway.metric(loaded).await > 0);
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_keeps_the_policy_raises_an_alert_and_a_mended_one_ends_it() {
    let receiver = Receiver::start().await;
    let place = Place::with(&rules("the first"));
    let gateway = place
        .setup()
        .env("ALERT_WEBHOOK_URL", receiver.url())
        .env("ALERT_WEBHOOK_SECRET", SECRET)
        .start()
        .await;
    let tenant = gateway.tenant("ruled").await;
    let told = async |kind: &str| {
        let find = || {
            let mut all = receiver.delivered().into_iter();
            all.find(|message| message.json()["type"] == kind)
        };
        gateway.until(kind, async || find().is_some()).await;
        find().unwrap()
    };
    assert_eq!(gateway.metric(FAILED).await, 0);

    place.replace(BROKEN);
    let broken = told("policy.reload_failed").await;
    broken.assert_signed();
    let data = &broken.json()["data"];
    assert!(
        data["error"].as_str().unwrap().contains("own.rego:2:"),
        "{data}"
    );
    assert_eq!(gateway.metric(FAILED).await, 1);
    is_in_force(&gateway, &tenant, "the first").await;
    assert!(gateway.log().contains("own.rego:2:"), "{}", gateway.log());

    place.replace(&rules("the mended"));
    is_in_force(&gateway, &tenant, "the mended").await;
    told("policy.reloaded").await;
    assert_eq!(gateway.metric(FAILED).await, 0);
    let failed = "budgetguard_policy_reloads_total{outcome=\"failed\"}";
    assert_eq!(gateway.metric(failed).await, 1);
}

#[test]
fn a_broken_policy_at_the_start_is_told_with_file_and_line() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("broken.rego"), BROKEN).unwrap();
    let output = crate::gateway::program(folder.path())
        .arg("serve")
        .env("OPA_POLICY_PATH", Path::new("broken.rego"))
        .env("DATA_DIR", folder.path())
        .env("PORT", free_port().to_string())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("broken.rego:2:"), "{told}");
    assert!(told.contains("2 | allow if {"), "{told}");
}
