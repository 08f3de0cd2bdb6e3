//! Lines that tell the user what a reader has left out or decided.

use super::tree::LeftOut;
use std::path::Path;

/// Names that a line lists before it only counts.
const NAMED: usize = 5;

/// `3 files`, `1 file`.
pub(super) fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

/// The first names, and how many more there are.
pub(super) fn list(names: &[String]) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What says that files in `folder` were left out, if any were.
pub(super) fn left_out(folder: &Path, files: &[LeftOut]) -> Option<String> {
    let named = |file: &LeftOut| {
        let path = file.path.strip_prefix(folder).unwrap_or(&file.path);
        format!("{} ({})", path.display(), file.why)
    };
    let names: Vec<String> = files.iter().map(named).collect();
    (!names.is_empty()).then(|| format!("left out {}: {}", count(names.len(), "file"), list(&names)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_and_named() {
        let file = |name: String| LeftOut { path: Path::new("d").join(name), why: "why" };
        let files: Vec<LeftOut> = (0..7).map(|i| file(format!("{i}.heic"))).collect();
        assert_eq!(left_out(Path::new("d"), &files[..1]), Some("left out 1 file: 0.heic (why)".into()));
        let many = left_out(Path::new("d"), &files).unwrap_or_default();
        assert!(many.starts_with("left out 7 files: 0.heic (why), 1.heic"), "{many}");
        assert!(many.ends_with("4.heic (why) and 2 more"), "{many}");
        assert_eq!(left_out(Path::new("d"), &[]), None);
    }
}
