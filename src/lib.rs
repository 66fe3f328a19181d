//! BudgetGuard: a reverse proxy for AI providers that makes sure nobody spends more than allowed.
//!
//! The modules in reading order, outermost first; an import may point only downwards
//! (`tests/architecture` checks it). `docs/ARCHITECTURE.md` follows one request through them.

pub mod commands;

pub mod app;

pub mod gateway;

pub mod admin;

pub mod alerts;

pub mod objects;

pub mod whatif;

pub mod recorder;

pub mod import;

pub mod catalog;

pub mod simulator;

pub mod providers;

pub mod policy;

pub mod engine;
pub mod evidence;

pub mod store;

pub mod queue;

pub mod spool;

pub mod keys;

pub mod metrics;

pub mod telemetry;

pub mod settings;

pub mod https;
pub mod domain;
