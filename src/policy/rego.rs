//! The policy engine that runs Rego v1 in this process: rules are compiled once to programs that all threads
//! share, and evaluated on virtual machines that are kept from request to request.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use regorus::{CompiledPolicy, Engine, Rc, Value};

use crate::policy::hash::PolicyHash;
use crate::policy::input::{InputBuilder, InputRead, PolicyInput};
use crate::policy::memory::Memory;
use crate::policy::message::shaped;
use crate::policy::pace::Pace;
use crate::policy::rego::entry_point::{Effort, EntryPoint, Failure};
use crate::policy::source::PolicySource;
use crate::policy::{
    Asked, PATIENCE, PolicyEngine, PolicyError, PolicyFacts, Verdict, Work, decision,
};

pub(in crate::policy) mod builtins;
mod cost;
pub(in crate::policy) mod entry_point;
mod guard;

const DECISION: &str = "data.budgetguard.policy.decision";
const ALLOW: &str = "data.budgetguard.policy.allow";
const REASON: &str = "data.budgetguard.policy.reason";

/// What the policy that comes with the gateway is called.
pub(super) const DEFAULT_NAME: &str = "policy/budgetguard.rego";
/// Its text.
pub(super) const DEFAULT_TEXT: &str = include_str!("../../policy/budgetguard.rego");

/// How deep the brackets of a text may be nested that somebody sent: the compiler tries each level in several
/// ways, so its time doubles with every one. It has a limit of its own at 32, which is no help.
const NESTED_MAX: usize = 8;
/// The stack that compiling takes whatever the text, and what each byte of it may add: rules such as
/// `1+1+1+..` are as deep as they are long. Only what is used of it takes memory.
const STACK_BYTES: usize = 8 * 1024 * 1024;
const STACK_BYTES_PER_BYTE: usize = 4 * 1024;

/// The builtins that answer differently to the same arguments, and the families that have such.
const IMPURE: [&str; 3] = ["now_ns", "rand.", "uuid."];

/// A compiled policy.
pub struct RegoPolicy(Arc<Rules>);

/// What is asked first, and when it denies.
enum Asks {
    Decision(Box<EntryPoint>),
    Allow(Box<EntryPoint>, Option<Box<EntryPoint>>),
}

struct Rules {
    asks: Asks,
    files: Vec<String>,
    hash: PolicyHash,
    reads_budgets: bool,
    remembers: bool,
    reads: InputRead,
    inputs: InputBuilder,
    memory: Memory,
    pace: Pace,
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
            other @ (PolicyError::Read { .. }
            | PolicyError::NoFiles(_)
            | PolicyError::Evaluate(_)
            | PolicyError::Input(_)
            | PolicyError::Decision(_)
            | PolicyError::TimedOut
            | PolicyError::Busy) => other,
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
        let asks = Asks::compile(engine)?;
        let nothing = InputRead::Members(BTreeSet::new());
        let reads = modules
            .iter()
            .fold(nothing, |reads, (_, text)| reads.and(InputRead::by(text)));
        let inputs = InputBuilder::new(&reads);
        let files = modules
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()));
        Ok(Self(Arc::new(Rules {
            asks,
            files: modules.iter().map(|(name, _)| name.clone()).collect(),
            hash: PolicyHash::of(files),
            reads_budgets: inputs.reads_figures(),
            remembers: !inputs.is_volatile()
                && modules.iter().all(|(_, text)| decides_by_input_alone(text)),
            inputs,
            reads,
            memory: Memory::default(),
            pace: Pace::default(),
        })))
    }
}

impl fmt::Debug for RegoPolicy {
    /// Says which policy it is, and nothing of the requests that it has seen.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = &self.0.files;
        formatter.debug_tuple("RegoPolicy").field(files).finish()
    }
}

impl PolicyEngine for RegoPolicy {
    fn ask(&self, input: &PolicyInput<'_>) -> Asked {
        let rules = &self.0;
        let key = rules.remembers.then(|| rules.inputs.key(input));
        if let Some(verdict) = key.as_ref().and_then(|key| rules.memory.recall(key)) {
            return Asked::Decided(Ok(verdict));
        }
        let document = rules.inputs.document(input);
        let is_quick = rules.asks.is_quick() && cost::is_small(&document);
        if is_quick && rules.pace.may_try_here() {
            match rules.asks.decide(&document, Effort::SMALL) {
                Err(Failure::OutOfTime | Failure::OutOfSteps(_)) => rules.pace.took_long(),
                Err(Failure::NotQuick) => {}
                Err(failure @ Failure::Other(_)) => return Asked::Decided(Err(failure.into())),
                Ok(Err(error)) => return Asked::Decided(Err(error)),
                Ok(Ok(verdict)) => {
                    if let Some(key) = key {
                        rules.memory.remember(key, &verdict);
                    }
                    return Asked::Decided(Ok(verdict));
                }
            }
        }
        let (runs, remembers) = (Arc::clone(rules), Arc::clone(rules));
        Asked::Pending(Work {
            run: Box::new(move |time| runs.asks.decide(&document, Effort::full(time))?),
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

    fn reads_budgets(&self) -> bool {
        self.0.reads_budgets
    }

    fn decide_on(&self, document: &str) -> Result<Verdict, PolicyError> {
        let input = Value::from_json_str(document);
        let input = input.map_err(|error| PolicyError::Input(error.to_string()))?;
        self.0.asks.decide(&input, Effort::full(PATIENCE))?
    }

    fn facts(&self) -> PolicyFacts {
        let entry_points = self.0.asks.entry_points();
        let builtins: BTreeSet<String> = entry_points
            .iter()
            .flat_map(|entry| entry.builtins())
            .collect();
        let names = entry_points.iter().map(|entry| entry.name().to_owned());
        PolicyFacts {
            entry_points: names.collect(),
            reads: self.0.reads.members(),
            builtins: builtins.into_iter().collect(),
            remembers: self.0.remembers,
            is_quick: self.0.asks.is_quick(),
        }
    }
}

impl Asks {
    /// A policy that has a decision is asked for it, else whether it allows.
    fn compile(mut engine: Engine) -> Result<Self, PolicyError> {
        let has = |policy: &CompiledPolicy, rule| policy.get_rules().contains_key(rule);
        if let Ok(policy) = engine.compile_with_entrypoint(&Rc::from(DECISION))
            && has(&policy, DECISION)
        {
            return Ok(Self::Decision(Box::new(EntryPoint::compile(
                &policy, DECISION,
            )?)));
        }
        let policy = engine
            .compile_with_entrypoint(&Rc::from(ALLOW))
            .map_err(|error| invalid(&format!("{ALLOW}: {error}")))?;
        let reason = has(&policy, REASON).then(|| EntryPoint::compile(&policy, REASON));
        let allow = EntryPoint::compile(&policy, ALLOW)?;
        Ok(Self::Allow(
            Box::new(allow),
            reason.transpose()?.map(Box::new),
        ))
    }

    fn entry_points(&self) -> Vec<&EntryPoint> {
        match self {
            Self::Decision(decision) => vec![decision],
            Self::Allow(allow, reason) => {
                std::iter::once(&**allow).chain(reason.as_deref()).collect()
            }
        }
    }

    fn is_quick(&self) -> bool {
        match self {
            Self::Decision(decision) => decision.is_quick(),
            Self::Allow(allow, _) => allow.is_quick(),
        }
    }

    /// A reason that may take long fails with little effort like rules that do.
    fn decide(
        &self,
        input: &Value,
        effort: Effort,
    ) -> Result<Result<Verdict, PolicyError>, Failure> {
        let (allow, reason) = match self {
            Self::Decision(entry) => {
                return Ok(decision::read(&entry.evaluate(input.clone(), effort)?));
            }
            Self::Allow(allow, reason) => (allow, reason),
        };
        if allow.evaluate(input.clone(), effort)? == Value::Bool(true) {
            return Ok(Ok(Verdict::ALLOWED));
        }
        let said = match reason {
            Some(reason) => reason.evaluate_if_quick(input.clone(), effort)?,
            None => Value::Undefined,
        };
        let reason = said.as_string().ok().map(ToString::to_string);
        Ok(Ok(Verdict::Deny { reason }))
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

pub(in crate::policy) fn invalid(error: &impl ToString) -> PolicyError {
    PolicyError::Compile(error.to_string().trim().to_owned())
}

#[cfg(test)]
mod tests;
