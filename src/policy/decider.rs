//! Asks a policy on the path of a request: at once where that is sure to be quick, else beside the request's
//! thread and within a time limit. However the rules are written, they do not hold the thread.

use std::sync::Arc;
use std::time::Duration;

use crate::policy::input::PolicyInput;
use crate::policy::threads::PolicyThreads;
use crate::policy::{Asked, PolicyEngine, PolicyError, Verdict, Work};

/// How long a decision may take that is waited for. What holds the request's thread takes far less.
pub const DECISION_MAX: Duration = Duration::from_millis(20);

/// The installation's policy, the threads on which it decides what may take long, and those for policies of
/// tenants: what hangs there does not stop it.
#[derive(Clone, Debug)]
pub struct Decider {
    engine: Arc<dyn PolicyEngine>,
    threads: Arc<PolicyThreads>,
    tenants: Arc<PolicyThreads>,
    limit: Duration,
}

impl Decider {
    /// Several policies may share their threads.
    pub fn new(engine: Arc<dyn PolicyEngine>, threads: Arc<PolicyThreads>) -> Self {
        Self {
            engine,
            threads,
            tenants: Arc::default(),
            limit: DECISION_MAX,
        }
    }

    /// With another limit to how long a decision may take.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Another policy, on the same threads and within the same limit.
    #[must_use]
    pub fn beside(&self, engine: Arc<dyn PolicyEngine>) -> Self {
        Self {
            engine,
            ..self.clone()
        }
    }

    /// Its policy.
    pub fn engine(&self) -> &Arc<dyn PolicyEngine> {
        &self.engine
    }

    /// Decides on one request. An error is no decision: the caller must refuse.
    pub async fn decide(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError> {
        self.decide_on(&self.threads, &*self.engine, input).await
    }

    /// Likewise by rules of a tenant.
    pub async fn decide_for_tenant(
        &self,
        rules: &dyn PolicyEngine,
        input: &PolicyInput<'_>,
    ) -> Result<Verdict, PolicyError> {
        self.decide_on(&self.tenants, rules, input).await
    }

    async fn decide_on(
        &self,
        threads: &PolicyThreads,
        engine: &dyn PolicyEngine,
        input: &PolicyInput<'_>,
    ) -> Result<Verdict, PolicyError> {
        let Work { run, remember } = match engine.ask(input) {
            Asked::Decided(decision) => return decision,
            Asked::Pending(work) => work,
        };
        let verdict = threads.run(run, self.limit).await?;
        remember(&verdict);
        Ok(verdict)
    }
}
