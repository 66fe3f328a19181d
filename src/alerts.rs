//! Budget alerts: spending that passes a threshold of a budget is told once for each window, as a line
//! in the log, a metric and a webhook.
//!
//! Nothing here is on the path of a request but the note that something was settled
//! ([`settlements`]). Once a second the [`watcher`] looks at the budgets of tenants that have such a
//! note. Which replica tells is decided by a row in the store; what has to be delivered stays there
//! until the [`courier`] of some replica has brought it.
//!
//! That a policy's file is broken is told too ([`policy`]): by the process that reads it, without a row.

pub mod policy;
pub mod settlements;
pub mod watcher;

pub mod courier;
pub mod message;
pub mod webhook;
