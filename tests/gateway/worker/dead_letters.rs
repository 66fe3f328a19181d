//! What cannot be written is kept, counted, in nobody's way, and can be replayed.

use crate::dialect::Dialect;
use crate::gateway::Tenant;
use crate::postgres::Schema;
use crate::replicas::within;
use crate::worker::fleet::{DEAD, Fleet, STREAM, WITHIN};

/// What `worker dead-letters` prints.
fn dead_letters(fleet: &Fleet, arguments: &[&str]) -> String {
    let output = fleet
        .one
        .run(&[&["worker", "dead-letters"], arguments].concat());
    let (out, err) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{err}");
    String::from_utf8(out).unwrap()
}

/// The ids of dead letters, oldest first.
fn dead_ids(fleet: &Fleet) -> Vec<String> {
    let entries = fleet.redis.run(&["XRANGE", DEAD, "-", "+"]);
    let is_id = |line: &&str| {
        let parts = line.split_once('-');
        parts.is_some_and(|(millis, number)| {
            millis.len() == 13 && millis.parse::<u64>().is_ok() && number.parse::<u64>().is_ok()
        })
    };
    entries.lines().filter(is_id).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_cannot_be_read_are_in_nobodys_way() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("neighbour", "100").await;
    for fields in [
        &["hello", "world"][..],
        &["form", "2", "request", "nobody's", "row", "x"],
        &["form", "99", "gateway", "newer", "row", "x"],
    ] {
        let add = [&["XADD", STREAM, "*"], fields].concat();
        fleet.redis.run(&add);
    }
    fleet.burst(&tenant).await;
    let worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    within(WITHIN, "it is told", async || {
        worker.metric("budgetguard_queue_dead_letters").await == 3
            && fleet.one.metric("budgetguard_queue_dead_letters").await == 3
            && worker.metric("budgetguard_queue_buried_total").await == 3
    })
    .await;
    let listed = dead_letters(&fleet, &["list"]);
    assert!(listed.contains("it has no `form`"), "{listed}");
    let ids = dead_ids(&fleet);
    let shown = dead_letters(&fleet, &["show", &ids[2]]);
    assert!(
        shown.contains("gateway: newer") && shown.contains("has the form `99`"),
        "{shown}"
    );
    dead_letters(&fleet, &["remove", &ids[0]]);
    assert_eq!(fleet.dead(), 2);
    // They are no better than before.
    dead_letters(&fleet, &["replay", "--all"]);
    within(WITHIN, "they are back", async || {
        fleet.dead() == 2 && fleet.queued() == 0 && !dead_ids(&fleet).contains(&ids[1])
    })
    .await;
    let unknown = fleet.one.run(&["worker", "dead-letters", "show", "1-1"]);
    assert!(!unknown.status.success());
    fleet.end().await;
}

/// From now on the ledger refuses rows of a session.
async fn refuse(schema: &Schema, session: &str) {
    let name = schema.name();
    schema
        .run(&format!(
            "CREATE FUNCTION {name}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'not this one' USING ERRCODE = '22023'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON {name}.usage_ledger FOR EACH ROW \
             WHEN (NEW.session = '{session}') EXECUTE FUNCTION {name}.refuse()"
        ))
        .await;
}

async fn accept_all(schema: &Schema) {
    let name = schema.name();
    schema
        .run(&format!("DROP TRIGGER refuse ON {name}.usage_ledger"))
        .await;
}

/// Refused rows keep nobody from a restart. What is shipped afterwards stands behind them in the spool.
async fn restart_and_ship(fleet: &mut Fleet, tenant: &Tenant) {
    fleet.one.terminate();
    assert!(fleet.one.ended().await.success());
    fleet.one.start().await;
    fleet.burst(tenant).await;
    within(WITHIN, "the new rows are written", async || {
        fleet.queued() == 0 && fleet.waiting().await == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_the_ledger_refuses_is_kept_counted_and_replayed() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("refused", "100").await;
    refuse(&fleet.schema, "poison").await;
    let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
    for _ in 0..2 {
        let request = call.request(&fleet.one, &tenant);
        let request = request.header("x-session-id", "poison");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    fleet.burst(&tenant).await;
    let _worker = fleet.worker().await;
    let (calls, bill) = fleet.bill();
    within(WITHIN, "the others are written", async || {
        fleet.queued() == 0 && fleet.dead() == 2 && fleet.waiting().await == 2
    })
    .await;
    assert_eq!(fleet.one.ledger(&tenant).await.len(), calls - 2);
    let ids = dead_ids(&fleet);
    let listed = dead_letters(&fleet, &["list"]);
    assert!(listed.contains("not this one"), "{listed}");
    assert!(
        listed.contains("refused") && listed.contains("gpt-4o-mini"),
        "{listed}"
    );
    // They were spent, whatever the ledger says.
    fleet.open(&tenant, "monthly").await;
    fleet.assert_spent(&tenant, bill).await;
    restart_and_ship(&mut fleet, &tenant).await;
    assert_eq!(dead_ids(&fleet), ids, "nothing is put away twice");
    fleet.assert_spent(&tenant, fleet.bill().1).await;
    accept_all(&fleet.schema).await;
    let said = dead_letters(&fleet, &["replay", &ids[0]]);
    assert!(said.contains("1 dead letters"), "{said}");
    within(WITHIN, "it is written", async || {
        fleet.dead() == 1 && fleet.waiting().await == 1
    })
    .await;
    dead_letters(&fleet, &["replay", "--all"]);
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}
