//! The bodies of the routes about policies of tenants, as the document shows them. Routes read them field by
//! field.

use utoipa::ToSchema;

/// A new version of a policy: either texts in Rego or a module that OPA compiled.
#[derive(ToSchema)]
pub(in crate::admin) struct NewBundle {
    /// Texts in Rego by the names of their files; those that end in `_test.rego` are kept and not evaluated.
    /// At most 32 files and 64 KiB.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    files: Option<()>,
    /// A module that `opa build -t wasm` made, in base64; at most 1 MiB.
    #[schema(max_length = 1_398_104)]
    module: Option<String>,
    /// What is said of it.
    #[schema(max_length = 200)]
    comment: Option<String>,
}

/// What a version is tried on.
#[derive(ToSchema)]
pub(in crate::admin) struct BundleTrial {
    /// The input document.
    #[schema(value_type = Object)]
    input: (),
}
