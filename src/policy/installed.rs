//! The installation's policy: which one is in force. A request takes it once and keeps it, without a lock;
//! whoever loads another one puts it here ([`crate::policy::watch`]).

use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::policy::decider::Decider;
use crate::policy::source::PolicySource;
use crate::policy::threads::PolicyThreads;
use crate::policy::wasm::WasmRuntime;
use crate::policy::{PolicyEngine, PolicyError};

/// See the module.
#[derive(Debug)]
pub struct InstalledPolicy {
    current: ArcSwap<Decider>,
    wasm: WasmRuntime,
}

impl InstalledPolicy {
    /// The policy at a path, or the one that comes with the gateway.
    pub fn load(path: Option<&Path>) -> Result<Self, PolicyError> {
        let source = match path {
            Some(path) => PolicySource::read(path)?,
            None => PolicySource::embedded(),
        };
        let wasm = WasmRuntime::default();
        let policy = source.compile(&wasm)?;
        let decider = Decider::new(policy, Arc::new(PolicyThreads::new()));
        Ok(Self {
            current: ArcSwap::from_pointee(decider),
            wasm,
        })
    }

    /// The one in force.
    pub fn current(&self) -> Guard<Arc<Decider>> {
        self.current.load()
    }

    /// Puts another one in force: for every request that has not taken one yet.
    pub fn put(&self, policy: Arc<dyn PolicyEngine>) {
        let decider = self.current.load().beside(policy);
        self.current.store(Arc::new(decider));
    }

    /// What its modules share.
    pub(super) fn wasm(&self) -> &WasmRuntime {
        &self.wasm
    }
}
