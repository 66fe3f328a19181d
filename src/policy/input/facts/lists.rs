//! The facts that are lists: what each of their objects has.

use std::borrow::Cow;

use crate::domain::budget::Scope;
use crate::domain::tag::TagShare;
use crate::domain::window::{PERIOD_NAMES, UtcMicros, Window};
use crate::policy::input::BudgetFigures;
use crate::policy::input::facts::{Fact, MemberRow, Members, Shape, View};

pub(super) const TAG: [MemberRow; 3] = [
    MemberRow {
        name: "name",
        about: "Its name, unique among the tenant's.",
        shape: Shape::Text,
        is_given: true,
    },
    MemberRow {
        name: "path",
        about: "The names from the root of its tree down to it, with `/` between.",
        shape: Shape::Text,
        is_given: true,
    },
    MemberRow {
        name: "inherited",
        about: "The request does not have it itself, but a tag below it.",
        shape: Shape::Flag,
        is_given: true,
    },
];

pub(super) fn tags<'a>(view: &View<'a>) -> Vec<Members<'a>> {
    let tags = view.input.tags;
    let members = |share: &TagShare| {
        let path = view.path(share.tag);
        let name = tags.tree.get(share.tag);
        let name = name.map_or_else(|| path.clone(), |tag| Cow::Borrowed(tag.name.as_str()));
        let is_inherited = Fact::Flag(share.is_inherited);
        Members::from_iter([Fact::Text(name), Fact::Text(path), is_inherited])
    };
    tags.shares.iter().map(members).collect()
}

pub(super) const BUDGET: [MemberRow; 9] = [
    MemberRow {
        name: "scope",
        about: "Whose it is.",
        shape: Shape::Word(&["installation", "tenant", "key", "tag", "session"]),
        is_given: true,
    },
    MemberRow {
        name: "name",
        about: "The name of the tenant or key, the path of the tag, the id of the session.",
        shape: Shape::Text,
        is_given: false,
    },
    MemberRow {
        name: "period",
        about: "Over what time it counts.",
        shape: Shape::Word(&PERIOD_NAMES),
        is_given: true,
    },
    MemberRow {
        name: "usage",
        about: "What is spent in the window.",
        shape: Shape::Amount,
        is_given: true,
    },
    MemberRow {
        name: "held",
        about: "What is held for requests under way.",
        shape: Shape::Amount,
        is_given: true,
    },
    MemberRow {
        name: "budget",
        about: "The limit.",
        shape: Shape::Amount,
        is_given: true,
    },
    MemberRow {
        name: "remaining",
        about: "The limit without what is spent and held.",
        shape: Shape::Amount,
        is_given: true,
    },
    MemberRow {
        name: "start",
        about: "When the window began, in UTC; absent where it has no beginning.",
        shape: Shape::Instant,
        is_given: false,
    },
    MemberRow {
        name: "end",
        about: "When the window ends, in UTC; absent where it has no end.",
        shape: Shape::Instant,
        is_given: false,
    },
];

pub(super) fn budgets<'a>(view: &View<'a>) -> Vec<Members<'a>> {
    let budgets = view.input.budgets.iter();
    budgets.map(|figures| budget(view, figures)).collect()
}

fn budget<'a>(view: &View<'a>, figures: &BudgetFigures) -> Members<'a> {
    let BudgetFigures { limit, balance, .. } = *figures;
    let name = match figures.scope {
        Scope::Installation => Fact::Absent,
        Scope::Tenant(_) => Fact::text(view.input.tenant),
        Scope::Key(_) => Fact::text(view.input.key_name),
        Scope::Tag(tag) => Fact::Text(view.path(tag)),
        Scope::Session(_) => view.input.session.map_or(Fact::Absent, Fact::text),
    };
    let Window { start, end } = figures.window;
    let instant = |at: UtcMicros, never: UtcMicros| {
        if at == never {
            Fact::Absent
        } else {
            Fact::instant(at)
        }
    };
    Members::from_iter([
        Fact::text(figures.scope.kind()),
        name,
        Fact::text(figures.period.name()),
        Fact::Amount(balance.spent),
        Fact::Amount(balance.held),
        Fact::Amount(limit),
        Fact::Amount(balance.headroom(limit)),
        instant(start, UtcMicros::MIN),
        instant(end, UtcMicros::MAX),
    ])
}
