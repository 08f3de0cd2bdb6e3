//! Folders that are the parts of a data set and no classes: `train/`, `test/`, `val/` and their like.

use super::options::Split;
use super::tree::Folder;

/// Which part a folder's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Test,
    Validation,
}

impl Part {
    pub(super) fn of_name(name: &str) -> Option<Part> {
        let name = name.to_lowercase();
        let endings = ["_set", "-set", "set", "_data", "-data", "_images", "-images"];
        let stem = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
        // As in COCO's `train2017`.
        let year = stem.len().saturating_sub(4);
        let stem = match stem.get(year..) {
            Some(end) if end.bytes().all(|byte| byte.is_ascii_digit()) => {
                stem[..year].trim_end_matches(['_', '-'])
            }
            _ => stem,
        };
        match stem {
            "train" | "training" => Some(Part::Train),
            "test" | "testing" => Some(Part::Test),
            "val" | "valid" | "validation" | "dev" | "eval" | "holdout" | "held_out" => {
                Some(Part::Validation)
            }
            _ => None,
        }
    }
}

/// The parts that a folder is cut into.
pub(super) struct Parts<'a> {
    pub(super) train: &'a Folder,
    /// `test/`, else the folder of validation.
    pub(super) test: &'a Folder,
    /// What is in neither, and has pictures.
    pub(super) rest: Vec<&'a Folder>,
}

impl<'a> Parts<'a> {
    /// The folder of `split`, and the other.
    pub(super) fn of(&self, split: Split) -> (&'a Folder, &'a Folder) {
        match split {
            Split::Train => (self.train, self.test),
            Split::Test => (self.test, self.train),
        }
    }
}

/// The parts of `folder`, if it has pictures to train on and others to hold out, and nothing else; beside other folders
/// of pictures, parts are recognised by the classes in them.
pub(super) fn parts(folder: &Folder) -> Option<Parts<'_>> {
    let with_pictures = || folder.folders.iter().filter(|folder| folder.count() > 0);
    let of = |part| with_pictures().find(|folder| Part::of_name(&folder.name()) == Some(part));
    let train = of(Part::Train)?;
    let test = of(Part::Test).or_else(|| of(Part::Validation))?;
    let is_part = |folder: &Folder| Part::of_name(&folder.name()).is_some();
    if with_pictures().any(|folder| !is_part(folder)) && !train.pictures.is_empty() {
        return None;
    }
    let rest = with_pictures().filter(|other| other.path != train.path && other.path != test.path).collect();
    Some(Parts { train, test, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts() {
        for (name, part) in [
            ("train", Some(Part::Train)),
            ("Training_Set", Some(Part::Train)),
            ("test", Some(Part::Test)),
            ("VALID", Some(Part::Validation)),
            ("validation", Some(Part::Validation)),
            ("val2017", Some(Part::Validation)),
            ("2017", None),
            ("train2", None),
            ("trains", None),
            ("values", None),
            ("set", None),
        ] {
            assert_eq!(Part::of_name(name), part, "{name}");
        }
    }
}
