//! A Redis server of a test's own, for what would disturb others: flushes, restarts, silence.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Client, FromRedisValue, RedisResult, Value};
use tempfile::TempDir;

use crate::ports::free_port;

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
        let port = free_port();
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

    /// Has it do something, and tells the answer: each part of it on a line of its own. What it refuses, and what
    /// nobody hears, is told as it is.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let answer = self.answer(words);
        let mut lines = Vec::new();
        match &answer {
            Ok(value) => add_lines(value, &mut lines),
            Err(error) => lines.push(error.to_string()),
        }
        lines.join("\n").trim().to_owned()
    }

    fn answer(&self, words: &[&str]) -> RedisResult<Value> {
        let mut connection = Client::open(self.url())?.get_connection()?;
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name).arg(arguments).query(&mut connection)
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

fn add_lines(value: &Value, lines: &mut Vec<String>) {
    if let Value::Array(parts) = value {
        for part in parts {
            add_lines(part, lines);
        }
    } else if let Value::BulkString(bytes) = value {
        lines.push(String::from_utf8_lossy(bytes).into_owned());
    } else {
        // Nothing is an empty line.
        lines.push(String::from_redis_value_ref(value).unwrap_or_default());
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
