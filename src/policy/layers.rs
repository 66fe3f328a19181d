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
        let verdict = self.ask(self.installation, input).await?;
        let (Verdict::Allow(effects), Some(tenant)) = (&verdict, self.tenant) else {
            return Ok(verdict);
        };
        let rules = tenant.rules.as_ref();
        let rules = rules.map_err(|reason| PolicyError::Compile(reason.clone()))?;
        let own = match self.ask(rules, input).await? {
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
        Ok(match self.ask(self.installation, &renamed).await? {
            Verdict::Allow(more) => Verdict::Allow(effects.tightened_by(&more)),
            denied @ Verdict::Deny { .. } => denied,
        })
    }

    async fn ask(
        &self,
        rules: &Arc<dyn PolicyEngine>,
        input: &PolicyInput<'_>,
    ) -> Result<Verdict, PolicyError> {
        match self.decider {
            Some(decider) => decider.beside(Arc::clone(rules)).decide(input).await,
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
mod tests {
    use super::*;
    use crate::domain::id::ModelName;
    use crate::domain::tag::TagTree;
    use crate::policy::rego::RegoPolicy;
    use crate::policy::threads::PolicyThreads;
    use crate::policy::{Asked, PolicyFacts};

    /// Changes what it allows, but for one model that it denies.
    #[derive(Debug)]
    struct Changes {
        effects: Effects,
        denied: &'static str,
    }

    impl PolicyEngine for Changes {
        fn ask(&self, input: &PolicyInput<'_>) -> Asked {
            if input.model == self.denied {
                let reason = Some(format!("not {}", self.denied));
                return Asked::Decided(Ok(Verdict::Deny { reason }));
            }
            Asked::Decided(Ok(Verdict::Allow(self.effects.clone())))
        }

        fn hash(&self) -> PolicyHash {
            PolicyHash::of([("changes", self.denied.as_bytes())])
        }

        fn reads_budgets(&self) -> bool {
            false
        }

        fn decide_on(&self, document: &str) -> Result<Verdict, PolicyError> {
            Err(PolicyError::Input(document.to_owned()))
        }

        fn facts(&self) -> PolicyFacts {
            PolicyFacts {
                entry_points: Vec::new(),
                reads: None,
                builtins: Vec::new(),
                remembers: false,
                is_quick: true,
            }
        }
    }

    fn rules(text: &str) -> Arc<dyn PolicyEngine> {
        let text = format!("package budgetguard.policy\n{text}");
        Arc::new(RegoPolicy::of_text("rules.rego", text).unwrap())
    }

    fn tenants(rules: Arc<dyn PolicyEngine>) -> TenantPolicy {
        TenantPolicy {
            hash: rules.hash(),
            rules: Ok(rules),
        }
    }

    fn effects(cap: Option<u64>, model: Option<&str>, tags: &[&str]) -> Effects {
        Effects {
            max_output_tokens: cap,
            model: model.map(ModelName::new),
            tags_required: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }

    /// As a request is decided, and as what nobody waits for: both must say the same.
    async fn decide(
        installation: &Arc<dyn PolicyEngine>,
        tenant: Option<&TenantPolicy>,
    ) -> Result<Verdict, PolicyError> {
        let tree = TagTree::default();
        let input = PolicyInput::example(&tree);
        let threads = Arc::new(PolicyThreads::new());
        let decider = Decider::new(Arc::clone(installation), threads);
        let on_path = Layers::of_request(&decider, tenant).decide(&input).await;
        let here = Layers::here(installation, tenant).decide(&input).await;
        assert_eq!(on_path.as_ref().ok(), here.as_ref().ok());
        on_path
    }

    #[tokio::test]
    async fn both_must_allow_and_the_installation_speaks_first() {
        let allows = "allow := true";
        let denies = |who: &str| format!("allow := false\nreason := \"{who}\"");
        for (installation, tenant, expected) in [
            (allows.to_owned(), allows.to_owned(), None),
            (denies("one"), allows.to_owned(), Some("one")),
            (allows.to_owned(), denies("two"), Some("two")),
            (denies("one"), denies("two"), Some("one")),
        ] {
            let tenant = tenants(rules(&tenant));
            let verdict = decide(&rules(&installation), Some(&tenant)).await.unwrap();
            let told = match verdict {
                Verdict::Allow(_) => None,
                Verdict::Deny { reason } => reason,
            };
            assert_eq!(told.as_deref(), expected);
        }
    }

    #[tokio::test]
    async fn rules_of_a_tenant_that_cannot_be_compiled_or_fail_decide_nothing() {
        let broken = TenantPolicy {
            hash: PolicyHash::of([]),
            rules: Err("rules.rego:1:1: odd".to_owned()),
        };
        let installation = rules("allow := true");
        assert!(decide(&installation, Some(&broken)).await.is_err());
        let runaway = "allow if count([1 | some x in numbers.range(1, 90000)]) > 0";
        let runaway = tenants(rules(runaway));
        assert!(decide(&installation, Some(&runaway)).await.is_err());
        assert_eq!(decide(&installation, None).await.unwrap(), Verdict::ALLOWED);
    }

    #[test]
    fn of_two_changes_the_stricter_holds() {
        for (one, other, expected) in [
            (
                effects(Some(9), None, &["b"]),
                effects(Some(5), None, &["a", "b"]),
                effects(Some(5), None, &["a", "b"]),
            ),
            (
                effects(None, None, &[]),
                effects(Some(5), None, &[]),
                effects(Some(5), None, &[]),
            ),
            (
                effects(Some(3), Some("x"), &[]),
                effects(None, None, &[]),
                effects(Some(3), Some("x"), &[]),
            ),
            (
                effects(None, Some("x"), &[]),
                effects(None, Some("y"), &[]),
                effects(None, Some("y"), &[]),
            ),
        ] {
            assert_eq!(one.tightened_by(&other), expected);
        }
    }

    #[tokio::test]
    async fn a_tenant_cannot_have_a_model_that_the_installation_denies() {
        let installation: Arc<dyn PolicyEngine> = Arc::new(Changes {
            effects: effects(Some(100), None, &[]),
            denied: "o1-pro",
        });
        let asks_for = async |model| {
            let own = Changes {
                effects: effects(None, Some(model), &[]),
                denied: "",
            };
            let own = tenants(Arc::new(own));
            decide(&installation, Some(&own)).await.unwrap()
        };
        let denied = Verdict::Deny {
            reason: Some("not o1-pro".to_owned()),
        };
        assert_eq!(asks_for("o1-pro").await, denied);
        let allowed = Verdict::Allow(effects(Some(100), Some("gpt-5-mini"), &[]));
        assert_eq!(asks_for("gpt-5-mini").await, allowed);
    }

    #[test]
    fn figures_are_gathered_where_either_reads_them_and_a_hash_names_both() {
        let reads = tenants(rules("allow if count(input.budgets) == 0"));
        let plain = rules("allow := true");
        let both = Layers::here(&plain, Some(&reads));
        let alone = Layers::here(&plain, None);
        assert!(both.reads_budgets() && !alone.reads_budgets());
        assert_eq!(alone.hash(), plain.hash());
        assert_ne!(both.hash(), alone.hash());
    }
}
