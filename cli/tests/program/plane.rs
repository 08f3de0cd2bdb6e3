//! Points of the plane: runs that learn them, pictures of them, and the exact answer beside what was learnt.

use super::run::{json, tensor_x, tweedie, workshop};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A network that trains in no time, for a few steps.
const SMALL: &[&str] = &[
    "train",
    "--batch=32",
    "--set=model.hidden_size=16",
    "--set=model.depth=1",
    "--set=train.grids=1",
    "--set=train.log_every=2",
    "--set=train.validate_every=3",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, more].concat()
}

/// A file of 300 points on an ellipse, far from 0, with a header.
fn ellipse(folder: &Path) {
    let mut text = String::from("# an ellipse\neast; north\n");
    for i in 0..300 {
        let angle = f64::from(i) * 0.7;
        writeln!(text, "{}; {}", 500.0 + 20.0 * angle.cos(), -3.0 + 0.1 * angle.sin()).unwrap();
    }
    fs::write(folder.join("ellipse.csv"), text).unwrap();
}

#[test]
fn points_are_learnt_and_a_run_of_them_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let whole = json(place, &with(&["--data=moons", "--out=whole", "--steps=6"]));
    json(place, &with(&["--data=moons", "--out=run", "--steps=3"]));
    let resumed = json(place, &["train", "--data=moons", "--out=run", "--resume", "--steps=6"]);
    assert_eq!(resumed["weights_digest"], whole["weights_digest"]);
    let config = fs::read_to_string(place.join("run/config.toml")).unwrap();
    assert!(config.contains("architecture = \"mlp\"") && config.contains("clip = 0.0"), "{config}");
    let grid = image::open(place.join("run/samples/final.png")).unwrap().into_luma8();
    let lit = grid.pixels().filter(|pixel| pixel.0[0] > 60).count();
    assert!((2_000..60_000).contains(&lit), "{lit} bright pixels of a scatter plot");
    // Another distribution is noticed.
    let said = tweedie(place, &["train", "--data=dino", "--out=run", "--resume", "--steps=7"]);
    assert_eq!(said.status, Some(1), "{}", said.stderr);
}

#[test]
fn points_are_sampled_into_one_picture_and_as_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    json(place, &with(&["--data=checkerboard", "--out=run", "--steps=2"]));
    json(place, &["sample", "run", "--n=70", "--steps=3", "--out=p.png", "--raw=x.safetensors"]);
    assert_eq!(tensor_x(place.join("x.safetensors")).dims(), [70, 2, 1, 1]);
    assert_eq!(image::image_dimensions(place.join("p.png")).unwrap(), (480, 480));
    json(place, &["sample", "run", "--n=70", "--steps=3", "--sampler=heun", "--out=p.gif"]);
    assert_eq!(image::image_dimensions(place.join("p.gif")).unwrap(), (480, 480));
    let said = tweedie(place, &["sample", "run", "--n=3", "--steps=2", "--out=points/"]);
    assert!(said.status == Some(1) && said.stderr.contains("give FILE.png or FILE.gif"), "{}", said.stderr);
}

#[test]
fn the_exact_answer_stands_beside_a_model_of_a_file_in_its_units() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    ellipse(place);
    json(place, &with(&["--data=ellipse.csv", "--out=run", "--steps=4"]));
    let config = fs::read_to_string(place.join("run/config.toml")).unwrap();
    assert!(config.contains("[data.units]"), "{config}");
    let look = ["inspect", "plane", "run", "--n=40", "--steps=8", "--samplers=ddim,heun"];
    for out in ["plane.svg", "plane.html"] {
        let found = json(place, &[&look[..], &["--out", out]].concat());
        assert_eq!((found["points"].as_u64(), found["n"].as_u64()), (Some(300), Some(40)));
        for scores in found["scores"].as_array().unwrap() {
            let [error, of_score, noise, in_noise] = ["squared_error", "squared_score", "noise", "in_noise"]
                .map(|key| scores[key].as_f64().unwrap());
            assert!(error > 0.0 && of_score > 0.0 && noise > 0.0, "{scores}");
            assert!((in_noise / (noise * noise * error) - 1.0).abs() < 1e-9, "{scores}");
        }
        // Four steps have taught nothing yet; the exact denoiser needs no lesson.
        for sampler in found["samplers"].as_array().unwrap() {
            let [learnt, exact] = ["learnt", "exact"].map(|key| sampler[key].as_f64().unwrap());
            assert!(exact < 0.5 && learnt > exact, "{sampler}");
        }
        let written = fs::read_to_string(place.join(out)).unwrap();
        // The mean plus or minus three standard deviations: 500.1 ± 42.4 across, −3 ± 0.21 upwards.
        for edge in ["458", "543", "-3.21", "-2.79"] {
            assert!(written.contains(&format!(">{edge}<")), "{edge} is not in {out}");
        }
        assert!(
            written.contains(">DDIM<")
                && written.contains(">8 evaluations<")
                && written.contains("data:image/png;base64,")
        );
        assert!(
            !written.contains("NaN") && !written.replace("http://www.w3.org/2000/svg", "").contains("http")
        );
    }
    let said = tweedie(place, &look);
    assert!(said.status == Some(0) && said.stdout.contains("E‖s_θ − s‖²"), "{}", said.stderr);
    let elsewhere = tweedie(place, &[&look[..], &["--data=none.csv"]].concat());
    assert!(elsewhere.status == Some(1) && elsewhere.stderr.contains("none.csv"), "{}", elsewhere.stderr);
}

#[test]
fn what_is_no_table_of_points_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    for (text, said) in [
        (&b"1,2\n3,four\n"[..], "error: 'four' is no number, p.csv line 2: correct the line"),
        (b"1,2,3\n", "error: 3 columns, p.csv line 1: a point is two numbers"),
        (b"x,y\n", "error: no points, p.csv: give at least two"),
        (b"1 2\n", "error: a single point, p.csv: give at least two"),
        (b"1 2\n3,4\n", "error: another separator than the lines before it, p.csv line 2: "),
        (b"1 2\n3 nan\n", "error: nan is not finite, or too large, p.csv line 2: "),
        (b"\xff\xfe\x00", "error: no text, p.csv: give the folder that the data is in"),
    ] {
        fs::write(place.join("p.csv"), text).unwrap();
        let refused = tweedie(place, &with(&["--data=p.csv", "--out=run", "--steps=1"]));
        assert_eq!(refused.status, Some(1), "{}", refused.stderr);
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
        assert!(!place.join("run/config.toml").exists());
    }
    let sized = tweedie(place, &with(&["--data=moons", "--out=run", "--steps=1", "--image-size=8"]));
    assert!(
        sized.status == Some(1) && sized.stderr.contains("points of the plane have none"),
        "{}",
        sized.stderr
    );
}

#[test]
fn a_model_of_pictures_has_no_plane() {
    let said = tweedie(workshop(), &["inspect", "plane", "model", "--n=4", "--steps=2"]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.stderr.contains("error: ") && said.stderr.contains("give a run that has learnt points"),
        "{}",
        said.stderr
    );
}
