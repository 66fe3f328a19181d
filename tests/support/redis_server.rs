//! A Redis server of a test's own, for what would disturb others: flushes, restarts, silence.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const STARTED_WITHIN: Duration = Duration::from_secs(10);

/// Ends with the test.
pub(crate) struct RedisServer {
    port: u16,
    folder: TempDir,
    process: Child,
}

impl RedisServer {
    /// A server that writes its data to disk only when told to; nothing, unless it is installed.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    pub(crate) async fn start() -> Option<Self> {
        let is_installed = Command::new("redis-server").arg("--version").output();
        let is_ci = std::env::var("CI").is_ok();
        assert!(
            is_installed.is_ok() || !is_ci,
            "in CI these tests need redis-server"
        );
        is_installed.ok()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let folder = TempDir::new().unwrap();
        let process = spawn(port, &folder);
        let server = Self {
            port,
            folder,
            process,
        };
        server.until_it_answers().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Has it do something by `redis-cli`.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.arg("-p").arg(self.port.to_string()).args(words);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it with whatever it had written to disk.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(self.port, &self.folder);
        self.until_it_answers().await;
    }

    async fn until_it_answers(&self) {
        let answers = async {
            while self.run(&["PING"]) != "PONG" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let answers = tokio::time::timeout(STARTED_WITHIN, answers).await;
        answers.expect("redis-server starts");
    }
}

fn spawn(port: u16, folder: &TempDir) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
