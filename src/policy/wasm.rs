//! The policy engine that runs modules which OPA compiled, `opa build -t wasm`. They get nothing of the host but
//! what OPA's ABI hands to it, bounded memory, and no more time than a decision may take.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use regorus::Value;
use thread_local::ThreadLocal;
use wasmtime::{Linker, Module};

use crate::policy::hash::PolicyHash;
use crate::policy::input::{InputBuilder, InputKey, InputRead, PolicyInput};
use crate::policy::memory::Memory;
use crate::policy::pace::Pace;
use crate::policy::rego::invalid;
use crate::policy::wasm::builtins::Builtins;
use crate::policy::wasm::machine::{Host, Machine};
use crate::policy::{
    Asked, PATIENCE, PolicyEngine, PolicyError, PolicyFacts, Verdict, Work, decision,
};

mod abi;
mod builtins;
mod machine;
mod runtime;
mod terms;

use crate::policy::wasm::runtime::Ticks;
pub use crate::policy::wasm::runtime::WasmRuntime;

const DECISION: &str = "budgetguard/policy/decision";
const ALLOW: &str = "budgetguard/policy/allow";
const REASON: &str = "budgetguard/policy/reason";

/// How large a module and its data document may be.
pub const MODULE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Likewise.
pub const DATA_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How large a data document may be that is read on the thread of a request.
const QUICK_DATA_BYTES_MAX: usize = 64 * 1024;
/// How many machines are kept for threads that decide what may take long.
const SPARES_MAX: usize = 4;

/// A module whose data document is this has none.
const NO_DATA: &str = "{}";

/// A compiled module.
pub struct WasmPolicy(Arc<Rules>);

struct Rules {
    name: String,
    module: Module,
    host: Linker<Host>,
    builtins: Arc<Builtins>,
    asks: Asks,
    data: String,
    hash: PolicyHash,
    inputs: InputBuilder,
    memory: Memory,
    pace: Pace,
    /// A machine for each thread that decides: to make one takes longer than many decisions.
    machines: ThreadLocal<Cell<Option<Machine>>>,
    /// For threads that come and go.
    spares: Mutex<Vec<Machine>>,
}

/// The numbers of the entry points that are asked.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Decision(i32),
    Allow(i32, Option<i32>),
}

impl WasmPolicy {
    /// Of a module, by the name by which errors call it, and the JSON text of its data document. Takes up to
    /// half a second.
    pub fn of_module(
        runtime: &WasmRuntime,
        name: &str,
        (module, data): (&[u8], Option<&str>),
    ) -> Result<Self, PolicyError> {
        let named = |problem: &dyn fmt::Display| invalid(&format!("{name}: {problem}"));
        let data = data.unwrap_or(NO_DATA);
        if module.len() > MODULE_BYTES_MAX || data.len() > DATA_BYTES_MAX {
            return Err(named(&"the module or its data document is too large"));
        }
        let engine = runtime.engine()?;
        let compiled =
            Module::new(&engine, module).map_err(|error| named(&format!("{error:#}")))?;
        abi::check_imports(&compiled).map_err(|problem| named(&problem))?;
        let host = machine::host(&engine).map_err(|error| named(&format!("{error:#}")))?;
        let mut first = Machine::new((&compiled, &host), &Arc::default(), data)
            .map_err(|problem| named(&problem))?;
        let asks = Asks::of(&mut first).map_err(|problem| named(&problem))?;
        let called = first.builtins().map_err(|problem| named(&problem))?;
        let builtins = Builtins::compile(&called).map_err(|problem| named(&problem))?;
        let rules = Rules {
            name: name.to_owned(),
            module: compiled,
            host,
            builtins: Arc::new(builtins),
            asks,
            data: data.to_owned(),
            hash: Self::hash_of(name, module, Some(data)),
            inputs: InputBuilder::new(&InputRead::Whole),
            memory: Memory::default(),
            pace: Pace::default(),
            machines: ThreadLocal::new(),
            spares: Mutex::default(),
        };
        if !rules.is_quick() {
            let spare = rules.new_machine().map_err(|problem| named(&problem))?;
            rules.spares.lock().push(spare);
        }
        Ok(Self(Arc::new(rules)))
    }

    /// The hash of a module with its data document, without compiling it.
    pub fn hash_of(name: &str, module: &[u8], data: Option<&str>) -> PolicyHash {
        let data = data.unwrap_or(NO_DATA);
        PolicyHash::of([(name, module), ("data.json", data.as_bytes())])
    }
}

impl fmt::Debug for WasmPolicy {
    /// Says which policy it is, and nothing of the requests that it has seen.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("WasmPolicy")
            .field(&self.0.name)
            .finish()
    }
}

impl PolicyEngine for WasmPolicy {
    fn ask(&self, input: &PolicyInput<'_>) -> Asked {
        let rules = &self.0;
        let document = rules.inputs.json(input);
        let remembers = !rules.builtins.are_impure() && !rules.inputs.is_volatile();
        let key = remembers.then(|| InputKey::from_slice(&document));
        if let Some(verdict) = key.as_ref().and_then(|key| rules.memory.recall(key)) {
            return Asked::Decided(Ok(verdict));
        }
        if rules.is_quick() && rules.pace.may_try_here() {
            let decision = rules.decide_here(&document);
            if !matches!(decision, Err(PolicyError::TimedOut)) {
                if let (Some(key), Ok(verdict)) = (key, &decision) {
                    rules.memory.remember(key, verdict);
                }
                return Asked::Decided(decision);
            }
            rules.pace.took_long();
        }
        let (runs, remembers) = (Arc::clone(rules), Arc::clone(rules));
        Asked::Pending(Work {
            run: Box::new(move |time| runs.decide_elsewhere(&document, Ticks::within(time))),
            remember: Box::new(move |verdict| {
                if let Some(key) = key {
                    remembers.memory.remember(key, verdict);
                }
            }),
        })
    }

    fn hash(&self) -> PolicyHash {
        self.0.hash
    }

    /// It cannot be told what a module reads.
    fn reads_budgets(&self) -> bool {
        true
    }

    fn decide_on(&self, document: &str) -> Result<Verdict, PolicyError> {
        // As the other engine reads it, so that both say the same of what is none.
        let input = Value::from_json_str(document);
        input.map_err(|error| PolicyError::Input(error.to_string()))?;
        self.0
            .decide_elsewhere(document.as_bytes(), Ticks::within(PATIENCE))
    }

    fn facts(&self) -> PolicyFacts {
        let names = match self.0.asks {
            Asks::Decision(_) => vec![DECISION],
            Asks::Allow(_, None) => vec![ALLOW],
            Asks::Allow(_, Some(_)) => vec![ALLOW, REASON],
        };
        PolicyFacts {
            entry_points: names.into_iter().map(str::to_owned).collect(),
            reads: None,
            builtins: self.0.builtins.names(),
            remembers: !self.0.builtins.are_impure(),
            is_quick: self.0.is_quick(),
        }
    }
}

impl Rules {
    /// Whether what the host does for it takes little time. The module itself is stopped by the clock.
    fn is_quick(&self) -> bool {
        self.builtins.are_quick() && self.data.len() <= QUICK_DATA_BYTES_MAX
    }

    fn new_machine(&self) -> Result<Machine, PolicyError> {
        Machine::new((&self.module, &self.host), &self.builtins, &self.data)
    }

    /// A machine in which something failed is not used again, here and below.
    fn decide_here(&self, input: &[u8]) -> Result<Verdict, PolicyError> {
        let place = self.machines.get_or_default();
        let mut machine = match place.take() {
            Some(machine) => machine,
            None => self.new_machine()?,
        };
        machine.begin(Ticks::HERE);
        let verdict = self.asks.decide(&mut machine, input)?;
        place.set(Some(machine));
        verdict
    }

    fn decide_elsewhere(&self, input: &[u8], ticks: Ticks) -> Result<Verdict, PolicyError> {
        let spare = self.spares.lock().pop();
        let mut machine = match spare {
            Some(machine) => machine,
            None => self.new_machine()?,
        };
        machine.begin(ticks);
        let verdict = self.asks.decide(&mut machine, input)?;
        let mut spares = self.spares.lock();
        if spares.len() < SPARES_MAX {
            spares.push(machine);
        }
        verdict
    }
}

impl Asks {
    /// A module that has a decision is asked for it, else whether it allows.
    fn of(machine: &mut Machine) -> Result<Self, PolicyError> {
        let names = machine.entry_points()?;
        let entry = |name| names.get(name).copied();
        if let Some(decision) = entry(DECISION) {
            return Ok(Self::Decision(decision));
        }
        let allow = entry(ALLOW).map(|allow| Self::Allow(allow, entry(REASON)));
        allow.ok_or_else(|| {
            let known: Vec<&str> = names.keys().map(String::as_str).collect();
            let known = known.join("`, `");
            invalid(&format!(
                "has no entry point `{ALLOW}` or `{DECISION}`, only `{known}`"
            ))
        })
    }

    /// The outer error says that the module failed: its machine is not used again.
    fn decide(
        self,
        machine: &mut Machine,
        input: &[u8],
    ) -> Result<Result<Verdict, PolicyError>, PolicyError> {
        let (allow, reason) = match self {
            Self::Decision(entry) => {
                return Ok(decision::read(&machine.evaluate(entry, input)?));
            }
            Self::Allow(allow, reason) => (allow, reason),
        };
        if machine.evaluate(allow, input)? == Value::Bool(true) {
            return Ok(Ok(Verdict::ALLOWED));
        }
        let said = match reason {
            Some(reason) => machine.evaluate(reason, input)?,
            None => Value::Undefined,
        };
        let reason = said.as_string().ok().map(ToString::to_string);
        Ok(Ok(Verdict::Deny { reason }))
    }
}
