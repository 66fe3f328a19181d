//! The installation's policy: which one is in force. A request takes it once and keeps it, without a lock;
//! whoever loads another one puts it here ([`crate::policy::watch`]).

use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::policy::source::PolicySource;
use crate::policy::{PolicyEngine, PolicyError};

/// See the module.
#[derive(Debug)]
pub struct InstalledPolicy {
    current: ArcSwap<Arc<dyn PolicyEngine>>,
}

impl InstalledPolicy {
    /// The policy at a path, or the one that comes with the gateway.
    pub fn load(path: Option<&Path>) -> Result<Self, PolicyError> {
        let source = match path {
            Some(path) => PolicySource::read(path)?,
            None => PolicySource::embedded(),
        };
        Ok(Self::of(source.compile()?))
    }

    /// A policy that is there already.
    pub fn of(policy: Arc<dyn PolicyEngine>) -> Self {
        Self {
            current: ArcSwap::from_pointee(policy),
        }
    }

    /// The one in force.
    pub fn current(&self) -> Guard<Arc<Arc<dyn PolicyEngine>>> {
        self.current.load()
    }

    /// Puts another one in force: for every request that has not taken one yet.
    pub fn put(&self, policy: Arc<dyn PolicyEngine>) {
        self.current.store(Arc::new(policy));
    }
}
