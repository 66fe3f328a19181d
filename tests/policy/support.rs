//! Inputs, and modules as OPA compiles them: by hand, in C and in the text format.

use std::path::{Path, PathBuf};

use budgetguard::domain::budget::{Balance, Scope};
use budgetguard::domain::id::TenantId;
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::policy::PolicyError;
use budgetguard::policy::input::{BudgetFigures, PolicyInput};
use budgetguard::policy::rego::RegoPolicy;
use budgetguard::policy::wasm::{WasmPolicy, WasmRuntime};

use crate::module;

pub(crate) fn request(model: &str) -> PolicyInput<'_> {
    PolicyInput {
        model,
        model_asked: model,
        at: UtcMicros::new(1_795_993_495_754_000),
        ..PolicyInput::example(Box::leak(Box::default()))
    }
}

/// A budget of ten dollars of which so much is left.
pub(crate) fn budget(left_nanos: i64) -> BudgetFigures {
    BudgetFigures {
        scope: Scope::Tenant(TenantId(1)),
        period: Period::Daily,
        window: Window::TOTAL,
        limit: Usd::from_nanos(10_000_000_000),
        balance: Balance {
            spent: Usd::from_nanos(10_000_000_000 - left_nanos),
            held: Usd::ZERO,
        },
    }
}

pub(crate) fn rego(rules: &str) -> Result<RegoPolicy, PolicyError> {
    RegoPolicy::of_text("rules.rego", format!("package budgetguard.policy\n{rules}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy/modules")
}

pub(crate) fn rego_file(name: &str) -> RegoPolicy {
    RegoPolicy::load(&folder().join(format!("{name}.rego"))).unwrap()
}

/// A module in C, for a minor version of the ABI.
pub(crate) fn c_module(name: &str, abi_minor: u8) -> Vec<u8> {
    module::compile(&folder().join(format!("{name}.c")), abi_minor).unwrap()
}

pub(crate) fn wasm(module: &[u8], data: Option<&str>) -> Result<WasmPolicy, PolicyError> {
    WasmPolicy::of_module(&WasmRuntime::default(), "policy.wasm", (module, data))
}

/// A module in the text format. Values are the addresses of their own texts.
pub(crate) struct Text {
    pub(crate) pages: &'static str,
    pub(crate) imports: &'static str,
    pub(crate) minor: u8,
    pub(crate) entry_points: &'static str,
    pub(crate) builtins: &'static str,
    pub(crate) result: &'static str,
    /// What `opa_eval` does; it leaves the address of its result.
    pub(crate) body: &'static str,
}

/// Where [`Text::result`] stands.
pub(crate) const RESULT: &str = "i32.const 3072";

impl Default for Text {
    fn default() -> Self {
        Self {
            pages: "2",
            imports: "",
            minor: 2,
            entry_points: r#"{"budgetguard/policy/allow": 0}"#,
            builtins: "{}",
            result: r#"[{"result": true}]"#,
            body: RESULT,
        }
    }
}

impl Text {
    pub(crate) fn source(&self) -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        format!(
            r#"(module
            (import "env" "memory" (memory {pages}))
            (import "env" "opa_abort" (func $abort (param i32)))
            (import "env" "opa_builtin0" (func $builtin (param i32 i32) (result i32)))
            {imports}
            (global (export "opa_wasm_abi_version") i32 (i32.const 1))
            (global (export "opa_wasm_abi_minor_version") i32 (i32.const {minor}))
            (global $heap (mut i32) (i32.const 8192))
            (data (i32.const 1024) "{entry_points}\00")
            (data (i32.const 2048) "{builtins}\00")
            (data (i32.const 3072) "{result}\00")
            (data (i32.const 4096) "enough\00")
            (func (export "entrypoints") (result i32) i32.const 1024)
            (func (export "builtins") (result i32) i32.const 2048)
            (func (export "opa_malloc") (param i32) (result i32)
                global.get $heap
                (global.set $heap (i32.add (global.get $heap) (local.get 0))))
            (func (export "opa_json_parse") (param i32 i32) (result i32) local.get 0)
            (func (export "opa_json_dump") (param i32) (result i32) local.get 0)
            (func (export "opa_heap_ptr_get") (result i32) global.get $heap)
            (func (export "opa_heap_ptr_set") (param i32) (global.set $heap (local.get 0)))
            (func (export "opa_eval") (param i32 i32 i32 i32 i32 i32 i32) (result i32) {body}))"#,
            pages = self.pages,
            imports = self.imports,
            minor = self.minor,
            entry_points = quoted(self.entry_points),
            builtins = quoted(self.builtins),
            result = quoted(self.result),
            body = self.body,
        )
    }

    pub(crate) fn load(&self) -> Result<WasmPolicy, PolicyError> {
        wasm(&wat::parse_str(self.source()).unwrap(), None)
    }
}
