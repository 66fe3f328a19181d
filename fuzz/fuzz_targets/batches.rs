//! The readers of batches: whatever a caller, a file of requests, a description or a file of answers
//! says, it is understood or refused, and what is taken for used is not more than was counted.
#![no_main]

use budgetguard::domain::id::ModelName;
use budgetguard::domain::object::ObjectKind;
use budgetguard::providers::Dialect;
use budgetguard::providers::batch::BatchInput;
use budgetguard::providers::call::read_call;
use budgetguard::providers::deferred::{line_used, standing};
use budgetguard::providers::endpoints::{Hints, Operation, route};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const BATCHES: [(&str, Dialect); 3] = [
    ("/v1/batches", Dialect::OpenAi),
    ("/v1/messages/batches", Dialect::Anthropic),
    ("/v1beta/models/gemini-2.5-flash:batchGenerateContent", Dialect::Google),
];
const OPERATIONS: [Operation; 4] = [
    Operation::ChatCompletions,
    Operation::Responses,
    Operation::Embeddings,
    Operation::GenerateContent,
];

fuzz_target!(|data: &[u8]| {
    let Some(([kind, form], text)) = data.split_first_chunk::<2>() else {
        return;
    };
    let (path, home) = BATCHES[usize::from(*kind) % BATCHES.len()];
    let operation = OPERATIONS[usize::from(*form) % OPERATIONS.len()];
    let model = ModelName::new("some-model");
    make(path, text);
    let described = Bytes::copy_from_slice(text);
    for kind in ObjectKind::ALL {
        let _standing = standing(home, (kind, "some-id"), &model, &described);
    }
    for line in text.split(|byte| *byte == b'\n') {
        let _used = line_used(home, operation, &model, line);
    }
});

/// The first line makes the batch, the others are those of its file.
fn make(path: &str, text: &[u8]) {
    let found = route("POST", path, &Hints::default()).expect("a path of the table");
    let mut lines = text.split(|byte| *byte == b'\n');
    let body = Bytes::copy_from_slice(lines.next().unwrap_or_default());
    let Ok(mut call) = read_call(&found, &body) else {
        return;
    };
    let Ok(input) = BatchInput::read(&call, &body) else {
        return;
    };
    let before = call.lines.len();
    for (number, line) in lines.enumerate() {
        if call.add_input_line(&input, line).is_err() {
            return;
        }
        assert_eq!(call.lines.len(), before + number + 1);
    }
}
