//! Exercises: numbered under `## Exercises`, each with an answer that is folded away. A number after
//! `<!-- answer: NAME -->` is held against the one that [`super::answers`] computes.

use super::answers::all;
use super::pages::{Page, book};

/// The number of exercises of a chapter.
const EACH: usize = 2;

/// The text of a page's exercises.
fn section(page: &Page) -> Option<&str> {
    let (_, section) = page.text.split_once("\n## Exercises\n")?;
    Some(section.split("\n## ").next().unwrap_or(section))
}

/// The answers that a page gives: name and number, as printed.
fn printed(page: &Page) -> Vec<(&str, &str)> {
    let after = page.text.split("<!-- answer: ").skip(1);
    let answer = |rest| -> Option<(&str, &str)> {
        let (name, rest): (&str, &str) = str::split_once(rest, " -->")?;
        let (number, _) = rest.trim_start().strip_prefix("**")?.split_once("**")?;
        Some((name, number))
    };
    after
        .map(|rest| {
            answer(rest).unwrap_or_else(|| panic!("{}: a bold number follows {rest:.40}", page.name()))
        })
        .collect()
}

/// Whether a printed number is `value`, rounded to the digits that it has; a whole number is exact.
fn agrees(printed: &str, value: f64) -> bool {
    let Ok(number) = printed.replace('−', "-").parse::<f64>() else { return false };
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
    let unit = 10f64.powi(exponent.parse::<i32>().unwrap_or(0) - decimals);
    let slack = if decimals == 0 && exponent == "0" { 1e-6 } else { 0.5 * unit * (1.0 + 1e-6) };
    (number - value).abs() <= slack
}

#[test]
fn every_answer_is_what_the_library_computes() {
    let answers = all();
    let (mut given, mut wrong) = (Vec::new(), String::new());
    for page in book() {
        for (name, number) in printed(&page) {
            let Some((_, compute)) = answers.iter().find(|(known, _)| *known == name) else {
                panic!("{}: nothing computes {name}", page.name());
            };
            let value = compute();
            if !agrees(number, value) {
                wrong += &format!("{}: {name} is {value}, not {number}\n", page.name());
            }
            given.push(name.to_string());
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    for (name, _) in answers {
        assert!(given.iter().any(|given| given == name), "no page gives {name}");
    }
}

#[test]
fn exercises_come_in_twos_and_each_has_an_answer() {
    let mut chapters = 0;
    for page in book() {
        let Some(section) = section(&page) else { continue };
        chapters += 1;
        let questions = section.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
        let folded: Vec<&str> = section.split("<details><summary>Answer</summary>").skip(1).collect();
        assert_eq!((questions, folded.len()), (EACH, EACH), "{}", page.name());
        // Such a line is HTML, and the asterisks in it would be seen.
        assert!(
            !section.lines().any(|line| line.starts_with("<!--")),
            "{}: a line begins with a comment",
            page.name()
        );
        for answer in folded {
            let (answer, _) = answer.split_once("</details>").expect("an end of the fold");
            assert!(answer.contains("<!-- answer: "), "{}: an answer without a number", page.name());
        }
    }
    assert!(chapters >= 22, "{chapters} chapters with exercises");
}

#[test]
fn a_number_agrees_to_the_digits_that_are_printed() {
    assert!(agrees("0.437", 0.43719) && !agrees("0.438", 0.43719));
    assert!(agrees("260", 260.0) && !agrees("260", 260.4));
    assert!(agrees("2.9e-5", 2.911e-5) && !agrees("2.9e-5", 2.96e-5));
    assert!(agrees("−0.371", -0.3714) && !agrees("0.371", -0.3714));
}
