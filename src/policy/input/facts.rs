//! The one list of what policies are told: the document, its schema, what tells inputs apart and what
//! changes from one request to the next all come from it.

mod lists;

use std::borrow::Cow;
use std::cell::OnceCell;

use smallvec::SmallVec;

use crate::domain::budget::Scope;
use crate::domain::id::TagId;
use crate::domain::money::Usd;
use crate::domain::window::{LocalTime, UtcMicros, WEEKDAY_NAMES};
use crate::policy::input::{BudgetFigures, PolicyInput};

/// A fact, under the name that rules read.
pub(in crate::policy) struct FactRow {
    /// The name, which is an interface.
    pub(in crate::policy) name: &'static str,
    /// What it is, for readers of the schema.
    pub(in crate::policy) about: &'static str,
    /// What it looks like.
    pub(in crate::policy) shape: Shape,
    /// Whether every request has it. One that has not is undefined in rules.
    pub(in crate::policy) is_given: bool,
    /// Whether it differs from one request to the next of the same kind: remembering what was decided
    /// on it is of no use.
    pub(in crate::policy) is_volatile: bool,
    pub(super) get: for<'a> fn(&View<'a>) -> Fact<'a>,
}

/// A member of the objects of a list.
pub(in crate::policy) struct MemberRow {
    /// The name.
    pub(in crate::policy) name: &'static str,
    /// What it is.
    pub(in crate::policy) about: &'static str,
    /// What it looks like.
    pub(in crate::policy) shape: Shape,
    /// Whether every object has it.
    pub(in crate::policy) is_given: bool,
}

/// What a fact looks like.
#[derive(Clone, Copy)]
pub(in crate::policy) enum Shape {
    /// Any text.
    Text,
    /// One of these.
    Word(&'static [&'static str]),
    /// `2026-11-30`.
    Date,
    /// `2026-11-30T01:04:55.754Z`.
    Instant,
    /// A whole number of these, both included; without a limit above where there is none.
    Integer(i64, Option<i64>),
    /// True or false.
    Flag,
    /// US dollars.
    Amount,
    /// Objects with these members.
    List(&'static [MemberRow]),
}

/// One thing that a policy is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Flag(bool),
    Amount(Usd),
    /// Objects: the members of each in the order of their rows.
    List(Vec<Members<'a>>),
    /// Not told at all, so that it is undefined.
    Absent,
}

pub(super) type Members<'a> = SmallVec<[Fact<'a>; 9]>;

/// An input, and what is worked out of it for several facts.
pub(super) struct View<'a> {
    input: &'a PolicyInput<'a>,
    local: OnceCell<LocalTime>,
}

impl<'a> View<'a> {
    pub(super) fn new(input: &'a PolicyInput<'a>) -> Self {
        Self {
            input,
            local: OnceCell::new(),
        }
    }

    fn local(&self) -> LocalTime {
        let find = || self.input.at.local_in(self.input.time_zone);
        *self.local.get_or_init(find)
    }

    fn session_figures(&self) -> Option<&'a BudgetFigures> {
        let is_of_session = |figures: &&BudgetFigures| matches!(figures.scope, Scope::Session(_));
        self.input.budgets.iter().find(is_of_session)
    }

    /// The path of a tag; its number where it was deleted meanwhile.
    fn path(&self, tag: TagId) -> Cow<'a, str> {
        let path = self.input.tags.tree.path(tag);
        Cow::Owned(path.unwrap_or_else(|| tag.to_string()))
    }
}

impl<'a> Fact<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn number(number: impl Into<i64>) -> Self {
        Self::Number(number.into())
    }

    fn instant(at: UtcMicros) -> Self {
        Self::Text(Cow::Owned(at.to_string()))
    }

    fn amount(amount: Option<Usd>) -> Self {
        amount.map_or(Self::Absent, Self::Amount)
    }
}

/// Every fact.
pub(in crate::policy) const FACTS: [FactRow; 21] = [
    FactRow {
        name: "tenant",
        about: "The name of the tenant who pays.",
        shape: Shape::Text,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.input.tenant),
    },
    FactRow {
        name: "key",
        about: "The number of the API key.",
        shape: Shape::Integer(0, None),
        is_given: true,
        is_volatile: false,
        get: |view| Fact::Number(view.input.key.0),
    },
    FactRow {
        name: "key_name",
        about: "What its tenant calls the API key.",
        shape: Shape::Text,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.input.key_name),
    },
    FactRow {
        name: "route",
        about: "The path of the endpoint, such as `/v1/chat/completions`.",
        shape: Shape::Text,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.input.route),
    },
    FactRow {
        name: "model",
        about: "The model that would be billed; empty where an endpoint has none.",
        shape: Shape::Text,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.input.model),
    },
    FactRow {
        name: "model_asked",
        about: "The model as the caller wrote it: an alias, perhaps.",
        shape: Shape::Text,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.input.model_asked),
    },
    FactRow {
        name: "provider",
        about: "Who would bill: `openai`, `anthropic`, `google`, or a provider of the settings.",
        shape: Shape::Text,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.input.provider),
    },
    FactRow {
        name: "streamed",
        about: "Whether the answer is to be a stream.",
        shape: Shape::Flag,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::Flag(view.input.streamed),
    },
    FactRow {
        name: "tags",
        about: "The tags that the request counts on: its own, and all that these stand under.",
        shape: Shape::List(&lists::TAG),
        is_given: true,
        is_volatile: false,
        get: |view| Fact::List(lists::tags(view)),
    },
    FactRow {
        name: "session",
        about: "The id of the session that the caller named.",
        shape: Shape::Text,
        is_given: false,
        is_volatile: false,
        get: |view| view.input.session.map_or(Fact::Absent, Fact::text),
    },
    FactRow {
        name: "session_spent",
        about: "What the session has spent, where something limits it.",
        shape: Shape::Amount,
        is_given: false,
        is_volatile: true,
        get: |view| Fact::amount(view.session_figures().map(|it| it.balance.spent)),
    },
    FactRow {
        name: "session_limit",
        about: "What the session may spend, where something limits it.",
        shape: Shape::Amount,
        is_given: false,
        is_volatile: true,
        get: |view| Fact::amount(view.session_figures().map(|it| it.limit)),
    },
    FactRow {
        name: "estimate",
        about: "What the request is likely to cost: a token for every four bytes of its text, and an \
                answer of its cap or of 1,000 tokens, whichever is less. Absent where nobody knows a price.",
        shape: Shape::Amount,
        is_given: false,
        is_volatile: false,
        get: |view| Fact::amount(view.input.estimate),
    },
    FactRow {
        name: "worst_case",
        about: "The most that the request can cost: what is held for it. Absent where nobody knows a price.",
        shape: Shape::Amount,
        is_given: false,
        is_volatile: false,
        get: |view| Fact::amount(view.input.worst_case),
    },
    FactRow {
        name: "budgets",
        about: "Every budget that the request is charged to, this request not yet held.",
        shape: Shape::List(&lists::BUDGET),
        is_given: true,
        is_volatile: true,
        get: |view| Fact::List(lists::budgets(view)),
    },
    FactRow {
        name: "time",
        about: "The hour of the day in the tenant's time zone.",
        shape: Shape::Integer(0, Some(23)),
        is_given: true,
        is_volatile: false,
        get: |view| Fact::number(view.local().hour),
    },
    FactRow {
        name: "minute",
        about: "The minute of the hour in the tenant's time zone.",
        shape: Shape::Integer(0, Some(59)),
        is_given: true,
        is_volatile: true,
        get: |view| Fact::number(view.local().minute),
    },
    FactRow {
        name: "weekday",
        about: "The day of the week in the tenant's time zone.",
        shape: Shape::Word(&WEEKDAY_NAMES),
        is_given: true,
        is_volatile: false,
        get: |view| Fact::text(view.local().weekday()),
    },
    FactRow {
        name: "date",
        about: "The date in the tenant's time zone.",
        shape: Shape::Date,
        is_given: true,
        is_volatile: false,
        get: |view| Fact::Text(Cow::Owned(view.local().date.to_string())),
    },
    FactRow {
        name: "time_zone",
        about: "The tenant's time zone, such as `Europe/Berlin`.",
        shape: Shape::Text,
        is_given: false,
        is_volatile: false,
        get: |view| {
            let name = view.input.time_zone.iana_name();
            name.map_or(Fact::Absent, Fact::text)
        },
    },
    FactRow {
        name: "instant",
        about: "When the request came, in UTC.",
        shape: Shape::Instant,
        is_given: true,
        is_volatile: true,
        get: |view| Fact::instant(view.input.at),
    },
];
