//! `--class`: by name or by number, one for all pictures or one each.

use crate::counted::{counted, counted_as};
use crate::error::{Failure, Result};

/// The class of each of `n` pictures, as `given` on the command line; `names` are the model's classes.
///
/// # Errors
/// A class that does not exist, a text that can be read in several ways, a count that is neither 1 nor `n`, or any class
/// at all for a model without classes.
pub(crate) fn resolve(given: &[String], names: Option<&[String]>, n: usize) -> Result<Option<Vec<usize>>> {
    let Some(asked) = asked(given, names)? else { return Ok(None) };
    match asked[..] {
        [] => Ok(Some(Vec::new())),
        [one] => Ok(Some(vec![one; n])),
        _ if asked.len() == n => Ok(Some(asked)),
        _ => {
            let given = asked.len();
            Err(Failure::user(
                format!("{} for {}", counted_as(given, "class", "classes"), counted(n, "picture")),
                "--class",
                "give one for all, or one each",
            ))
        }
    }
}

/// The classes that were given, however many; `None` of a model without classes.
///
/// # Errors
/// As [`resolve`], but for the count.
pub(crate) fn asked(given: &[String], names: Option<&[String]>) -> Result<Option<Vec<usize>>> {
    match names {
        Some(names) => Ok(Some(listed(given, names)?)),
        None if given.is_empty() => Ok(None),
        None => Err(Failure::user("the model knows no classes", "--class", "leave it out")),
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

/// The classes that `given` names, in order: each text is a class, or several with commas between them.
///
/// # Errors
/// A class that does not exist, or a text that can be read in several ways.
pub(crate) fn listed(given: &[String], names: &[String]) -> Result<Vec<usize>> {
    let each = given.iter().map(|text| read(text, names)).collect::<Result<Vec<_>>>()?;
    Ok(each.concat())
}

/// The classes of one text. A name may hold commas itself, so the text is cut at every choice of its commas; one reading
/// must be left.
fn read(text: &str, names: &[String]) -> Result<Vec<usize>> {
    if let Some(class) = named(text, names)? {
        return Ok(vec![class]);
    }
    let pieces: Vec<&str> = text.split(',').collect();
    // For each number of pieces read from the left: one reading of them, and whether there is another.
    let mut readings: Vec<Option<(Vec<usize>, bool)>> = vec![Some((Vec::new(), false))];
    for end in 1..=pieces.len() {
        let mut found: Option<(Vec<usize>, bool)> = None;
        for start in 0..end {
            let Some((before, ambiguous)) = &readings[start] else { continue };
            let piece = pieces[start..end].join(",");
            let class = match named(&piece, names)? {
                Some(class) => Some(class),
                None if end - start == 1 => numbered(&piece, names),
                None => None,
            };
            let Some(class) = class else { continue };
            let ambiguous = *ambiguous || found.is_some();
            found = Some(([before.as_slice(), &[class]].concat(), ambiguous));
        }
        readings.push(found);
    }
    match readings.pop().flatten() {
        Some((classes, false)) => Ok(classes),
        Some((_, true)) => Err(Failure::user(
            format!("{text:?} can be read as classes in several ways"),
            "--class",
            "repeat the option, one class each time",
        )),
        None => Err(unknown(&pieces, &readings, names)),
    }
}

/// The class of exactly this name; if there is none, of this name without white space around it.
fn named(text: &str, names: &[String]) -> Result<Option<usize>> {
    for text in [text, text.trim()] {
        let mut found = (0..names.len()).filter(|&k| names[k] == text);
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                return Err(Failure::user(
                    format!("classes {first} and {second} are both named {text:?}"),
                    "--class",
                    "such a model cannot be asked for either by name; rename one folder and train again",
                ));
            }
            (Some(class), None) => return Ok(Some(class)),
            (None, _) => {}
        }
    }
    Ok(None)
}

/// The class that a number stands for where no class has it as its name. Among names that are numbers themselves it is
/// the one of that value, as `1` is `01`: a position would be taken for a name.
fn numbered(text: &str, names: &[String]) -> Option<usize> {
    let value: usize = text.trim().parse().ok()?;
    let values: Option<Vec<usize>> = names.iter().map(|name| name.parse().ok()).collect();
    match values {
        None => (value < names.len()).then_some(value),
        Some(values) => {
            let mut same = (0..values.len()).filter(|&k| values[k] == value);
            same.next().filter(|_| same.next().is_none())
        }
    }
}

/// Says which class does not exist: of the pieces of a text, the first that no reading gets past.
fn unknown(pieces: &[&str], readings: &[Option<(Vec<usize>, bool)>], names: &[String]) -> Failure {
    let reached = readings.iter().rposition(Option::is_some).unwrap_or(0).min(pieces.len() - 1);
    let text = pieces[reached].trim();
    let count = names.len();
    let numbers = names.iter().all(|name| name.parse::<usize>().is_ok());
    let which = match (count <= 20, numbers) {
        (true, true) => format!("the model's classes are {}", names.join(", ")),
        (false, true) => {
            format!("the model's {count} classes are numbers, {} to {}", names[0], names[count - 1])
        }
        (true, false) => {
            format!("the model has {count} classes, 0 to {}: {}", count.saturating_sub(1), names.join(", "))
        }
        (false, false) => format!("the model has {count} classes, 0 to {}", count.saturating_sub(1)),
    };
    Failure::user(format!("no class {text:?}"), "--class", which)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(ToString::to_string).collect()
    }

    fn asked(given: &[&str], names: &[&str]) -> Result<Vec<usize>> {
        listed(&words(given), &words(names))
    }

    fn message(given: &[&str], names: &[&str], n: usize) -> String {
        resolve(&words(given), Some(&words(names)), n).unwrap_err().to_string()
    }

    const PETS: [&str; 3] = ["cat", "dog", "owl"];

    #[test]
    fn by_name_and_by_number() {
        assert_eq!(asked(&["owl,0"], &PETS).unwrap(), [2, 0]);
        assert_eq!(asked(&["owl", "0, dog"], &PETS).unwrap(), [2, 0, 1]);
        let all = resolve(&words(&["dog"]), Some(&words(&PETS)), 3).unwrap();
        assert_eq!(all, Some(vec![1; 3]));
        assert_eq!(resolve(&[], None, 3).unwrap(), None);
        let turns = resolve_or_in_turn(&[], Some(&words(&PETS)), 4).unwrap();
        assert_eq!(turns, Some(vec![0, 1, 2, 0]));
    }

    #[test]
    fn a_name_comes_before_a_position() {
        let names = ["0", "1", "10", "11", "2"];
        assert_eq!(asked(&["2,10"], &names).unwrap(), [4, 2]);
        // Position 3 is the folder "11": nobody who writes 3 means that.
        assert!(
            message(&["3"], &names, 1).contains("no class \"3\", --class: the model's classes are 0, 1, 10")
        );
        assert_eq!(asked(&["2"], &["2", "red", "blue"]).unwrap(), [0]);
        assert_eq!(asked(&["1"], &["2", "red", "blue"]).unwrap(), [1]);
    }

    #[test]
    fn numbers_with_zeros_in_front_are_found_by_their_value() {
        assert_eq!(asked(&["2,01"], &["01", "02", "03"]).unwrap(), [1, 0]);
        assert!(asked(&["1"], &["01", "001", "2"]).is_err());
        assert_eq!(asked(&["001"], &["01", "001", "2"]).unwrap(), [1]);
    }

    #[test]
    fn names_with_commas_can_be_asked_for() {
        let names = ["blue", "red, bright", "red"];
        assert_eq!(asked(&["red, bright"], &names).unwrap(), [1]);
        assert_eq!(asked(&["red, bright,blue,red"], &names).unwrap(), [1, 0, 2]);
        assert_eq!(asked(&["blue", "red, bright"], &names).unwrap(), [0, 1]);
    }

    #[test]
    fn what_can_be_read_in_several_ways_is_refused() {
        let names = ["a", "b", "a,b", "c"];
        assert_eq!(asked(&["a,b"], &names).unwrap(), [2], "an exact name wins");
        assert!(message(&["a,b,c"], &names, 2).contains("\"a,b,c\" can be read as classes in several ways"));
        assert_eq!(asked(&["a", "b", "c"], &names).unwrap(), [0, 1, 3]);
        assert!(message(&["x"], &["x", "y", "x"], 1).contains("classes 0 and 2 are both named \"x\""));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let three = message(&["3"], &PETS, 1);
        assert!(three.contains("no class \"3\"") && three.contains("0 to 2: cat, dog, owl"), "{three}");
        assert!(message(&["cat,fish"], &PETS, 2).contains("no class \"fish\""));
        assert!(message(&["0,1"], &PETS, 3).contains("2 classes for 3 pictures"));
        assert!(message(&[""], &PETS, 1).contains("no class \"\""));
        assert!(resolve(&words(&["0"]), None, 1).is_err());
    }
}
