//! Where checkpoints lie, and what they are called.

use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a run's checkpoints.
pub(crate) fn folder_of(run: &Path) -> PathBuf {
    run.join("checkpoints")
}

/// The file of a step.
pub(crate) fn path_of(run: &Path, step: u64) -> PathBuf {
    folder_of(run).join(name_of(step))
}

/// The name of a step's file.
pub(crate) fn name_of(step: u64) -> String {
    format!("step-{step:08}.safetensors")
}

/// The step that a file is named after, if the program gives such names.
pub(crate) fn step_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let step = name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()?;
    (name_of(step) == name).then_some(step)
}

/// The steps that a run has checkpoints of by their names, oldest first.
pub(crate) fn steps(run: &Path) -> Result<Vec<u64>> {
    steps_in(&folder_of(run))
}

/// As [`steps`], of the folder that they lie in.
pub(crate) fn steps_in(folder: &Path) -> Result<Vec<u64>> {
    // The folder of a file that is named without one.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let mut steps: Vec<u64> = entries.filter_map(|entry| step_of(&entry.ok()?.path())).collect();
    steps.sort_unstable();
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_program_gives_are_checkpoints() {
        for step in [0, 5, 99_999_999, 100_000_000, u64::MAX] {
            assert_eq!(step_of(&path_of(Path::new("run"), step)), Some(step));
        }
        for name in [
            "step-5",
            "step-+0000005",
            "step-000000005",
            "step-",
            "step-0000000x",
            "step-99999999999999999999",
        ] {
            assert_eq!(step_of(Path::new(&format!("{name}.safetensors"))), None, "{name}");
        }
        assert_eq!(step_of(Path::new(".step-00000005.safetensors.1.part")), None);
    }
}
