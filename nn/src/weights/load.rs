use super::WeightFile;
use crate::{Error, Params, Result, Spec};
use std::collections::BTreeMap;
use std::path::Path;
use tweedie_tensor::{Element, Tensor};

/// The parameters of a model, from a file that holds exactly these.
///
/// Old diffusers files call the maps of attention `query`, `key`, `value` and `proj_attn`; they are read as
/// `to_q`, `to_k`, `to_v` and `to_out.0`, their weights perhaps as 1×1 convolutions.
///
/// # Errors
/// [`Error::Weights`], with a line for every tensor that is missing, unexpected, misshaped or not floating-point.
pub fn load<T: Element>(file: &WeightFile, specs: &[Spec]) -> Result<Params<T>> {
    gather(std::slice::from_ref(file), file.path(), specs)
}

/// As [`load`], from several files that together hold the tensors; errors name `path`.
pub(super) fn gather<T: Element>(files: &[WeightFile], path: &Path, specs: &[Spec]) -> Result<Params<T>> {
    let mut there: BTreeMap<String, (&WeightFile, &String)> = files
        .iter()
        .flat_map(|file| file.entries().keys().map(move |name| (modern(name), (file, name))))
        .collect();
    let mut problems = Vec::new();
    let mut values: Vec<Tensor<T>> = Vec::with_capacity(specs.len());
    for spec in specs {
        let name = &spec.name;
        let Some((file, stored, entry)) =
            there.remove(name).and_then(|(file, stored)| Some((file, stored, file.entries().get(stored)?)))
        else {
            problems.push(format!("{name} is missing"));
            continue;
        };
        if !entry.is_float() {
            problems.push(format!("{name} is {}, not floating-point numbers", entry.dtype));
        } else if !same_numbers(&entry.shape, &spec.shape) {
            problems.push(format!("{name} has shape {:?}, the model's {}", entry.shape, spec.shape));
        } else if problems.is_empty() {
            values.push(file.tensor(stored)?.reshape(spec.shape)?);
        }
    }
    problems.extend(there.values().map(|(_, name)| format!("{name} is not the model's")));
    if !problems.is_empty() {
        return Err(Error::Weights { path: path.to_path_buf(), problems });
    }
    let mut values = values.into_iter();
    Ok(Params::from_specs(specs, |_, spec| values.next().unwrap_or_else(|| Tensor::zeros(spec.shape))))
}

/// Whether a stored tensor has the expected shape, or that with two trailing axes of length 1: old files store linear maps
/// as 1×1 convolutions.
fn same_numbers(stored: &[usize], expected: &[usize]) -> bool {
    stored == expected || (expected.len() == 2 && stored.strip_suffix(&[1, 1]) == Some(expected))
}

/// The current name of a parameter.
fn modern(name: &str) -> String {
    const RENAMED: [(&str, &str); 4] =
        [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];
    if !name.contains("attentions.") {
        return name.to_string();
    }
    let renamed = |part| RENAMED.iter().find(|(old, _)| *old == part).map_or(part, |(_, new)| *new);
    name.split('.').map(renamed).collect::<Vec<&str>>().join(".")
}
