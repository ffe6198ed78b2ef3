//! Lists the files of `rules/` for `src/rule/set.rs`, so that a rule is one file and no line anywhere else.

use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build.rs");
    let rules = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("rules");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&rules)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut table = String::from("&[\n");
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(table, "    ({name:?}, include_str!({path:?})),")?;
    }
    table.push_str("]\n");
    let out = Path::new(&std::env::var("OUT_DIR")?).join("rules.rs");
    std::fs::write(out, table)?;
    Ok(())
}
