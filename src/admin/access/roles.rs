//! Which role each route needs: the one table. What has no row here is refused to everybody, so a
//! route that was forgotten cannot be used without anybody noticing.

use axum::http::Method;

use crate::domain::user::Role;

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Rule {
    /// Nothing: it is how one logs in.
    Open,
    /// This role, or more.
    Needs(Role),
    /// Nobody may use this method there.
    NoMethod,
    /// There is no such route.
    NoPath,
}

const OPEN: Rule = Rule::Open;
const VIEWER: Rule = Rule::Needs(Role::Viewer);
const OPERATOR: Rule = Rule::Needs(Role::Operator);
const ADMIN: Rule = Rule::Needs(Role::Admin);

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

type Row = (&'static str, &'static [(Method, Rule)]);

const TABLE: &[Row] = &[
    // Oneself.
    (
        "/admin/session",
        &[(POST, OPEN), (GET, VIEWER), (DELETE, VIEWER)],
    ),
    ("/admin/session/password", &[(PUT, VIEWER)]),
    // Users, and what was done.
    ("/admin/users", &[(GET, ADMIN), (POST, ADMIN)]),
    (
        "/admin/users/{id}",
        &[(GET, ADMIN), (PUT, ADMIN), (DELETE, ADMIN)],
    ),
    ("/admin/audit", &[(GET, ADMIN)]),
    // Tenants and their keys.
    ("/admin/tenant", &[(GET, VIEWER), (POST, ADMIN)]),
    (
        "/admin/tenant/{id}",
        &[(GET, VIEWER), (PUT, ADMIN), (DELETE, ADMIN)],
    ),
    (
        "/admin/tenant/{id}/ratelimit",
        &[(GET, VIEWER), (PUT, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/apikeys",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    ("/admin/apikey/{id}", &[(DELETE, OPERATOR)]),
    (
        "/admin/apikey/{id}/ratelimit",
        &[(GET, VIEWER), (PUT, OPERATOR)],
    ),
    // Budgets.
    ("/admin/budgets", &[(GET, VIEWER), (POST, OPERATOR)]),
    (
        "/admin/tenant/{id}/budgets",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    (
        "/admin/apikey/{id}/budgets",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    ("/admin/budget-health", &[(GET, VIEWER)]),
    ("/admin/budget/{id}", &[(PUT, OPERATOR), (DELETE, OPERATOR)]),
    (
        "/admin/budget/tag/{id}",
        &[(PUT, OPERATOR), (DELETE, OPERATOR)],
    ),
    // Tags and rules.
    (
        "/admin/tenant/{id}/tags",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/tags/{tag}",
        &[(GET, VIEWER), (PUT, OPERATOR), (DELETE, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/tags/{tag}/activate",
        &[(PATCH, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/tags/{tag}/deactivate",
        &[(PATCH, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/tags/{tag}/budgets",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    ("/admin/tenant/{id}/tag-analytics", &[(GET, VIEWER)]),
    (
        "/admin/tenant/{id}/tagging-rules",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/tagging-rules/{rule}",
        &[(PUT, OPERATOR), (DELETE, OPERATOR)],
    ),
    // Policies of tenants.
    (
        "/admin/tenant/{id}/policy-bundles",
        &[(GET, VIEWER), (POST, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/policy-bundles/{version}",
        &[(GET, VIEWER)],
    ),
    (
        "/admin/tenant/{id}/policy-bundles/{version}/activate",
        &[(POST, OPERATOR)],
    ),
    // It changes nothing.
    (
        "/admin/tenant/{id}/policy-bundles/{version}/test",
        &[(POST, VIEWER)],
    ),
    (
        "/admin/tenant/{id}/policy-bundles/rollback",
        &[(POST, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/policy-bundles/deactivate",
        &[(POST, OPERATOR)],
    ),
    // Sessions of callers.
    ("/admin/tenant/{id}/sessions", &[(GET, VIEWER)]),
    ("/admin/sessions/{session}/usage", &[(GET, VIEWER)]),
    (
        "/admin/tenant/{id}/sessions/{session}/budget",
        &[(GET, VIEWER), (PUT, OPERATOR), (DELETE, OPERATOR)],
    ),
    (
        "/admin/tenant/{id}/default-session-budget",
        &[(GET, VIEWER), (PUT, OPERATOR), (DELETE, OPERATOR)],
    ),
    // Usage and alerts.
    ("/admin/tenant/{id}/usage", &[(GET, VIEWER)]),
    ("/admin/tenant/{id}/usage/history", &[(GET, VIEWER)]),
    ("/admin/tenant/{id}/usage/models", &[(GET, VIEWER)]),
    ("/admin/tenant/{id}/usage/ledger", &[(GET, VIEWER)]),
    ("/admin/usage/ledger", &[(GET, VIEWER)]),
    ("/admin/usage/ledger/export", &[(GET, VIEWER)]),
    ("/admin/usage/ledger/{requestId}", &[(GET, VIEWER)]),
    ("/admin/usage/breakdown", &[(GET, VIEWER)]),
    // It changes nothing.
    ("/admin/whatif", &[(POST, VIEWER)]),
    ("/admin/alerts", &[(GET, VIEWER)]),
    ("/admin/alerts/test", &[(POST, OPERATOR)]),
    ("/admin/tenant/{id}/alerts", &[(GET, VIEWER)]),
    // Providers, and everything else that it depends on.
    ("/admin/status", &[(GET, VIEWER)]),
    ("/health/detailed", &[(GET, VIEWER)]),
    ("/admin/providers/status", &[(GET, VIEWER)]),
    ("/admin/providers/{provider}/health", &[(GET, VIEWER)]),
    ("/admin/providers/{provider}/test", &[(POST, OPERATOR)]),
    // Prices.
    ("/admin/model-pricing", &[(GET, VIEWER), (POST, ADMIN)]),
    ("/admin/model-pricing/{idOrModel}", &[(PUT, ADMIN)]),
    ("/admin/model-pricing/{idOrModel}/retire", &[(POST, ADMIN)]),
    ("/admin/model-pricing/{idOrModel}/history", &[(GET, VIEWER)]),
];

/// What a route asks for; `HEAD` is a `GET`.
pub(in crate::admin) fn rule_of(method: &Method, path: &str) -> Rule {
    let method = if *method == Method::HEAD {
        &GET
    } else {
        method
    };
    let Some((_, methods)) = TABLE.iter().find(|(known, _)| *known == path) else {
        return Rule::NoPath;
    };
    let known = methods.iter().find(|(known, _)| known == method);
    known.map_or(Rule::NoMethod, |(_, rule)| *rule)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_has_one_row() {
        let paths: BTreeSet<_> = TABLE.iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), TABLE.len());
    }

    #[test]
    fn what_has_no_row_is_refused() {
        assert_eq!(rule_of(&GET, "/admin/forgotten"), Rule::NoPath);
        assert_eq!(rule_of(&PATCH, "/admin/tenant"), Rule::NoMethod);
        assert_eq!(rule_of(&Method::HEAD, "/admin/tenant"), VIEWER);
    }

    #[test]
    fn only_logging_in_is_open() {
        let open: Vec<_> = TABLE
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .iter()
                    .map(move |(method, rule)| (path, method, rule))
            })
            .filter(|(_, _, rule)| **rule == OPEN)
            .map(|(path, method, _)| (*path, method.clone()))
            .collect();
        assert_eq!(open, [("/admin/session", POST)]);
    }
}
