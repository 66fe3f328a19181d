//! What a policy is told about a request, and the Rego document that says so. The names in the
//! document are an interface: rules of existing installations use them.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use smallvec::SmallVec;

use crate::domain::budget::{Balance, Charge, Scope};
use crate::domain::id::ApiKeyId;
use crate::domain::money::Usd;
use crate::domain::window::{Period, UtcMicros, Window};

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
                Fact::Absent => {}
            }
        }
        key
    }

    pub(super) fn document(&self, input: &PolicyInput<'_>) -> Value {
        let facts = self.facts(input);
        let mut fields: BTreeMap<Value, Value> = facts
            .map(|(name, fact)| (name.clone(), fact.value()))
            .collect();
        if let Some(name) = &self.budgets {
            let budgets = input.budgets.iter().map(|budget| self.figures(budget));
            fields.insert(name.clone(), Value::from(budgets.collect::<Vec<_>>()));
        }
        Value::from(fields)
    }

    fn figures(&self, figures: &BudgetFigures) -> Value {
        let BudgetFigures { limit, balance, .. } = *figures;
        let mut fields = BTreeMap::from([
            (self.scope.clone(), Value::from(figures.scope.kind())),
            (self.period.clone(), Value::from(figures.period.name())),
            (self.usage.clone(), dollars(balance.spent)),
            (self.held.clone(), dollars(balance.held)),
            (self.budget.clone(), dollars(limit)),
            (self.remaining.clone(), dollars(balance.headroom(limit))),
        ]);
        let Window { start, end } = figures.window;
        if start != UtcMicros::MIN {
            fields.insert(self.start.clone(), Value::from(start.to_string()));
        }
        if end != UtcMicros::MAX {
            fields.insert(self.end.clone(), Value::from(end.to_string()));
        }
        Value::from(fields)
    }
}

/// An amount as Rego has numbers: whole dollars as integers, others as the double nearest to the
/// exact decimal, so that the same amount written in a rule is equal to it. Order is kept; below
/// nine million dollars no two amounts become one.
#[expect(
    clippy::cast_precision_loss,
    reason = "Rego has no decimals; rules only compare, and no charge comes of it"
)]
fn dollars(amount: Usd) -> Value {
    const NANOS_PER_USD: i64 = 1_000_000_000;
    let nanos = amount.nanos();
    if nanos % NANOS_PER_USD == 0 {
        return Value::from(nanos / NANOS_PER_USD);
    }
    Value::from(nanos as f64 / NANOS_PER_USD as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TenantId;

    fn figures(window: Window) -> BudgetFigures {
        BudgetFigures {
            scope: Scope::Tenant(TenantId(1)),
            period: Period::Daily,
            window,
            limit: Usd::from_nanos(10_000_000_000),
            balance: Balance {
                spent: Usd::from_nanos(1_250_000_000),
                held: Usd::from_nanos(500_000_000),
            },
        }
    }

    fn input<'a>(session: Option<&'a str>, budgets: &'a [BudgetFigures]) -> PolicyInput<'a> {
        PolicyInput {
            tenant: "acme",
            key: ApiKeyId(7),
            route: "/v1/chat/completions",
            model: "gpt-5",
            provider: "openai",
            streamed: true,
            session,
            hour: 23,
            estimate: Usd::from_nanos(7_500_000),
            budgets,
        }
    }

    #[test]
    fn the_document_has_the_names_and_figures_that_rules_use() {
        let day = Window {
            start: UtcMicros::new(0),
            end: UtcMicros::new(86_400_000_000),
        };
        let document =
            InputBuilder::new(&InputRead::Whole).document(&input(Some("chat-1"), &[figures(day)]));
        let expected = r#"{
            "tenant": "acme",
            "key": 7,
            "route": "/v1/chat/completions",
            "model": "gpt-5",
            "provider": "openai",
            "streamed": true,
            "session": "chat-1",
            "time": 23,
            "estimate": 0.0075,
            "budgets": [
                {
                    "scope": "tenant",
                    "period": "daily",
                    "usage": 1.25,
                    "held": 0.5,
                    "budget": 10,
                    "remaining": 8.25,
                    "start": "1970-01-01T00:00:00.000Z",
                    "end": "1970-01-02T00:00:00.000Z"
                }
            ]
        }"#;
        assert_eq!(document, Value::from_json_str(expected).unwrap());
    }

    #[test]
    fn what_does_not_exist_is_left_out_of_the_document() {
        let document =
            InputBuilder::new(&InputRead::Whole).document(&input(None, &[figures(Window::TOTAL)]));
        let text = document.to_json_str().unwrap();
        for absent in ["session", "start", "end"] {
            assert!(
                !text.contains(&format!("\"{absent}\"")),
                "`{absent}` in {text}"
            );
        }
    }

    #[test]
    fn an_amount_equals_the_same_amount_written_in_a_rule() {
        for text in [
            "0",
            "12",
            "0.1",
            "0.3",
            "0.000000001",
            "-1.5",
            "8999999.999999999",
        ] {
            let written = Value::from_json_str(text).unwrap();
            assert_eq!(dollars(text.parse().unwrap()), written, "{text}");
        }
    }

    #[test]
    fn what_rules_read_is_found_by_their_text() {
        let members = |names: &[&str]| {
            InputRead::Members(names.iter().map(|name| (*name).to_owned()).collect())
        };
        for (text, reads) in [
            ("allow := true", members(&[])),
            (
                "# input[x]\nallow if input.tenant == \"a\"",
                members(&["tenant"]),
            ),
            (
                "a if inputs[1]\nb if {input.key; input.time}",
                members(&["key", "time"]),
            ),
            ("b := input.budgets[_].usage", members(&["budgets"])),
            ("a if input[\"model\"] == 1", InputRead::Whole),
            ("a if input\n.model == 1", InputRead::Whole),
            ("import input as request", InputRead::Whole),
            ("a := `\n# ` == input.model", InputRead::Whole),
        ] {
            assert_eq!(InputRead::by(text), reads, "{text}");
        }
    }
}
