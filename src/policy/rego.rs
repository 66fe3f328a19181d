//! The policy engine that runs Rego v1 in this process: rules are compiled once to a program that
//! all threads share, and evaluated on virtual machines that are kept from request to request.

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::RegoVM;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Rc, Value};
use thread_local::ThreadLocal;

use crate::policy::hash::PolicyHash;
use crate::policy::input::{InputBuilder, InputKey, InputRead, PolicyInput};
use crate::policy::message::shaped;
use crate::policy::source::PolicySource;
use crate::policy::{PolicyEngine, PolicyError, PolicyFacts, Verdict};

const ALLOW: &str = "data.budgetguard.policy.allow";
const REASON: &str = "data.budgetguard.policy.reason";

/// What the policy that comes with the gateway is called.
pub(super) const DEFAULT_NAME: &str = "policy/budgetguard.rego";
/// Its text.
pub(super) const DEFAULT_TEXT: &str = include_str!("../../policy/budgetguard.rego");

/// Enough for rules that go through hundreds of budgets or names.
const INSTRUCTIONS_MAX: usize = 25_000;
/// Looked at between instructions only: one call of a costly builtin can take longer.
const EVALUATION_MAX: Duration = Duration::from_millis(20);
const TIMER_CHECK_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// How deep the brackets of a text may be nested that somebody sent: the compiler tries each level in several
/// ways, so its time doubles with every one. It has a limit of its own at 32, which is no help.
const NESTED_MAX: usize = 8;
/// The stack that compiling takes whatever the text, and what each byte of it may add: rules such as
/// `1+1+1+..` are as deep as they are long. Only what is used of it takes memory.
const STACK_BYTES: usize = 8 * 1024 * 1024;
const STACK_BYTES_PER_BYTE: usize = 4 * 1024;

/// The builtins that answer differently to the same arguments, and the families that have such.
const IMPURE: [&str; 6] = ["now_ns", "rand.", "uuid.", "http.", "opa.", "net."];
/// How many inputs that are allowed a machine remembers.
const ALLOWED_MAX: usize = 256;

/// A compiled policy.
pub struct RegoPolicy {
    program: Arc<Program>,
    hash: PolicyHash,
    gives_reasons: bool,
    reads_budgets: bool,
    remembers: bool,
    reads: InputRead,
    inputs: InputBuilder,
    machines: Machines,
}

impl RegoPolicy {
    /// The policy that comes with the gateway.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::compile(&[(DEFAULT_NAME.to_owned(), DEFAULT_TEXT.to_owned())])
    }

    /// The policy in a `.rego` file, or in all such files of a folder but its `_test.rego` files.
    pub fn load(path: &Path) -> Result<Self, PolicyError> {
        match PolicySource::read(path)? {
            PolicySource::Rego(modules) => Self::of_files(modules),
            PolicySource::Wasm { name, .. } => Err(invalid(&format!("{name}: this is no Rego"))),
        }
    }

    /// The policy of an operator's own files, each with the name by which errors call it.
    pub fn of_files(modules: Vec<(String, String)>) -> Result<Self, PolicyError> {
        Self::compile_apart(modules)
    }

    /// The policy of a text that somebody sent, under the name by which errors call it. However deep it is, it
    /// costs no more than an error.
    pub fn of_text(name: &str, text: String) -> Result<Self, PolicyError> {
        Self::of_sent_files(vec![(name.to_owned(), text)])
    }

    /// The policy of several such texts.
    pub fn of_sent_files(modules: Vec<(String, String)>) -> Result<Self, PolicyError> {
        let deep = modules.iter().find(|(_, text)| depth(text) > NESTED_MAX);
        if let Some((name, _)) = deep {
            return Err(invalid(&format!(
                "{name}: brackets are nested more than {NESTED_MAX} deep"
            )));
        }
        Self::compile_apart(modules)
    }

    /// Compiles on a stack that is large enough for the text: to run out of it would end the process.
    fn compile_apart(modules: Vec<(String, String)>) -> Result<Self, PolicyError> {
        let bytes = modules.iter().map(|(_, text)| text.len());
        let grown = bytes.sum::<usize>().saturating_mul(STACK_BYTES_PER_BYTE);
        let compiling = thread::Builder::new()
            .name("policy".to_owned())
            .stack_size(STACK_BYTES.saturating_add(grown))
            .spawn(move || Self::compile(&modules))
            .map_err(|error| invalid(&error))?;
        let compiled = compiling.join();
        compiled.unwrap_or_else(|_panic| Err(invalid(&"the compiler gave it up")))
    }

    fn compile(modules: &[(String, String)]) -> Result<Self, PolicyError> {
        Self::compile_as_told(modules).map_err(|error| match error {
            PolicyError::Compile(told) => PolicyError::Compile(shaped(&told, modules)),
            other => other,
        })
    }

    /// Compiles; what is wrong is in the compiler's own form.
    fn compile_as_told(modules: &[(String, String)]) -> Result<Self, PolicyError> {
        let mut engine = Engine::new();
        for (name, text) in modules {
            engine
                .add_policy(name.clone(), text.clone())
                .map_err(|error| invalid(&error))?;
        }
        let policy = engine
            .compile_with_entrypoint(&Rc::from(ALLOW))
            .map_err(|error| invalid(&format!("{ALLOW}: {error}")))?;
        let gives_reasons = policy.get_rules().contains_key(REASON);
        let entry_points: &[&str] = if gives_reasons {
            &[ALLOW, REASON]
        } else {
            &[ALLOW]
        };
        let program = Compiler::compile_from_policy(&policy, entry_points)
            .map_err(|error| PolicyError::Compile(error.to_string()))?;
        let nothing = InputRead::Members(BTreeSet::new());
        let reads = modules
            .iter()
            .fold(nothing, |reads, (_, text)| reads.and(InputRead::by(text)));
        let files = modules
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()));
        Ok(Self {
            program,
            hash: PolicyHash::of(files),
            gives_reasons,
            reads_budgets: reads.includes("budgets"),
            // Figures differ from request to request: remembering what was decided on some is of no use.
            remembers: !reads.includes("budgets")
                && modules.iter().all(|(_, text)| decides_by_input_alone(text)),
            inputs: InputBuilder::new(&reads),
            reads,
            machines: Machines::default(),
        })
    }

    fn new_machine(&self) -> Machine {
        let mut machine = RegoVM::new();
        machine.load_program(Arc::clone(&self.program));
        machine.set_max_instructions(INSTRUCTIONS_MAX);
        machine.set_execution_timer_config(Some(ExecutionTimerConfig {
            limit: EVALUATION_MAX,
            check_interval: TIMER_CHECK_INTERVAL,
        }));
        Machine {
            runs: machine,
            allowed: HashSet::new(),
        }
    }
}

impl fmt::Debug for RegoPolicy {
    /// Says which policy it is, and nothing of the requests that its machines have seen.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<&str> = self
            .program
            .sources
            .iter()
            .map(|s| s.name.as_str())
            .collect();
        formatter.debug_tuple("RegoPolicy").field(&files).finish()
    }
}

impl PolicyEngine for RegoPolicy {
    fn reads_budgets(&self) -> bool {
        self.reads_budgets
    }

    fn hash(&self) -> PolicyHash {
        self.hash
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Result<Verdict, PolicyError> {
        let key = self.remembers.then(|| self.inputs.key(input));
        let new_machine = || self.new_machine();
        self.machines.with_own(new_machine, |machine| {
            if key
                .as_ref()
                .is_some_and(|key| machine.allowed.contains(key))
            {
                return Ok(Verdict::ALLOWED);
            }
            let verdict = self.ask(machine, self.inputs.document(input))?;
            if let (Verdict::Allow(_), Some(key)) = (&verdict, key) {
                machine.remember(key);
            }
            Ok(verdict)
        })
    }

    fn decide_on(&self, document: &str) -> Result<Verdict, PolicyError> {
        let input = Value::from_json_str(document);
        let input = input.map_err(|error| PolicyError::Input(error.to_string()))?;
        self.machines
            .with_own(|| self.new_machine(), |machine| self.ask(machine, input))
    }

    fn facts(&self) -> PolicyFacts {
        let builtins = self.program.builtin_info_table.iter();
        let names: BTreeSet<String> = builtins.map(|builtin| builtin.name.clone()).collect();
        PolicyFacts {
            entry_points: self.program.entry_points.keys().cloned().collect(),
            reads: self.reads.members(),
            builtins: names.into_iter().collect(),
            remembers: self.remembers,
        }
    }
}

impl RegoPolicy {
    fn ask(&self, machine: &mut Machine, input: Value) -> Result<Verdict, PolicyError> {
        machine.runs.set_input(input);
        if evaluate(&mut machine.runs, ALLOW)? == Value::Bool(true) {
            return Ok(Verdict::ALLOWED);
        }
        let reason = if self.gives_reasons {
            evaluate(&mut machine.runs, REASON)?
        } else {
            Value::Undefined
        };
        Ok(Verdict::Deny {
            reason: reason.as_string().ok().map(ToString::to_string),
        })
    }
}

/// How deep brackets are nested. Says rather too much: those in texts and comments count.
fn depth(text: &str) -> usize {
    let mut deepest = 0_usize;
    let mut now = 0_usize;
    for letter in text.bytes() {
        match letter {
            b'(' | b'[' | b'{' => now = now.saturating_add(1),
            b')' | b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(now);
    }
    deepest
}

/// Whether the rules decide by their input alone, so that the same input need not be decided twice.
/// Says rather too seldom than too often yes: a word in a text counts.
fn decides_by_input_alone(text: &str) -> bool {
    !IMPURE.iter().any(|builtin| text.contains(builtin))
}

fn evaluate(machine: &mut RegoVM, rule: &str) -> Result<Value, PolicyError> {
    machine
        .execute_entry_point_by_name(rule)
        .map_err(|error| PolicyError::Evaluate(error.to_string()))
}

fn invalid(error: &impl ToString) -> PolicyError {
    PolicyError::Compile(error.to_string().trim().to_owned())
}

/// A virtual machine, and inputs that it has allowed.
struct Machine {
    runs: RegoVM,
    allowed: HashSet<InputKey>,
}

impl Machine {
    fn remember(&mut self, key: InputKey) {
        if self.allowed.len() >= ALLOWED_MAX {
            self.allowed.clear();
        }
        self.allowed.insert(key);
    }
}

/// A machine for each thread that decides; a fresh one for each request would add a third to the cost
/// of a decision.
#[derive(Default)]
struct Machines(ThreadLocal<Cell<Option<Machine>>>);

impl Machines {
    fn with_own<T>(&self, new: impl FnOnce() -> Machine, run: impl FnOnce(&mut Machine) -> T) -> T {
        let place = self.0.get_or_default();
        // Taken out, so that a machine in which something panicked is not used again.
        let mut machine = place.take().unwrap_or_else(new);
        let result = run(&mut machine);
        place.set(Some(machine));
        result
    }
}

#[cfg(test)]
mod tests;
