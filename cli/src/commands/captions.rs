//! `--caption`: words, one caption for all pictures or one each.

use crate::counted::counted;
use crate::error::{Failure, Result};

/// The caption of each of `n` pictures, as `given` on the command line, in the numbers of the model's `words`. Of a
/// model that reads captions, what is not given is the empty caption.
///
/// # Errors
/// A word that the model does not know, a count that is neither 1 nor `n`, or any caption at all for a model that reads
/// none.
pub(crate) fn resolve(
    given: &[String],
    words: Option<&[String]>,
    n: usize,
) -> Result<Option<Vec<Vec<usize>>>> {
    let Some(words) = words else {
        return match given {
            [] => Ok(None),
            _ => Err(Failure::user("the model reads no captions", "--caption", "leave it out")),
        };
    };
    let captions = given.iter().map(|text| numbers(text, words)).collect::<Result<Vec<_>>>()?;
    match &captions[..] {
        [] => Ok(Some(vec![Vec::new(); n])),
        [one] => Ok(Some(vec![one.clone(); n])),
        _ if captions.len() == n => Ok(Some(captions)),
        _ => {
            let given = captions.len();
            Err(Failure::user(
                format!("{} for {}", counted(given, "caption"), counted(n, "picture")),
                "--caption",
                "give one for all, or one each",
            ))
        }
    }
}

fn numbers(text: &str, words: &[String]) -> Result<Vec<usize>> {
    let number = |word: &str| {
        let at = words.iter().position(|known| *known == word.to_lowercase());
        at.map(|at| at + 1).ok_or_else(|| {
            let known = words.join(", ");
            Failure::user(
                format!("the model does not know the word {word:?}"),
                "--caption",
                format!("it knows {known}"),
            )
        })
    };
    text.split_whitespace().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<String> {
        ["red", "blue", "circle"].map(String::from).to_vec()
    }

    fn resolved(given: &[&str], n: usize) -> Result<Option<Vec<Vec<usize>>>> {
        resolve(&given.iter().map(ToString::to_string).collect::<Vec<_>>(), Some(&words()), n)
    }

    #[test]
    fn words_become_numbers() {
        assert_eq!(resolved(&["Red  circle"], 2).ok(), Some(Some(vec![vec![1, 3]; 2])));
        assert_eq!(resolved(&["blue", ""], 2).ok(), Some(Some(vec![vec![2], vec![]])));
        assert_eq!(resolved(&[], 1).ok(), Some(Some(vec![vec![]])));
        assert_eq!(resolve(&[], None, 1).ok(), Some(None));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let message = |given: &[&str], n| resolved(given, n).unwrap_err().to_string();
        assert!(message(&["red square"], 1).contains("\"square\", --caption: it knows red, blue, circle"));
        assert!(message(&["red", "blue"], 3).contains("2 captions for 3 pictures"));
        assert!(resolve(&["red".to_string()], None, 1).is_err());
    }
}
