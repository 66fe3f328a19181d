//! What the demo plays on: a simulated provider, a gateway in front of it, and a customer.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::app::App;
use crate::gateway::server::Listener;
use crate::gateway::server::stop::StopOn;
use crate::settings::{Settings, Source};
use crate::simulator::{Simulator, SimulatorOptions};

/// The customer's budget.
pub(super) const BUDGET_USD: &str = "0.25";
/// How long the provider takes to answer: long enough for calls to overlap.
const PROVIDER_LATENCY: Duration = Duration::from_millis(15);
const START_TRIES_MAX: usize = 200;
const START_INTERVAL: Duration = Duration::from_millis(10);

/// See the module.
pub(super) struct Stage {
    simulator: Simulator,
    /// Gone with the stage.
    folder: TempDir,
    settings: Settings,
    gateway_url: String,
    admin_key: String,
    stop: watch::Sender<bool>,
    gateway: JoinHandle<Result<()>>,
    client: reqwest::Client,
}

/// A tenant with a small budget.
pub(super) struct Customer {
    pub(super) tenant: i64,
    pub(super) key: String,
}

/// Something that the admin API made.
#[derive(Deserialize)]
struct Made {
    id: i64,
}

#[derive(Deserialize)]
struct MadeKey {
    key: String,
}

impl Stage {
    /// Starts everything on free ports and in a folder of its own.
    pub(super) fn set(runtime: &Runtime) -> Result<Self> {
        let options = SimulatorOptions {
            latency: PROVIDER_LATENCY,
            ..SimulatorOptions::default()
        };
        let simulator = runtime.block_on(Simulator::start(options))?;
        let folder = TempDir::with_prefix("budgetguard-demo-")?;
        let port = free_port()?;
        let admin_key = format!("{:032x}", rand::random::<u128>());
        let provider = format!("http://{}", simulator.address());
        let environment = [
            ("HOST", "127.0.0.1"),
            ("PORT", &port.to_string()),
            ("DATA_DIR", "data"),
            ("ADMIN_API_KEY", &admin_key),
            ("MAX_REQS_PER_MIN", "0"),
            ("OPENAI_BASE_URL", &provider),
            ("ANTHROPIC_BASE_URL", &provider),
            ("GOOGLE_BASE_URL", &provider),
            ("OPENAI_KEY", "simulated"),
            ("ANTHROPIC_API_KEY", "simulated"),
            ("GOOGLE_API_KEY", "simulated"),
        ];
        let source = Source {
            config: None,
            environment: BTreeMap::from(
                environment.map(|(name, it)| (name.to_owned(), it.to_owned())),
            ),
            working_dir: folder.path().to_owned(),
        };
        let settings = Settings::load(&source)?;
        let (app, _) = App::build(&settings, Listener::New)?;
        let (stop, stopped) = watch::channel(false);
        let gateway = std::thread::spawn(move || app.serve(StopOn::Flag(stopped), None));
        let gateway_url = format!("http://127.0.0.1:{port}");
        let client = reqwest::Client::new();
        let stage = Self {
            simulator,
            folder,
            settings,
            gateway_url,
            admin_key,
            stop,
            gateway,
            client,
        };
        runtime.block_on(stage.until_it_answers())?;
        Ok(stage)
    }

    pub(super) fn gateway_url(&self) -> &str {
        &self.gateway_url
    }

    pub(super) fn admin_key(&self) -> &str {
        &self.admin_key
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Makes a tenant with a budget and a key, by the admin API.
    pub(super) async fn admit_customer(&self) -> Result<Customer> {
        let tenant: Made = self.post("/admin/tenant", &json!({"name": "demo"})).await?;
        let path = format!("/admin/tenant/{}", tenant.id);
        let budgets = json!({"budgets": [{"period": "monthly", "amountUsd": BUDGET_USD}]});
        let _: Vec<Made> = self.post(&format!("{path}/budgets"), &budgets).await?;
        let key: MadeKey = self
            .post(&format!("{path}/apikeys"), &json!({"name": "demo"}))
            .await?;
        Ok(Customer {
            tenant: tenant.id,
            key: key.key,
        })
    }

    /// Reads from the admin API.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.client.get(format!("{}{path}", self.gateway_url));
        answer_of(request.header("x-admin-key", &self.admin_key)).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self
            .client
            .post(format!("{}{path}", self.gateway_url))
            .json(body);
        answer_of(request.header("x-admin-key", &self.admin_key)).await
    }

    async fn until_it_answers(&self) -> Result<()> {
        for _try in 0..START_TRIES_MAX {
            if self
                .client
                .get(format!("{}/health", self.gateway_url))
                .send()
                .await
                .is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(START_INTERVAL).await;
        }
        Err(anyhow!(
            "the gateway does not answer on {}",
            self.gateway_url
        ))
    }

    /// Stops everything and leaves nothing behind.
    pub(super) fn clear(self, runtime: &Runtime) -> Result<()> {
        let Self {
            simulator,
            folder,
            stop,
            gateway,
            client,
            ..
        } = self;
        // Idle connections would keep the gateway's threads busy while it stops.
        drop(client);
        let _ = stop.send(true);
        let served = gateway
            .join()
            .map_err(|_panic| anyhow!("the gateway panicked"))?;
        runtime.block_on(simulator.stop());
        folder.close()?;
        served
    }
}

async fn answer_of<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    anyhow::ensure!(
        status.is_success(),
        "the admin API answered {status}: {body}"
    );
    Ok(serde_json::from_str(&body)?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
