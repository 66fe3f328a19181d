//! OPA's ABI, versions 1.0 to 1.3: what a module may import, and what it must export.

use wasmtime::{
    AsContextMut, Extern, ExternType, Instance, Module, TypedFunc, WasmParams, WasmResults,
};

use crate::policy::PolicyError;
use crate::policy::rego::invalid;

pub(super) const HOST: &str = "env";
pub(super) const MEMORY: &str = "memory";
pub(super) const ABORT: &str = "opa_abort";
pub(super) const PRINTLN: &str = "opa_println";
pub(super) const BUILTINS: [&str; 5] = [
    "opa_builtin0",
    "opa_builtin1",
    "opa_builtin2",
    "opa_builtin3",
    "opa_builtin4",
];

/// The version that is spoken here; the minor one only adds.
const VERSION: i32 = 1;
/// From this minor version on, a module is asked by one call.
const MINOR_OF_ONE_CALL: i32 = 2;

/// Refuses a module that wants something else of the host.
pub(super) fn check_imports(module: &Module) -> Result<(), PolicyError> {
    for import in module.imports() {
        let name = import.name();
        let is_known = match import.ty() {
            ExternType::Memory(_) => name == MEMORY,
            ExternType::Func(_) => [ABORT, PRINTLN].contains(&name) || BUILTINS.contains(&name),
            ExternType::Global(_) | ExternType::Table(_) | ExternType::Tag(_) => false,
        };
        if import.module() != HOST || !is_known {
            let module = import.module();
            return Err(invalid(&format!(
                "it imports `{module}.{name}`, which is not of OPA's ABI"
            )));
        }
    }
    Ok(())
}

/// A value in the module's memory.
pub(super) type Address = i32;

/// What a module is asked by.
pub(super) struct Exports {
    pub(super) evaluation: Evaluation,
    pub(super) builtins: TypedFunc<(), Address>,
    pub(super) entry_points: TypedFunc<(), Address>,
    pub(super) malloc: TypedFunc<i32, Address>,
    pub(super) json_parse: TypedFunc<(Address, i32), Address>,
    pub(super) json_dump: TypedFunc<Address, Address>,
    pub(super) heap_get: TypedFunc<(), Address>,
    pub(super) heap_set: TypedFunc<Address, ()>,
    /// Reads a value as rules write it: only so it can have sets.
    pub(super) value_parse: Option<TypedFunc<(Address, i32), Address>>,
    /// Writes one likewise.
    pub(super) value_dump: Option<TypedFunc<Address, Address>>,
}

/// Reserved, entry point, data, input, its length, heap, format.
type Question = (i32, i32, Address, Address, i32, Address, i32);

/// How a module evaluates an entry point.
pub(super) enum Evaluation {
    /// By one call.
    OneCall(TypedFunc<Question, Address>),
    /// By a context that is filled.
    Context(Box<Context>),
}

/// A context, and how it is filled.
pub(super) struct Context {
    pub(super) new: TypedFunc<(), Address>,
    pub(super) set_input: TypedFunc<(Address, Address), ()>,
    pub(super) set_data: TypedFunc<(Address, Address), ()>,
    pub(super) set_entry_point: TypedFunc<(Address, i32), ()>,
    pub(super) evaluate: TypedFunc<Address, i32>,
    pub(super) result: TypedFunc<Address, Address>,
}

impl Exports {
    pub(super) fn find(
        instance: &Instance,
        mut store: impl AsContextMut,
    ) -> Result<Self, PolicyError> {
        let version = global(instance, &mut store, "opa_wasm_abi_version");
        if version != Some(VERSION) {
            let problem =
                "it does not export `opa_wasm_abi_version`, or not as 1: OPA did not compile it";
            return Err(invalid(&problem));
        }
        let minor = global(instance, &mut store, "opa_wasm_abi_minor_version");
        let evaluation = if minor.unwrap_or(0) >= MINOR_OF_ONE_CALL {
            Evaluation::OneCall(function(instance, &mut store, "opa_eval")?)
        } else {
            Evaluation::Context(Box::new(Context {
                new: function(instance, &mut store, "opa_eval_ctx_new")?,
                set_input: function(instance, &mut store, "opa_eval_ctx_set_input")?,
                set_data: function(instance, &mut store, "opa_eval_ctx_set_data")?,
                set_entry_point: function(instance, &mut store, "opa_eval_ctx_set_entrypoint")?,
                evaluate: function(instance, &mut store, "eval")?,
                result: function(instance, &mut store, "opa_eval_ctx_get_result")?,
            }))
        };
        Ok(Self {
            evaluation,
            builtins: function(instance, &mut store, "builtins")?,
            entry_points: function(instance, &mut store, "entrypoints")?,
            malloc: function(instance, &mut store, "opa_malloc")?,
            json_parse: function(instance, &mut store, "opa_json_parse")?,
            json_dump: function(instance, &mut store, "opa_json_dump")?,
            heap_get: function(instance, &mut store, "opa_heap_ptr_get")?,
            heap_set: function(instance, &mut store, "opa_heap_ptr_set")?,
            value_parse: function(instance, &mut store, "opa_value_parse").ok(),
            value_dump: function(instance, &mut store, "opa_value_dump").ok(),
        })
    }

    /// Writes a value as text; with sets as sets where the module can.
    pub(super) fn dump(
        &self,
        store: impl AsContextMut,
        value: Address,
    ) -> wasmtime::Result<Address> {
        self.value_dump
            .as_ref()
            .unwrap_or(&self.json_dump)
            .call(store, value)
    }

    /// Reads what the host wrote, likewise.
    pub(super) fn parse(
        &self,
        store: impl AsContextMut,
        text: (Address, i32),
    ) -> wasmtime::Result<Address> {
        self.value_parse
            .as_ref()
            .unwrap_or(&self.json_parse)
            .call(store, text)
    }
}

fn global(instance: &Instance, mut store: impl AsContextMut, name: &str) -> Option<i32> {
    let global = instance
        .get_export(&mut store, name)
        .and_then(Extern::into_global)?;
    global.get(&mut store).i32()
}

fn function<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: impl AsContextMut,
    name: &str,
) -> Result<TypedFunc<P, R>, PolicyError> {
    let found = instance.get_typed_func(store, name);
    found.map_err(|error| {
        invalid(&format!(
            "`{name}` of OPA's ABI is missing or another: {error}"
        ))
    })
}
