//! Gateways that leave the writing to workers (`USAGE_QUEUE=redis`): every call has its one row, budgets
//! count it once at every moment, and what cannot be written is in nobody's way.

mod accounts;
mod dead_letters;
mod fleet;
mod losses;
mod writing;
