//! The default build of the program has no C in its dependency tree.

use std::process::Command;

/// Crates that compile, generate bindings to, or look for foreign code.
const BUILDERS: [&str; 6] = ["cc", "cmake", "bindgen", "pkg-config", "vcpkg", "autotools"];

/// The packages that the program is built from on Linux, build scripts' own dependencies included.
fn packages() -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "tweedie-cli", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--target", "x86_64-unknown-linux-gnu", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("package names are text");
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(String::from).collect()
}

#[test]
fn nothing_compiles_or_links_c() {
    let packages = packages();
    // Were the list empty or cut short, nothing would be shown.
    for expected in ["tweedie-cli", "tweedie-tensor", "matrixmultiply", "image"] {
        assert!(packages.iter().any(|name| name == expected), "{expected} is missing from {packages:?}");
    }
    // linux-raw-sys declares the kernel's constants, and links nothing.
    let foreign = |name: &&String| {
        BUILDERS.contains(&name.as_str()) || (name.ends_with("-sys") && *name != "linux-raw-sys")
    };
    let found: Vec<&String> = packages.iter().filter(foreign).collect();
    assert!(found.is_empty(), "foreign code in the default build: {found:?}");
}
