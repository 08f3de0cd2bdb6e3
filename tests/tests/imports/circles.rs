use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

/// A file, one that it imports, and a name that it imports of it.
pub(crate) type Import = (PathBuf, PathBuf, String);

/// A shortest circle for every group of files that import each other.
pub(crate) fn circles(imports: &[Import]) -> Vec<Vec<Import>> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<Vec<Import>> = Vec::new();
    for (file, ..) in imports {
        // A file has many imports, and needs to be looked from once.
        if !seen.insert(file.clone()) {
            continue;
        }
        if let Some(circle) = shortest(file, imports) {
            seen.extend(circle.iter().map(|(from, ..)| from.clone()));
            found.push(circle);
        }
    }
    found
}

/// The shortest way from `file` back to it.
fn shortest(file: &Path, imports: &[Import]) -> Option<Vec<Import>> {
    let mut ways: BTreeMap<&Path, Vec<Import>> = BTreeMap::from([(file, Vec::new())]);
    let mut queue = VecDeque::from([file]);
    while let Some(at) = queue.pop_front() {
        for import in imports.iter().filter(|(from, ..)| from == at) {
            let way = [ways[at].clone(), vec![import.clone()]].concat();
            if import.1 == file {
                return Some(way);
            }
            if !ways.contains_key(&*import.1) {
                ways.insert(&import.1, way);
                queue.push_back(&import.1);
            }
        }
    }
    None
}
