//! The builtins that a module leaves to its host: the Rego engine's own, so that both engines decide alike.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use regorus::unstable::BUILTINS;
use regorus::{Engine, Rc, Value};

use crate::policy::PolicyError;
use crate::policy::rego::builtins;
use crate::policy::rego::entry_point::{Effort, EntryPoint};
use crate::policy::rego::invalid;
use crate::policy::wasm::terms;

/// How long the text of an argument may be.
pub(super) const ARGUMENTS_BYTES_MAX: usize = 256 * 1024;

/// What a call may take; the module's own clock runs on.
const EFFORT: Effort = Effort::full(Duration::from_millis(200));

const RESULT: &str = "data.builtin.result";

/// What a builtin gives, as a text of Rego; nothing if it is undefined.
pub(super) type Answer = Option<String>;

/// The builtins of one module, by the numbers that it gave them.
#[derive(Default)]
pub(super) struct Builtins(HashMap<i32, Builtin>);

struct Builtin {
    name: String,
    program: EntryPoint,
    is_quick: bool,
    is_impure: bool,
}

impl Builtins {
    /// Of a module's list. One that is not to be had here is an error that names it.
    pub(super) fn compile(names: &BTreeMap<String, i32>) -> Result<Self, PolicyError> {
        let compiled = names
            .iter()
            .map(|(name, number)| Ok((*number, Builtin::compile(name)?)));
        Ok(Self(compiled.collect::<Result<_, PolicyError>>()?))
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.values().map(|it| it.name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// Whether each takes little time.
    pub(super) fn are_quick(&self) -> bool {
        self.0.values().all(|builtin| builtin.is_quick)
    }

    /// Whether one of them answers differently to the same arguments.
    pub(super) fn are_impure(&self) -> bool {
        self.0.values().any(|builtin| builtin.is_impure)
    }

    /// Whether this one does.
    pub(super) fn is_impure(&self, number: i32) -> bool {
        self.0.get(&number).is_some_and(|builtin| builtin.is_impure)
    }

    /// Calls one with arguments as the module wrote them.
    pub(super) fn call(&self, number: i32, arguments: &[Vec<u8>]) -> Result<Answer, PolicyError> {
        let builtin = self.0.get(&number).ok_or_else(|| {
            PolicyError::Evaluate(format!(
                "the module calls builtin {number}, which it does not list"
            ))
        })?;
        let arguments = arguments.iter().map(|argument| terms::read(argument));
        let arguments = arguments.collect::<Option<Vec<Value>>>().ok_or_else(|| {
            PolicyError::Evaluate("an argument of a builtin cannot be read".to_owned())
        })?;
        let value = builtin.program.evaluate(Value::from(arguments), EFFORT)?;
        Ok((value != Value::Undefined).then(|| terms::write(&value)))
    }
}

impl Builtin {
    fn compile(name: &str) -> Result<Self, PolicyError> {
        let missing = || invalid(&format!("the builtin `{name}` is not to be had here"));
        let known = builtins::find(name).ok_or_else(missing)?;
        let count = BUILTINS.get(name).ok_or_else(missing)?.1;
        let arguments: Vec<String> = (0..count).map(|place| format!("input[{place}]")).collect();
        let rule = format!(
            "package builtin\nresult := {name}({})",
            arguments.join(", ")
        );
        let mut engine = Engine::new();
        engine
            .add_policy("builtin.rego".to_owned(), rule)
            .map_err(|error| invalid(&error))?;
        let policy = engine
            .compile_with_entrypoint(&Rc::from(RESULT))
            .map_err(|error| invalid(&error))?;
        Ok(Self {
            name: name.to_owned(),
            program: EntryPoint::compile(&policy, RESULT)?,
            is_quick: known.is_quick,
            is_impure: known.is_impure,
        })
    }
}
