//! Our keys for providers, which can be exchanged while requests go out.

use std::fmt;
use std::sync::Arc;

use crate::gateway::Gateway;
use crate::gateway::upstream::Upstreams;
use crate::objects::client::ProviderClient;
use crate::settings::Settings;

/// Whoever shows providers our keys: for callers, and for the gateway itself.
pub struct ProviderKeys {
    upstreams: Arc<Upstreams>,
    client: Arc<ProviderClient>,
}

impl fmt::Debug for ProviderKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProviderKeys(..)")
    }
}

impl ProviderKeys {
    /// Those of a gateway.
    pub fn of(gateway: &Gateway) -> Self {
        Self {
            upstreams: Arc::clone(&gateway.upstreams),
            client: Arc::clone(&gateway.objects.client),
        }
    }

    /// Shows the keys of these settings from now on; requests under way go on with theirs.
    pub fn take(&self, settings: &Settings) {
        self.upstreams.take_keys(settings);
        self.client.take_keys(&settings.providers);
    }
}
