//! What pages say of the code is true of it.

use std::fs;
use std::path::Path;

/// What a page says of a test is worth nothing once the test is gone.
#[test]
fn what_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    let linked = page.split("](").skip(1);
    let linked = linked.filter_map(|text| text.split(')').next());
    let paths = quoted.chain(linked);
    let named = paths.filter(|it| it.starts_with("src/") || it.starts_with("tests/"));
    let named: Vec<&str> = named.collect();
    assert!(named.len() > 10, "{named:?}");
    for path in named {
        assert!(root.join(path).exists(), "{path} is not there");
    }
}
