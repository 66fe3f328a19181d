//! Reads the instructions of a program: what each makes of what, and what it walks through.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a program with an instruction that is not listed here is not quick"
)]

use std::collections::BTreeMap;

use regorus::Value;
use regorus::rvm::instructions::{ComprehensionMode, Instruction};
use regorus::rvm::program::{Program, RuleInfo};

use crate::policy::rego::builtins;
use crate::policy::rego::cost::flow::{Flow, Making, Part};
use crate::policy::rego::cost::{INPUT_VALUES_MAX, RESULT_VALUES_MAX, ROUNDS_MAX, Register};
use crate::policy::rego::guard;

/// `None` where the program does something whose size cannot be told.
pub(super) fn flow_of(program: &Program) -> Option<Flow> {
    let mut reading = Reading::new(program);
    for (at, instruction) in program.instructions.iter().enumerate() {
        reading.go_to(at);
        reading.read(*instruction)?;
    }
    for (number, rule) in program.rule_infos.iter().enumerate() {
        let result = (Some(u16::try_from(number).ok()?), rule.result_reg);
        let default = rule.default_literal_index;
        if let Some(default) = default {
            let literal = program.literals.get(usize::from(default))?;
            reading.make(result, values(literal), Vec::new());
        }
        // Two of its definitions may hold: they are compared.
        if rule.definitions.len() > 1 {
            reading.flow.walks.push(vec![result]);
        }
    }
    Some(reading.flow)
}

/// A program that is read from its first instruction to its last.
struct Reading<'a> {
    program: &'a Program,
    /// Where the code of each rule begins.
    begins: BTreeMap<usize, u16>,
    at: usize,
    rule: Option<u16>,
    /// Results of the comprehensions that are open.
    open: Vec<(Register, bool)>,
    flow: Flow,
}

impl<'a> Reading<'a> {
    fn new(program: &'a Program) -> Self {
        let mut begins = BTreeMap::new();
        for (rule, number) in program.rule_infos.iter().zip(0..) {
            for place in places(rule) {
                begins.insert(usize::try_from(place).unwrap_or(usize::MAX), number);
            }
        }
        Self {
            program,
            begins,
            at: 0,
            rule: None,
            open: Vec::new(),
            flow: Flow::default(),
        }
    }

    fn go_to(&mut self, at: usize) {
        self.at = at;
        if let Some(rule) = self.begins.get(&at) {
            self.rule = Some(*rule);
        }
    }

    fn own(&self, register: u8) -> Register {
        (self.rule, register)
    }

    fn make(&mut self, register: Register, own: u64, parts: Vec<Part>) {
        self.flow.makings.push(Making {
            register,
            grows: false,
            own,
            parts,
        });
    }

    fn copy(&mut self, to: u8, from: u8) {
        let parts = vec![(self.own(from), 1)];
        self.make(self.own(to), 0, parts);
    }

    fn gather(&mut self, to: u8, members: impl Iterator<Item = u8>) {
        let parts = members.map(|member| (self.own(member), 1)).collect();
        self.make(self.own(to), 1, parts);
    }

    /// A collection gets one more member, or one for each round of a loop.
    fn grow(&mut self, register: Register, members: &[u8]) {
        let times = if self.is_in_loop() { ROUNDS_MAX } else { 1 };
        let parts = members.iter().map(|member| (self.own(*member), times));
        let parts = parts.collect();
        self.flow.makings.push(Making {
            register,
            grows: true,
            own: 0,
            parts,
        });
    }

    fn walk(&mut self, registers: &[u8]) {
        let registers = registers.iter().map(|register| self.own(*register));
        let registers = registers.collect();
        self.flow.walks.push(registers);
    }

    fn is_in_loop(&self) -> bool {
        let data = &self.program.instruction_data;
        let loops = data.loop_params.iter();
        let loops = loops.map(|it| (it.body_start, it.loop_end));
        let comprehensions = data.comprehension_begin_params.iter();
        let comprehensions = comprehensions.map(|it| (it.body_start, it.comprehension_end));
        loops
            .chain(comprehensions)
            .any(|(begin, end)| (usize::from(begin)..=usize::from(end)).contains(&self.at))
    }

    fn read(&mut self, instruction: Instruction) -> Option<()> {
        match instruction {
            Instruction::Load { dest, literal_idx } => {
                let literal = self.program.literals.get(usize::from(literal_idx))?;
                self.make(self.own(dest), values(literal), Vec::new());
            }
            Instruction::LoadTrue { dest }
            | Instruction::LoadFalse { dest }
            | Instruction::LoadNull { dest }
            | Instruction::LoadBool { dest, .. }
            | Instruction::LoadData { dest }
            | Instruction::ArrayNew { dest }
            | Instruction::SetNew { dest }
            | Instruction::Not { dest, .. }
            | Instruction::Count { dest, .. } => self.make(self.own(dest), 1, Vec::new()),
            Instruction::LoadInput { dest } => {
                self.make(self.own(dest), INPUT_VALUES_MAX, Vec::new());
            }
            Instruction::Move { dest, src } => self.copy(dest, src),
            Instruction::Return { .. }
            | Instruction::Guard { .. }
            | Instruction::LoopNext { .. }
            | Instruction::RuleInit { .. }
            | Instruction::DestructuringSuccess {}
            | Instruction::RuleReturn {}
            | Instruction::Halt {} => {}
            _ => return self.read_collection(instruction),
        }
        Some(())
    }

    fn read_collection(&mut self, instruction: Instruction) -> Option<()> {
        match instruction {
            Instruction::Index {
                dest,
                container,
                key,
            } => {
                self.walk(&[key]);
                self.copy(dest, container);
            }
            Instruction::IndexLiteral {
                dest, container, ..
            } => self.copy(dest, container),
            Instruction::ChainedIndex { params_index } => {
                let data = &self.program.instruction_data;
                let params = data.get_chained_index_params(params_index)?;
                for key in params.register_numbers() {
                    self.walk(&[key]);
                }
                self.copy(params.dest, params.root);
            }
            Instruction::Contains {
                dest, collection, ..
            } => {
                self.walk(&[collection]);
                self.make(self.own(dest), 1, Vec::new());
            }
            Instruction::ArrayPush { arr, value } => self.grow(self.own(arr), &[value]),
            Instruction::SetAdd { set, value } => {
                self.walk(&[value]);
                self.grow(self.own(set), &[value]);
            }
            Instruction::ObjectSet { obj, key, value } => {
                self.walk(&[key]);
                self.grow(self.own(obj), &[key, value]);
            }
            Instruction::ObjectCreate { params_index } => self.read_object(params_index)?,
            Instruction::SetCreate { params_index } => {
                let data = &self.program.instruction_data;
                let params = data.get_set_create_params(params_index)?;
                for element in &params.elements {
                    self.walk(&[*element]);
                }
                self.gather(params.dest, params.elements.iter().copied());
            }
            _ => return self.read_operation(instruction),
        }
        Some(())
    }

    fn read_object(&mut self, params_index: u16) -> Option<()> {
        let data = &self.program.instruction_data;
        let params = data.get_object_create_params(params_index)?;
        let template = usize::from(params.template_literal_idx);
        let template = values(self.program.literals.get(template)?);
        let literal = params.literal_key_fields.iter().map(|(_, value)| *value);
        let others = params.fields.iter().flat_map(|(key, value)| [*key, *value]);
        let parts = literal.chain(others).map(|member| (self.own(member), 1));
        let parts = parts.collect();
        for (key, _) in &params.fields {
            self.walk(&[*key]);
        }
        self.make(self.own(params.dest), template, parts);
        Some(())
    }

    fn read_operation(&mut self, instruction: Instruction) -> Option<()> {
        match instruction {
            Instruction::ArrayCreate { params_index } => {
                let data = &self.program.instruction_data;
                let params = data.get_array_create_params(params_index)?;
                self.gather(params.dest, params.elements.iter().copied());
            }
            Instruction::Eq { dest, left, right }
            | Instruction::Ne { dest, left, right }
            | Instruction::Lt { dest, left, right }
            | Instruction::Le { dest, left, right }
            | Instruction::Gt { dest, left, right }
            | Instruction::Ge { dest, left, right } => {
                self.walk(&[left, right]);
                self.make(self.own(dest), 1, Vec::new());
            }
            Instruction::AssertEq { left, right } => self.walk(&[left, right]),
            // Of sets too.
            Instruction::Add { dest, left, right }
            | Instruction::Sub { dest, left, right }
            | Instruction::Mul { dest, left, right }
            | Instruction::Div { dest, left, right }
            | Instruction::Mod { dest, left, right }
            | Instruction::And { dest, left, right }
            | Instruction::Or { dest, left, right } => {
                self.walk(&[left]);
                self.walk(&[right]);
                self.gather(dest, [left, right].into_iter());
            }
            _ => return self.read_block(instruction),
        }
        Some(())
    }

    fn read_block(&mut self, instruction: Instruction) -> Option<()> {
        let data = &self.program.instruction_data;
        match instruction {
            Instruction::LoopStart { params_index } => {
                let params = data.get_loop_params(params_index)?;
                self.copy(params.key_reg, params.collection);
                self.copy(params.value_reg, params.collection);
                self.make(self.own(params.result_reg), 1, Vec::new());
            }
            Instruction::ComprehensionBegin { params_index } => {
                let params = data.get_comprehension_begin_params(params_index)?;
                self.copy(params.key_reg, params.collection_reg);
                self.copy(params.value_reg, params.collection_reg);
                let result = self.own(params.result_reg);
                self.make(result, 1, Vec::new());
                let is_array = matches!(params.mode, ComprehensionMode::Array);
                self.open.push((result, is_array));
            }
            Instruction::ComprehensionYield { value_reg, key_reg } => {
                let (result, is_array) = *self.open.last()?;
                self.grow(result, &[value_reg]);
                if let Some(key) = key_reg {
                    self.walk(&[key]);
                    self.grow(result, &[key]);
                } else if !is_array {
                    self.walk(&[value_reg]);
                }
            }
            Instruction::ComprehensionEnd {} => {
                self.open.pop()?;
            }
            _ => return self.read_call(instruction),
        }
        Some(())
    }

    fn read_call(&mut self, instruction: Instruction) -> Option<()> {
        let data = &self.program.instruction_data;
        match instruction {
            Instruction::CallRule { dest, rule_index } => {
                let rule = self.program.rule_infos.get(usize::from(rule_index))?;
                let result = (Some(rule_index), rule.result_reg);
                self.make(self.own(dest), 1, vec![(result, 1)]);
            }
            Instruction::FunctionCall { params_index } => {
                let params = data.get_function_call_params(params_index)?;
                let number = params.func_rule_index;
                let rule = self.program.rule_infos.get(usize::from(number))?;
                for (argument, parameter) in params.arg_registers().iter().zip(1..) {
                    let parts = vec![(self.own(*argument), 1)];
                    self.make((Some(number), parameter), 0, parts);
                }
                let result = (Some(number), rule.result_reg);
                self.make(self.own(params.dest), 1, vec![(result, 1)]);
            }
            Instruction::BuiltinCall { params_index } => {
                let params = data.get_builtin_call_params(params_index)?;
                let info = self.program.get_builtin_info(params.builtin_index)?;
                let builtin = builtins::find(&info.name).filter(|builtin| builtin.is_quick)?;
                let largest = if builtin.is_small {
                    1
                } else {
                    RESULT_VALUES_MAX
                };
                let largest = if TEXTS.contains(&info.name.as_str()) {
                    1
                } else {
                    largest
                };
                self.make(self.own(params.dest), largest, Vec::new());
            }
            // Documents of data, what the host is asked for, and the conditions of another language.
            _ => return None,
        }
        Some(())
    }
}

/// Builtins that give a text: it is one value, however long.
const TEXTS: [&str; 8] = [
    "concat",
    "lower",
    "replace",
    "sprintf",
    "substring",
    "trim_prefix",
    "trim_suffix",
    "upper",
];

fn places(rule: &RuleInfo) -> impl Iterator<Item = u32> {
    let bodies = rule.definitions.iter().flatten().copied();
    bodies.chain(rule.destructuring_blocks.iter().filter_map(|block| *block))
}

/// How many values are in one.
fn values(value: &Value) -> u64 {
    let size = guard::size_of_all([value], usize::MAX) / guard::VALUE_BYTES;
    u64::try_from(size).unwrap_or(u64::MAX)
}
