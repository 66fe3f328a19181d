//! Enforces the shape of `src/`: imports point only downwards, each dependency stays in its place,
//! files stay short and open with what they are for. The rules are the tables below.

mod code;
mod pages;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::code::{paths, without_comments_and_strings};

/// Outermost first. A module may name its own and lower layers, within a layer only itself and
/// what [`NEIGHBOURS`] grants. `main.rs` and `lib.rs` may name everything.
const LAYERS: &[&[&str]] = &[
    &["commands"],
    &["app"],
    &["gateway", "admin", "simulator"],
    &["evidence"],
    &["alerts", "objects", "whatif"],
    &["catalog"],
    &["recorder", "import"],
    &[
        "providers",
        "policy",
        "engine",
        "store",
        "spool",
        "queue",
        "keys",
        "metrics",
        "telemetry",
    ],
    &["settings"],
    &["domain", "https"],
];

/// Imports within a layer: who, whom, and why. None so far.
const NEIGHBOURS: &[(&str, &str, &str)] = &[];

/// Implementations behind a trait: only the module itself and `app.rs` may choose one.
const CONCRETE: &[&str] = &[
    "store::postgres",
    "store::sqlite",
    "engine::local",
    "engine::redis",
    "engine::lease",
];

const ASYNC: &[&str] = &[
    "commands",
    "app",
    "import",
    "gateway",
    "admin",
    "evidence",
    "https",
    "alerts",
    "objects",
    "recorder",
    "catalog",
    "simulator",
    "providers",
    "policy",
    "engine",
    "store",
    "spool",
    "queue",
    "metrics",
    "telemetry",
    "whatif",
];

/// Which modules may name an outside path.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("axum", &["admin", "simulator", "gateway::control", "app"]),
    ("bpe_openai", &["providers"]),
    ("deadpool_postgres", &["store::postgres"]),
    ("figment", &["settings"]),
    ("hyper", &["objects::client"]),
    ("hyper_rustls", &["https"]),
    (
        "hyper_util",
        &[
            "alerts",
            "https",
            "objects::client",
            "commands::api",
            "telemetry::otlp",
        ],
    ),
    ("fjall", &["spool"]),
    ("mapped_file", &["spool"]),
    ("opentelemetry_proto", &["telemetry::otlp"]),
    ("nix", &["gateway::server"]),
    ("pingora", &["gateway", "app"]),
    ("pingora_core", &["gateway", "app"]),
    ("pingora_http", &["gateway", "app"]),
    ("pingora_proxy", &["gateway", "app"]),
    ("postcard", &["engine::redis", "queue", "spool"]),
    ("prost", &["telemetry::otlp"]),
    ("redis", &["engine::redis", "queue"]),
    ("refinery", &["store"]),
    ("regorus", &["policy"]),
    ("rusqlite", &["store::sqlite"]),
    (
        "rustls",
        &[
            "alerts",
            "app",
            "gateway::server",
            "https",
            "objects::client",
            "commands::api",
            "telemetry::otlp",
        ],
    ),
    (
        "serde_json::Value",
        &[
            "providers",
            "policy",
            "admin",
            "simulator",
            "commands::demo",
            "commands::api",
            "commands::budget",
        ],
    ),
    ("socket2", &["gateway::server"]),
    ("std::env", &["settings"]),
    ("tokio", ASYNC),
    ("wasmtime", &["policy::wasm"]),
    ("utoipa", &["admin", "alerts"]),
    ("utoipa_axum", &["admin"]),
    ("utoipa_swagger_ui", &["admin::docs"]),
    ("tokio_postgres", &["store::postgres", "import::source"]),
    (
        "tokio_tungstenite",
        &["gateway::realtime", "simulator::tests"],
    ),
];

const LINES_BEFORE_TESTS_MAX: usize = 400;
const LINES_MAX: usize = 450;

/// One file of `src/`. `module` is its path in the crate, such as `store::postgres`; the roots
/// `lib.rs` and `main.rs` have the empty one.
struct Source {
    file: String,
    module: String,
    text: String,
}

impl Source {
    fn new(file: &str, text: &str) -> Self {
        let stem = file.trim_end_matches(".rs");
        let root = stem == "lib" || stem == "main";
        let module = if root {
            String::new()
        } else {
            stem.replace('/', "::")
        };
        Self {
            file: file.to_owned(),
            module,
            text: text.to_owned(),
        }
    }

    fn is_test(&self) -> bool {
        self.file.ends_with("/tests.rs") || self.file.contains("/tests/")
    }

    /// Up to the inline test module; nothing of a `tests.rs` or below it.
    fn production(&self) -> &str {
        if self.is_test() {
            return "";
        }
        self.text
            .split("#[cfg(test)]\nmod ")
            .next()
            .unwrap_or_default()
    }

    fn violations(&self) -> Vec<String> {
        let mut found = self.form_violations();
        let mut paths = paths(&self.production_code());
        paths.sort();
        paths.dedup();
        found.extend(paths.iter().filter_map(|path| self.path_violation(path)));
        found
            .iter()
            .map(|violation| format!("src/{}: {violation}", self.file))
            .collect()
    }

    fn form_violations(&self) -> Vec<String> {
        let before_tests = self.production().lines().count();
        let all = self.text.lines().count();
        let allow = without_comments_and_strings(&self.text).replace(char::is_whitespace, "");
        let rules = [
            (
                !self.text.starts_with("//! "),
                "does not open with a `//!` sentence".to_owned(),
            ),
            (
                before_tests > LINES_BEFORE_TESTS_MAX,
                format!("{before_tests} lines before tests, at most {LINES_BEFORE_TESTS_MAX}"),
            ),
            (
                all > LINES_MAX && !self.is_test(),
                format!("{all} lines, at most {LINES_MAX}: move the tests to a tests.rs"),
            ),
            (
                self.file == "mod.rs" || self.file.ends_with("/mod.rs"),
                "is a mod.rs; name it after its module".to_owned(),
            ),
            (
                ["#[allow(", "#![allow(", ",allow("]
                    .iter()
                    .any(|form| allow.contains(form)),
                "has an `allow`; use `#[expect(lint, reason = \"..\")]`".to_owned(),
            ),
        ];
        rules
            .into_iter()
            .filter(|(broken, _)| *broken)
            .map(|(_, text)| text)
            .collect()
    }

    fn production_code(&self) -> String {
        without_comments_and_strings(self.production())
    }

    fn path_violation(&self, path: &str) -> Option<String> {
        match self.inside(path) {
            Some(target) => self.import_violation(&target),
            None => self.outside_violation(path),
        }
    }

    /// Where a `crate::`, `super::` or `self::` path points to, from the crate's root.
    fn inside(&self, path: &str) -> Option<String> {
        if let Some(target) = path.strip_prefix("crate::") {
            return Some(target.to_owned());
        }
        let mut base: Vec<&str> = self.module.split("::").collect();
        let mut rest = path.strip_prefix("self::").unwrap_or(path);
        let mut relative = rest.len() < path.len();
        while let Some(above) = rest.strip_prefix("super::") {
            base.pop();
            rest = above;
            relative = true;
        }
        base.extend(rest.split("::"));
        relative.then(|| base.join("::"))
    }

    fn import_violation(&self, target: &str) -> Option<String> {
        let own = first(&self.module);
        let other = first(target);
        if own.is_empty() || own == other {
            return None;
        }
        let chosen = CONCRETE.iter().find(|concrete| is_within(target, concrete));
        if let Some(concrete) = chosen.filter(|_| own != "app") {
            return Some(format!("names `{concrete}`, which only app.rs may choose"));
        }
        // Items at the crate's root and modules without a layer are found by `unplaced`.
        let (own_layer, other_layer) = (layer(own)?, layer(other)?);
        let granted = NEIGHBOURS
            .iter()
            .any(|(who, whom, _)| (*who, *whom) == (own, other));
        let upwards = own_layer > other_layer;
        let sideways = own_layer == other_layer && !granted;
        (upwards || sideways).then(|| {
            let direction = if upwards { "upwards" } else { "sideways" };
            format!("imports {direction}: `{own}` names `{target}`")
        })
    }

    fn outside_violation(&self, path: &str) -> Option<String> {
        // A lone word is a variable or a field.
        if self.module.is_empty() || !path.contains("::") {
            return None;
        }
        let (outside, allowed) = OUTSIDE
            .iter()
            .find(|(outside, _)| is_within(path, outside))?;
        let fits = allowed.iter().any(|module| is_within(&self.module, module));
        (!fits).then(|| format!("names `{outside}`, which belongs to {}", allowed.join(", ")))
    }

    /// A module that no layer holds is bound by no rule: it must get a place first.
    fn unplaced(&self) -> Option<String> {
        let own = first(&self.module);
        let homeless = !own.is_empty() && layer(own).is_none();
        homeless.then(|| format!("src/{}: `{own}` has no layer in {}", self.file, file!()))
    }
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn source_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            // A package of Node is not Rust and brings folders with thousands of files.
            if !path.join("package.json").is_file() {
                files.extend(source_files(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn the_sources_keep_to_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    for path in source_files(&root).unwrap() {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let source = Source::new(file, &fs::read_to_string(&path).unwrap());
        violations.extend(source.unplaced());
        violations.extend(source.violations());
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn violations_of(file: &str, code: &str) -> String {
    Source::new(file, &format!("//! Says what it is for.\n{code}"))
        .violations()
        .join("\n")
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    for code in [
        "use crate::gateway::admit;",
        "use crate::{domain::money::Usd, gateway::{admit, body}};",
        "use super::super::gateway::admit;",
        "fn f() { crate::gateway::admit::run() }",
    ] {
        let found = violations_of("store/ledger.rs", code);
        assert!(
            found.contains("imports upwards: `store` names `gateway"),
            "{code}: {found}"
        );
    }
}

#[test]
fn a_sideways_import_needs_a_grant() {
    let found = violations_of("engine.rs", "use crate::store::Driver;");
    assert_eq!(
        found,
        "src/engine.rs: imports sideways: `engine` names `store::Driver`"
    );
    assert_eq!(
        violations_of("gateway/admit.rs", "use crate::catalog::Snapshot;"),
        ""
    );
}

#[test]
fn a_downward_import_and_prose_are_no_violations() {
    let code = "use crate::domain::money::Usd;\nuse super::admit;\n\
        // crate::app::App\nconst A: &str = \"crate::app::App\"; const B: &str = r#\"\"axum::Router\"#;\n\
        fn f<'a>(q: char) -> bool { q == '\"' || q == '\\'' }\n\
        #[cfg(test)]\nmod tests { use crate::app::App; }";
    assert_eq!(violations_of("gateway/body.rs", code), "");
}

#[test]
fn code_after_a_quote_character_is_still_read() {
    let code = "fn f(q: char) -> bool { q == '\"' }\nuse crate::app::App;";
    assert!(violations_of("store.rs", code).contains("imports upwards"));
}

#[test]
fn only_the_app_chooses_an_implementation() {
    let code = "use crate::store::sqlite::Sqlite;";
    assert!(violations_of("recorder.rs", code).contains("only app.rs may choose"));
    assert_eq!(violations_of("app.rs", code), "");
}

#[test]
fn a_dependency_outside_its_place_is_found() {
    for (code, outside) in [
        ("use axum::Router;", "axum"),
        ("use serde_json::{Value, json};", "serde_json::Value"),
        ("fn f() -> std::env::Args { std::env::args() }", "std::env"),
        ("use std::{env, fs};", "std::env"),
    ] {
        let found = violations_of("gateway/admit.rs", code);
        assert!(
            found.contains(&format!("names `{outside}`")),
            "{code}: {found}"
        );
    }
    assert_eq!(
        violations_of("gateway.rs", "use pingora::proxy::ProxyHttp;"),
        ""
    );
    assert!(violations_of("domain/money.rs", "use tokio::sync::Mutex;").contains("`tokio`"));
}

#[test]
fn form_is_enforced() {
    assert!(violations_of("store/mod.rs", "").contains("is a mod.rs"));
    assert!(violations_of("store.rs", "#[allow(dead_code)]\nfn f() {}").contains("has an `allow`"));
    assert!(violations_of("store.rs", &"\n".repeat(400)).contains("401 lines before tests"));
    let long_tests = format!("#[cfg(test)]\nmod tests {{{}}}", "\n".repeat(450));
    assert!(violations_of("store.rs", &long_tests).contains("move the tests to a tests.rs"));
    assert_eq!(violations_of("store/tests.rs", &long_tests), "");
    assert_eq!(violations_of("store/tests/long.rs", &long_tests), "");
    let silent = Source::new("store.rs", "use std::fmt;\n").violations();
    assert_eq!(
        silent,
        ["src/store.rs: does not open with a `//!` sentence"]
    );
    let homeless = Source::new("utilities.rs", "//! Anything.").unplaced();
    assert!(homeless.is_some_and(|violation| violation.contains("`utilities` has no layer")));
}
