//! The gateway as its callers meet it: the real program, over real HTTP, in front of simulated
//! providers that keep their own books.
#![cfg(test)]

#[path = "../support/collector.rs"]
mod collector;
#[path = "../support/dialect.rs"]
mod dialect;
#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/outage.rs"]
mod outage;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../support/prices.rs"]
mod prices;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/receiver.rs"]
mod receiver;
#[path = "../support/realtime.rs"]
mod realtime_support;
#[path = "../support/redis_server.rs"]
mod redis_server;
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/tls.rs"]
mod tls_support;
#[path = "../support/upstream.rs"]
mod upstream;
#[path = "../support/worker.rs"]
mod worker_process;

mod alerts;
mod bad_input;
mod bodies;
mod budgets;
mod caches;
mod callers;
mod ceiling;
mod command_line;
mod connections;
mod crashes;
mod cut_off;
mod deferred;
mod drift;
mod evidence;
mod failures;
mod fleet;
mod keys;
mod kill_switch;
mod import;
mod ledger;
mod lifecycle;
mod media;
mod media_books;
mod metering;
mod mixed;
mod objects;
mod policies;
mod policy_commands;
mod postgres;
mod price_dates;
mod rates;
mod realtime;
mod receipts;
mod reloads;
mod rereading;
mod replicas;
mod routing;
mod scopes;
mod sessions;
mod shadows;
mod stopping;
mod tenant_policies;
mod tls;
mod traces;
mod upgrade;
mod worker;
mod whatif;
