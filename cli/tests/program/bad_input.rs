use crate::run::{files, train_tiny, tweedie, workshop, write_x};
use std::fs;
use std::path::Path;
use tweedie_nn::weights::{WeightFile, write_checked};
use tweedie_tensor::Tensor;

/// Runs the program, and holds its answer to the contract: one line, status 1, every one of `named` in it, and
/// nothing new in the folder.
pub(crate) fn refused(folder: &Path, arguments: &[&str], named: &[&str]) {
    let before = files(folder);
    let said = tweedie(folder, arguments);
    assert_eq!(said.status, Some(1), "{arguments:?}: {}", said.stderr);
    let last = said.stderr.lines().last().unwrap_or_default();
    assert!(said.stderr.matches("error: ").count() == 1 && last.starts_with("error: "), "{}", said.stderr);
    for name in named {
        assert!(last.contains(name), "{arguments:?}: {name} is not in: {last}");
    }
    assert_eq!(said.stdout, "");
    assert_eq!(files(folder), before, "{arguments:?} left something behind");
}

/// A folder with the model, a noise of the wrong shape, and files that are no models.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = workshop().join("model/checkpoints");
    let checkpoint = fs::read_dir(checkpoints).unwrap().next().unwrap().unwrap().path();
    let at = |name: &str| folder.path().join(name);
    let bytes = fs::read(checkpoint).unwrap();
    fs::write(at("model.safetensors"), &bytes).unwrap();
    fs::write(at("short.safetensors"), &bytes[..bytes.len() - 100]).unwrap();
    fs::write(at("text.safetensors"), "not a model").unwrap();
    fs::write(at("empty.safetensors"), "").unwrap();
    fs::write(at("file"), "").unwrap();
    fs::create_dir(at("folder")).unwrap();
    write_x(at("grey"), &Tensor::zeros([2, 1, 8, 8]));
    write_x(at("wide"), &Tensor::zeros([2, 3, 32, 32]));
    write_x(at("nan"), &Tensor::full([1, 1, 8, 8], f32::NAN));
    write_x(at("none"), &Tensor::zeros([0, 1, 8, 8]));
    folder
}

#[test]
fn models_that_are_none() {
    let place = workplace();
    for (model, named) in [
        ("nowhere", "no such file"),
        ("folder", "no checkpoint"),
        ("short.safetensors", "short.safetensors"),
        ("text.safetensors", "text.safetensors"),
        ("empty.safetensors", "empty.safetensors"),
        ("grey", "not a checkpoint"),
    ] {
        refused(place.path(), &["sample", model, "--n=1"], &[model, named]);
        refused(
            place.path(),
            &["predict", model, "--noise=grey", "--timesteps=1", "--class=1"],
            &[model, named],
        );
    }
}

/// The layer where it begins is named, and the time.
#[test]
fn a_network_whose_output_is_not_finite_is_stopped_by_name() {
    let place = workplace();
    let whole = WeightFile::read(&place.path().join("model.safetensors")).unwrap();
    let layer = "mid_block.resnets.0.conv1";
    let tensors: Vec<(&str, Tensor<f32>)> = whole
        .entries()
        .keys()
        .map(|name| {
            let mut value: Tensor<f32> = whole.tensor(name).unwrap();
            if *name == format!("ema.{layer}.weight") {
                value.as_mut_slice()[0] = f32::NAN;
            }
            (&name[..], value)
        })
        .collect();
    let tensors: Vec<(&str, &Tensor<f32>)> = tensors.iter().map(|(name, value)| (*name, value)).collect();
    write_checked(&place.path().join("broken.safetensors"), &tensors, whole.metadata()).unwrap();
    refused(place.path(), &["sample", "broken.safetensors", "--n=1", "--steps=4"], &["t = 999", layer]);
}

#[test]
fn requests_that_do_not_fit_the_model() {
    let place = workplace();
    let table: &[(&str, &[&str])] = &[
        ("sample M --n=0", &["--n"]),
        ("sample M --class=10", &["--class", "\"10\"", "the model's classes are 0, 1, 2"]),
        ("sample M --class=cat", &["--class", "\"cat\""]),
        ("sample M --n=3 --class=1,2", &["--class", "2 classes for 3 pictures"]),
        ("sample M --noise=wide", &["--noise wide", "3, 32, 32", "1, 8, 8"]),
        ("sample M --noise=nan", &["--noise nan", "NaN"]),
        ("sample M --noise=none", &["--noise none"]),
        ("sample M --noise=nowhere", &["nowhere"]),
        ("sample M --noise=grey --n=3", &["--n", "noise of 2"]),
        ("sample M --eta=2", &["--eta"]),
        ("sample M --sampler=ddpm --eta=0.5", &["--eta", "DDPM"]),
        ("sample M --sampler=unipc --eta=0.5", &["--eta", "UniPC", "ddim"]),
        ("sample M --sampler=dpmpp-2m --churn=5", &["--churn", "DPM-Solver++ 2M", "euler or heun"]),
        ("sample M --sampler=heun --churn=-1", &["--churn", "-1"]),
        ("sample M --sampler=euler --churn=inf", &["--churn", "inf"]),
        ("sample M --guidance=nan", &["--guidance"]),
        ("sample M --guidance=2 --guidance-rescale=1.5", &["--guidance-rescale", "1.5"]),
        ("sample M --sampler=pndm --steps=1001", &["1001", "1000"]),
        ("sample M --steps=100000", &["100000", "1000"]),
        ("sample M --out=file/a.png", &["--out file/a.png"]),
        ("sample M --out=file/", &["--out file/"]),
        ("sample M --raw=folder", &["--raw folder"]),
        ("predict M --noise=wide --timesteps=1 --class=1", &["--noise wide", "3, 32, 32", "1, 8, 8"]),
        (
            "predict M --noise=grey --timesteps=1,2,3 --class=1",
            &["--timesteps", "3 time steps for 2 pictures"],
        ),
        ("predict M --noise=grey --timesteps=-1 --class=1", &["--timesteps"]),
        ("predict M --noise=grey --timesteps=1", &["--class"]),
        ("predict M --noise=grey --timesteps=1 --class=1 --raw=file/x", &["--raw file/x"]),
    ];
    for (line, named) in table {
        let arguments: Vec<&str> =
            line.split(' ').map(|word| if word == "M" { "model.safetensors" } else { word }).collect();
        refused(place.path(), &arguments, named);
    }
}

#[test]
fn runs_that_cannot_be() {
    let place = workplace();
    fs::write(place.path().join("wrong.toml"), "[train]\nbatch = 4\nbacth = 8\n").unwrap();
    fs::write(place.path().join("broken.toml"), "[train\n").unwrap();
    let table: &[(&[&str], &[&str])] = &[
        (&["--config=wrong.toml"], &["bacth", "wrong.toml", "3"]),
        (&["--config=broken.toml"], &["broken.toml"]),
        (&["--config=nowhere.toml"], &["nowhere.toml"]),
        (&["--set=train.speed=9"], &["train.speed=9", "speed"]),
        (&["--set=train.batch=many"], &["train.batch=many"]),
        (&["--set=batch"], &["batch"]),
        (&["--preset=magic"], &["magic"]),
        (&["--data=nowhere"], &["nowhere"]),
        (&["--data=folder"], &["folder"]),
        (&["--data=file"], &["file"]),
        (&["--batch=10000000"], &["train.batch", "10000000"]),
        (&["--set=sampling.guidance=nan"], &["sampling.guidance", "NaN"]),
        (&["--set=train.batch=18446744073709551615"], &["train.batch=18446744073709551615"]),
        (&["--image-size=9"], &["9x9", "--image-size 12"]),
        // What is said to fit would be: no such pictures can be made.
        (&["--set=model.patch_size=1000000"], &["8x8", "give a smaller model.patch_size"]),
        (&["--set=model.patch_size=9223372036854775807"], &["8x8", "give a smaller model.patch_size"]),
        (&["--set=model.norm_num_groups=7"], &["norm_num_groups", "7"]),
        (&["--out=file/run"], &["file/run"]),
        (&["--out=run", "--resume"], &["--out run", "--resume"]),
    ];
    for (more, named) in table {
        refused(place.path(), &train_tiny(&[&["--steps=1"], *more].concat()), named);
    }
    let most = ["train", "--steps=1", "--set=train.batch=9223372036854775807"];
    refused(place.path(), &most, &["a batch of 9223372036854775807", "--batch 60000"]);
}

#[test]
fn a_model_without_classes_takes_none() {
    let place = tempfile::tempdir().unwrap();
    let train = train_tiny(&["--steps=1", "--out=plain", "--set=train.class_conditional=false"]);
    assert_eq!(tweedie(place.path(), &train).status, Some(0));
    refused(place.path(), &["sample", "plain", "--class=1"], &["--class"]);
    refused(place.path(), &["sample", "plain", "--guidance=2"], &["--guidance"]);
    refused(place.path(), &["sample", "plain", "--guidance-rescale=1"], &["--guidance-rescale"]);
    assert_eq!(tweedie(place.path(), &["sample", "plain", "--n=1", "--steps=1"]).status, Some(0));
}

#[test]
fn wrong_usage_is_status_2() {
    let place = tempfile::tempdir().unwrap();
    for line in [
        "paint",
        "sample",
        "sample m --sampler=magic",
        "sample m --spacing=log",
        "train --batch=x",
        "predict m --timesteps=1",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        assert_eq!(tweedie(place.path(), &arguments).status, Some(2), "{line}");
    }
    assert_eq!(tweedie(place.path(), &["--help"]).status, Some(0));
}
