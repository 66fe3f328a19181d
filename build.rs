//! Puts the built dashboard where the program embeds it from. Without one the folder is empty, and the
//! program shows a page that says how to build it: Node is needed for releases only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const DASHBOARD: &str = "src/dashboard/dist";

#[expect(clippy::disallowed_methods, reason = "this is how cargo tells where")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let target = PathBuf::from(std::env::var("OUT_DIR").map_err(io::Error::other)?);
    let target = target.join("dashboard");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::create_dir_all(&target)?;
    let built = Path::new(DASHBOARD);
    // Cargo would run this each time for a folder that is not there: `scripts/build-dashboard` touches
    // this file instead.
    if built.join("index.html").is_file() {
        println!("cargo::rerun-if-changed={DASHBOARD}");
        copy(built, &target)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&source, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
