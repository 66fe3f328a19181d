//! Each of the 45 routes of the original and those of the dashboard, on both databases: what it answers, field by field, and what it
//! refuses. What bodies and queries may say is taken from the document, so the two cannot differ.

mod document;
mod insight;
mod shape;
mod table;

use axum::http::StatusCode;
use budgetguard::domain::id::TagId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::session::SessionRef;
use budgetguard::domain::tag::{TagShare, Weight};
use serde_json::{Value, json};

use crate::databases::Place;
use crate::installation::{Answer, Installation, NOW, options};
use crate::routes::document::Document;
use crate::routes::table::{Answers, Apart, Missing, ROUTES, Route};
use crate::support::{assert_refused, furnish, row};

const UNKNOWN: &str = "999999";
const BAD_IDS: [&str; 7] = [
    "abc",
    "0",
    "-1",
    "1.5",
    "%20",
    "1e3",
    "99999999999999999999",
];
/// What is no JSON object.
const NO_OBJECTS: [&str; 6] = ["", "{", "[]", "7", "null", "\"text\""];
const BODY_BYTES_MAX: usize = 1 << 20;
/// Wrong keys that are still told so.
const FAILURES_MAX: usize = 30;

on_both_databases!(
    each_route_answers_in_the_types_of_the_original,
    each_route_refuses_in_the_words_of_the_original,
    each_route_refuses_ids_that_are_none_and_knows_none_that_is_not_there,
    each_field_of_a_body_takes_what_the_document_says_and_nothing_else,
    each_parameter_of_a_query_takes_what_the_document_says_and_nothing_else,
    no_route_takes_a_body_that_is_no_object,
    a_closed_tenant_has_only_its_history,
);

/// `acme` with everything that the routes are about.
async fn furnish_all(place: &Place) -> Installation {
    let installation = place.installation(options()).await;
    furnish(&installation).await;
    let post = async |path: &str, body: Value| installation.post(path, body).await;
    post("/admin/tenant", json!({"name": "other"})).await;
    post("/admin/tenant/1/tags", json!({"name": "team"})).await;
    let leaf = json!({"name": "leaf", "parentId": 1, "color": "#00f"});
    post("/admin/tenant/1/tags", leaf).await;
    let budget = json!({"period": "daily", "amountUsd": 5});
    post("/admin/tenant/1/tags/1/budgets", budget).await;
    let rows = [1, 2].map(|number| LedgerRow {
        session: Some(SessionRef {
            id: "chat".to_owned(),
            name: Some("A chat".to_owned()),
            path: None,
        }),
        tags: [TagShare {
            tag: TagId(1),
            weight: Weight::ONE,
            is_inherited: false,
        }]
        .into_iter()
        .collect(),
        ..row(number, NOW, "gpt-5", 1_500_000_000)
    });
    installation.state.store.append(&rows).await.unwrap();
    installation
}

/// Those of the dashboard first: those of the original take away what they are about.
fn all() -> impl Iterator<Item = &'static Route> {
    insight::ROUTES.iter().chain(&ROUTES)
}

async fn call(installation: &Installation, route: &Route, path: &str, body: &str) -> Answer {
    installation.call(route.method, path, body.to_owned()).await
}

#[test]
fn the_table_has_each_route_of_the_original_once() {
    let mut names: Vec<_> = ROUTES.iter().map(|it| (it.path, it.method)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 45);
}

#[tokio::test]
async fn the_document_tells_of_each_route() {
    let document = Document::of(&Installation::new().await).await;
    for route in all() {
        let operation = document.operation(route);
        assert!(operation.is_object(), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn no_route_answers_without_the_key() {
    for routes in all().collect::<Vec<_>>().chunks(FAILURES_MAX) {
        let installation = Installation::new().await;
        for route in routes {
            let answer = installation
                .send(route.method, route.call, None, route.body)
                .await;
            assert_refused(&answer, 401, "Unauthorized", route.call);
        }
    }
}

async fn each_route_answers_in_the_types_of_the_original(place: Place) {
    let installation = furnish_all(&place).await;
    for route in all() {
        let what = format!("{} {}", route.method, route.call);
        let answer = call(&installation, route, route.call, route.body).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
        let kind = &answer.headers["content-type"];
        assert_eq!(kind, "application/json", "{what}");
        let expected = serde_json::from_str(route.answer).unwrap();
        shape::assert_is(&expected, &answer.json(), &what);
    }
}

async fn each_route_refuses_in_the_words_of_the_original(place: Place) {
    let installation = furnish_all(&place).await;
    for route in all() {
        for (path, body, status, reason) in route.refused {
            let what = format!("{} {path} {body}", route.method);
            let answer = call(&installation, route, path, body).await;
            assert_refused(&answer, *status, reason, &what);
        }
    }
}

async fn each_route_refuses_ids_that_are_none_and_knows_none_that_is_not_there(place: Place) {
    let installation = furnish_all(&place).await;
    for route in all() {
        let calls = |id: &str| with_each_id(route, id);
        for (id, path) in BAD_IDS.iter().flat_map(|id| calls(id)) {
            let answer = call(&installation, route, &path, route.body).await;
            let reason = format!("Invalid {id}");
            let what = format!("{} {path}", route.method);
            assert_refused(&answer, 400, &reason, &what);
        }
        for (_, path) in calls(UNKNOWN) {
            let answer = call(&installation, route, &path, route.body).await;
            let what = format!("{} {path}", route.method);
            assert_refused(&answer, 404, "not found", &what);
        }
    }
}

/// The route's path with each of its ids in turn replaced, and what the id is of.
fn with_each_id(route: &Route, id: &str) -> Vec<(&'static str, String)> {
    let path = path_of(route);
    let names: Vec<&str> = route.path.split('/').collect();
    let mut calls = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let what = match (*name, names[at - usize::from(at > 0)]) {
            ("{tag}", _) => "tag ID",
            ("{id}", "tenant") => "tenant ID",
            ("{id}", "apikey") => "API key ID",
            ("{id}", _) => "budget ID",
            _ => continue,
        };
        let mut segments: Vec<&str> = path.split('/').collect();
        segments[at] = id;
        calls.push((what, segments.join("/")));
    }
    calls
}

fn path_of(route: &Route) -> &'static str {
    route.call.split('?').next().unwrap()
}

async fn each_field_of_a_body_takes_what_the_document_says_and_nothing_else(place: Place) {
    let installation = furnish_all(&place).await;
    let document = Document::of(&installation).await;
    for route in all() {
        let Some(schema) = document.body_of(route) else {
            assert_eq!(route.body, "", "{} {}", route.method, route.path);
            continue;
        };
        let body: Value = serde_json::from_str(route.body).unwrap();
        document.assert_names_each_field(&schema, &body, route.path);
        let wrong = document.wrong_bodies(&schema, &body);
        assert!(!wrong.is_empty(), "{}", route.path);
        for (fields, body) in wrong {
            let answer = call(&installation, route, route.call, &body.to_string()).await;
            let what = format!("{} {} {body}", route.method, route.call);
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
            let reason = answer.error().to_lowercase();
            let is_named = |field: &String| reason.contains(&field.to_lowercase());
            assert!(
                fields.iter().any(is_named),
                "{what}: `{reason}` names none of {fields:?}"
            );
        }
    }
}

async fn each_parameter_of_a_query_takes_what_the_document_says_and_nothing_else(place: Place) {
    let installation = furnish_all(&place).await;
    let document = Document::of(&installation).await;
    let mut checked = 0;
    for route in all() {
        for (name, values) in document.values_of_parameters(route) {
            for (value, is_right) in values {
                let path = document.call_with(route, &name, &value);
                let answer = call(&installation, route, &path, "").await;
                let what = format!("{} {path}", route.method);
                if is_right {
                    assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
                } else {
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
                    assert!(!answer.error().is_empty(), "{what}: {}", answer.text);
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} values");
}

async fn no_route_takes_a_body_that_is_no_object(place: Place) {
    let installation = furnish_all(&place).await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(BODY_BYTES_MAX));
    for route in ROUTES.iter().filter(|route| !route.body.is_empty()) {
        let what = format!("{} {}", route.method, route.call);
        let is_optional = route.path.ends_with("/apikeys");
        for body in NO_OBJECTS.iter().skip(usize::from(is_optional)) {
            let answer = call(&installation, route, route.call, body).await;
            let what = format!("{what} {body}");
            assert_refused(&answer, 400, "must be a JSON object", &what);
        }
        let answer = call(&installation, route, route.call, &long).await;
        assert_refused(&answer, 413, "too large", &what);
    }
}

async fn a_closed_tenant_has_only_its_history(place: Place) {
    let installation = furnish_all(&place).await;
    installation.delete("/admin/tenant/1").await;
    for route in all() {
        let what = format!("{} {}", route.method, route.call);
        let answer = match route.when_closed {
            Apart => continue,
            Missing | Answers => call(&installation, route, route.call, route.body).await,
        };
        if route.when_closed == Answers {
            assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
        } else {
            assert_refused(&answer, 404, "not found", &what);
        }
    }
}
