//! A request while it is decided on: put to one provider, and to another one where the policy names
//! another model.

use crate::catalog::Snapshot;
use crate::domain::budget::Charges;
use crate::domain::denial::{Denial, Misfit};
use crate::domain::id::{ModelName, RequestId};
use crate::domain::pricing::ModelPrice;
use crate::domain::ruling::Ruling;
use crate::domain::window::UtcMicros;
use crate::gateway::Gateway;
use crate::gateway::admit::Asked;
use crate::gateway::aim::{Aimed, aim};
use crate::gateway::authenticate::Authenticated;
use crate::gateway::consult::{self, Costs, Ruled};
use crate::gateway::labels::Labels;
use crate::gateway::tries::Again;
use crate::gateway::upstream::provider::Upstream;
use crate::providers::bounds;
use crate::providers::call::Call;
use crate::providers::endpoints::Endpoint;

/// See the module.
pub(super) struct Pending<'a> {
    pub(super) ids: (RequestId, UtcMicros),
    /// The first try, if this is a later one.
    pub(super) first_try: Option<RequestId>,
    pub(super) caller: Authenticated,
    pub(super) labels: Labels,
    pub(super) endpoint: &'static Endpoint,
    pub(super) upstream: &'a Upstream,
    pub(super) aimed: Aimed,
    /// What the policy decided; nothing before it was asked.
    pub(super) ruled: Option<Ruled>,
    /// What it takes to try it again.
    pub(super) again: Option<Box<Again>>,
}

impl<'a> Pending<'a> {
    pub(super) fn asked(&self) -> Asked<'_> {
        let (request, at) = self.ids;
        Asked {
            request,
            at,
            caller: &self.caller,
            endpoint: self.endpoint,
            provider: &self.upstream.name,
            prices: &self.upstream.prices,
            call: &self.aimed.call,
            named: self.aimed.aim.model_asked.as_ref(),
            labels: &self.labels,
            body: &self.aimed.body,
            ruling: self.ruling(),
        }
    }

    /// Keeps that it was refused, and why.
    pub(super) fn keep_blocked(&self, gateway: &Gateway, denial: &Denial) {
        gateway.blocked.record(&self.asked(), denial);
    }

    fn ruling(&self) -> Option<&Ruling> {
        self.ruled.as_ref()?.ruling.as_ref()
    }

    /// Asks the policy, and keeps what it says also where it refuses.
    pub(super) async fn consult(
        &mut self,
        gateway: &Gateway,
        charges: &Charges,
        costs: Costs,
    ) -> Result<(), Denial> {
        let (ruled, decided) = consult::policy(gateway, &self.asked(), charges, costs).await;
        self.ruled = Some(ruled);
        decided?;
        self.check_tags()
    }

    fn check_tags(&self) -> Result<(), Denial> {
        let effects = self.ruled.as_ref().map(|ruled| &ruled.effects);
        let required = effects.map(|effects| effects.tags_required.as_slice());
        let tags = &self.caller.tenant().tags;
        let is_tagged = |name: &str| {
            let mut own = self.labels.shares.iter();
            own.any(|share| tags.get(share.tag).is_some_and(|tag| tag.name == name))
        };
        let missing = required.unwrap_or_default().iter();
        let missing: Vec<String> = missing.filter(|name| !is_tagged(name)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Denial::Effect(Misfit::Tags(missing)))
    }

    /// The model that the policy wants, where the request is for another one. What names no model has
    /// none to be changed.
    pub(super) fn model_instead(&self) -> Option<ModelName> {
        let wanted = self.ruled.as_ref()?.effects.model.as_ref()?;
        let (billed, asked) = (&self.aimed.call.model, self.aimed.model_asked());
        let is_other = wanted != billed && wanted != asked && !billed.as_str().is_empty();
        is_other.then(|| wanted.clone())
    }

    /// The cap for each answer by which the request keeps to what the policy allows; nothing where it does
    /// so already. What could have more, and can have no cap, is refused.
    pub(super) fn take_cap(&mut self, price: Option<&ModelPrice>) -> Result<Option<u64>, Denial> {
        let Some(ruled) = &mut self.ruled else {
            return Ok(None);
        };
        let Some(most) = ruled.effects.max_output_tokens else {
            return Ok(None);
        };
        let cap = cap_within(&self.aimed.call, price, most);
        let cap = cap.map_err(|Uncappable| Denial::Effect(Misfit::Output { most }))?;
        if let Some(ruling) = &mut ruled.ruling {
            ruling.effects.max_output_tokens = cap.map(|_cap| most);
        }
        Ok(cap)
    }

    /// Puts the request to whoever serves another model, as if its caller had named that.
    pub(super) fn redirect(
        &mut self,
        gateway: &'a Gateway,
        snapshot: &Snapshot,
        model: &ModelName,
    ) -> Result<(), Denial> {
        let (request, at) = self.ids;
        let source = self.aimed.source().with_model(model);
        let source = source.map_err(|wrong| unfit(model, wrong.message))?;
        let first = self.first_try.unwrap_or(request);
        let plan = gateway.plan(&source, &self.caller, (first, at));
        let plan = plan.map_err(|denial| unless_passing(model, denial))?;
        let target = plan.target;
        if self.caller.provider_key().is_some() && target.upstream != self.aimed.aim.upstream {
            let why = "the key that came with the request is another provider's";
            return Err(unfit(model, why));
        }
        let upstream = gateway.upstreams.get(target.upstream);
        self.upstream = upstream.map_err(|_missing| Denial::UnknownRoute)?;
        let aimed = aim(gateway, (snapshot, at), source, &target);
        self.aimed = aimed.map_err(|denial| unless_passing(model, denial))?;
        if let Some(ruling) = self.ruled.as_mut().and_then(|ruled| ruled.ruling.as_mut()) {
            ruling.effects.model = Some(model.clone());
        }
        self.again = plan.again;
        if let Some(again) = &mut self.again {
            again.ruled.clone_from(&self.ruled);
        }
        Ok(())
    }
}

/// It may answer with more, and no cap can be put in.
struct Uncappable;

/// The cap for each answer that keeps all of them together within so many tokens, if it needs one. The
/// lines of a batch are with its provider: each has to keep to it by itself.
fn cap_within(
    call: &Call,
    price: Option<&ModelPrice>,
    most: u64,
) -> Result<Option<u64>, Uncappable> {
    let could_have = |call: &Call| {
        let published = price.and_then(|price| price.output_tokens_max);
        let each = call.output_cap.or(published)?;
        Some(each.saturating_mul(call.choices))
    };
    let keeps = |call: &Call| could_have(call).is_some_and(|tokens| tokens <= most);
    if !call.lines.is_empty() {
        let has_output = |line: &&Call| bounds::has_output(line.operation);
        let keep = call.lines.iter().filter(has_output).all(keeps);
        return keep.then_some(None).ok_or(Uncappable);
    }
    if !bounds::has_output(call.operation) || keeps(call) {
        return Ok(None);
    }
    let each = most.checked_div(call.choices).filter(|each| *each > 0);
    let is_possible = bounds::takes_cap(call.operation);
    each.filter(|_| is_possible).map(Some).ok_or(Uncappable)
}

/// The policy's model is no good for the request.
pub(super) fn unfit(model: &ModelName, why: impl Into<String>) -> Denial {
    Denial::Effect(Misfit::Model {
        model: model.clone(),
        why: why.into(),
    })
}

/// The same from what stands in the way, unless that may be over soon.
pub(super) fn unless_passing(model: &ModelName, denial: Denial) -> Denial {
    if let Denial::Unavailable { .. } = denial {
        return denial;
    }
    let why = if let Denial::BadRequest(bad) = denial {
        bad.message
    } else if let Denial::Unpriced { what } = denial {
        format!("there is no price for {what}")
    } else if let Denial::ProviderNotConfigured { provider } = denial {
        format!("no key for {provider} is configured")
    } else if let Denial::UnpricedModel { .. } = denial {
        "it has no price".to_owned()
    } else {
        denial.code().to_owned()
    };
    unfit(model, why)
}
