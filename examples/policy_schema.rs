//! Writes the schemas in policy/schema from the code: `cargo run --example policy_schema`.

use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    for (path, made) in budgetguard::policy::schema::FILES {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), made())?;
    }
    Ok(())
}
