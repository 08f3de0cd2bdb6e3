use crate::run::{json, tweedie, workshop};

#[test]
fn every_formula_holds() {
    let folder = workshop();
    let table = json(folder, &["verify"]);
    let rows = table.as_array().unwrap();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for row in rows {
        let number = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("{key} of {row}"));
        assert!((number("expected") - number("actual")).abs() <= number("tolerance"), "{row}");
        assert_eq!(row["pass"], true, "{row}");
        assert!(row["name"].is_string());
    }
}

#[test]
fn a_model_is_held_to_what_must_hold_of_any() {
    let folder = workshop();
    let rows = |arguments: &[&str]| json(folder, arguments).as_array().unwrap().len();
    assert!(rows(&["verify", "model", "--schedule", "cosine"]) > rows(&["verify", "--schedule=cosine"]));
}

#[test]
fn schedules_that_do_not_exist_are_refused() {
    let folder = workshop();
    let said = tweedie(folder, &["verify", "--schedule", "linear", "--timesteps", "12"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("beta") && said.stderr.contains("--timesteps 12"), "{}", said.stderr);
    assert_eq!(tweedie(folder, &["verify", "--schedule", "betas"]).status, Some(2));
}
