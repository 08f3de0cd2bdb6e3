use crate::run::{files, json, tweedie, workshop};
use serde_json::Value;
use std::path::Path;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn picture(folder: &Path) {
    image::GrayImage::from_fn(12, 9, |x, y| image::Luma([(20 * x + y) as u8]))
        .save(folder.join("grey.png"))
        .unwrap();
}

/// Status 1, one line, and nothing written.
fn refused(folder: &Path, arguments: &[&str], named: &[&str]) {
    let before = files(folder);
    let said = tweedie(folder, arguments);
    let last = said.stderr.lines().last().unwrap_or_default();
    assert_eq!((said.status, said.stdout.as_str()), (Some(1), ""), "{arguments:?}: {}", said.stderr);
    assert!(last.starts_with("error: "), "{}", said.stderr);
    for name in named {
        assert!(last.contains(name), "{arguments:?}: {name} is not in: {last}");
    }
    assert_eq!(files(folder), before);
}

#[test]
fn schedules_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let line = ["inspect", "schedule", "--schedule=linear,rectified-flow", "--out=new/s.svg"];
    let shown = json(place.path(), &line);
    assert_eq!(keys(&shown), ["timesteps", "schedules"]);
    let schedules = shown["schedules"].as_array().unwrap();
    let names: Vec<&str> = schedules.iter().map(|s| s["schedule"].as_str().unwrap()).collect();
    assert_eq!(names, ["linear", "rectified_flow"]);
    let expected = [
        "schedule",
        "beta",
        "alpha_bar",
        "log_snr",
        "posterior_variance",
        "lambda_fixed_small",
        "lambda_fixed_large",
    ];
    assert_eq!(keys(&schedules[0]), expected);
    assert!((schedules[0]["alpha_bar"][499].as_f64().unwrap() - 0.0785872429).abs() < 1e-10);
    assert_eq!(schedules[0]["lambda_fixed_small"][0], Value::Null);
    let svg = std::fs::read_to_string(place.path().join("new/s.svg")).unwrap();
    // Five charts of two curves.
    assert_eq!((svg.matches("<polyline").count(), svg.contains("NaN")), (10, false));
    json(place.path(), &["inspect", "schedule", "--timesteps=50", "--out=s.html"]);
    assert!(std::fs::read_to_string(place.path().join("s.html")).unwrap().ends_with("</html>\n"));

    refused(place.path(), &["inspect", "schedule", "--schedule=linear,linear"], &["linear", "--schedule"]);
    refused(place.path(), &["inspect", "schedule", "--timesteps=0"], &["--timesteps 0"]);
    refused(place.path(), &["inspect", "schedule", "--timesteps=5"], &["beta", "--timesteps 5"]);
    refused(place.path(), &["inspect", "schedule", "--out=s.html/a.svg"], &["--out s.html/a.svg"]);
}

#[test]
fn pictures_drown_with_the_root_and_without() {
    let place = tempfile::tempdir().unwrap();
    picture(place.path());
    let shown =
        json(place.path(), &["inspect", "forward", "--data=glyphs", "--n=2", "--t=1,1000", "--out=f.png"]);
    assert_eq!(keys(&shown), ["source", "n", "schedule", "timesteps", "times"]);
    assert_eq!(keys(&shown["times"][1]), ["t", "signal", "noise", "variance", "without_root"]);
    let variance = |value: &Value| value["variance"].as_f64().unwrap();
    assert!((variance(&shown["times"][1]) - 1.0).abs() < 1e-12);
    assert!((variance(&shown["times"][1]["without_root"]) - 0.504924).abs() < 1e-6);
    let strip = image::open(place.path().join("f.png")).unwrap();
    // Three columns and twice two rows of 28 pixels magnified threefold, gutters of three, a bar of ten between.
    assert_eq!((strip.width(), strip.height()), (3 * 87 + 3, 2 * (2 * 87 + 3) + 10));

    let said = json(place.path(), &["inspect", "forward", "--image=grey.png", "--out=f.html"]);
    assert_eq!((&said["source"], &said["n"]), (&"grey.png".into(), &1.into()));
    let page = std::fs::read_to_string(place.path().join("f.html")).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 2);

    refused(place.path(), &["inspect", "forward", "--data=glyphs", "--t=0"], &["t = 0", "--t", "1000"]);
    refused(place.path(), &["inspect", "forward", "--image=nowhere.png"], &["nowhere.png"]);
    refused(place.path(), &["inspect", "forward", "--image=f.html"], &["f.html"]);
    refused(place.path(), &["inspect", "forward", "--data=nowhere"], &["nowhere"]);
}

#[test]
fn spectra_of_data_are_those_of_the_closed_form() {
    let place = tempfile::tempdir().unwrap();
    picture(place.path());
    let shown = json(place.path(), &["inspect", "spectrum", "--data=glyphs", "--n=300", "--out=s.svg"]);
    let expected = [
        "source",
        "pictures",
        "shape",
        "alpha",
        "alpha_std_error",
        "frequencies",
        "counts",
        "power",
        "power_std_error",
        "spectra",
        "schedule",
        "timesteps",
        "crossover",
        "drowned_from",
    ];
    assert_eq!(keys(&shown), expected);
    let rings = shown["frequencies"].as_array().unwrap().len();
    for moment in shown["spectra"].as_array().unwrap() {
        let expected = ["t", "signal", "noise", "power", "power_std_error", "closed_form"];
        assert_eq!(keys(moment), expected);
        let (measured, closed) = (numbers(&moment["power"]), numbers(&moment["closed_form"]));
        assert_eq!(measured.len(), rings);
        // The rings have 300 pictures with a coefficient or more each.
        for (measured, closed) in measured.iter().zip(closed) {
            assert!((measured / closed - 1.0).abs() < 0.35, "{measured} is not {closed}: {moment}");
        }
    }
    assert!(shown["alpha"].as_f64().unwrap() > 1.0);
    let crossover = numbers(&shown["crossover"]);
    assert!(crossover.len() == 1000 && crossover.windows(2).all(|pair| pair[1] <= pair[0]));
    assert!(std::fs::read_to_string(place.path().join("s.svg")).unwrap().contains("<circle"));

    let one = json(
        place.path(),
        &["inspect", "spectrum", "--image=grey.png", "--schedule=cosine", "--timesteps=20"],
    );
    assert_eq!((&one["pictures"], &one["shape"]), (&1.into(), &serde_json::json!([1, 9, 12])));
    assert_eq!(one["power_std_error"][0], Value::Null);

    refused(place.path(), &["inspect", "spectrum", "--data=glyphs", "--steps=3"], &["--steps", "--model"]);
    refused(place.path(), &["inspect", "spectrum", "--data=glyphs", "--tolerance=-1"], &["--tolerance"]);
}

#[test]
fn a_model_fixes_every_frequency_at_some_step() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let place = format!("--out={}/order.html", out.path().display());
    let shown = json(folder, &["inspect", "spectrum", "--model=model", "--n=3", "--steps=7", &place]);
    let of_model = ["sampler", "steps", "tolerance", "step", "crossover", "fixed_from", "deviations"];
    assert_eq!(keys(&shown)[10..], of_model);
    let rings = shown["frequencies"].as_array().unwrap().len();
    let fixed = numbers(&shown["fixed_from"]);
    assert!(fixed.len() == rings && fixed.iter().all(|&step| step < 7.0));
    assert_eq!(shown["deviations"].as_array().unwrap().len(), 7);
    assert!(numbers(&shown["deviations"][6]).iter().all(|&off| off == 0.0));
    assert!(shown["spectra"].as_array().unwrap().iter().all(|moment| moment["step"].is_u64()));
    assert!(std::fs::read_to_string(out.path().join("order.html")).unwrap().contains("<svg"));
    refused(folder, &["inspect", "spectrum", "--model=model", "--n=1000"], &["--n", "64"]);
    refused(folder, &["inspect", "spectrum", "--model=nowhere"], &["nowhere"]);
}

#[test]
fn a_data_set_is_counted() {
    let place = tempfile::tempdir().unwrap();
    let shown = json(place.path(), &["inspect", "data", "shapes", "--n=200", "--out=d.png"]);
    let expected = [
        "data",
        "split",
        "pictures",
        "n",
        "shape",
        "classes",
        "mean",
        "variance",
        "std",
        "least",
        "greatest",
        "alpha",
        "alpha_std_error",
        "frequencies",
        "power",
        "power_std_error",
        "repeats",
    ];
    assert_eq!(keys(&shown), expected);
    let classes = shown["classes"].as_array().unwrap();
    assert_eq!(classes.iter().map(|class| class["count"].as_u64().unwrap()).sum::<u64>(), 200);
    assert_eq!((numbers(&shown["mean"]).len(), numbers(&shown["variance"]).len()), (3, 3));
    assert!(image::open(place.path().join("d.png")).unwrap().color().has_color());

    // Two pictures, black and white: mean 0, variance 1, all power in the mean.
    std::fs::create_dir(place.path().join("two")).unwrap();
    for (name, value) in [("a.png", 0), ("b.png", 255)] {
        image::GrayImage::from_pixel(6, 6, image::Luma([value]))
            .save(place.path().join("two").join(name))
            .unwrap();
    }
    let two = json(place.path(), &["inspect", "data", "two", "--out=two.html"]);
    assert_eq!((numbers(&two["mean"]), numbers(&two["variance"])), (vec![0.0], vec![1.0]));
    assert!((two["power"][0].as_f64().unwrap() - 36.0).abs() < 1e-9);
    assert_eq!(two["alpha"], Value::Null);
    assert_eq!((numbers(&two["std"]), numbers(&two["least"])), (vec![1.0], vec![-1.0]));

    // A copy, and one pixel of 36 a little brighter.
    std::fs::copy(place.path().join("two/a.png"), place.path().join("two/c.png")).unwrap();
    let mut nearly = image::GrayImage::from_pixel(6, 6, image::Luma([255]));
    nearly.put_pixel(2, 2, image::Luma([250]));
    nearly.save(place.path().join("two/d.png")).unwrap();
    let four = json(place.path(), &["inspect", "data", "two"]);
    let repeats = |how: &str| -> Vec<[u64; 2]> {
        let number = |repeat: &Value, key: &str| repeat[key].as_u64().unwrap();
        let list = four["repeats"][how].as_array().unwrap();
        list.iter().map(|repeat| [number(repeat, "picture"), number(repeat, "of")]).collect()
    };
    assert_eq!((repeats("exact"), repeats("near")), (vec![[2, 0]], vec![[3, 1]]));
    let said = tweedie(place.path(), &["inspect", "data", "two"]).stdout;
    assert!(said.contains("same      1 picture is the same as an earlier one: 2 and 0\n"), "{said}");
    assert!(said.contains("near      1 more is nearly so: "), "{said}");
    refused(place.path(), &["inspect", "data", "nowhere"], &["nowhere"]);
}

#[test]
fn endings_that_make_no_sense_are_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    for (line, named) in [
        ("inspect schedule --out=a.png", "FILE.svg"),
        ("inspect spectrum --data=glyphs --out=a.png", "FILE.html"),
        ("inspect forward --data=glyphs --out=a.svg", "FILE.png"),
        ("inspect data glyphs --out=a.svg", "FILE.png"),
        ("inspect data glyphs --out=a", "DIR/"),
        ("inspect spectrum", "--data"),
        ("inspect forward --data=glyphs --image=a.png", "--image"),
        ("inspect spectrum --model=m --schedule=linear", "--schedule"),
    ] {
        let said = tweedie(place.path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!(said.status, Some(2), "{line}");
        assert!(said.stderr.contains(named), "{line}: {}", said.stderr);
    }
    assert!(files(place.path()).is_empty());
}
