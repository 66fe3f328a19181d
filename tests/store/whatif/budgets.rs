//! Budgets in a replay, held against the model and against each other.

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::id::{ApiKeyId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::whatif::Question;
use budgetguard::whatif::change::{Changes, new_id};

use super::model::{Model, rows_of, shifted, some_streams};
use super::{
    ACME, DAY, MINUTE, Room, after, budget, digest, put, question, request, tenants_budget, usd,
};
use crate::support::{Database, STAMP, session, tenant};

on_both_databases![
    a_budget_refuses_what_a_plain_model_refuses,
    without_a_change_what_was_admitted_is_admitted_and_what_was_refused_is_not,
    the_same_question_has_the_same_answer,
    what_others_spend_counts_on_the_installations_budget,
    a_session_counts_what_it_cost_before,
];

/// What the tenant spent before an instant.
async fn spent_before(room: &Room, end: UtcMicros) -> Usd {
    let everything = Coverage::all_of(Scope::Tenant(ACME));
    let earlier = Window {
        start: UtcMicros::MIN,
        end,
    };
    let spent = room.store.spent(&[(&everything, earlier)], &[]).await;
    spent.unwrap()[0]
}

/// The first third of a stream came before the time that is asked about: it is spent when that begins.
fn asked_of(rows: &[LedgerRow], start: i64) -> (Window, usize) {
    let asked = Window {
        start: rows[rows.len() / 3].at,
        end: after(start + 300 * DAY),
    };
    (asked, rows.partition_point(|row| row.at < asked.start))
}

async fn a_budget_refuses_what_a_plain_model_refuses(database: Database) {
    let room = Room::new(&database, &[]).await;
    let mut refusals = 0;
    for (number, (stream, limit, period)) in some_streams().enumerate() {
        let (rows, start) = shifted(&stream, number);
        room.store.append(&rows).await.unwrap();
        let (asked, first) = asked_of(&rows, start);
        let (before, inside) = rows.split_at(first);
        let mut model = Model::new(period, limit);
        if period == Period::Total {
            // Whatever other streams spent counts on a budget without end.
            let spent = spent_before(&room, after(start)).await;
            model.spend(asked.start, spent);
            model.limit += spent.nanos();
        }
        for row in before {
            model.spend(row.at, row.cost);
        }
        let expected = model.replay(inside);
        let question = Question {
            window: asked,
            ..question(tenants_budget(period, model.limit))
        };
        let answer = room.whatif.ask(question).await.unwrap().changed;
        assert_eq!(
            answer.decisions_hash(),
            digest(&expected.decisions),
            "{stream:?} {limit} {period:?}"
        );
        assert_eq!(answer.total.saved, expected.saved);
        assert_eq!(answer.total.requests, u64::try_from(inside.len()).unwrap());
        let sums = &answer.budgets[&new_id(0)];
        assert_eq!(sums.first_refused_at, expected.first_refused_at);
        refusals += sums.refused;
        // What ends after the last request began is not awaited, by either.
        if sums.charged > 0 {
            assert_eq!(sums.highest_use, usd(model.highest), "{stream:?}");
        }
        let costs_within_what_was_held = inside.iter().all(|row| row.cost <= row.held);
        if costs_within_what_was_held && model.is_within() {
            assert!(sums.highest_use <= usd(model.limit));
        }
    }
    assert!(refusals > 100, "{refusals} are too few to prove anything");
}

async fn without_a_change_what_was_admitted_is_admitted_and_what_was_refused_is_not(
    database: Database,
) {
    let mut room = Room::new(&database, &[]).await;
    for (number, (stream, limit, _)) in some_streams().enumerate() {
        let (rows, start) = shifted(&stream, number);
        let mut model = Model::new(Period::Daily, limit);
        let recorded = rows.into_iter().map(|row| {
            let cost = row.cost.min(row.held);
            model.recorded(LedgerRow { cost, ..row })
        });
        let recorded: Vec<LedgerRow> = recorded.collect();
        room.store.append(&recorded).await.unwrap();
        room.set(Scope::Tenant(ACME), Period::Daily, limit).await;
        let question = Question {
            window: Window {
                start: after(start),
                end: after(start + 300 * DAY),
            },
            ..question(Changes::default())
        };
        let answer = room.whatif.ask(question).await.unwrap();
        let were_refused = recorded.iter().filter(|row| row.status == Status::Blocked);
        let were_refused = u64::try_from(were_refused.count()).unwrap();
        let total = answer.changed.total;
        assert_eq!(
            (total.refused, total.were_refused),
            (were_refused, were_refused)
        );
        assert_eq!(
            (total.saved, total.newly_admitted),
            (Usd::ZERO, 0),
            "{stream:?}"
        );
        let same = answer.in_force.decisions_hash();
        assert_eq!(same, answer.changed.decisions_hash());
    }
}

async fn the_same_question_has_the_same_answer(database: Database) {
    let (stream, ..) = some_streams()
        .max_by_key(|(stream, ..)| stream.len())
        .unwrap();
    let rows = rows_of(&stream, 0);
    let room = Room::new(&database, &rows).await;
    let ask = async || room.ask(tenants_budget(Period::Total, 400)).await.changed;
    let (one, other) = (ask().await, ask().await);
    assert_eq!(one.decisions_hash(), other.decisions_hash());
    assert!(one.total.refused > 0);
    // The same on the other database: this is what the test of either says.
    assert_eq!(
        one.decisions_hash(),
        "4f1a932864a3e543e1768df48df8efdc0e5ebe51da4929e906903ed74a848ff4"
    );
}

async fn what_others_spend_counts_on_the_installations_budget(database: Database) {
    let of_other = |number, at| LedgerRow {
        tenant: TenantId(2),
        key: ApiKeyId(2),
        ..request(number, at, 50, 50)
    };
    let rows = [
        of_other(1, 0),
        of_other(2, MINUTE),
        request(3, 2 * MINUTE, 50, 50),
    ];
    let room = Room::new(&database, &rows).await;
    tenant(&room.store, "other").await;
    let mut room = room;
    room.take_over().await;
    let only_acme = |changes| Question {
        tenant: Some(ACME),
        ..question(changes)
    };
    let everybodys = put(budget(Scope::Installation, Period::Daily, 100));
    let answer = room
        .whatif
        .ask(only_acme(everybodys))
        .await
        .unwrap()
        .changed;
    assert_eq!((answer.rows, answer.total.requests), (3, 1));
    assert_eq!(answer.total.refused, 1);
    // Without it, the others' rows are not even read.
    let own = tenants_budget(Period::Daily, 100);
    let answer = room.whatif.ask(only_acme(own)).await.unwrap().changed;
    assert_eq!((answer.rows, answer.total.refused), (1, 0));
}

async fn a_session_counts_what_it_cost_before(database: Database) {
    let of = |number, at, name: &str| LedgerRow {
        session: Some(session(name)),
        ..request(number, at, 40, 40)
    };
    let rows = [
        of(1, -MINUTE, "chat"),
        of(2, MINUTE, "chat"),
        of(3, 2 * MINUTE, "chat"),
        of(4, 3 * MINUTE, "other"),
        of(5, 4 * MINUTE, "other"),
        of(6, 5 * MINUTE, "other"),
    ];
    let mut room = Room::new(&database, &rows).await;
    let set = room
        .store
        .set_default_session_budget(ACME, Some(usd(100)), &STAMP);
    set.await.unwrap();
    room.take_over().await;
    let answer = room.ask(Changes::default()).await.changed;
    let decisions = [
        (rows[1].request, "admitted:"),
        (rows[2].request, "budget_exceeded:session"),
        (rows[3].request, "admitted:"),
        (rows[4].request, "admitted:"),
        (rows[5].request, "budget_exceeded:session"),
    ];
    assert_eq!(answer.decisions_hash(), digest(&decisions));
}
