//! What the pages of the dashboard ask for: where budgets stand, what usage breaks down to, one row of
//! the ledger, the ledger in any order, and how the installation is.

mod breakdown;
mod entry;
mod health;
mod order;
mod status;
