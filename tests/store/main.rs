//! The contract of the store: one suite that holds on SQLite, and on Postgres when
//! `BUDGETGUARD_TEST_POSTGRES` has the URL of a server on which tests may make schemas.
#![cfg_attr(
    test,
    expect(
        clippy::cognitive_complexity,
        reason = "every assertion counts as a branch, and a test is its assertions"
    )
)]

#[cfg(test)]
#[path = "../support/schema.rs"]
mod schema;
#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod alerts;
#[cfg(test)]
#[path = "../support/refresher.rs"]
mod refresher;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod import;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod partitions;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod policy_bundles;
#[cfg(test)]
mod price_versions;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod recorder;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod sums;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod whatif;
