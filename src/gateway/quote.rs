//! What a request can cost at the most, and which output cap fits into an amount.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::catalog::Snapshot;
use crate::domain::denial::Denial;
use crate::domain::id::ProviderName;
use crate::domain::money::Usd;
use crate::domain::pricing::{ModelPrice, Tier, UsageBound};
use crate::domain::window::UtcMicros;
use crate::providers::bounds::{self, Unbounded};
use crate::providers::call::Call;

/// The cap that is put in where neither the caller nor the price book gives one.
const OUTPUT_TOKENS_UNPUBLISHED: u64 = 16_384;

/// The longest answer that counts as likely, in tokens.
const LIKELY_OUTPUT_TOKENS: u64 = 1_000;

/// What bounds the caps that are put into requests, for each answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caps {
    /// The least that is of use.
    pub(crate) floor: u64,
    /// The most that the policy allows.
    pub(crate) ceiling: Option<u64>,
}

/// The worst case of a request.
#[derive(Clone, Debug)]
pub(crate) struct Quote<'a> {
    price: &'a ModelPrice,
    caps: Caps,
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
    call: &Call,
    price: Option<&'price ModelPrice>,
    caps: Caps,
    is_counted: bool,
) -> Result<Option<Quote<'price>>, Denial> {
    let Some(price) = price else { return Ok(None) };
    match Quote::new(call, price, caps) {
        Ok(quote) => Ok(Some(quote)),
        Err(unbounded) if is_counted => Err(Denial::Unpriced {
            what: unbounded.to_string(),
        }),
        Err(_) => Ok(None),
    }
}

impl<'a> Quote<'a> {
    /// The worst case with the input bounded by its length.
    pub(crate) fn new(call: &Call, price: &'a ModelPrice, caps: Caps) -> Result<Self, Unbounded> {
        if !call.lines.is_empty() {
            return Self::of_lines(&call.lines, price);
        }
        let input_tokens = bounds::input_bound(call, price)?;
        Self::with_input(call, price, caps, input_tokens)
    }

    /// The worst cases of all requests of a batch. Nothing is put into them, so each has to have its limits.
    fn of_lines(lines: &[Call], price: &'a ModelPrice) -> Result<Self, Unbounded> {
        let mut input = UsageBound::default();
        let mut wanted = Usd::ZERO;
        for line in lines {
            bounds::output_bound(line, price, None).ok_or(Unbounded::NoOutputCap)?;
            let quote = Self::new(line, price, Caps::default())?;
            let tokens = quote.input.input_tokens;
            input.input_tokens = input.input_tokens.saturating_add(tokens);
            wanted = wanted.saturating_add(quote.wanted);
        }
        Ok(Self {
            price,
            caps: Caps::default(),
            tiers: SmallVec::new(),
            input,
            output: OutputBound::Capped { tokens: 0 },
            wanted,
        })
    }

    /// The same with the input's text counted exactly.
    pub(crate) fn counted(&self, call: &Call, text_tokens: u64) -> Result<Self, Unbounded> {
        let input_tokens = bounds::counted_input_bound(call, self.price, text_tokens)?;
        Self::with_input(call, self.price, self.caps, input_tokens)
    }

    fn with_input(
        call: &Call,
        price: &'a ModelPrice,
        caps: Caps,
        input_tokens: u64,
    ) -> Result<Self, Unbounded> {
        let input = bounds::usage_bound(call, input_tokens)?;
        let output = output_bound(call, price, caps)?;
        let priced = call
            .tier
            .may_serve()
            .iter()
            .copied()
            .filter(|tier| price.has_tier(*tier));
        let quote = Self {
            tiers: priced.collect(),
            price,
            caps,
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

    /// What the request is likely to cost: a token for every four bytes of its text, and an answer that
    /// is as long as its cap, but no longer than [`LIKELY_OUTPUT_TOKENS`]. Never more than the worst case.
    pub(crate) fn likely(&self, call: &Call) -> Usd {
        if !call.lines.is_empty() {
            let lines = call.lines.iter();
            let quoted = lines.filter_map(|line| {
                let quote = Self::new(line, self.price, Caps::default()).ok()?;
                Some(quote.likely(line))
            });
            return quoted.fold(Usd::ZERO, Usd::saturating_add);
        }
        let longest = LIKELY_OUTPUT_TOKENS.saturating_mul(call.choices);
        let usual = call.tier.unless_told();
        let tier = self.tiers.iter().find(|tier| **tier == usual);
        let Some(tier) = tier.or(self.tiers.first()) else {
            return self.wanted;
        };
        let likely = UsageBound {
            input_tokens: self.input.input_tokens.min(bounds::likely_input(call)),
            output_tokens: self.output.tokens().min(longest),
            ..self.input
        };
        self.price.worst_case(*tier, &likely).min(self.wanted)
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

fn output_bound(call: &Call, price: &ModelPrice, caps: Caps) -> Result<OutputBound, Unbounded> {
    if !bounds::takes_cap(call.operation) {
        let tokens = bounds::output_bound(call, price, None).ok_or(Unbounded::NoOutputMax)?;
        return Ok(OutputBound::Fixed { tokens });
    }
    // What the model cannot pass anyway is no cap of ours.
    let is_lower = |ceiling: &u64| price.output_tokens_max.is_none_or(|most| *ceiling < most);
    let ceiling = caps.ceiling.filter(is_lower);
    let published = bounds::output_bound(call, price, ceiling);
    if call.output_cap.is_some() {
        let tokens = published.unwrap_or_default();
        return Ok(OutputBound::Capped { tokens });
    }
    let unpublished = OUTPUT_TOKENS_UNPUBLISHED.saturating_mul(call.choices);
    Ok(OutputBound::Open {
        tokens: published.unwrap_or(unpublished),
        floor: caps.floor.saturating_mul(call.choices),
        is_published: published.is_some() && ceiling.is_none(),
    })
}
