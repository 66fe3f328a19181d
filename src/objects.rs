//! What providers keep for tenants behind a key that they share: whose each object is, lists of a
//! tenant's own, and what answers cost that are made after their request.

pub mod book;
pub mod client;
pub mod list;
pub mod poller;

mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::objects::book::OwnerBook;
use crate::objects::client::ProviderClient;
use crate::objects::list::Lists;

/// More calls are not begun that end after their answers: each opening of a budget reads all of them.
const OPEN_MAX: u64 = 20_000;

/// What requests need to know of objects.
#[derive(Debug)]
pub struct Objects {
    /// Whose each is.
    pub book: Arc<OwnerBook>,
    /// How many calls wait for their providers, over all replicas.
    pub open: Arc<AtomicU64>,
    /// Lists of them.
    pub lists: Lists,
    /// Who reads what is in them.
    pub client: Arc<ProviderClient>,
}

impl Objects {
    /// Whether one more call may be begun that ends after its answer.
    pub fn has_room(&self) -> bool {
        self.open.load(Ordering::Relaxed) < OPEN_MAX
    }
}
