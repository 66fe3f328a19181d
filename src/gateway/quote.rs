//! What a request can cost at the most, and which output cap fits into an amount.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::catalog::Snapshot;
use crate::domain::denial::Denial;
use crate::domain::id::ProviderName;
use crate::domain::money::Usd;
use crate::domain::pricing::{ModelPrice, Tier, UsageBound};
use crate::domain::window::UtcMicros;
use crate::gateway::Gateway;
use crate::providers::bounds::{self, Unbounded};
use crate::providers::call::Call;

/// The cap that is put in where neither the caller nor the price book gives one.
const OUTPUT_TOKENS_UNPUBLISHED: u64 = 16_384;

/// The worst case of a request.
#[derive(Clone, Debug)]
pub(crate) struct Quote<'a> {
    price: &'a ModelPrice,
    /// The tiers that may be billed.
    tiers: SmallVec<[Tier; 2]>,
    /// Everything but the output.
    input: UsageBound,
    output: OutputBound,
    /// What all of it can cost.
    wanted: Usd,
}

/// How much output there can be, over all answers.
#[derive(Clone, Copy, Debug)]
enum OutputBound {
    /// The caller's cap holds.
    Capped { tokens: u64 },
    /// As much as there is to say or to show: no cap is possible.
    Fixed { tokens: u64 },
    /// The caller gave none: we may put one in.
    Open {
        tokens: u64,
        floor: u64,
        is_published: bool,
    },
}

/// Looks up the price of a call that was made at this instant.
pub(crate) fn find_price(
    provider: &ProviderName,
    call: &Call,
    snapshot: &Snapshot,
    at: UtcMicros,
) -> Option<Arc<ModelPrice>> {
    let prices = &snapshot.prices;
    let found = prices.find(provider.as_str(), &call.model, at);
    found.map(Arc::clone)
}

/// A call that a budget applies to is refused where not all of it has a price.
pub(crate) fn check_price(call: &Call, price: Option<&ModelPrice>) -> Result<(), Denial> {
    match price {
        Some(price) => bounds::check_priced(call, price),
        None => Err(Denial::UnpricedModel {
            model: call.model.to_string(),
        }),
    }
}

/// The worst case of a call; nothing where nobody knows it and no budget counts it.
pub(crate) fn quote<'price>(
    gateway: &Gateway,
    call: &Call,
    price: Option<&'price ModelPrice>,
    is_counted: bool,
) -> Result<Option<Quote<'price>>, Denial> {
    let Some(price) = price else { return Ok(None) };
    match Quote::new(call, price, gateway.limits.output_cap_floor) {
        Ok(quote) => Ok(Some(quote)),
        Err(unbounded) if is_counted => Err(Denial::Unpriced {
            what: unbounded.to_string(),
        }),
        Err(_) => Ok(None),
    }
}

impl<'a> Quote<'a> {
    /// The worst case with the input bounded by its length.
    pub(crate) fn new(
        call: &Call,
        price: &'a ModelPrice,
        cap_floor: u64,
    ) -> Result<Self, Unbounded> {
        if !call.lines.is_empty() {
            return Self::of_lines(&call.lines, price);
        }
        let input_tokens = bounds::input_bound(call, price)?;
        Self::with_input(call, price, cap_floor, input_tokens)
    }

    /// The worst cases of all requests of a batch. Nothing is put into them, so each has to have its limits.
    fn of_lines(lines: &[Call], price: &'a ModelPrice) -> Result<Self, Unbounded> {
        let mut input = UsageBound::default();
        let mut wanted = Usd::ZERO;
        for line in lines {
            bounds::output_bound(line, price, None).ok_or(Unbounded::NoOutputCap)?;
            let quote = Self::new(line, price, 0)?;
            let tokens = quote.input.input_tokens;
            input.input_tokens = input.input_tokens.saturating_add(tokens);
            wanted = wanted.saturating_add(quote.wanted);
        }
        Ok(Self {
            price,
            tiers: SmallVec::new(),
            input,
            output: OutputBound::Capped { tokens: 0 },
            wanted,
        })
    }

    /// The same with the input's text counted exactly.
    pub(crate) fn counted(
        &self,
        call: &Call,
        cap_floor: u64,
        text_tokens: u64,
    ) -> Result<Self, Unbounded> {
        let input_tokens = bounds::counted_input_bound(call, self.price, text_tokens)?;
        Self::with_input(call, self.price, cap_floor, input_tokens)
    }

    fn with_input(
        call: &Call,
        price: &'a ModelPrice,
        cap_floor: u64,
        input_tokens: u64,
    ) -> Result<Self, Unbounded> {
        let input = bounds::usage_bound(call, input_tokens)?;
        let output = output_bound(call, price, cap_floor)?;
        let priced = call
            .tier
            .may_serve()
            .iter()
            .copied()
            .filter(|tier| price.has_tier(*tier));
        let quote = Self {
            tiers: priced.collect(),
            price,
            input,
            output,
            wanted: Usd::ZERO,
        };
        Ok(Self {
            wanted: quote.cost(output.tokens()),
            ..quote
        })
    }

    /// What to hold if there is room.
    pub(crate) fn wanted(&self) -> Usd {
        self.wanted
    }

    /// The least that is of use: with a cap that we put in, the smallest cap.
    pub(crate) fn at_least(&self) -> Usd {
        match self.output {
            OutputBound::Capped { .. } | OutputBound::Fixed { .. } => self.wanted,
            OutputBound::Open { .. } => self.cost(self.output.least_tokens()),
        }
    }

    /// The least that any count of the input could bring it to: the output alone.
    pub(crate) fn without_input(&self) -> Usd {
        let bare = Self {
            input: UsageBound {
                input_tokens: 0,
                cache_storage_token_seconds: 0,
                ..self.input
            },
            ..self.clone()
        };
        bare.cost(self.output.least_tokens())
    }

    /// The most input tokens that this is a quote for.
    pub(crate) fn input_tokens(&self) -> u64 {
        self.input.input_tokens
    }

    /// The cap for each answer that must be put in so that the request stays within what is held;
    /// nothing when it does so already.
    pub(crate) fn cap_within(&self, held: Usd, choices: u64) -> Option<u64> {
        match self.output {
            OutputBound::Capped { .. } | OutputBound::Fixed { .. } => None,
            OutputBound::Open {
                is_published: true, ..
            } if held >= self.wanted() => None,
            OutputBound::Open { tokens, .. } => Some(
                self.affordable(held)
                    .min(tokens)
                    .checked_div(choices)
                    .unwrap_or_default(),
            ),
        }
    }

    /// The largest cap for each answer that fits into the headroom, if one of use does.
    pub(crate) fn affordable_cap(&self, headroom: Usd, choices: u64, floor: u64) -> Option<u64> {
        if self.output.tokens() == 0 || matches!(self.output, OutputBound::Fixed { .. }) {
            return None;
        }
        let cap = self
            .affordable(headroom)
            .checked_div(choices)
            .unwrap_or_default();
        (cap >= floor).then_some(cap)
    }

    /// The output tokens, over all answers, that an amount pays for beside the input.
    pub(crate) fn affordable(&self, amount: Usd) -> u64 {
        let tiers = self.tiers.iter();
        let each = tiers.map(|tier| {
            self.price
                .affordable_output_tokens(*tier, &self.input, amount)
        });
        each.min().unwrap_or_default()
    }

    fn cost(&self, output_tokens: u64) -> Usd {
        let bound = UsageBound {
            output_tokens,
            ..self.input
        };
        let tiers = self.tiers.iter();
        tiers
            .map(|tier| self.price.worst_case(*tier, &bound))
            .max()
            .unwrap_or_default()
    }
}

impl OutputBound {
    fn tokens(self) -> u64 {
        match self {
            Self::Capped { tokens } | Self::Fixed { tokens } | Self::Open { tokens, .. } => tokens,
        }
    }

    /// As few as a cap of ours may leave.
    fn least_tokens(self) -> u64 {
        match self {
            Self::Capped { tokens } | Self::Fixed { tokens } => tokens,
            Self::Open { tokens, floor, .. } => tokens.min(floor),
        }
    }
}

fn output_bound(call: &Call, price: &ModelPrice, cap_floor: u64) -> Result<OutputBound, Unbounded> {
    let published = bounds::output_bound(call, price, None);
    if !bounds::takes_cap(call.operation) {
        let tokens = published.ok_or(Unbounded::NoOutputMax)?;
        return Ok(OutputBound::Fixed { tokens });
    }
    if call.output_cap.is_some() {
        let tokens = published.unwrap_or_default();
        return Ok(OutputBound::Capped { tokens });
    }
    let unpublished = OUTPUT_TOKENS_UNPUBLISHED.saturating_mul(call.choices);
    Ok(OutputBound::Open {
        tokens: published.unwrap_or(unpublished),
        floor: cap_floor.saturating_mul(call.choices),
        is_published: published.is_some(),
    })
}
