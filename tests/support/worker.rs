//! A worker as a process of its own.

use std::fs::{self, File};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::program;
use crate::ports::free_port;

const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// Ends with the test. It knows no provider and has no data folder.
pub(crate) struct TestWorker {
    pub(crate) url: String,
    environment: Vec<(&'static str, String)>,
    folder: TempDir,
    child: Option<Child>,
}

impl TestWorker {
    /// Starts one that takes over what another has had for a fifth of a second.
    pub(crate) async fn start(database: &str, redis: &str) -> Self {
        let mut worker = Self {
            url: String::new(),
            environment: vec![
                ("DATABASE_URL", database.to_owned()),
                ("REDIS_URL", redis.to_owned()),
                ("KEY_PEPPER", crate::replicas::PEPPER.to_owned()),
                ("HOST", "127.0.0.1".to_owned()),
            ],
            folder: TempDir::new().unwrap(),
            child: None,
        };
        let config = "ledger.queue_reclaim_after_ms = 200\nledger.batch_rows_max = 50\n";
        fs::write(worker.folder.path().join("settings.toml"), config).unwrap();
        worker.start_again().await;
        worker
    }

    pub(crate) async fn start_again(&mut self) {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            let port = free_port();
            self.url = format!("http://127.0.0.1:{port}");
            self.child = Some(self.spawn(port));
            while self.is_running() && Instant::now() < deadline {
                if tokio::net::TcpStream::connect(("127.0.0.1", port))
                    .await
                    .is_ok()
                {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        }
        panic!("the worker does not start:\n{}", self.log());
    }

    fn spawn(&self, port: u16) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("worker.log"))
            .unwrap();
        program(self.folder.path())
            .args(["--config", "settings.toml", "worker"])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().unwrap();
        child.try_wait().unwrap().is_none()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("worker.log")).unwrap_or_default()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks it to stop, as an operator does, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(POLL).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the worker does not stop:\n{}", self.log());
    }

    /// Asks its `healthcheck`, as a container does.
    pub(crate) fn is_healthy(&self) -> bool {
        let mut asked = program(self.folder.path());
        let asked = asked.args(["healthcheck", "--url", &format!("{}/health", self.url)]);
        asked.output().unwrap().status.success()
    }

    pub(crate) async fn health(&self) -> Value {
        let answer = reqwest::get(format!("{}/health", self.url)).await.unwrap();
        answer.json().await.unwrap()
    }

    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let answer = reqwest::get(format!("{}/metrics", self.url)).await.unwrap();
        let text = answer.text().await.unwrap();
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .parse()
            .unwrap()
    }
}

impl Drop for TestWorker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().rev().take(20).collect();
            for line in lines.iter().rev() {
                eprintln!("worker: {line}");
            }
        }
        self.kill();
    }
}
