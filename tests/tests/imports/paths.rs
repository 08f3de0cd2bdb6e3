use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;

/// The segments of a path.
pub(crate) type Path = Vec<String>;

/// Every `a::b::c` in `tokens`, also within macros, where nothing else than tokens is to be had.
pub(crate) fn collect(tokens: TokenStream, paths: &mut BTreeSet<Path>) {
    let mut path: Path = Vec::new();
    let mut colons = 0;
    let mut end = |path: &mut Path| {
        let path = std::mem::take(path);
        if path.len() > 1 {
            paths.insert(path);
        }
    };
    let mut inner = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    end(&mut path);
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                end(&mut path);
                inner.push(group.stream());
                colons = 0;
            }
            _ => {
                end(&mut path);
                colons = 0;
            }
        }
    }
    end(&mut path);
    for tokens in inner {
        collect(tokens, paths);
    }
}
