//! One instance of a module, on one thread: its memory, its calls, and what it asks of the host.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regorus::Value;
use wasmtime::{
    Caller, Engine, Linker, Memory, MemoryType, Module, Store, StoreLimits, StoreLimitsBuilder,
    Trap,
};

use crate::policy::PolicyError;
use crate::policy::rego::invalid;
use crate::policy::wasm::abi::{self, Address, Context, Evaluation, Exports};
use crate::policy::wasm::builtins::{ARGUMENTS_BYTES_MAX, Answer, Builtins};
use crate::policy::wasm::runtime::Ticks;

/// How much memory a module may have, data document included, in pages of the standard's size.
const PAGES_MAX: u64 = 1024;
const PAGE_BYTES: u64 = 64 * 1024;
const MEMORY_BYTES_MAX: usize = 1024 * 64 * 1024;
/// How many tables it may have, and how many functions they may name.
const TABLES_MAX: usize = 4;
const TABLE_ELEMENTS_MAX: usize = 100_000;
/// How long texts of a module may be: results, lists of names, and its last words.
const RESULT_BYTES_MAX: usize = 64 * 1024;
const LIST_BYTES_MAX: usize = 1024 * 1024;
const LAST_WORDS_BYTES_MAX: usize = 256;
/// How many answers that must not change an evaluation keeps.
const KEPT_MAX: usize = 64;
/// The heap begins at such an address after an input.
const ALIGNMENT: usize = 8;
/// The format that `opa_eval` answers in.
const JSON: i32 = 0;
/// What a builtin gives that has no value.
const UNDEFINED: Address = 0;

/// What a module's calls of the host work with.
pub(super) struct Host {
    limits: StoreLimits,
    memory: Option<Memory>,
    exports: Option<Arc<Exports>>,
    builtins: Arc<Builtins>,
    /// What impure builtins said in this evaluation: they say it again.
    kept: HashMap<(i32, Vec<Vec<u8>>), Answer>,
    last_words: Option<String>,
}

/// See the module.
pub(super) struct Machine {
    store: Store<Host>,
    memory: Memory,
    exports: Arc<Exports>,
    data: Address,
    /// Where the heap begins after the data document.
    heap: Address,
}

impl Machine {
    pub(super) fn new(
        (module, linker): (&Module, &Linker<Host>),
        builtins: &Arc<Builtins>,
        data: &str,
    ) -> Result<Self, PolicyError> {
        let mut store = Store::new(module.engine(), Host::new(builtins));
        store.limiter(|host| &mut host.limits);
        store.set_epoch_deadline(Ticks::LOAD.0);
        let memory = memory_for(module, &mut store)?;
        store.data_mut().memory = Some(memory);
        let mut linker = linker.clone();
        let defined = linker.define(&store, abi::HOST, abi::MEMORY, memory);
        let made = defined.and_then(|linker| linker.instantiate(&mut store, module));
        let made = made.map_err(|error| invalid(&format!("{error:#}")))?;
        let exports = Arc::new(Exports::find(&made, &mut store)?);
        store.data_mut().exports = Some(Arc::clone(&exports));
        let mut machine = Self {
            store,
            memory,
            exports,
            data: 0,
            heap: 0,
        };
        machine.data = machine.parse(data.as_bytes())?;
        let heap = machine.exports.heap_get.call(&mut machine.store, ());
        machine.heap = heap.map_err(|error| machine.failure(&error))?;
        Ok(machine)
    }

    /// The numbers of the module's entry points.
    pub(super) fn entry_points(&mut self) -> Result<BTreeMap<String, i32>, PolicyError> {
        let list = self.exports.entry_points.call(&mut self.store, ());
        self.list(list)
    }

    /// The numbers of the builtins that it calls.
    pub(super) fn builtins(&mut self) -> Result<BTreeMap<String, i32>, PolicyError> {
        let list = self.exports.builtins.call(&mut self.store, ());
        self.list(list)
    }

    fn list(
        &mut self,
        list: wasmtime::Result<Address>,
    ) -> Result<BTreeMap<String, i32>, PolicyError> {
        let exports = Arc::clone(&self.exports);
        let text = list.and_then(|list| exports.json_dump.call(&mut self.store, list));
        let text = text.map_err(|error| self.failure(&error))?;
        let text = self.text(text, LIST_BYTES_MAX)?;
        serde_json::from_slice(text).map_err(|error| invalid(&error))
    }

    /// Begins a decision, which may take so long.
    pub(super) fn begin(&mut self, ticks: Ticks) {
        self.store.set_epoch_deadline(ticks.0);
        self.store.data_mut().kept.clear();
    }

    /// Evaluates an entry point; undefined if it has no result.
    pub(super) fn evaluate(&mut self, entry: i32, input: &[u8]) -> Result<Value, PolicyError> {
        let exports = Arc::clone(&self.exports);
        let text = match &exports.evaluation {
            Evaluation::OneCall(evaluate) => {
                let start = usize::try_from(self.heap).unwrap_or(usize::MAX);
                let heap = start
                    .saturating_add(input.len())
                    .next_multiple_of(ALIGNMENT);
                self.make_room(heap)?;
                self.write(start, input)?;
                let arguments = (
                    0,
                    entry,
                    self.data,
                    self.heap,
                    length(input)?,
                    address(heap)?,
                    JSON,
                );
                evaluate.call(&mut self.store, arguments)
            }
            Evaluation::Context(context) => self.evaluate_by_context(context, entry, input),
        };
        let text = text.map_err(|error| self.failure(&error))?;
        result(self.text(text, RESULT_BYTES_MAX)?)
    }

    fn evaluate_by_context(
        &mut self,
        calls: &Context,
        entry: i32,
        input: &[u8],
    ) -> wasmtime::Result<Address> {
        let exports = Arc::clone(&self.exports);
        exports.heap_set.call(&mut self.store, self.heap)?;
        let input = self.parse(input).map_err(wasmtime::Error::new)?;
        let context = calls.new.call(&mut self.store, ())?;
        calls.set_input.call(&mut self.store, (context, input))?;
        calls.set_data.call(&mut self.store, (context, self.data))?;
        calls
            .set_entry_point
            .call(&mut self.store, (context, entry))?;
        calls.evaluate.call(&mut self.store, context)?;
        let value = calls.result.call(&mut self.store, context)?;
        exports.json_dump.call(&mut self.store, value)
    }

    /// Puts a JSON text into the module's memory as a value.
    fn parse(&mut self, text: &[u8]) -> Result<Address, PolicyError> {
        let exports = Arc::clone(&self.exports);
        let place = exports.malloc.call(&mut self.store, length(text)?);
        let place = place.map_err(|error| self.failure(&error))?;
        self.write(usize::try_from(place).unwrap_or(usize::MAX), text)?;
        let parsed = exports
            .json_parse
            .call(&mut self.store, (place, length(text)?));
        match parsed.map_err(|error| self.failure(&error))? {
            0 => Err(PolicyError::Evaluate(
                "the module cannot read JSON".to_owned(),
            )),
            value => Ok(value),
        }
    }

    fn make_room(&mut self, end: usize) -> Result<(), PolicyError> {
        let missing = end.saturating_sub(self.memory.data_size(&self.store));
        let missing = u64::try_from(missing).unwrap_or(u64::MAX);
        if missing > 0 {
            let grown = self
                .memory
                .grow(&mut self.store, missing.div_ceil(PAGE_BYTES));
            grown.map_err(|error| self.failure(&error))?;
        }
        Ok(())
    }

    fn write(&mut self, place: usize, bytes: &[u8]) -> Result<(), PolicyError> {
        let written = self.memory.write(&mut self.store, place, bytes);
        written.map_err(|_outside| {
            PolicyError::Evaluate("an address of the module is outside its memory".to_owned())
        })
    }

    fn text(&self, place: Address, limit: usize) -> Result<&[u8], PolicyError> {
        let text = text(self.memory.data(&self.store), place, limit);
        text.ok_or_else(|| {
            PolicyError::Evaluate("the module gave no text, or too long a one".to_owned())
        })
    }

    /// Why a call failed, in the module's own words if it had any.
    fn failure(&mut self, error: &wasmtime::Error) -> PolicyError {
        if let Some(words) = self.store.data_mut().last_words.take() {
            return PolicyError::Evaluate(words);
        }
        if let Some(PolicyError::TimedOut) = error.downcast_ref::<PolicyError>() {
            return PolicyError::TimedOut;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => PolicyError::TimedOut,
            Some(trap) => PolicyError::Evaluate(trap.to_string()),
            None => PolicyError::Evaluate(error.root_cause().to_string()),
        }
    }
}

/// Reads what a module answers: `[{"result": ..}]`, or nothing in the brackets.
fn result(text: &[u8]) -> Result<Value, PolicyError> {
    let wrong = || PolicyError::Evaluate("the module's result is not of OPA's form".to_owned());
    let text = std::str::from_utf8(text).map_err(|_error| wrong())?;
    let results = Value::from_json_str(text).map_err(|_error| wrong())?;
    match results.as_array().map_err(|_error| wrong())?.as_slice() {
        [] => Ok(Value::Undefined),
        [one] => {
            let members = one.as_object().map_err(|_error| wrong())?;
            members
                .get(&Value::from("result"))
                .cloned()
                .ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// A text of the module, up to its zero byte.
fn text(memory: &[u8], place: Address, limit: usize) -> Option<&[u8]> {
    let rest = memory.get(usize::try_from(place).ok().filter(|place| *place > 0)?..)?;
    let end = memchr::memchr(0, rest.get(..limit).unwrap_or(rest))?;
    rest.get(..end)
}

fn length(text: &[u8]) -> Result<i32, PolicyError> {
    address(text.len())
}

fn address(place: usize) -> Result<i32, PolicyError> {
    i32::try_from(place)
        .map_err(|_error| PolicyError::Evaluate("the input is too large".to_owned()))
}

/// The memory that a module asks for, and how far it may grow.
fn memory_for(module: &Module, store: &mut Store<Host>) -> Result<Memory, PolicyError> {
    let mut imports = module.imports();
    let asked = imports.find_map(|import| import.ty().memory().cloned());
    let asked =
        asked.ok_or_else(|| invalid(&"it imports no `env.memory`: OPA did not compile it"))?;
    let (least, most) = (asked.minimum(), asked.maximum().unwrap_or(PAGES_MAX));
    let (Ok(least), Ok(most)) = (u32::try_from(least), u32::try_from(most.min(PAGES_MAX))) else {
        return Err(invalid(&"it asks for too much memory"));
    };
    if least > most {
        return Err(invalid(&"it asks for too much memory"));
    }
    let memory = Memory::new(store, MemoryType::new(least, Some(most)));
    memory.map_err(|error| invalid(&format!("{error:#}")))
}

impl Host {
    fn new(builtins: &Arc<Builtins>) -> Self {
        Self {
            limits: StoreLimitsBuilder::new()
                .memory_size(MEMORY_BYTES_MAX)
                .table_elements(TABLE_ELEMENTS_MAX)
                .instances(1)
                .memories(1)
                .tables(TABLES_MAX)
                .build(),
            memory: None,
            exports: None,
            builtins: Arc::clone(builtins),
            kept: HashMap::new(),
            last_words: None,
        }
    }
}

type Asks<'a> = Caller<'a, Host>;

/// The host's side of the ABI, but for the memory.
pub(super) fn host(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(abi::HOST, abi::ABORT, abort)?;
    // What rules print is nobody's to read: it may be of a request.
    linker.func_wrap(abi::HOST, abi::PRINTLN, |_text: Address| {})?;
    let [none, one, two, three, four] = abi::BUILTINS;
    linker.func_wrap(abi::HOST, none, |asks: Asks<'_>, id: i32, _: i32| {
        builtin(asks, id, &[])
    })?;
    linker.func_wrap(abi::HOST, one, |asks: Asks<'_>, id: i32, _: i32, a: i32| {
        builtin(asks, id, &[a])
    })?;
    linker.func_wrap(
        abi::HOST,
        two,
        |asks: Asks<'_>, id: i32, _: i32, a: i32, b: i32| builtin(asks, id, &[a, b]),
    )?;
    linker.func_wrap(
        abi::HOST,
        three,
        |asks: Asks<'_>, id: i32, _: i32, a: i32, b: i32, c: i32| builtin(asks, id, &[a, b, c]),
    )?;
    linker.func_wrap(
        abi::HOST,
        four,
        |asks: Asks<'_>, id: i32, _: i32, a: i32, b: i32, c: i32, d: i32| {
            builtin(asks, id, &[a, b, c, d])
        },
    )?;
    Ok(linker)
}

/// The module gives up.
fn abort(mut asks: Asks<'_>, words: Address) -> wasmtime::Result<()> {
    let memory = asks.data().memory;
    let words = memory.and_then(|memory| {
        let words = text(memory.data(&asks), words, LAST_WORDS_BYTES_MAX)?;
        Some(String::from_utf8_lossy(words).into_owned())
    });
    asks.data_mut().last_words = words;
    Err(wasmtime::Error::msg("the module aborted"))
}

/// The module calls a builtin that the host has.
fn builtin(mut asks: Asks<'_>, id: i32, arguments: &[Address]) -> wasmtime::Result<Address> {
    let host = asks.data();
    let (builtins, exports, memory) = (
        Arc::clone(&host.builtins),
        host.exports.clone(),
        host.memory,
    );
    let (Some(exports), Some(memory)) = (exports, memory) else {
        return Err(wasmtime::Error::msg(
            "the module called a builtin too early",
        ));
    };
    let mut texts = Vec::new();
    for argument in arguments {
        let place = exports.dump(&mut asks, *argument)?;
        let text = text(memory.data(&asks), place, ARGUMENTS_BYTES_MAX);
        let text =
            text.ok_or_else(|| wasmtime::Error::msg("an argument of a builtin is too large"))?;
        texts.push(text.to_vec());
    }
    let key = (id, texts);
    let answer = if let Some(answer) = asks.data().kept.get(&key) {
        answer.clone()
    } else {
        let answer = builtins.call(id, &key.1).map_err(wasmtime::Error::new)?;
        let kept = &mut asks.data_mut().kept;
        if builtins.is_impure(id) && kept.len() < KEPT_MAX {
            kept.insert(key, answer.clone());
        }
        answer
    };
    let Some(answer) = answer else {
        return Ok(UNDEFINED);
    };
    let length = i32::try_from(answer.len())?;
    let place = exports.malloc.call(&mut asks, length)?;
    memory.write(&mut asks, usize::try_from(place)?, answer.as_bytes())?;
    exports.parse(&mut asks, (place, length))
}
