//! What BudgetGuard is about, as plain values: money, time windows, usage, prices, budgets and
//! refusals. Pure and synchronous: nothing here reads a clock, a file, a store or a socket.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::float_arithmetic,
        clippy::float_cmp
    )
)]

pub mod alert;
pub mod budget;
pub mod bundle;
pub mod denial;
pub mod feature;
pub mod filter;
pub mod health;
pub mod id;
pub mod ledger;
pub mod money;
pub mod object;
pub mod peer;
pub mod pricing;
pub mod rate;
pub mod ruling;
pub mod session;
pub mod stamp;
pub mod tag;
pub mod tagging;
pub mod tenant;
pub mod usage;
pub mod user;
pub mod window;
