use crate::circles::Import;
use crate::paths::{self, Path as Names};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::{Attribute, Item, UseTree};

/// The modules of a crate.
pub(crate) struct Modules {
    modules: BTreeMap<Names, Module>,
}

struct Module {
    file: PathBuf,
    /// Names that the module defines itself.
    defined: BTreeSet<String>,
    /// Names that it brings in by `use`, with the path as written.
    brought: BTreeMap<String, Names>,
    /// Paths whose every name it brings in.
    globs: Vec<Names>,
    /// Every path with more than one segment in its code, and every path that it brings in.
    used: BTreeSet<Names>,
}

impl Modules {
    /// The modules below the file `root`.
    pub(crate) fn of(root: &Path) -> Modules {
        let mut modules = Modules { modules: BTreeMap::new() };
        modules.read(root, Vec::new(), root.parent().expect("a file has a folder"));
        modules
    }

    fn read(&mut self, file: &Path, path: Names, folder: &Path) {
        let text =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(file, path, folder, parsed.items);
    }

    fn add(&mut self, file: &Path, path: Names, folder: &Path, items: Vec<Item>) {
        let mut module = Module {
            file: file.to_path_buf(),
            defined: BTreeSet::new(),
            brought: BTreeMap::new(),
            globs: Vec::new(),
            used: BTreeSet::new(),
        };
        for item in items {
            if attributes(&item).iter().any(is_test) {
                continue;
            }
            if let Some(name) = name(&item) {
                module.defined.insert(name);
            }
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let below = [path.clone(), vec![name.clone()]].concat();
                    let folder = folder.join(&name);
                    match inner.content {
                        Some((_, items)) => self.add(file, below, &folder, items),
                        None => {
                            let flat = folder.with_extension("rs");
                            let file = if flat.exists() { flat } else { folder.join("mod.rs") };
                            self.read(&file, below, &folder);
                        }
                    }
                }
                Item::Use(item) => module.bring(Vec::new(), item.tree),
                item => paths::collect(quote::ToTokens::into_token_stream(item), &mut module.used),
            }
        }
        self.modules.insert(path, module);
    }

    /// The files that have been read.
    pub(crate) fn files(&self) -> BTreeSet<&Path> {
        self.modules.values().map(|module| &*module.file).collect()
    }

    /// Which file imports which, with a name that it imports.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (at, module) in &self.modules {
            for path in &module.used {
                let Some(file) = self.defined_in(at, path, 0) else { continue };
                if *file != module.file {
                    let name = path.last().expect("a path has a name").clone();
                    imports.push((module.file.clone(), file.to_path_buf(), name));
                }
            }
        }
        imports
    }

    /// The file that defines what `path` names in the module `at`; none for other crates' names, and for modules.
    fn defined_in(&self, at: &[String], path: &[String], depth: usize) -> Option<&Path> {
        // A glob may lead in a circle of its own.
        if depth > 8 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.defined_in(&[], rest, depth),
            "self" => self.defined_in(at, rest, depth),
            "super" => self.defined_in(&at[..at.len().checked_sub(1)?], rest, depth),
            name => {
                let module = &self.modules[at];
                let below = [at, &[name.to_string()]].concat();
                if self.modules.contains_key(&below) {
                    return self.defined_in(&below, rest, depth);
                }
                if module.defined.contains(name) {
                    return Some(&module.file);
                }
                if let Some(brought) = module.brought.get(name).filter(|brought| brought[0] != *name) {
                    return self.defined_in(at, &[brought, rest].concat(), depth + 1);
                }
                let through = |glob: &Names| self.defined_in(at, &[glob, path].concat(), depth + 1);
                module.globs.iter().find_map(through)
            }
        }
    }
}

impl Module {
    fn bring(&mut self, before: Names, tree: UseTree) {
        let with = |name: String| [before.clone(), vec![name]].concat();
        match tree {
            UseTree::Path(path) => self.bring(with(path.ident.to_string()), *path.tree),
            UseTree::Group(group) => {
                group.items.into_iter().for_each(|tree| self.bring(before.clone(), tree))
            }
            UseTree::Glob(_) => self.globs.push(before),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().expect("`self` stands in a group").clone();
                self.brought.insert(last, before);
            }
            UseTree::Name(name) => {
                let path = with(name.ident.to_string());
                self.used.insert(path.clone());
                self.brought.insert(name.ident.to_string(), path);
            }
            UseTree::Rename(rename) => {
                let path = with(rename.ident.to_string());
                self.used.insert(path.clone());
                self.brought.insert(rename.rename.to_string(), path);
            }
        }
    }
}

/// Whether an attribute keeps an item for tests alone.
fn is_test(attribute: &Attribute) -> bool {
    let text = quote::ToTokens::to_token_stream(attribute).to_string().replace(' ', "");
    text.starts_with("#[cfg(test") || text.starts_with("#[cfg(all(test") || text.starts_with("#[cfg(doctest")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
