//! No file of a crate imports one that, directly or by a detour, imports it: vocabulary lies below its users.
//!
//! The sources are parsed, not searched. A name counts for the file that defines it, through any number of re-exports; a
//! re-export itself counts as an import of the file that has it. Unit tests are left out: they may use what they like.

mod circles;
mod modules;
mod paths;

use circles::circles;
use modules::Modules;
use std::path::{Path, PathBuf};

/// The workspace's crates, each with the file that its modules start from.
const CRATES: [(&str, &str); 7] = [
    ("tensor", "lib.rs"),
    ("autograd", "lib.rs"),
    ("nn", "lib.rs"),
    ("diffusion", "lib.rs"),
    ("train", "lib.rs"),
    ("facade", "lib.rs"),
    ("cli", "main.rs"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn files_form_no_circle_of_imports() {
    let mut found = String::new();
    for (folder, root) in CRATES {
        let source = workspace().join(folder).join("src");
        let modules = Modules::of(&source.join(root));
        assert!(modules.files().len() > 1, "{folder} has more than one file");
        for circle in circles(&modules.imports()) {
            found += &format!("{folder}:\n");
            for (from, to, name) in circle {
                let short = |file: &Path| file.strip_prefix(&source).unwrap_or(file).display().to_string();
                found += &format!("    {} uses {name} of {}\n", short(&from), short(&to));
            }
        }
    }
    assert!(found.is_empty(), "circles of imports:\n{found}");
}

#[test]
fn a_circle_through_a_re_export_is_found_and_a_tree_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");
    write("a.rs", "use crate::b;\npub struct A;\nfn f() { b::g() }\n");
    write("b.rs", "pub fn g() {}\n#[cfg(test)]\nmod tests { use crate::A; }\n");
    write("c.rs", "use super::A;\n");
    let imports = || Modules::of(&folder.path().join("lib.rs")).imports();
    assert!(circles(&imports()).is_empty(), "{:?}", circles(&imports()));

    write("b.rs", "pub fn g() { let _ = format!(\"{}\", size_of::<crate::A>()); }\n");
    let found = circles(&imports());
    assert_eq!(found.len(), 1);
    let names: Vec<&str> = found[0].iter().map(|(_, _, name)| name.as_str()).collect();
    assert_eq!(names, ["g", "A"]);
}
