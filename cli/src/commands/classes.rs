//! `--class`: by number or by name, one for all pictures or one each.

use crate::error::{Failure, Result};

/// The class of each of `n` pictures, as `given` on the command line; `names` are the model's classes.
///
/// # Errors
/// A class that does not exist, a count that is neither 1 nor `n`, or any class at all for a model without classes.
pub(crate) fn resolve(given: &[String], names: Option<&[String]>, n: usize) -> Result<Option<Vec<usize>>> {
    let Some(names) = names else {
        return match given {
            [] => Ok(None),
            _ => Err(Failure::user("the model knows no classes, --class: leave it out")),
        };
    };
    let numbers = given.iter().map(|text| number(text, names)).collect::<Result<Vec<usize>>>()?;
    match numbers[..] {
        [] => Ok(Some(Vec::new())),
        [one] => Ok(Some(vec![one; n])),
        _ if numbers.len() == n => Ok(Some(numbers)),
        _ => {
            let given = numbers.len();
            Err(Failure::user(format!(
                "{given} classes for {n} pictures, --class: give one for all, or one each"
            )))
        }
    }
}

/// As [`resolve`]; where none is given, the model's classes in turn.
///
/// # Errors
/// As [`resolve`].
pub(crate) fn resolve_or_in_turn(
    given: &[String],
    names: Option<&[String]>,
    n: usize,
) -> Result<Option<Vec<usize>>> {
    let in_turn = |names: &[String]| (0..n).map(|i| i % names.len()).collect();
    match resolve(given, names, n)? {
        Some(none) if none.is_empty() => Ok(names.map(in_turn)),
        classes => Ok(classes),
    }
}

fn number(text: &str, names: &[String]) -> Result<usize> {
    let by_number = text.parse().ok().filter(|&k: &usize| k < names.len());
    by_number.or_else(|| names.iter().position(|name| name == text)).ok_or_else(|| {
        let count = names.len();
        let named = names.iter().enumerate().any(|(i, name)| *name != i.to_string());
        let names = if named && count <= 20 { format!(" ({})", names.join(", ")) } else { String::new() };
        Failure::user(format!(
            "no class {text:?}, --class: the model has {count} classes, 0 to {}{names}",
            count.saturating_sub(1)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(',').filter(|word| !word.is_empty()).map(String::from).collect()
    }

    fn message(given: &str, n: usize) -> String {
        let names = words("cat,dog,owl");
        resolve(&words(given), Some(&names), n).err().map(|failure| failure.to_string()).unwrap_or_default()
    }

    #[test]
    fn by_number_and_by_name() {
        let names = words("cat,dog,owl");
        assert_eq!(resolve(&words("owl,0"), Some(&names), 2).ok(), Some(Some(vec![2, 0])));
        assert_eq!(resolve(&words("dog"), Some(&names), 3).ok(), Some(Some(vec![1; 3])));
        assert_eq!(resolve(&[], None, 3).ok(), Some(None));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert!(
            message("3", 1).contains("no class \"3\"") && message("3", 1).contains("0 to 2 (cat, dog, owl)")
        );
        assert!(message("0,1", 3).contains("2 classes for 3 pictures"));
        assert!(resolve(&words("0"), None, 1).is_err());
    }
}
