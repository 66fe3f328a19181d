//! Looks whether the policy at a path is still the one in force, and loads what is there instead. By looking
//! again and again: that is right on every file system, through symbolic links that are exchanged as
//! Kubernetes does with mounted configuration, and after any number of renames.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::policy::PolicyError;
use crate::policy::hash::PolicyHash;
use crate::policy::installed::InstalledPolicy;
use crate::policy::source::{PolicySource, rules_in};

/// How often to look: what was changed is in force after a few looks and the time that compiling takes.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// After a file was touched, its text is read at so many looks, whatever its times say: they are too coarse on
/// some file systems to tell two changes apart.
const READS_AFTER_CHANGE: u32 = 50;
/// What is different at every look is being written, and waited for; at most so many looks.
const UNSETTLED_LOOKS_MAX: u32 = 5;

/// What a look found.
#[derive(Debug)]
pub enum Look {
    /// Nothing new.
    Same,
    /// Another policy, which is in force now.
    Loaded(PolicyHash),
    /// Something that is no policy. The one before stays in force.
    Failed(PolicyError),
}

/// See the module.
#[derive(Debug)]
pub struct PolicyWatch {
    path: PathBuf,
    installed: Arc<InstalledPolicy>,
    stamps: Option<Vec<Stamp>>,
    reads_left: u32,
    /// What was loaded, or found to be no policy.
    taken: Held,
    /// What the last look found, if that was something else.
    found: Option<Held>,
    unsettled: u32,
}

/// What is at the path, as far as two looks can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    Policy(PolicyHash),
    Unreadable(String),
}

/// What tells a file from what it was without reading it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: PathBuf,
    numbers: [i128; 4],
}

impl PolicyWatch {
    /// Of a path from which the policy in force was loaded.
    pub fn new(path: &Path, installed: Arc<InstalledPolicy>) -> Self {
        let taken = Held::Policy(installed.current().engine().hash());
        Self {
            path: path.to_owned(),
            installed,
            stamps: None,
            reads_left: READS_AFTER_CHANGE,
            taken,
            found: None,
            unsettled: 0,
        }
    }

    /// Where it looks.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks once. It reads files and may compile: not for a thread that others wait for.
    pub fn look(&mut self) -> Look {
        if !self.may_differ() {
            return Look::Same;
        }
        let read = PolicySource::read(&self.path);
        let held = match &read {
            Ok(source) => Held::Policy(source.hash()),
            Err(error) => Held::Unreadable(error.to_string()),
        };
        if held == self.taken {
            self.found = None;
            self.unsettled = 0;
            return Look::Same;
        }
        let is_settled = self.found.as_ref() == Some(&held);
        if !is_settled && self.unsettled < UNSETTLED_LOOKS_MAX {
            self.found = Some(held);
            self.unsettled = self.unsettled.saturating_add(1);
            return Look::Same;
        }
        self.found = None;
        self.unsettled = 0;
        self.taken = held;
        match read.and_then(|source| source.compile(self.installed.wasm())) {
            Ok(policy) => {
                let hash = policy.hash();
                self.installed.put(policy);
                Look::Loaded(hash)
            }
            Err(error) => Look::Failed(error),
        }
    }

    /// Whether the files have to be read to know.
    fn may_differ(&mut self) -> bool {
        let stamps = stamps(&self.path);
        if stamps.is_none() || stamps != self.stamps {
            self.reads_left = READS_AFTER_CHANGE;
        }
        self.stamps = stamps;
        let is_read = self.reads_left > 0;
        self.reads_left = self.reads_left.saturating_sub(1);
        is_read
    }
}

/// Of every file of the policy, through whatever links lead to it; nothing where one cannot be looked at.
fn stamps(path: &Path) -> Option<Vec<Stamp>> {
    let files = rules_in(path).ok()?;
    let stamps = files.into_iter().map(|file| {
        let numbers = numbers(&fs::metadata(&file).ok()?);
        Some(Stamp { file, numbers })
    });
    stamps.collect()
}

fn numbers(metadata: &Metadata) -> [i128; 4] {
    let changed = |seconds: i64, nanos: i64| {
        i128::from(seconds)
            .saturating_mul(1_000_000_000)
            .saturating_add(i128::from(nanos))
    };
    [
        i128::from(metadata.len()),
        i128::from(metadata.ino()),
        changed(metadata.mtime(), metadata.mtime_nsec()),
        changed(metadata.ctime(), metadata.ctime_nsec()),
    ]
}

#[cfg(test)]
mod tests;
