//! One rule that is asked, compiled to a program that all threads share, and the virtual machines that run it.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{CompiledPolicy, Value};
use thread_local::ThreadLocal;

use crate::policy::PolicyError;
use crate::policy::rego::{cost, guard, invalid};

/// How much an evaluation may take. The clock is looked at between any two instructions.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Effort {
    instructions: usize,
    time: Duration,
    is_small: bool,
}

impl Effort {
    /// On a thread that others wait for. With what [`cost`] says of each instruction, it stays far below what a
    /// decision may take.
    pub(in crate::policy) const SMALL: Self = Self {
        instructions: cost::INSTRUCTIONS_MAX,
        time: Duration::from_millis(1),
        is_small: true,
    };
    /// On a thread of its own: enough for rules that go through hundreds of budgets or names.
    pub(in crate::policy) const fn full(time: Duration) -> Self {
        Self {
            instructions: 25_000,
            time,
            is_small: false,
        }
    }
}

/// Why a rule has no value.
#[derive(Debug)]
pub(in crate::policy) enum Failure {
    OutOfTime,
    OutOfSteps(String),
    /// It was not tried: it may take long, and the effort is small.
    NotQuick,
    Other(String),
}

impl From<VmError> for Failure {
    fn from(error: VmError) -> Self {
        if matches!(error, VmError::TimeLimitExceeded { .. }) {
            return Self::OutOfTime;
        }
        if matches!(error, VmError::InstructionLimitExceeded { .. }) {
            return Self::OutOfSteps(error.to_string());
        }
        Self::Other(error.to_string())
    }
}

impl From<Failure> for PolicyError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::OutOfTime | Failure::NotQuick => Self::TimedOut,
            Failure::OutOfSteps(problem) | Failure::Other(problem) => Self::Evaluate(problem),
        }
    }
}

/// See the module.
pub(in crate::policy) struct EntryPoint {
    program: Arc<Program>,
    name: &'static str,
    is_quick: bool,
    /// A machine for each thread that decides; a fresh one for each request would add a third to the cost of a
    /// decision.
    machines: ThreadLocal<Cell<Option<RegoVM>>>,
}

impl EntryPoint {
    pub(in crate::policy) fn compile(
        policy: &CompiledPolicy,
        name: &'static str,
    ) -> Result<Self, PolicyError> {
        let mut program = Compiler::compile_from_policy(policy, &[name])
            .map_err(|error| PolicyError::Compile(error.to_string()))?;
        let own = Arc::get_mut(&mut program)
            .ok_or_else(|| invalid(&format!("{name}: the compiler kept the program")))?;
        guard::limit_builtins(own)?;
        Ok(Self {
            is_quick: cost::is_quick(&program),
            program,
            name,
            machines: ThreadLocal::new(),
        })
    }

    /// The rule.
    pub(in crate::policy) fn name(&self) -> &'static str {
        self.name
    }

    /// The builtins that it may call.
    pub(in crate::policy) fn builtins(&self) -> impl Iterator<Item = String> {
        let builtins = self.program.builtin_info_table.iter();
        builtins.map(|builtin| builtin.name.clone())
    }

    /// Whether [`Effort::SMALL`] is sure to end soon.
    pub(in crate::policy) fn is_quick(&self) -> bool {
        self.is_quick
    }

    /// Likewise, but not at all where little effort may not be little.
    pub(in crate::policy) fn evaluate_if_quick(
        &self,
        input: Value,
        effort: Effort,
    ) -> Result<Value, Failure> {
        if effort.is_small && !self.is_quick {
            return Err(Failure::NotQuick);
        }
        self.evaluate(input, effort)
    }

    pub(in crate::policy) fn evaluate(
        &self,
        input: Value,
        effort: Effort,
    ) -> Result<Value, Failure> {
        let place = self.machines.get_or_default();
        // Taken out, so that a machine in which something failed or panicked is not used again.
        let mut machine = place.take().unwrap_or_else(|| self.new_machine());
        machine.set_max_instructions(effort.instructions);
        machine.set_execution_timer_config(Some(ExecutionTimerConfig {
            limit: effort.time,
            check_interval: NonZeroU32::MIN,
        }));
        machine.set_input(input);
        guard::begin();
        let value = machine.execute_entry_point_by_name(self.name)?;
        place.set(Some(machine));
        Ok(value)
    }

    fn new_machine(&self) -> RegoVM {
        let mut machine = RegoVM::new();
        machine.load_program(Arc::clone(&self.program));
        machine
    }
}
