//! Modules that are not as OPA makes them, or that fail while they decide.

use budgetguard::policy::{PolicyEngine, PolicyError, Verdict};

use crate::support::{RESULT, Text, request, wasm};

const DENIED: Verdict = Verdict::Deny { reason: None };

fn decide(text: &Text) -> Result<Verdict, PolicyError> {
    text.load().unwrap().decide(&request("gpt-5"))
}

#[test]
fn a_module_by_hand_allows() {
    let verdict = decide(&Text::default()).unwrap();
    assert_eq!(verdict, Verdict::ALLOWED);
}

#[test]
fn what_is_not_exactly_true_denies() {
    for result in [
        "[]",
        r#"[{"result": false}]"#,
        r#"[{"result": "true"}]"#,
        r#"[{"result": {}}]"#,
    ] {
        let text = Text {
            result,
            ..Text::default()
        };
        assert_eq!(decide(&text).unwrap(), DENIED, "{result}");
    }
}

#[test]
fn a_result_of_another_form_is_no_decision() {
    for result in [
        "",
        "true",
        "{}",
        "[true]",
        "[{}]",
        r#"[{"result": true}, {}]"#,
        "[{\"result\": ",
    ] {
        let text = Text {
            result,
            ..Text::default()
        };
        let failed = decide(&text);
        assert!(
            matches!(failed, Err(PolicyError::Evaluate(_))),
            "{result}: {failed:?}"
        );
    }
}

#[test]
fn a_result_outside_the_memory_is_no_decision() {
    for body in [
        "i32.const -1",
        "i32.const 0",
        "i32.const 131072",
        "i32.const 131071",
    ] {
        let text = Text {
            body,
            ..Text::default()
        };
        let failed = decide(&text);
        assert!(
            matches!(failed, Err(PolicyError::Evaluate(_))),
            "{body}: {failed:?}"
        );
    }
}

#[test]
fn a_trap_is_no_decision_and_the_next_one_is_made_anew() {
    // Traps on every second evaluation of an instance; a new instance begins at the first.
    let text = Text {
        body: r"
            (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
            (if (i32.eq (i32.load (i32.const 512)) (i32.const 2)) (then unreachable))
            i32.const 3072",
        ..Text::default()
    };
    let policy = text.load().unwrap();
    for round in 0..6 {
        let model = format!("model-{round}");
        let decided = policy.decide(&request(&model));
        if round % 2 == 0 {
            assert_eq!(decided.unwrap(), Verdict::ALLOWED, "{round}");
        } else {
            assert!(
                matches!(decided, Err(PolicyError::Evaluate(_))),
                "{round}: {decided:?}"
            );
        }
    }
}

#[test]
fn a_module_says_why_it_gave_up() {
    let text = Text {
        body: "(call $abort (i32.const 4096)) unreachable",
        ..Text::default()
    };
    let failed = decide(&text).unwrap_err();
    assert!(failed.to_string().contains("enough"), "{failed}");
}

#[test]
fn a_module_that_does_not_end_is_stopped() {
    let text = Text {
        body: "(loop $forever (br $forever)) unreachable",
        ..Text::default()
    };
    let policy = text.load().unwrap();
    let failed = policy.decide(&request("gpt-5"));
    assert!(matches!(failed, Err(PolicyError::TimedOut)), "{failed:?}");
}

#[test]
fn memory_does_not_grow_beyond_its_limit() {
    // Allows if it gets four gigabytes, page by page or at once.
    let text = Text {
        result: r#"[{"result": true}]"#,
        body: r"
            (block $full
                (loop $more
                    (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
                    (br_if $more (i32.lt_u (memory.size) (i32.const 2048)))))
            (if (result i32) (i32.lt_u (memory.size) (i32.const 2048))
                (then i32.const 4096) (else i32.const 3072))",
        ..Text::default()
    };
    let failed = decide(&text);
    assert!(
        matches!(
            failed,
            Err(PolicyError::Evaluate(_) | PolicyError::TimedOut)
        ),
        "{failed:?}"
    );
}

#[test]
fn a_module_that_asks_for_too_much_memory_is_refused() {
    let text = Text {
        pages: "2000",
        ..Text::default()
    };
    let error = text.load().map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("policy.wasm") && error.contains("memory"),
        "{error}"
    );
}

#[test]
fn recursion_ends_with_the_stack() {
    let source = Text {
        body: "(call $deep (i32.const 0)) i32.const 3072",
        ..Text::default()
    }
    .source();
    let deep = "(func $deep (param i32) (call $deep (i32.add (local.get 0) (i32.const 1)))) (func (export \"opa_eval\")";
    let source = source.replace("(func (export \"opa_eval\")", deep);
    let policy = wasm(&wat::parse_str(source).unwrap(), None).unwrap();
    let failed = policy.decide(&request("gpt-5"));
    assert!(failed.is_err(), "{failed:?}");
}

#[test]
fn a_foreign_import_is_named() {
    for (imports, name) in [
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
            "fd_write",
        ),
        (r#"(import "env" "exec" (func))"#, "env.exec"),
        (
            r#"(import "env" "opa_table" (table 1 funcref))"#,
            "opa_table",
        ),
        (
            r#"(import "other" "opa_abort" (func (param i32)))"#,
            "other.opa_abort",
        ),
    ] {
        let text = Text {
            imports,
            ..Text::default()
        };
        let error = text.load().map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn a_missing_export_is_named() {
    for name in [
        "opa_wasm_abi_version",
        "entrypoints",
        "builtins",
        "opa_malloc",
        "opa_json_parse",
        "opa_json_dump",
        "opa_heap_ptr_get",
        "opa_heap_ptr_set",
        "opa_eval",
    ] {
        let source = Text::default().source();
        let source = source.replace(&format!("(export \"{name}\")"), "(export \"renamed\")");
        let error = wasm(&wat::parse_str(source).unwrap(), None);
        let error = error.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn an_older_module_needs_the_context() {
    let text = Text {
        minor: 1,
        ..Text::default()
    };
    let error = text.load().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("opa_eval_ctx_new"), "{error}");
}

#[test]
fn a_module_without_our_entry_points_is_refused() {
    let text = Text {
        entry_points: r#"{"other/allow": 0}"#,
        ..Text::default()
    };
    let error = text.load().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("budgetguard/policy/allow"), "{error}");
    assert!(error.contains("other/allow"), "{error}");
}

#[test]
fn a_builtin_that_is_not_to_be_had_is_named() {
    for (builtins, name) in [
        (r#"{"http.send": 0}"#, "http.send"),
        (r#"{"startswith": 0, "io.jwt.decode": 1}"#, "io.jwt.decode"),
    ] {
        let text = Text {
            builtins,
            ..Text::default()
        };
        let error = text.load().map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_builtin_that_is_not_listed_is_no_decision() {
    let text = Text {
        body: "(drop (call $builtin (i32.const 9) (i32.const 0))) i32.const 3072",
        ..Text::default()
    };
    let failed = decide(&text);
    assert!(
        matches!(failed, Err(PolicyError::Evaluate(_))),
        "{failed:?}"
    );
}

#[test]
fn what_is_no_module_is_refused() {
    for bytes in [&b""[..], b"\0asm", b"package budgetguard.policy", &[0; 64]] {
        let error = wasm(bytes, None).map(|_| ()).unwrap_err();
        assert!(matches!(error, PolicyError::Compile(_)), "{error:?}");
    }
}

#[test]
fn a_data_document_that_is_no_json_is_refused() {
    let module = crate::support::c_module("allow", 3);
    let error = wasm(&module, Some("[1, 2")).map(|_| ());
    assert!(error.is_err());
}

#[test]
fn a_start_function_that_does_not_end_is_stopped() {
    let source = Text {
        body: RESULT,
        ..Text::default()
    }
    .source();
    let start =
        "(func $forever (loop $again (br $again))) (start $forever) (func (export \"opa_eval\")";
    let source = source.replace("(func (export \"opa_eval\")", start);
    assert!(wasm(&wat::parse_str(source).unwrap(), None).is_err());
}
