//! What providers keep for tenants behind a key that they share: whose each object is, lists of a
//! tenant's own, and what answers cost that are made after their request.

pub mod book;
pub mod client;
pub mod list;
pub mod poller;

mod tally;

use std::sync::Arc;

use crate::objects::book::OwnerBook;
use crate::objects::client::ProviderClient;
use crate::objects::list::Lists;

/// What requests need to know of objects.
#[derive(Debug)]
pub struct Objects {
    /// Whose each is.
    pub book: Arc<OwnerBook>,
    /// Lists of them.
    pub lists: Lists,
    /// Who reads what is in them.
    pub client: Arc<ProviderClient>,
}
