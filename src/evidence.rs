//! Evidence that the ledger is whole: chains that are recomputed, and signed checkpoints of how far they
//! went, kept where the database is not. It finds what was done and mends nothing.

pub mod findings;
pub mod month;
pub mod chains;
pub mod checkpoint;
pub mod key;
pub mod book;
pub mod notary;
pub mod retention;
pub mod sorting;
pub mod sums;
mod archives;
pub mod verify;
