//! The compiled policies of tenants. They are compiled while the catalog is loaded, never on the path of a
//! request, and each once: what is in the snapshot before is taken from there.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::Snapshot;
use crate::domain::id::TenantId;
use crate::policy::layers::TenantPolicy;
use crate::policy::source::PolicySource;
use crate::policy::wasm::WasmRuntime;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::policy_bundles::ActiveBundle;

/// Those that are in force. One that cannot be compiled is there too: its tenant is refused everything.
pub(super) async fn of_tenants(
    (store, wasm): (&Store, &Arc<WasmRuntime>),
    bundles: Vec<ActiveBundle>,
    before: &Snapshot,
) -> Result<HashMap<TenantId, Arc<TenantPolicy>>, StoreError> {
    if bundles.is_empty() {
        return Ok(HashMap::new());
    }
    let known = before.tenants.values();
    let known = known.filter_map(|entry| entry.policy.as_ref());
    let mut compiled: HashMap<String, Arc<TenantPolicy>> = known
        .filter(|policy| policy.rules.is_ok())
        .map(|policy| (policy.hash.to_string(), Arc::clone(policy)))
        .collect();
    let mut of_tenants = HashMap::with_capacity(bundles.len());
    for bundle in bundles {
        let policy = match compiled.get(&bundle.sha256) {
            Some(policy) => Arc::clone(policy),
            None => Arc::new(compile((store, wasm), &bundle).await?),
        };
        of_tenants.insert(bundle.tenant, Arc::clone(&policy));
        compiled.insert(bundle.sha256, policy);
    }
    Ok(of_tenants)
}

async fn compile(
    (store, wasm): (&Store, &Arc<WasmRuntime>),
    bundle: &ActiveBundle,
) -> Result<TenantPolicy, StoreError> {
    let (tenant, version) = (bundle.tenant, bundle.version);
    let kept = store.bundle(tenant, version).await?;
    // Versions are never removed.
    let (_, contents) = kept.ok_or_else(|| StoreError::Corrupt {
        what: format!("version {version} of the policy of tenant {tenant}"),
    })?;
    let source = PolicySource::of_contents(contents);
    let hash = source.hash();
    let wasm = Arc::clone(wasm);
    let compiled = tokio::task::spawn_blocking(move || source.compile_sent(&wasm)).await;
    let rules = match compiled {
        Ok(Ok(rules)) => Ok(rules),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_panicked) => Err("the compiler gave it up".to_owned()),
    };
    if let Err(reason) = &rules {
        tracing::error!(
            tenant = tenant.0, version = version.0, %reason,
            "the policy of a tenant cannot be used; its requests are refused"
        );
    }
    Ok(TenantPolicy { hash, rules })
}
