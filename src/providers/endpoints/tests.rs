//! Every row of the table, and paths that are in none.

use http::{HeaderMap, HeaderValue};

use super::*;

fn hints(headers: &[(&'static str, &'static str)], query: Option<&'static str>) -> Hints<'static> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    Hints::new(&map, query)
}

#[test]
fn each_row_of_the_table_is_found_by_its_path() {
    for endpoint in ENDPOINTS {
        let path = endpoint.label.replace("{model}", "some-model.1");
        let path = path.replace("{id}", "some_id-1").replace("{rest}", "a/b");
        let hints = match endpoint.dialect {
            Dialect::OpenAi => hints(&[], None),
            Dialect::Anthropic => hints(&[("anthropic-version", "2023-06-01")], None),
            Dialect::Google => hints(&[], Some("key=x")),
        };
        let method = endpoint.method.replace(ANY_METHOD, "PATCH");
        let found = route(&method, &path, &hints).unwrap();
        assert_eq!(found.endpoint, endpoint);
        let has_model = endpoint.label.contains("{model}");
        assert_eq!(found.model_in_path, has_model.then_some("some-model.1"));
        let has_id = endpoint.label.contains("{id}");
        assert_eq!(found.object_in_path, has_id.then_some("some_id-1"));
        if endpoint.method == ANY_METHOD {
            continue;
        }
        let wrong = "PUT";
        let refused = route(wrong, &path, &hints).unwrap_err();
        assert!(
            matches!(refused.denial, Denial::MethodNotAllowed { .. }),
            "{path}"
        );
    }
}

#[test]
fn shared_paths_are_told_apart_by_headers() {
    for (headers, query, dialect) in [
        (&[][..], None, Dialect::OpenAi),
        (&[("x-api-key", "bg_1")][..], None, Dialect::OpenAi),
        (
            &[("anthropic-version", "2026-10-21")][..],
            None,
            Dialect::Anthropic,
        ),
        (&[("x-goog-api-key", "bg_1")][..], None, Dialect::Google),
        (&[][..], Some("pageSize=3&key=bg_1"), Dialect::Google),
    ] {
        for path in ["/v1/models", "/v1/models/m"] {
            let found = route("GET", path, &hints(headers, query)).unwrap();
            assert_eq!(found.endpoint.dialect, dialect, "{path} {headers:?}");
        }
        let refused = route("GET", "/v1/nothing", &hints(headers, query)).unwrap_err();
        assert_eq!(
            (refused.dialect, refused.denial),
            (dialect, Denial::UnknownRoute)
        );
    }
}

#[test]
fn what_is_not_in_the_table_is_refused_in_the_likeliest_dialect() {
    for (method, path, dialect) in [
        ("POST", "/v1/images", Dialect::OpenAi),
        ("POST", "/v1/chat/completions/", Dialect::OpenAi),
        ("POST", "//v1/chat/completions", Dialect::OpenAi),
        ("POST", "/v1/messages/nothing", Dialect::Anthropic),
        ("POST", "/v1beta/models/m:predictSomething", Dialect::Google),
        ("POST", "/v1beta/openai/completions", Dialect::OpenAi),
    ] {
        let refused = route(method, path, &Hints::default()).unwrap_err();
        assert_eq!(
            (refused.dialect, refused.denial),
            (dialect, Denial::UnknownRoute),
            "{path}"
        );
    }
}

#[test]
fn a_model_in_a_path_is_one_plain_segment() {
    for model in [
        "a/b", "..", "a..b", "a%2fb", "a%2Fb", "a b", "a\u{7f}b", "", ".hidden", "ä",
    ] {
        let path = format!("/v1beta/models/{model}:generateContent");
        let refused = route("POST", &path, &Hints::default()).unwrap_err();
        assert_eq!(refused.dialect, Dialect::Google);
        let is_refused = matches!(refused.denial, Denial::BadRequest(_) | Denial::UnknownRoute);
        assert!(is_refused, "{model}: {:?}", refused.denial);
    }
    let fine = route("GET", "/v1/models/ft:gpt-4o:acme::id", &Hints::default()).unwrap();
    assert_eq!(fine.model_in_path, Some("ft:gpt-4o:acme::id"));
}

#[test]
fn a_google_query_may_not_hide_the_usage() {
    let path = "/v1beta/models/m:streamGenerateContent";
    let asked = |query| route("POST", path, &hints(&[], Some(query)));
    for query in ["alt=sse", "alt=json&key=k", "$alt=sse", "prettyPrint=false"] {
        assert!(asked(query).is_ok(), "{query}");
    }
    for query in [
        "alt=proto",
        "%24alt=proto",
        "alt=",
        "fields=candidates",
        "$fields=x",
        "callback=f",
    ] {
        let refused = asked(query).unwrap_err();
        assert!(matches!(refused.denial, Denial::BadRequest(_)), "{query}");
    }
}
