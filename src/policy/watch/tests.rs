//! Tests of the watch, with real files.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::policy::Verdict;

const DENIED: Verdict = Verdict::Deny { reason: None };

struct Place {
    folder: TempDir,
    installed: Arc<InstalledPolicy>,
}

impl Place {
    /// A policy that denies.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules.rego"), text("false")).unwrap();
        let installed = InstalledPolicy::load(Some(folder.path())).unwrap();
        Self {
            folder,
            installed: Arc::new(installed),
        }
    }

    fn watch(&self) -> PolicyWatch {
        PolicyWatch::new(self.folder.path(), Arc::clone(&self.installed))
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("rules.rego"), text).unwrap();
    }

    fn verdict(&self) -> Verdict {
        self.installed.current().engine().decide_on("{}").unwrap()
    }
}

fn text(allow: &str) -> String {
    format!("package budgetguard.policy\nallow := {allow}")
}

/// Looks until something is found, a few times at most.
fn found(watch: &mut PolicyWatch) -> Look {
    for _ in 0..=UNSETTLED_LOOKS_MAX {
        match watch.look() {
            Look::Same => {}
            found @ (Look::Loaded(_) | Look::Failed(_)) => return found,
        }
    }
    Look::Same
}

#[test]
fn what_stays_is_not_loaded_again() {
    let place = Place::new();
    let before = Arc::clone(&place.installed.current());
    assert!(matches!(found(&mut place.watch()), Look::Same));
    assert!(Arc::ptr_eq(&before, &place.installed.current()));
}

#[test]
fn a_changed_file_is_in_force_after_two_looks() {
    let place = Place::new();
    let mut watch = place.watch();
    place.write(&text("true"));
    assert!(matches!(watch.look(), Look::Same), "it may be half written");
    assert_eq!(place.verdict(), DENIED);
    assert!(matches!(watch.look(), Look::Loaded(_)));
    assert_eq!(place.verdict(), Verdict::ALLOWED);
    assert!(matches!(found(&mut watch), Look::Same));
}

#[test]
fn a_broken_file_keeps_what_is_in_force_and_is_told_once() {
    let place = Place::new();
    let mut watch = place.watch();
    place.write("package budgetguard.policy\nallow if {");
    let Look::Failed(error) = found(&mut watch) else {
        panic!("not told");
    };
    assert!(error.to_string().contains("rules.rego:2:"), "{error}");
    assert!(matches!(found(&mut watch), Look::Same), "told twice");
    assert_eq!(place.verdict(), DENIED);
    place.write(&text("false"));
    assert!(matches!(found(&mut watch), Look::Loaded(_)), "mended");
}

#[test]
fn a_folder_that_is_gone_is_a_failure_and_its_return_is_not() {
    let place = Place::new();
    let mut watch = place.watch();
    let away = place.folder.path().with_extension("away");
    fs::rename(place.folder.path(), &away).unwrap();
    assert!(matches!(found(&mut watch), Look::Failed(_)));
    fs::rename(&away, place.folder.path()).unwrap();
    assert!(matches!(found(&mut watch), Look::Loaded(_)));
}

#[test]
fn a_link_that_is_exchanged_is_followed() {
    let mount = tempfile::tempdir().unwrap();
    for (version, allow) in [("..one", "false"), ("..two", "true")] {
        fs::create_dir(mount.path().join(version)).unwrap();
        let file = mount.path().join(version).join("rules.rego");
        fs::write(file, text(allow)).unwrap();
    }
    symlink("..one", mount.path().join("..data")).unwrap();
    symlink("..data/rules.rego", mount.path().join("rules.rego")).unwrap();
    let installed = Arc::new(InstalledPolicy::load(Some(mount.path())).unwrap());
    let mut watch = PolicyWatch::new(mount.path(), Arc::clone(&installed));
    assert!(matches!(found(&mut watch), Look::Same));
    symlink("..two", mount.path().join("..new")).unwrap();
    fs::rename(mount.path().join("..new"), mount.path().join("..data")).unwrap();
    assert!(matches!(found(&mut watch), Look::Loaded(_)));
    let verdict = installed.current().engine().decide_on("{}").unwrap();
    assert_eq!(verdict, Verdict::ALLOWED);
}

#[test]
fn a_change_that_leaves_size_and_times_as_they_were_is_found() {
    let place = Place::new();
    let mut watch = place.watch();
    assert!(matches!(watch.look(), Look::Same));
    place.write(&text("true "));
    // As if nothing could be told from outside.
    watch.stamps = stamps(place.folder.path());
    assert!(matches!(found(&mut watch), Look::Loaded(_)));
}

#[test]
fn files_are_not_read_for_ever() {
    let place = Place::new();
    let mut watch = place.watch();
    for _ in 0..=READS_AFTER_CHANGE {
        watch.look();
    }
    assert!(!watch.may_differ());
    place.write(&text("true"));
    assert!(watch.may_differ());
}

#[test]
fn what_is_different_at_every_look_is_taken_in_the_end() {
    let place = Place::new();
    let mut watch = place.watch();
    let mut looks = 0..100;
    let loaded = looks.find(|number| {
        place.write(&format!("{}\n# {number}", text("true")));
        matches!(watch.look(), Look::Loaded(_))
    });
    assert_eq!(loaded, Some(UNSETTLED_LOOKS_MAX));
}
