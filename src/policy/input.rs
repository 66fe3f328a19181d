//! What a policy is told about a request, and the Rego document that says so. The names in the
//! document are an interface: rules of existing installations use them.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use smallvec::SmallVec;

use crate::domain::budget::{Balance, Charge, Scope};
use crate::domain::id::ApiKeyId;
use crate::domain::money::Usd;
use crate::domain::window::{Period, UtcMicros, Window};

mod json;

/// The facts of one request.
#[derive(Clone, Debug)]
pub struct PolicyInput<'a> {
    /// The name of the tenant who pays.
    pub tenant: &'a str,
    /// The key that was used.
    pub key: ApiKeyId,
    /// The path of the endpoint, such as `/v1/chat/completions`.
    pub route: &'a str,
    /// The model that is asked for.
    pub model: &'a str,
    /// Who would bill.
    pub provider: &'a str,
    /// Whether the answer is to be streamed.
    pub streamed: bool,
    /// The session that the caller named.
    pub session: Option<&'a str>,
    /// The hour of the day, 0 to 23, by the tenant's calendar.
    pub hour: u8,
    /// The most that the request can cost.
    pub estimate: Usd,
    /// What the budgets of the tenant and the key stand at, this request not yet held.
    pub budgets: &'a [BudgetFigures],
}

impl PolicyInput<'static> {
    /// An ordinary request, for those who test and measure rules.
    pub fn example() -> Self {
        Self {
            tenant: "acme",
            key: ApiKeyId(7),
            route: "/v1/chat/completions",
            model: "gpt-5",
            provider: "openai",
            streamed: false,
            session: None,
            hour: 14,
            estimate: Usd::from_nanos(7_500_000),
            budgets: &[],
        }
    }
}

/// How much of the input the rules read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputRead {
    /// It cannot be told: everything.
    Whole,
    /// The members of these names.
    Members(BTreeSet<String>),
}

impl InputRead {
    /// By the text of the rules: `input.name` reads a member, and `input` in any other form reads
    /// everything. Says rather too much than too little: a word in a string counts.
    pub(super) fn by(text: &str) -> Self {
        let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        let mut members = BTreeSet::new();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        for line in code {
            // A text that goes on in the next line, where `#` begins no comment.
            if line.matches('`').count() % 2 == 1 {
                return Self::Whole;
            }
            for (at, word) in line.match_indices("input") {
                let rest = line.get(at + word.len()..).unwrap_or_default();
                let member = rest.strip_prefix('.').map(|member| {
                    let end = member.find(|letter| !is_name(letter));
                    member
                        .get(..end.unwrap_or(member.len()))
                        .unwrap_or_default()
                });
                match member {
                    Some(name) if !name.is_empty() => members.insert(name.to_owned()),
                    None if rest.starts_with(is_name) => continue,
                    Some(_) | None => return Self::Whole,
                };
            }
        }
        Self::Members(members)
    }

    /// What two texts read together.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Members(mut all), Self::Members(more)) => {
                all.extend(more);
                Self::Members(all)
            }
            (Self::Whole, _) | (_, Self::Whole) => Self::Whole,
        }
    }

    /// The names of the members; nothing if it is everything.
    pub(super) fn members(&self) -> Option<Vec<String>> {
        match self {
            Self::Whole => None,
            Self::Members(names) => Some(names.iter().cloned().collect()),
        }
    }

    pub(super) fn includes(&self, name: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Members(names) => names.contains(name),
        }
    }
}

/// What one budget stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetFigures {
    /// Whose budget.
    pub scope: Scope,
    /// Over what time.
    pub period: Period,
    /// The window that counts now.
    pub window: Window,
    /// How much may be spent in it.
    pub limit: Usd,
    /// How much is.
    pub balance: Balance,
}

impl BudgetFigures {
    /// What a charge's budget stands at; of an account that is not known, nothing.
    pub fn new(charge: &Charge, balance: Option<Balance>) -> Self {
        Self {
            scope: charge.scope,
            period: charge.period,
            window: charge.account.window,
            limit: charge.limit,
            balance: balance.unwrap_or_default(),
        }
    }
}

/// One thing that a policy is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact<'a> {
    Text(&'a str),
    Number(i64),
    Flag(bool),
    Amount(Usd),
    Instant(UtcMicros),
    /// Not told at all, so that it is undefined.
    Absent,
}

impl Fact<'_> {
    fn value(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text),
            Self::Number(number) => Value::from(number),
            Self::Flag(flag) => Value::from(flag),
            Self::Amount(amount) => dollars(amount),
            Self::Instant(at) => Value::from(at.to_string()),
            Self::Absent => Value::Undefined,
        }
    }
}

/// Everything of an input that some rules read, as bytes.
pub(super) type InputKey = SmallVec<[u8; 128]>;

/// Builds input documents. Keys are made once: a document shares them. What no rule reads has no key
/// and is left out.
#[derive(Debug)]
pub(super) struct InputBuilder {
    tenant: Option<Value>,
    key: Option<Value>,
    route: Option<Value>,
    model: Option<Value>,
    provider: Option<Value>,
    streamed: Option<Value>,
    session: Option<Value>,
    time: Option<Value>,
    estimate: Option<Value>,
    budgets: Option<Value>,
    scope: Value,
    period: Value,
    usage: Value,
    held: Value,
    budget: Value,
    remaining: Value,
    start: Value,
    end: Value,
}

impl InputBuilder {
    /// For rules that read so much of the input.
    pub(super) fn new(reads: &InputRead) -> Self {
        let key = |name| reads.includes(name).then(|| Value::from(name));
        Self {
            tenant: key("tenant"),
            key: key("key"),
            route: key("route"),
            model: key("model"),
            provider: key("provider"),
            streamed: key("streamed"),
            session: key("session"),
            time: key("time"),
            estimate: key("estimate"),
            budgets: key("budgets"),
            scope: Value::from("scope"),
            period: Value::from("period"),
            usage: Value::from("usage"),
            held: Value::from("held"),
            budget: Value::from("budget"),
            remaining: Value::from("remaining"),
            start: Value::from("start"),
            end: Value::from("end"),
        }
    }

    /// What the rules read of an input, but for the budgets. The one list of it: what is remembered
    /// by [`Self::key`] is told apart by everything that [`Self::document`] shows.
    fn facts<'a>(&'a self, input: &PolicyInput<'a>) -> impl Iterator<Item = (&'a Value, Fact<'a>)> {
        let facts = [
            (&self.tenant, Fact::Text(input.tenant)),
            (&self.key, Fact::Number(input.key.0)),
            (&self.route, Fact::Text(input.route)),
            (&self.model, Fact::Text(input.model)),
            (&self.provider, Fact::Text(input.provider)),
            (&self.streamed, Fact::Flag(input.streamed)),
            (
                &self.session,
                input.session.map_or(Fact::Absent, Fact::Text),
            ),
            (&self.time, Fact::Number(i64::from(input.hour))),
            (&self.estimate, Fact::Amount(input.estimate)),
        ];
        let read = facts
            .into_iter()
            .filter_map(|(name, fact)| Some((name.as_ref()?, fact)));
        read.filter(|(_, fact)| *fact != Fact::Absent)
    }

    /// What tells inputs apart for rules that do not read the budgets: every fact with its name.
    pub(super) fn key(&self, input: &PolicyInput<'_>) -> InputKey {
        let mut key = InputKey::new();
        let mut put = |part: &[u8]| {
            key.extend_from_slice(&part.len().to_le_bytes());
            key.extend_from_slice(part);
        };
        for (name, fact) in self.facts(input) {
            put(name
                .as_string()
                .map(|name| name.as_bytes())
                .unwrap_or_default());
            match fact {
                Fact::Text(text) => put(text.as_bytes()),
                Fact::Number(number) => put(&number.to_le_bytes()),
                Fact::Flag(flag) => put(&[u8::from(flag)]),
                Fact::Amount(amount) => put(&amount.nanos().to_le_bytes()),
                Fact::Instant(at) => put(at.to_string().as_bytes()),
                Fact::Absent => {}
            }
        }
        key
    }

    pub(super) fn document(&self, input: &PolicyInput<'_>) -> Value {
        let mut fields = object(self.facts(input));
        if let Some(name) = &self.budgets {
            let budgets = input.budgets.iter();
            let budgets = budgets.map(|budget| Value::from(object(self.figures(budget))));
            fields.insert(name.clone(), Value::from(budgets.collect::<Vec<_>>()));
        }
        Value::from(fields)
    }

    /// What is told of a budget.
    fn figures<'a>(
        &'a self,
        figures: &BudgetFigures,
    ) -> impl Iterator<Item = (&'a Value, Fact<'a>)> {
        let BudgetFigures { limit, balance, .. } = *figures;
        let Window { start, end } = figures.window;
        let unless = |at: UtcMicros, open: UtcMicros| {
            if at == open {
                Fact::Absent
            } else {
                Fact::Instant(at)
            }
        };
        let facts = [
            (&self.scope, Fact::Text(figures.scope.kind())),
            (&self.period, Fact::Text(figures.period.name())),
            (&self.usage, Fact::Amount(balance.spent)),
            (&self.held, Fact::Amount(balance.held)),
            (&self.budget, Fact::Amount(limit)),
            (&self.remaining, Fact::Amount(balance.headroom(limit))),
            (&self.start, unless(start, UtcMicros::MIN)),
            (&self.end, unless(end, UtcMicros::MAX)),
        ];
        let facts = facts.into_iter();
        facts.filter(|(_, fact)| *fact != Fact::Absent)
    }
}

fn object<'a>(facts: impl Iterator<Item = (&'a Value, Fact<'a>)>) -> BTreeMap<Value, Value> {
    facts
        .map(|(name, fact)| (name.clone(), fact.value()))
        .collect()
}

/// An amount as Rego has numbers: whole dollars as integers, others as the double nearest to the
/// exact decimal, so that the same amount written in a rule is equal to it. Order is kept; below
/// nine million dollars no two amounts become one.
fn dollars(amount: Usd) -> Value {
    match whole_dollars(amount) {
        Some(dollars) => Value::from(dollars),
        None => Value::from(fractional_dollars(amount)),
    }
}

const NANOS_PER_USD: i64 = 1_000_000_000;

fn whole_dollars(amount: Usd) -> Option<i64> {
    let nanos = amount.nanos();
    (nanos % NANOS_PER_USD == 0).then_some(nanos / NANOS_PER_USD)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Rego has no decimals; rules only compare, and no charge comes of it"
)]
fn fractional_dollars(amount: Usd) -> f64 {
    amount.nanos() as f64 / NANOS_PER_USD as f64
}

#[cfg(test)]
mod tests;
