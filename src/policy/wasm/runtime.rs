//! What all modules of a process share: the compiler's settings, and the clock by which they are stopped.

use std::fmt;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::{Config, Engine, EngineWeak, OptLevel};

use crate::policy::PolicyError;
use crate::policy::rego::invalid;

/// How often the clock ticks.
const TICK: Duration = Duration::from_millis(1);
/// For how many ticks a module may run; the first comes at any moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks(pub(super) u64);

impl Ticks {
    /// On the thread of a request: less than three milliseconds.
    pub(super) const HERE: Self = Self(3);
    /// To make an instance and read its data document, which is no decision.
    pub(super) const LOAD: Self = Self(2_000);

    /// On a thread of its own.
    pub(super) fn within(time: Duration) -> Self {
        Self(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1))
    }
}

/// The stack of a module.
const STACK_BYTES: usize = 512 * 1024;

/// See the module. The clock's thread starts with the first module and ends with the last.
#[derive(Default)]
pub struct WasmRuntime(Mutex<Option<EngineWeak>>);

impl WasmRuntime {
    pub(super) fn engine(&self) -> Result<Engine, PolicyError> {
        let mut known = self.0.lock();
        if let Some(engine) = known.as_ref().and_then(EngineWeak::upgrade) {
            return Ok(engine);
        }
        let mut config = Config::new();
        config.epoch_interruption(true);
        config.cranelift_opt_level(OptLevel::Speed);
        config.max_wasm_stack(STACK_BYTES);
        let engine = Engine::new(&config).map_err(|error| invalid(&format!("{error:#}")))?;
        let ticking = engine.weak();
        thread::Builder::new()
            .name("policy-clock".to_owned())
            .spawn(move || {
                while let Some(engine) = ticking.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TICK);
                }
            })
            .map_err(|error| invalid(&error))?;
        *known = Some(engine.weak());
        Ok(engine)
    }
}

impl fmt::Debug for WasmRuntime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmRuntime")
            .finish_non_exhaustive()
    }
}
