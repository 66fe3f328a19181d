//! What routes may answer beside what was asked for. Each is told once, and routes name it.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

/// What every admin route may answer: the status and the name of the response.
pub(super) const OF_ALL_ADMIN_ROUTES: [(&str, &str); 5] = [
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("429", "Throttled"),
    ("500", "InternalError"),
    ("503", "Unavailable"),
];

const BAD_REQUEST: &str = "BadRequest";
const NOT_FOUND: &str = "NotFound";
const BODY_TIMEOUT: &str = "BodyTimeout";
const BODY_TOO_LARGE: &str = "BodyTooLarge";

const DESCRIPTIONS: [(&str, &str); 9] = [
    (
        BAD_REQUEST,
        "The request is at fault; the error says in what.",
    ),
    ("Unauthorized", "Neither the admin key nor a session."),
    (
        "Forbidden",
        "The role is not enough, or a change by cookie lacks its token.",
    ),
    (NOT_FOUND, "There is no such thing."),
    (BODY_TIMEOUT, "The body did not arrive in time."),
    (BODY_TOO_LARGE, "The body is longer than 1 MiB."),
    (
        "Throttled",
        "Too many wrong keys; `Retry-After` says when the next is looked at.",
    ),
    ("InternalError", "A fault of ours; the cause is in the log."),
    (
        "Unavailable",
        "The database cannot be reached, or a change that is stored is not yet in force.",
    ),
];

/// All of them, by name.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Response)> {
    DESCRIPTIONS.into_iter().map(|(name, description)| {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ErrorBody")))
            .build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build();
        (name, response)
    })
}

/// Something in the path or in the query is at fault.
pub(in crate::admin) struct Invalid;

/// Something in the body is at fault.
pub(in crate::admin) struct InvalidBody;

/// What the path names is not there.
pub(in crate::admin) struct Missing;

type Responses = BTreeMap<String, RefOr<Response>>;

fn named<const N: usize>(responses: [(&str, &str); N]) -> Responses {
    let named = responses.map(|(status, name)| {
        let response = RefOr::Ref(Ref::from_response_name(name));
        (status.to_owned(), response)
    });
    named.into()
}

impl IntoResponses for Invalid {
    fn responses() -> Responses {
        named([("400", BAD_REQUEST)])
    }
}

impl IntoResponses for InvalidBody {
    fn responses() -> Responses {
        named([
            ("400", BAD_REQUEST),
            ("408", BODY_TIMEOUT),
            ("413", BODY_TOO_LARGE),
        ])
    }
}

impl IntoResponses for Missing {
    fn responses() -> Responses {
        named([("404", NOT_FOUND)])
    }
}
