//! The rules that one request is asked about: the installation's, and those of its tenant. A tenant's rules
//! come second and can only tighten: both must allow, and of what both change the stricter holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::policy::decider::Decider;
use crate::policy::hash::PolicyHash;
use crate::policy::input::PolicyInput;
use crate::policy::{Effects, PolicyEngine, PolicyError, Verdict};

/// The rules of a tenant that are in force.
#[derive(Clone, Debug)]
pub struct TenantPolicy {
    /// Tells them from all others.
    pub hash: PolicyHash,
    /// Compiled; or why they cannot be, and then nothing of the tenant is allowed.
    pub rules: Result<Arc<dyn PolicyEngine>, String>,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    installation: &'a Arc<dyn PolicyEngine>,
    tenant: Option<&'a TenantPolicy>,
    /// Who decides on a request's path; nobody where it may take long.
    decider: Option<&'a Decider>,
}

impl<'a> Layers<'a> {
    /// For a request, whose thread nothing may hold.
    pub fn of_request(installation: &'a Decider, tenant: Option<&'a TenantPolicy>) -> Self {
        Self {
            installation: installation.engine(),
            tenant,
            decider: Some(installation),
        }
    }

    /// For what no request waits for: decided here, however long it takes.
    pub fn here(installation: &'a Arc<dyn PolicyEngine>, tenant: Option<&'a TenantPolicy>) -> Self {
        Self {
            installation,
            tenant,
            decider: None,
        }
    }

    /// Whether any of them may look at the budgets' figures.
    pub fn reads_budgets(&self) -> bool {
        let of_tenant = self.tenant.and_then(|tenant| tenant.rules.as_ref().ok());
        self.installation.reads_budgets() || of_tenant.is_some_and(|rules| rules.reads_budgets())
    }

    /// Tells them from all others: the installation's hash, or that of both.
    pub fn hash(&self) -> PolicyHash {
        let installation = self.installation.hash();
        self.tenant
            .map_or(installation, |tenant| installation.with(tenant.hash))
    }

    /// Decides on a request.
    pub async fn decide(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError> {
        let verdict = self.ask_installation(input).await?;
        let (Verdict::Allow(effects), Some(tenant)) = (&verdict, self.tenant) else {
            return Ok(verdict);
        };
        let rules = tenant.rules.as_ref();
        let rules = rules.map_err(|reason| PolicyError::Compile(reason.clone()))?;
        let own = match self.ask_tenant(&**rules, input).await? {
            Verdict::Allow(own) => own,
            denied @ Verdict::Deny { .. } => return Ok(denied),
        };
        let effects = effects.tightened_by(&own);
        match &own.model {
            Some(model) if model.as_str() != input.model => {
                self.about_model(input, model.as_str(), &effects).await
            }
            Some(_) | None => Ok(Verdict::Allow(effects)),
        }
    }

    /// The tenant's rules name a model: the installation's are asked about that one as well, or a tenant could
    /// have what they deny.
    async fn about_model(
        &self,
        input: &PolicyInput<'_>,
        model: &str,
        effects: &Effects,
    ) -> Result<Verdict, PolicyError> {
        let renamed = PolicyInput {
            model,
            ..input.clone()
        };
        Ok(match self.ask_installation(&renamed).await? {
            Verdict::Allow(more) => Verdict::Allow(effects.tightened_by(&more)),
            denied @ Verdict::Deny { .. } => denied,
        })
    }

    async fn ask_installation(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError> {
        match self.decider {
            Some(decider) => decider.decide(input).await,
            None => self.installation.decide(input),
        }
    }

    async fn ask_tenant(
        &self,
        rules: &dyn PolicyEngine,
        input: &PolicyInput<'_>,
    ) -> Result<Verdict, PolicyError> {
        match self.decider {
            Some(decider) => decider.decide_for_tenant(rules, input).await,
            None => rules.decide(input),
        }
    }
}

impl Effects {
    /// These and others together: the smaller cap, the others' model if they have one, the tags of both.
    #[must_use]
    pub fn tightened_by(&self, others: &Self) -> Self {
        let caps = [self.max_output_tokens, others.max_output_tokens];
        let tags: BTreeSet<&String> = self
            .tags_required
            .iter()
            .chain(&others.tags_required)
            .collect();
        Self {
            max_output_tokens: caps.into_iter().flatten().min(),
            model: others.model.clone().or_else(|| self.model.clone()),
            tags_required: tags.into_iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
