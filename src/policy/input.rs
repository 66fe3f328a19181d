//! What a policy is told about a request, and the documents that say so. The names in them are an
//! interface: rules of existing installations use them.

pub(in crate::policy) mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use jiff::tz::TimeZone;
use regorus::Value;
use smallvec::SmallVec;

use crate::domain::budget::{Balance, Charge, Scope};
use crate::domain::id::ApiKeyId;
use crate::domain::money::Usd;
use crate::domain::tag::{TagShare, TagTree};
use crate::domain::window::{Period, UtcMicros, Window};
use crate::policy::input::facts::{FACTS, Fact, FactRow, MemberRow, Shape, View};

/// The facts of one request.
#[derive(Clone, Debug)]
pub struct PolicyInput<'a> {
    /// The name of the tenant who pays.
    pub tenant: &'a str,
    /// The key that was used.
    pub key: ApiKeyId,
    /// What its tenant calls it.
    pub key_name: &'a str,
    /// The path of the endpoint, such as `/v1/chat/completions`.
    pub route: &'a str,
    /// The model that would be billed.
    pub model: &'a str,
    /// The model as the caller wrote it.
    pub model_asked: &'a str,
    /// Who would bill.
    pub provider: &'a str,
    /// Whether the answer is to be streamed.
    pub streamed: bool,
    /// What it counts on.
    pub tags: TagsOfInput<'a>,
    /// The session that the caller named.
    pub session: Option<&'a str>,
    /// When it came.
    pub at: UtcMicros,
    /// By which calendar its tenant lives.
    pub time_zone: &'a TimeZone,
    /// What the request is likely to cost; nothing where nobody knows.
    pub estimate: Option<Usd>,
    /// The most that it can cost; nothing where nobody knows.
    pub worst_case: Option<Usd>,
    /// What the budgets that it is charged to stand at, this request not yet held.
    pub budgets: &'a [BudgetFigures],
}

impl<'a> PolicyInput<'a> {
    /// An ordinary request without tags, for those who test and measure rules.
    pub fn example(tree: &'a TagTree) -> Self {
        Self {
            tenant: "acme",
            key: ApiKeyId(7),
            key_name: "laptop",
            route: "/v1/chat/completions",
            model: "gpt-5",
            model_asked: "gpt-5",
            provider: "openai",
            streamed: false,
            tags: TagsOfInput { shares: &[], tree },
            session: None,
            at: UtcMicros::new(1_795_400_000_000_000),
            time_zone: &UTC,
            estimate: Some(Usd::from_nanos(2_500_000)),
            worst_case: Some(Usd::from_nanos(7_500_000)),
            budgets: &[],
        }
    }
}

static UTC: TimeZone = TimeZone::UTC;

/// The tags of a request. Names and paths are looked up only for rules that read them.
#[derive(Clone, Copy, Debug)]
pub struct TagsOfInput<'a> {
    /// The request's own, and those that they stand under.
    pub shares: &'a [TagShare],
    /// All tags of its tenant.
    pub tree: &'a TagTree,
}

impl PolicyInput<'_> {
    /// Everything of it as JSON, as `policy/schema/input.schema.json` describes it.
    pub fn to_json(&self) -> String {
        InputBuilder::new(&InputRead::Whole).text(self)
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

/// Everything of an input that some rules read, as bytes.
pub(super) type InputKey = SmallVec<[u8; 128]>;

/// How long most inputs are as JSON, with a few budgets.
const JSON_BYTES_USUAL: usize = 1_024;
/// The facts that need the figures of budgets.
const OF_FIGURES: [&str; 3] = ["budgets", "session_spent", "session_limit"];

/// Builds input documents. Keys are made once: a document shares them. What no rule reads is left out.
pub(super) struct InputBuilder {
    facts: Vec<NamedFact>,
}

/// A fact that is read, with the keys that it has in a document.
struct NamedFact {
    row: &'static FactRow,
    key: Value,
    members: Vec<(&'static MemberRow, Value)>,
}

impl NamedFact {
    fn new(row: &'static FactRow) -> Self {
        let members: &[MemberRow] = if let Shape::List(members) = row.shape {
            members
        } else {
            &[]
        };
        let members = members.iter();
        Self {
            row,
            key: Value::from(row.name),
            members: members
                .map(|member| (member, Value::from(member.name)))
                .collect(),
        }
    }

    fn value(&self, fact: &Fact<'_>) -> Value {
        match fact {
            Fact::Text(text) => Value::from(&**text),
            Fact::Number(number) => Value::from(*number),
            Fact::Flag(flag) => Value::from(*flag),
            Fact::Amount(amount) => dollars(*amount),
            Fact::List(objects) => {
                let objects = objects.iter().map(|object| {
                    let members = self.members.iter().zip(object);
                    let known = members.filter(|(_, fact)| **fact != Fact::Absent);
                    let members = known.map(|((_, key), fact)| (key.clone(), self.value(fact)));
                    Value::from(members.collect::<BTreeMap<Value, Value>>())
                });
                Value::from(objects.collect::<Vec<_>>())
            }
            Fact::Absent => Value::Undefined,
        }
    }
}

impl fmt::Debug for InputBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.facts.iter().map(|fact| fact.row.name);
        formatter.debug_set().entries(names).finish()
    }
}

impl InputBuilder {
    /// For rules that read so much of the input.
    pub(super) fn new(reads: &InputRead) -> Self {
        let read = FACTS.iter().filter(|row| reads.includes(row.name));
        Self {
            facts: read.map(NamedFact::new).collect(),
        }
    }

    /// Whether anything that is read differs from one request to the next.
    pub(super) fn is_volatile(&self) -> bool {
        self.facts.iter().any(|fact| fact.row.is_volatile)
    }

    /// Whether anything that is read needs the figures of budgets.
    pub(super) fn reads_figures(&self) -> bool {
        let mut names = self.facts.iter().map(|fact| fact.row.name);
        names.any(|name| OF_FIGURES.contains(&name))
    }

    /// What the rules read of an input. The one list of it: what is remembered by [`Self::key`] is told
    /// apart by everything that [`Self::document`] and [`Self::json`] show.
    fn read<'a>(&'a self, view: &View<'a>) -> impl Iterator<Item = (&'a NamedFact, Fact<'a>)> {
        let facts = self.facts.iter().map(|fact| (fact, (fact.row.get)(view)));
        facts.filter(|(_, fact)| *fact != Fact::Absent)
    }

    /// What tells inputs apart for rules that read nothing volatile: every fact with its name.
    pub(super) fn key(&self, input: &PolicyInput<'_>) -> InputKey {
        let mut key = InputKey::new();
        for (named, fact) in self.read(&View::new(input)) {
            put_part(&mut key, named.row.name.as_bytes());
            put_fact(&mut key, &fact);
        }
        key
    }

    /// What the rules read, as Rego has it.
    pub(super) fn document(&self, input: &PolicyInput<'_>) -> Value {
        let view = View::new(input);
        let facts = self.read(&view);
        let fields = facts.map(|(named, fact)| (named.key.clone(), named.value(&fact)));
        Value::from(fields.collect::<BTreeMap<Value, Value>>())
    }

    /// The same document as JSON, for engines that have values of their own.
    pub(super) fn json(&self, input: &PolicyInput<'_>) -> Vec<u8> {
        self.text(input).into_bytes()
    }

    fn text(&self, input: &PolicyInput<'_>) -> String {
        let mut json = String::with_capacity(JSON_BYTES_USUAL);
        json.push('{');
        for (named, fact) in self.read(&View::new(input)) {
            write_name(&mut json, named.row.name);
            write_fact(&mut json, named, &fact);
        }
        json.push('}');
        json
    }
}

/// Parts have their lengths, so that no two lists of them are one.
fn put_part(key: &mut InputKey, part: &[u8]) {
    key.extend_from_slice(&part.len().to_le_bytes());
    key.extend_from_slice(part);
}

fn put_fact(key: &mut InputKey, fact: &Fact<'_>) {
    key.push(u8::from(*fact != Fact::Absent));
    match fact {
        Fact::Text(text) => put_part(key, text.as_bytes()),
        Fact::Number(number) => put_part(key, &number.to_le_bytes()),
        Fact::Flag(flag) => put_part(key, &[u8::from(*flag)]),
        Fact::Amount(amount) => put_part(key, &amount.nanos().to_le_bytes()),
        Fact::List(objects) => {
            put_part(key, &objects.len().to_le_bytes());
            for fact in objects.iter().flatten() {
                put_fact(key, fact);
            }
        }
        Fact::Absent => {}
    }
}

/// Begins a member: all but the first have a comma before them.
fn write_name(json: &mut String, name: &str) {
    if !json.ends_with('{') {
        json.push(',');
    }
    // Writing to a string cannot fail.
    let _ = write!(json, "\"{name}\":");
}

fn write_fact(json: &mut String, named: &NamedFact, fact: &Fact<'_>) {
    match fact {
        Fact::Text(text) => {
            // Nor can quoting a text.
            json.push_str(&serde_json::to_string(text).unwrap_or_default());
        }
        Fact::Number(number) => {
            let _ = write!(json, "{number}");
        }
        Fact::Flag(flag) => {
            let _ = write!(json, "{flag}");
        }
        Fact::Amount(amount) => {
            let _ = write!(json, "{amount}");
        }
        Fact::List(objects) => {
            json.push('[');
            for (count, object) in objects.iter().enumerate() {
                json.push_str(if count == 0 { "{" } else { ",{" });
                let members = named.members.iter().zip(object);
                for ((member, _), fact) in members.filter(|(_, fact)| **fact != Fact::Absent) {
                    write_name(json, member.name);
                    write_fact(json, named, fact);
                }
                json.push('}');
            }
            json.push(']');
        }
        Fact::Absent => json.push_str("null"),
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
pub(in crate::policy) mod tests;
