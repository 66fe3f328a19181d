//! Policies of tenants, in versions: uploading them, which of them is in force, and trying one out.

mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::admin::AdminState;
use crate::admin::document::POLICIES;
use crate::admin::document::bundles::{BundleTrial, NewBundle as NewBundleBody};
use crate::admin::document::parameters::{BundlePath, PageQuery, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::{PathId, PathIds};
use crate::admin::policy_bundles::shown::{BundleBody, TrialBody, WholeBundleBody};
use crate::admin::query::{PageBody, Params};
use crate::domain::bundle::{
    ACTIVE_MAX, Contents, FILES_MAX, MODULE_BYTES_MAX, TEXT_BYTES_MAX, VERSIONS_MAX,
};
use crate::domain::id::{BundleVersion, TenantId};
use crate::domain::stamp::Stamp;
use crate::policy::source::PolicySource;
use crate::policy::trials::NoResult;
use crate::policy::wasm::WasmRuntime;
use crate::policy::{PolicyError, Verdict};
use crate::store::policy_bundles::{BundleRecord, NewBundle, Unchanged};

const VERSION_NOT_FOUND: AdminError = AdminError::NotFound("Policy version not found");
/// The longest text of a module: base64 has four letters for three bytes.
const MODULE_LENGTH_MAX: usize = MODULE_BYTES_MAX.div_ceil(3) * 4;
/// Largest body of an upload: the module, and what stands around it.
pub(super) const UPLOAD_BYTES_MAX: usize = MODULE_LENGTH_MAX + 16 * 1024;
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;
/// When to try again while other rules are tried.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// Compiles and keeps a version, which is not in force until it is activated.
#[utoipa::path(post, path = "/admin/tenant/{id}/policy-bundles", tag = POLICIES,
    operation_id = "uploadPolicyBundle", params(TenantPath), request_body = NewBundleBody,
    responses((status = 200, body = BundleBody), InvalidBody, Missing))]
pub(super) async fn upload(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<BundleBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let (field, contents) = read_contents(&fields)?;
    let comment = fields.text("comment")?.filter(|text| !text.is_empty());
    let source = PolicySource::of_contents(contents.clone());
    let sha256 = source.hash().to_string();
    let compiled = state
        .trials
        .run(move |wasm| source.compile_sent(wasm).map(drop));
    let compiled = compiled
        .await
        .map_err(|reason| no_result(&fields, field, reason))?;
    compiled.map_err(|error| fields.problem(field, &format!("cannot be used: {error}")))?;
    let bundle = NewBundle {
        contents: &contents,
        sha256: &sha256,
        comment: comment.as_deref(),
    };
    let kept = state.store.add_bundle(tenant, bundle, &stamp).await?;
    let kept = kept.ok_or_else(|| {
        AdminError::Invalid(format!(
            "A tenant has at most {VERSIONS_MAX} policy versions"
        ))
    })?;
    Ok(Json(kept.into()))
}

/// A tenant's versions, newest first.
#[utoipa::path(get, path = "/admin/tenant/{id}/policy-bundles", tag = POLICIES,
    operation_id = "listPolicyBundles", params(TenantPath, PageQuery),
    responses((status = 200, body = PageBody<BundleBody>), Invalid, Missing))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    params: Params,
) -> Result<Json<PageBody<BundleBody>>, AdminError> {
    state.open_tenant(tenant).await?;
    let asked = params.page(LIMIT_DEFAULT, LIMIT_MAX)?;
    let listed = state.store.list_bundles(tenant, asked.into()).await?;
    Ok(Json(PageBody::new(asked, listed, BundleBody::from)))
}

/// A version with what it is made of.
#[utoipa::path(get, path = "/admin/tenant/{id}/policy-bundles/{version}", tag = POLICIES,
    operation_id = "showPolicyBundle", params(BundlePath),
    responses((status = 200, body = WholeBundleBody), Invalid, Missing))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, version): PathIds<TenantId, BundleVersion>,
) -> Result<Json<WholeBundleBody>, AdminError> {
    let (record, contents) = find(&state, tenant, version).await?;
    Ok(Json(WholeBundleBody::new(record, contents)))
}

/// Puts a version in force, in place of the one that is.
#[utoipa::path(post, path = "/admin/tenant/{id}/policy-bundles/{version}/activate", tag = POLICIES,
    operation_id = "activatePolicyBundle", params(BundlePath),
    responses((status = 200, body = BundleBody), Invalid, Missing))]
pub(super) async fn activate(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, version): PathIds<TenantId, BundleVersion>,
    stamp: Stamp,
) -> Result<Json<BundleBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let changed = state.store.activate_bundle(tenant, version, &stamp).await?;
    in_force(&state, changed).await
}

/// Puts the version in force again that was before the one that is, which counts as never activated.
#[utoipa::path(post, path = "/admin/tenant/{id}/policy-bundles/rollback", tag = POLICIES,
    operation_id = "rollBackPolicyBundle", params(TenantPath),
    responses((status = 200, body = BundleBody), Invalid, Missing))]
pub(super) async fn roll_back(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    stamp: Stamp,
) -> Result<Json<BundleBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let changed = state.store.roll_back_bundle(tenant, &stamp).await?;
    in_force(&state, changed).await
}

/// Takes the version out of force that is, so that only the installation's policy is asked.
#[utoipa::path(post, path = "/admin/tenant/{id}/policy-bundles/deactivate", tag = POLICIES,
    operation_id = "deactivatePolicyBundle", params(TenantPath),
    responses((status = 200, body = BundleBody), Invalid, Missing))]
pub(super) async fn deactivate(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    stamp: Stamp,
) -> Result<Json<BundleBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let changed = state.store.deactivate_bundle(tenant, &stamp).await?;
    in_force(&state, changed).await
}

/// What a version alone says to an input. Nothing is changed.
#[utoipa::path(post, path = "/admin/tenant/{id}/policy-bundles/{version}/test", tag = POLICIES,
    operation_id = "testPolicyBundle", params(BundlePath), request_body = BundleTrial,
    responses((status = 200, body = TrialBody), InvalidBody, Missing))]
pub(super) async fn test(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, version): PathIds<TenantId, BundleVersion>,
    fields: Fields,
) -> Result<Json<TrialBody>, AdminError> {
    let input = fields.object("input")?;
    let input = input.ok_or_else(|| fields.required("input"))?;
    let (_, contents) = find(&state, tenant, version).await?;
    let source = PolicySource::of_contents(contents);
    let decide = move |wasm: &WasmRuntime| -> Result<Verdict, PolicyError> {
        source.compile_sent(wasm)?.decide_on(&input)
    };
    let decided = state.trials.run(decide).await;
    let decided = decided.map_err(|reason| no_result(&fields, "input", reason))?;
    Ok(Json(TrialBody::new(version, decided)))
}

async fn find(
    state: &AdminState,
    tenant: TenantId,
    version: BundleVersion,
) -> Result<(BundleRecord, Contents), AdminError> {
    state.open_tenant(tenant).await?;
    let found = state.store.bundle(tenant, version).await?;
    found.ok_or(VERSION_NOT_FOUND)
}

/// Puts a change in force, or says why there is none.
async fn in_force(
    state: &AdminState,
    changed: Result<BundleRecord, Unchanged>,
) -> Result<Json<BundleBody>, AdminError> {
    let record = changed.map_err(|reason| match reason {
        Unchanged::Missing => VERSION_NOT_FOUND,
        Unchanged::NotActive => AdminError::invalid("The tenant has no policy in force"),
        Unchanged::NothingBefore => AdminError::invalid("No version was in force before this one"),
        Unchanged::TooMany => AdminError::Invalid(format!(
            "At most {ACTIVE_MAX} tenants have a policy of their own"
        )),
    })?;
    state.take_over().await?;
    Ok(Json(record.into()))
}

/// What was uploaded, and which field has it.
fn read_contents(fields: &Fields) -> Result<(&'static str, Contents), AdminError> {
    let files = fields.nested("files")?;
    let module = fields.source("module", MODULE_LENGTH_MAX)?;
    let (field, contents) = match (files, module) {
        (Some(files), None) => ("files", Contents::rego(read_files(&files)?)),
        (None, Some(module)) => {
            let module = STANDARD.decode(module);
            let module = module.map_err(|_cause| fields.problem("module", "must be base64"))?;
            ("module", Contents::wasm(module))
        }
        (Some(_), Some(_)) => return Err(fields.problem("module", "cannot be there beside files")),
        (None, None) => return Err(fields.required("files")),
    };
    let contents = contents.map_err(|reason| fields.problem(field, &reason.to_string()))?;
    Ok((field, contents))
}

fn read_files(fields: &Fields) -> Result<BTreeMap<String, String>, AdminError> {
    let names = fields.names(FILES_MAX)?;
    let files = names.into_iter().map(|name| {
        let text = fields.source(&name, TEXT_BYTES_MAX)?;
        let text = text.ok_or_else(|| fields.problem(&name, "must be a string"))?;
        Ok((name, text))
    });
    files.collect()
}

fn no_result(fields: &Fields, field: &str, reason: NoResult) -> AdminError {
    match reason {
        NoResult::Busy => AdminError::Busy {
            reason: "Other rules are being tried",
            retry_after: BUSY_RETRY,
        },
        NoResult::TooLong => fields.problem(field, &format!("cannot be used: {reason}")),
        NoResult::GivenUp => AdminError::Internal,
    }
}
