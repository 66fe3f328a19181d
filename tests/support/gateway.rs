//! A gateway as a process of its own, in front of simulated providers in this one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use budgetguard::simulator::{Simulator, SimulatorOptions};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ports::free_port;

pub(crate) const ADMIN_KEY: &str = "the-admin-key-of-the-gateway-tests";
/// What the gateway shows to each provider.
pub(crate) const PROVIDER_KEYS: [(&str, &str); 3] = [
    ("OPENAI_KEY", "sk-provider-openai"),
    ("ANTHROPIC_API_KEY", "sk-provider-anthropic"),
    ("GOOGLE_API_KEY", "provider-google"),
];
pub(crate) const BASE_URLS: [&str; 3] =
    ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_BASE_URL"];

const START_MAX: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// How a gateway is to be started. Without more it limits nobody.
pub(crate) struct Setup {
    environment: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
    simulator: SimulatorOptions,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let mut setup = Self {
            environment: BTreeMap::new(),
            settings: BTreeMap::new(),
            simulator: SimulatorOptions::default(),
        };
        for (name, value) in PROVIDER_KEYS {
            setup = setup.env(name, value);
        }
        setup
            .env("HOST", "127.0.0.1")
            .env("ADMIN_API_KEY", ADMIN_KEY)
            .env("MAX_REQS_PER_MIN", "0")
            .set("budgets.default_usd", "\"\"")
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a key of the settings file to a TOML value.
    pub(crate) fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// Puts all three providers somewhere else.
    pub(crate) fn upstream(mut self, url: &str) -> Self {
        for name in BASE_URLS {
            self = self.env(name, url);
        }
        self
    }

    pub(crate) async fn start(mut self) -> TestGateway {
        let simulator = Simulator::start(self.simulator.clone()).await.unwrap();
        let folder = TempDir::new().unwrap();
        let provider = format!("http://{}", simulator.address());
        for name in BASE_URLS {
            self.environment
                .entry(name.to_owned())
                .or_insert_with(|| provider.clone());
        }
        let data = folder.path().join("data");
        self = self.env("DATA_DIR", data.to_string_lossy());
        let mut gateway = TestGateway {
            url: String::new(),
            port: 0,
            simulator,
            http: Client::builder().no_proxy().build().unwrap(),
            // A connection that is kept may be closed just when it is used again.
            control: Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            setup: self,
            folder,
            child: None,
        };
        gateway.start().await;
        gateway
    }
}

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) key_id: i64,
}

pub(crate) struct TestGateway {
    pub(crate) url: String,
    pub(crate) port: u16,
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
    control: Client,
    setup: Setup,
    folder: TempDir,
    child: Option<Child>,
}

impl TestGateway {
    /// Starts the process, also again on the same data.
    pub(crate) async fn start(&mut self) {
        for _ in 0..3 {
            self.port = free_port();
            let speaks_tls = self.setup.environment.contains_key("TLS_CERT");
            let scheme = if speaks_tls { "https" } else { "http" };
            self.url = format!("{scheme}://127.0.0.1:{}", self.port);
            self.child = Some(self.spawn(&[]));
            if self.listens().await {
                return;
            }
        }
        panic!("the gateway does not start:\n{}", self.log());
    }

    fn spawn(&self, options: &[&str]) -> Child {
        let config = self.folder.path().join("settings.toml");
        self.write_settings();
        let log = self.log_file();
        program(self.folder.path())
            .arg("--config")
            .arg(config)
            .arg("serve")
            .args(options)
            .envs(&self.setup.environment)
            .env("PORT", self.port.to_string())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Runs another command of the program on the same data.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments);
        command.envs(more.iter().copied()).output().unwrap()
    }

    /// A command that is not run yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        command.args(arguments).envs(&self.setup.environment);
        command
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Waits until it accepts connections; not if it ended instead.
    async fn listens(&mut self) -> bool {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            if ended.is_some() {
                return false;
            }
            let connected = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await;
            if connected.is_ok() {
                return true;
            }
            tokio::time::sleep(POLL).await;
        }
        panic!("the gateway does not listen:\n{}", self.log());
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("gateway.log")
    }

    fn log_file(&self) -> File {
        let mut options = OpenOptions::new();
        options
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap()
    }

    /// Everything that it has written to the terminal.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Sets a key of the settings file, from the next start on.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let settings = &mut self.setup.settings;
        settings.insert(key.to_owned(), value.to_owned());
    }

    /// Starts as an operator upgrades.
    pub(crate) async fn start_as_upgrade(&mut self) {
        self.child = Some(self.spawn(&["--upgrade"]));
        assert!(self.listens().await, "{}", self.log());
    }

    /// Writes the settings file anew, for whoever reads it again.
    pub(crate) fn write_settings(&self) {
        let lines = self.setup.settings.iter();
        let lines: Vec<String> = lines
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect();
        fs::write(self.folder.path().join("settings.toml"), lines.concat()).unwrap();
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks it to stop, as an operator does.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Another process takes over; gives the one before, which ends by itself.
    pub(crate) fn upgrade(&mut self) -> Child {
        let next = self.spawn(&["--upgrade"]);
        self.child.replace(next).unwrap()
    }

    /// Waits until it has ended on its own.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let deadline = Instant::now() + WAIT_MAX;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(POLL).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the gateway did not stop:\n{}", self.log());
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Calls an admin route that must succeed.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.control.request(method, format!("{}{path}", self.url));
        let mut request = request.header("x-admin-key", ADMIN_KEY);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A tenant with a key and without limits.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let made = self.admin(Method::POST, "/admin/tenant", json!({"name": name}));
        let id = made.await["id"].as_i64().unwrap();
        let path = format!("/admin/tenant/{id}/apikeys");
        let key = self
            .admin(Method::POST, &path, json!({"name": "tests"}))
            .await;
        Tenant {
            id,
            key: key["key"].as_str().unwrap().to_owned(),
            key_id: key["id"].as_i64().unwrap(),
        }
    }

    /// A tenant with one budget, for ever.
    pub(crate) async fn tenant_with(&self, name: &str, usd: &str) -> Tenant {
        let tenant = self.tenant(name).await;
        let path = format!("/admin/tenant/{}/budgets", tenant.id);
        let budgets = json!({"budgets": [{"period": "total", "amountUsd": usd}]});
        self.admin(Method::POST, &path, budgets).await;
        tenant
    }

    /// The tenant's one budget: what is spent and what is held, in nano-USD.
    pub(crate) async fn standing(&self, tenant: &Tenant) -> (i64, i64) {
        let path = format!("/admin/tenant/{}/budgets", tenant.id);
        let budgets = self.admin(Method::GET, &path, Value::Null).await;
        let spent = budgets[0]["currentUsage"].to_string();
        (
            nanos(&spent),
            nanos(budgets[0]["heldUsd"].as_str().unwrap()),
        )
    }

    /// All of a tenant's rows, newest first.
    pub(crate) async fn ledger(&self, tenant: &Tenant) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        for page in 0.. {
            let path = format!(
                "/admin/tenant/{}/usage/ledger?limit=1000&page={page}",
                tenant.id
            );
            let listed = self.admin(Method::GET, &path, Value::Null).await;
            let more = listed["data"].as_array().unwrap();
            rows.extend(more.iter().cloned());
            if more.is_empty() || rows.len() as u64 >= listed["total"].as_u64().unwrap() {
                break;
            }
        }
        rows
    }

    /// The same once there are so many: the ledger is written behind the answers.
    pub(crate) async fn ledger_of(&self, tenant: &Tenant, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let rows = self.ledger(tenant).await;
            if rows.len() >= count || Instant::now() > deadline {
                assert_eq!(rows.len(), count, "{rows:#?}");
                return rows;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The value of a metric without labels, or with exactly these.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.metrics().await;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        let value = value.unwrap_or_else(|| panic!("no {name} in {text}"));
        value.parse().unwrap()
    }

    /// Requests that are over in every respect: settled, recorded, and counted with the limits of their callers.
    pub(crate) async fn requests_finished(&self) -> u64 {
        let text = self.metrics().await;
        let values = text
            .lines()
            .filter(|line| line.starts_with("budgetguard_requests_total{"))
            .filter_map(|line| line.rsplit(' ').next());
        values.map(|value| value.parse::<u64>().unwrap()).sum()
    }

    pub(crate) async fn metrics(&self) -> String {
        let answer = self.request(Method::GET, "/metrics").send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// No money is held for a request that is over.
    pub(crate) async fn assert_nothing_held(&self) {
        self.until("nothing is held", async || {
            self.metric("budgetguard_reservations_open").await == 0
        })
        .await;
    }

    /// Waits for something that must come true.
    pub(crate) async fn until(&self, what: &str, is_true: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + WAIT_MAX;
        while !is_true().await {
            assert!(Instant::now() < deadline, "never: {what}\n{}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().rev().take(40).collect();
            for line in lines.iter().rev() {
                eprintln!("gateway: {line}");
            }
        }
        self.kill();
    }
}

/// The program, with nothing of the developer's environment.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_budgetguard"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// An amount in nano-USD, read digit by digit.
pub(crate) fn nanos(usd: &str) -> i64 {
    let (whole, fraction) = usd.split_once('.').unwrap_or((usd, ""));
    format!("{whole}{fraction:0<9}").parse().unwrap()
}
