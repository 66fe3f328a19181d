//! Policies of tenants: what one version is made of, and how much that may be. What the rules say is not read
//! here.

use std::collections::BTreeMap;

use thiserror::Error;

/// The most files of one version.
pub const FILES_MAX: usize = 32;
/// The most bytes of all its texts together.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The most bytes of a compiled module.
pub const MODULE_BYTES_MAX: usize = 1024 * 1024;
/// The longest name of a file.
pub const NAME_LENGTH_MAX: usize = 100;
/// The most versions that are kept of one tenant: none is ever removed.
pub const VERSIONS_MAX: u64 = 1_000;
/// The most tenants that have one in force: each is in the memory of every replica.
pub const ACTIVE_MAX: u64 = 1_000;

const REGO: &str = ".rego";

/// What a version is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Texts in Rego, by the names of their files.
    Rego(BTreeMap<String, String>),
    /// A module that OPA compiled.
    Wasm(Vec<u8>),
}

/// Why something is no version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContentsError {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// There are too many files.
    #[error("has more than {FILES_MAX} files")]
    TooManyFiles,
    /// A name that no file of rules has.
    #[error(
        "has a file `{0}`: a name is 1 to {NAME_LENGTH_MAX} letters, digits, `_`, `-` and `.`, and ends in `{REGO}`"
    )]
    Name(String),
    /// It is too large.
    #[error("has more than {0} bytes")]
    TooLarge(usize),
}

impl Contents {
    /// Texts that can be a version.
    pub fn rego(files: BTreeMap<String, String>) -> Result<Self, ContentsError> {
        if files.is_empty() {
            return Err(ContentsError::Empty);
        }
        if files.len() > FILES_MAX {
            return Err(ContentsError::TooManyFiles);
        }
        if let Some(name) = files.keys().find(|name| !is_name(name)) {
            return Err(ContentsError::Name(
                name.chars().take(NAME_LENGTH_MAX).collect(),
            ));
        }
        let lengths = files.values().map(String::len);
        let bytes = lengths.fold(0_usize, usize::saturating_add);
        if bytes > TEXT_BYTES_MAX {
            return Err(ContentsError::TooLarge(TEXT_BYTES_MAX));
        }
        Ok(Self::Rego(files))
    }

    /// A module that can be a version.
    pub fn wasm(module: Vec<u8>) -> Result<Self, ContentsError> {
        if module.is_empty() {
            return Err(ContentsError::Empty);
        }
        if module.len() > MODULE_BYTES_MAX {
            return Err(ContentsError::TooLarge(MODULE_BYTES_MAX));
        }
        Ok(Self::Wasm(module))
    }

    /// The name of its kind in the store and the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rego(_) => "rego",
            Self::Wasm(_) => "wasm",
        }
    }

    /// How large it is.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Rego(files) => files
                .values()
                .fold(0_usize, |bytes, text| bytes.saturating_add(text.len())),
            Self::Wasm(module) => module.len(),
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    name.len() <= NAME_LENGTH_MAX
        && name.strip_suffix(REGO).is_some_and(|stem| !stem.is_empty())
        && !name.starts_with('.')
        && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str], text: &str) -> BTreeMap<String, String> {
        let files = names.iter();
        files
            .map(|name| ((*name).to_owned(), text.to_owned()))
            .collect()
    }

    #[test]
    fn names_are_those_of_files_of_rules() {
        for name in ["a.rego", "office_hours-2.v1.rego", "a_test.rego"] {
            assert!(Contents::rego(files(&[name], "")).is_ok(), "{name}");
        }
        let long = format!("{}.rego", "a".repeat(NAME_LENGTH_MAX));
        for name in [
            "",
            "a",
            ".rego",
            "../a.rego",
            "a/b.rego",
            "a\n.rego",
            "ä.rego",
            &long,
        ] {
            let told = Contents::rego(files(&[name], ""));
            assert!(matches!(told, Err(ContentsError::Name(_))), "{name}");
        }
    }

    #[test]
    fn what_is_too_much_or_nothing_is_no_version() {
        let many: Vec<String> = (0..=FILES_MAX)
            .map(|number| format!("{number}.rego"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            Contents::rego(files(&many, "")),
            Err(ContentsError::TooManyFiles)
        );
        assert_eq!(Contents::rego(files(&[], "")), Err(ContentsError::Empty));
        let half = "#".repeat(TEXT_BYTES_MAX / 2 + 1);
        let too_large = Err(ContentsError::TooLarge(TEXT_BYTES_MAX));
        assert_eq!(
            Contents::rego(files(&["a.rego", "b.rego"], &half)),
            too_large
        );
        assert!(Contents::rego(files(&["a.rego"], &half)).is_ok());
        assert_eq!(Contents::wasm(Vec::new()), Err(ContentsError::Empty));
        let module = vec![0; MODULE_BYTES_MAX + 1];
        let too_large = Err(ContentsError::TooLarge(MODULE_BYTES_MAX));
        assert_eq!(Contents::wasm(module), too_large);
    }
}
