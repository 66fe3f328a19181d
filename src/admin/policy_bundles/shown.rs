//! Policies of tenants as the API shows them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::bundle::Contents;
use crate::domain::id::{BundleVersion, TenantId};
use crate::policy::{PolicyError, Verdict};
use crate::store::policy_bundles::BundleRecord;

/// A version of a tenant's policy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct BundleBody {
    tenant_id: TenantId,
    version: BundleVersion,
    /// `rego` or `wasm`.
    kind: String,
    /// The hash of its rules, as ledger rows name it.
    sha256: String,
    bytes: u64,
    #[schema(required)]
    comment: Option<String>,
    created_by: String,
    #[schema(format = DateTime)]
    created_at: String,
    is_active: bool,
    /// Nothing if it never was activated, or was rolled back.
    #[schema(required, format = DateTime)]
    activated_at: Option<String>,
}

/// A version with what it is made of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct WholeBundleBody {
    #[serde(flatten)]
    bundle: BundleBody,
    /// Texts by the names of their files.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<BTreeMap<String, String>>,
    /// A module in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
}

/// How a trial went: either a decision, or why there is none, for which a request would be refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct TrialBody {
    version: BundleVersion,
    #[schema(required)]
    decision: Option<DecisionBody>,
    #[schema(required)]
    error: Option<String>,
}

/// What rules say to an input.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct DecisionBody {
    allow: bool,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    max_output_tokens: Option<u64>,
    #[schema(required)]
    model: Option<String>,
    tags_required: Vec<String>,
}

impl From<BundleRecord> for BundleBody {
    fn from(record: BundleRecord) -> Self {
        Self {
            tenant_id: record.tenant,
            version: record.version,
            kind: record.kind,
            sha256: record.sha256,
            bytes: record.bytes,
            comment: record.comment,
            created_by: record.created_by,
            created_at: record.created_at.to_string(),
            is_active: record.is_active,
            activated_at: record.activated_at.map(|at| at.to_string()),
        }
    }
}

impl WholeBundleBody {
    pub(super) fn new(record: BundleRecord, contents: Contents) -> Self {
        let (files, module) = match contents {
            Contents::Rego(files) => (Some(files), None),
            Contents::Wasm(module) => (None, Some(STANDARD.encode(module))),
        };
        Self {
            bundle: record.into(),
            files,
            module,
        }
    }
}

impl TrialBody {
    pub(super) fn new(version: BundleVersion, decided: Result<Verdict, PolicyError>) -> Self {
        let (decision, error) = match decided {
            Ok(verdict) => (Some(verdict.into()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            version,
            decision,
            error,
        }
    }
}

impl From<Verdict> for DecisionBody {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow(effects) => Self {
                allow: true,
                reason: None,
                max_output_tokens: effects.max_output_tokens,
                model: effects.model.map(|model| model.as_str().to_owned()),
                tags_required: effects.tags_required,
            },
            Verdict::Deny { reason } => Self {
                reason,
                ..Self::default()
            },
        }
    }
}
