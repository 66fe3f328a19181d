//! A policy as it is kept: the files that make one, read within bounds, and compiled by the engine that runs
//! their kind. What is in force is not decided here.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::bundle::Contents;
use crate::policy::hash::PolicyHash;
use crate::policy::rego::{DEFAULT_NAME, DEFAULT_TEXT, RegoPolicy};
use crate::policy::wasm::{WasmPolicy, WasmRuntime};
use crate::policy::{PolicyEngine, PolicyError};

/// The most files of one policy.
pub const FILES_MAX: usize = 256;
/// The most bytes of one policy, all its files together.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;

const REGO: &str = ".rego";
const TEST: &str = "_test.rego";
const WASM: &str = "wasm";
/// What errors call a module that was uploaded.
const MODULE_NAME: &str = "policy.wasm";

/// Everything that a policy is compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// Texts, each with the name by which errors call it, in the order of their names.
    Rego(Vec<(String, String)>),
    /// A module that OPA compiled.
    Wasm {
        /// What errors call it.
        name: String,
        /// Its bytes.
        module: Vec<u8>,
    },
}

impl PolicySource {
    /// The policy that comes with the gateway.
    pub fn embedded() -> Self {
        Self::Rego(vec![(DEFAULT_NAME.to_owned(), DEFAULT_TEXT.to_owned())])
    }

    /// Reads a `.rego` file, all such files of a folder but its tests, or a `.wasm` module.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        if path.extension().is_some_and(|kind| kind == WASM) {
            return Ok(Self::Wasm {
                name: path.display().to_string(),
                module: read_file(path, BYTES_MAX)?,
            });
        }
        let files = rules_in(path)?;
        if files.is_empty() {
            return Err(PolicyError::NoFiles(path.to_owned()));
        }
        Ok(Self::Rego(read_texts(&files)?))
    }

    /// What was uploaded for a tenant; tests in it are no rules.
    pub fn of_contents(contents: Contents) -> Self {
        match contents {
            Contents::Rego(files) => {
                let rules = files.into_iter();
                Self::Rego(rules.filter(|(name, _)| !name.ends_with(TEST)).collect())
            }
            Contents::Wasm(module) => Self::Wasm {
                name: MODULE_NAME.to_owned(),
                module,
            },
        }
    }

    /// Tells it from all others.
    pub fn hash(&self) -> PolicyHash {
        match self {
            Self::Rego(files) => {
                let files = files.iter();
                PolicyHash::of(files.map(|(name, text)| (name.as_str(), text.as_bytes())))
            }
            Self::Wasm { name, module } => WasmPolicy::hash_of(name, module, None),
        }
    }

    /// Compiles an operator's own files. It takes its time: never on the path of a request.
    pub fn compile(self, wasm: &WasmRuntime) -> Result<Arc<dyn PolicyEngine>, PolicyError> {
        match self {
            Self::Rego(files) => Ok(Arc::new(RegoPolicy::of_files(files)?)),
            Self::Wasm { name, module } => compile_module(wasm, &name, &module),
        }
    }

    /// The same with what somebody sent: however it is made, it costs no more than an error.
    pub fn compile_sent(self, wasm: &WasmRuntime) -> Result<Arc<dyn PolicyEngine>, PolicyError> {
        match self {
            Self::Rego(files) => Ok(Arc::new(RegoPolicy::of_sent_files(files)?)),
            Self::Wasm { name, module } => compile_module(wasm, &name, &module),
        }
    }
}

fn compile_module(
    wasm: &WasmRuntime,
    name: &str,
    module: &[u8],
) -> Result<Arc<dyn PolicyEngine>, PolicyError> {
    let policy = WasmPolicy::of_module(wasm, name, (module, None))?;
    Ok(Arc::new(policy))
}

/// The files of rules that a path names: itself, or those in the folder that are no tests.
pub(super) fn rules_in(path: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    named(path, |name| name.ends_with(REGO) && !name.ends_with(TEST))
}

/// The files of tests that belong to a path: those in the folder, or the one beside the file.
pub(super) fn tests_in(path: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    if path.is_dir() {
        return named(path, |name| name.ends_with(TEST));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!("{stem}{TEST}"));
    Ok(Some(beside)
        .filter(|file| file.is_file())
        .into_iter()
        .collect())
}

/// Reads texts that are one policy, within its bounds.
pub(super) fn read_texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, PolicyError> {
    let mut room = BYTES_MAX;
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        let bytes = read_file(file, room)?;
        room = room.saturating_sub(bytes.len());
        let text = String::from_utf8(bytes).map_err(|_error| {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
            unreadable(file, source)
        })?;
        texts.push((file.display().to_string(), text));
    }
    Ok(texts)
}

fn named(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, PolicyError> {
    let cannot = |source| unreadable(folder, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if is_wanted(&name) {
            files.push(file);
        }
        if files.len() > FILES_MAX {
            return Err(cannot(io::Error::other(format!(
                "it has more than {FILES_MAX} files"
            ))));
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, PolicyError> {
    let cannot = |source| unreadable(path, source);
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    let mut file = file.take(limit.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > bytes_max {
        return Err(cannot(io::Error::other(format!(
            "a policy has at most {BYTES_MAX} bytes"
        ))));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, source: io::Error) -> PolicyError {
    PolicyError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn a_folder_is_its_rules_in_the_order_of_their_names_and_its_tests_apart() {
        let folder = tempfile::tempdir().unwrap();
        let told = PolicySource::read(folder.path());
        assert!(matches!(told, Err(PolicyError::NoFiles(_))), "{told:?}");
        for name in ["b.rego", "a.rego", "a_test.rego", "notes.txt"] {
            write(folder.path(), name, "package budgetguard.policy");
        }
        let PolicySource::Rego(files) = PolicySource::read(folder.path()).unwrap() else {
            panic!("no Rego");
        };
        let names: Vec<&str> = files
            .iter()
            .map(|(name, _)| name.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(names, ["a.rego", "b.rego"]);
        let tests = tests_in(folder.path()).unwrap();
        assert_eq!(tests, [folder.path().join("a_test.rego")]);
        assert_eq!(tests_in(&folder.path().join("a.rego")).unwrap(), tests);
        assert!(tests_in(&folder.path().join("b.rego")).unwrap().is_empty());
    }

    #[test]
    fn what_is_too_large_or_no_text_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let large = write(folder.path(), "large.rego", &"#".repeat(BYTES_MAX + 1));
        let told = PolicySource::read(&large).unwrap_err().to_string();
        assert!(
            told.contains("large.rego") && told.contains("at most"),
            "{told}"
        );
        let odd = folder.path().join("odd.rego");
        fs::write(&odd, [0xff, 0xfe]).unwrap();
        let told = PolicySource::read(&odd).unwrap_err().to_string();
        assert!(
            told.contains("odd.rego") && told.contains("UTF-8"),
            "{told}"
        );
    }

    #[test]
    fn all_files_of_a_policy_share_one_bound() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.rego", "b.rego"] {
            write(folder.path(), name, &"#".repeat(BYTES_MAX / 2 + 1));
        }
        let told = PolicySource::read(folder.path()).unwrap_err().to_string();
        assert!(
            told.contains("b.rego") && told.contains("at most"),
            "{told}"
        );
    }

    #[test]
    fn a_hash_tells_names_and_texts_apart() {
        let of = |name: &str, text: &str| {
            PolicySource::Rego(vec![(name.to_owned(), text.to_owned())]).hash()
        };
        assert_eq!(of("a", "x"), of("a", "x"));
        assert_ne!(of("a", "x"), of("b", "x"));
        assert_ne!(of("a", "x"), of("a", "y"));
        assert_ne!(of("ax", ""), of("a", "x"));
    }

    #[test]
    fn a_compiled_policy_has_the_hash_of_its_source() {
        let source = PolicySource::embedded();
        let hash = source.hash();
        let wasm = WasmRuntime::default();
        assert_eq!(source.compile(&wasm).unwrap().hash(), hash);
    }
}
