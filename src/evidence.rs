//! Evidence that the ledger is whole: chains that are recomputed, and signed checkpoints of how far they
//! went, kept where the database is not. It finds what was done and mends nothing.

pub mod chains;
pub mod findings;
pub mod month;
pub mod checkpoint;
pub mod key;
pub mod book;
pub mod notary;
pub mod retention;
pub mod sorting;
mod archives;
mod sums;
pub mod verify;
