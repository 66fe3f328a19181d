//! The admin API over a real database and the real engine: what each route answers and refuses.
#![cfg(test)]

#[path = "../support/installation.rs"]
mod installation;
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/refresher.rs"]
mod refresher;
#[path = "../support/schema.rs"]
mod schema;
mod support;

#[macro_use]
mod databases;
mod browser;

mod access;
mod audit;
mod document;
mod login;
mod refusals;
mod roles;
mod routes;
mod users;

mod alerts;
mod budgets;
mod dashboard;
mod insight;
mod keys;
mod operations;
mod policy_bundles;
mod prices;
mod providers;
mod sessions;
mod tag_analytics;
mod tagging;
mod tags;
mod tenants;
mod usage;
mod whatif;
