//! The scripts that Redis runs. Each is one step: nobody sees the books in the middle of it.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, Script};

/// See the module.
pub(super) struct Scripts {
    step: Script,
    end_rate: Script,
    open: Script,
    forget: Script,
    lease: Script,
    end_epoch: Script,
    pub(super) epoch: Script,
}

/// One of the scripts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Step,
    EndRate,
    Open,
    Forget,
    Lease,
    EndEpoch,
}

impl Scripts {
    pub(super) fn new() -> Self {
        const STEP: &str = concat!(
            include_str!("amounts.lua"),
            include_str!("parts.lua"),
            include_str!("rates.lua"),
            include_str!("step.lua")
        );
        const LEASE: &str = concat!(
            include_str!("amounts.lua"),
            include_str!("parts.lua"),
            include_str!("rates.lua"),
            include_str!("lease.lua")
        );
        const FORGET: &str = concat!(include_str!("parts.lua"), include_str!("forget.lua"));
        const END_RATE: &str = concat!(include_str!("rates.lua"), include_str!("end_rate.lua"));
        Self {
            step: Script::new(STEP),
            end_rate: Script::new(END_RATE),
            open: Script::new(include_str!("open.lua")),
            forget: Script::new(FORGET),
            lease: Script::new(LEASE),
            end_epoch: Script::new(include_str!("end_epoch.lua")),
            epoch: Script::new(include_str!("epoch.lua")),
        }
    }

    /// Has a server learn them.
    pub(super) async fn load(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let on_books = [&self.step, &self.open, &self.forget, &self.lease];
        for script in on_books
            .into_iter()
            .chain([&self.end_rate, &self.end_epoch])
        {
            script.load_async(connection).await?;
        }
        Ok(())
    }

    pub(super) fn call(&self, call: Call, keys: &[String], args: &[Vec<u8>]) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        self.begin(&mut command, call, keys.len());
        command.arg(keys).arg(args);
        command
    }

    /// The beginning of a call: keys and arguments follow.
    pub(super) fn begin(&self, command: &mut Cmd, call: Call, keys: usize) {
        let script = match call {
            Call::Step => &self.step,
            Call::EndRate => &self.end_rate,
            Call::Open => &self.open,
            Call::Forget => &self.forget,
            Call::Lease => &self.lease,
            Call::EndEpoch => &self.end_epoch,
        };
        command.arg(script.get_hash()).arg(keys);
    }
}

impl std::fmt::Debug for Scripts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Scripts")
    }
}

/// A number as an argument.
pub(super) fn number(number: impl std::fmt::Display) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// A word as an argument.
pub(super) fn word(word: &str) -> Vec<u8> {
    word.as_bytes().to_vec()
}
