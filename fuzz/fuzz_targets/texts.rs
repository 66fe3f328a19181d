//! The readers of short texts, such as paths, queries, amounts and patterns: what they take is read again
//! as the same when it is printed.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use budgetguard::domain::filter::Patterns;
use budgetguard::domain::id::RequestId;
use budgetguard::domain::money::Usd;
use budgetguard::domain::ruling::parse_effects;
use budgetguard::domain::tag::{Weight, parse_shares, print_shares};
use budgetguard::domain::tagging::Conditions;
use budgetguard::providers::endpoints::{Hints, route};
use budgetguard::providers::openai::realtime::model_of;
use libfuzzer_sys::fuzz_target;

const METHODS: [&str; 4] = ["GET", "POST", "DELETE", "PUT"];

fuzz_target!(|data: &[u8]| {
    let Some(([kind, which], bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match kind % 8 {
        0 => round_trip::<Usd>(text),
        1 => round_trip::<Weight>(text),
        2 => patterns(text),
        3 => request_id(text),
        4 => find(METHODS[usize::from(*which) % METHODS.len()], text),
        5 => shares(text),
        6 => {
            let _model = model_of(Some(text));
        }
        _ => {
            let _effects = parse_effects(text);
            let _headers = Conditions::parse_headers(text);
        }
    }
});

fn round_trip<T: FromStr + Display + Debug + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>();
        assert_eq!(again.ok(), Some(value));
    }
}

fn patterns(text: &str) {
    if let Ok(patterns) = Patterns::parse(text) {
        let again = Patterns::parse(&patterns.to_string());
        assert_eq!(again.ok().as_ref(), Some(&patterns));
        let _fits = patterns.match_any(text);
    }
}

fn request_id(text: &str) {
    if let Some(id) = RequestId::parse(text) {
        assert_eq!(RequestId::parse(&id.to_string()), Some(id));
    }
}

fn shares(text: &str) {
    if let Some(shares) = parse_shares(text) {
        let printed = print_shares(&shares).unwrap_or_default();
        assert_eq!(parse_shares(&printed).as_deref(), Some(&*shares));
    }
}

/// A path, and behind a question mark a query.
fn find(method: &str, text: &str) {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let hints = Hints { query, ..Hints::default() };
    if let Ok(found) = route(method, path, &hints) {
        for named in [found.model_in_path, found.object_in_path].into_iter().flatten() {
            assert!(path.contains(named), "{named} is not in {path}");
            assert!(!named.is_empty() && !named.contains('/'), "{named} is no segment");
        }
    }
}
