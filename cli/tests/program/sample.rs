use crate::run::{files, json, tensor_x, tweedie, workshop};
use image::AnimationDecoder;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::Condition;
use tweedie_train::config::SamplingConfig;
use tweedie_train::{Model, SampleRequest};

#[test]
fn a_grid_an_animation_and_a_folder() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let place = |name: &str| format!("--out={}/{name}", out.path().display());

    let said = json(folder, &["sample", "model", "--n=3", "--steps=2", "--class=7", &place("a.png")]);
    assert_eq!((&said["n"], &said["steps"], &said["sampler"]), (&3.into(), &2.into(), &"ddim".into()));
    assert_eq!(said["classes"], serde_json::json!([7, 7, 7]));
    let grid = image::open(out.path().join("a.png")).unwrap();
    // Two columns and two rows of 8 pixels magnified twelvefold, gutters of twelve between and around.
    assert_eq!((grid.width(), grid.height(), grid.color()), (228, 228, image::ColorType::L8));

    json(folder, &["sample", "model", "--n=2", "--steps=3", "--sampler=ddpm", &place("new/b.gif")]);
    let file = BufReader::new(File::open(out.path().join("new/b.gif")).unwrap());
    let frames = image::codecs::gif::GifDecoder::new(file).unwrap().into_frames().collect_frames().unwrap();
    assert_eq!(frames.len(), 3);

    json(folder, &["sample", "model", "--n=3", "--steps=1", "--class=3,0,9", &place("c/")]);
    assert_eq!(files(&out.path().join("c")), ["0000.png", "0001.png", "0002.png", "labels.csv"]);
    let picture = image::open(out.path().join("c/0002.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (8, 8));
    let labels = std::fs::read_to_string(out.path().join("c/labels.csv")).unwrap();
    assert!(labels.starts_with("file,class,name\n0000.png,3,"), "{labels}");
}

#[test]
fn a_picture_depends_on_the_seed_and_its_number_alone() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let paint = |name: &str, more: &[&str]| {
        let path = out.path().join(name);
        let raw = format!("--raw={}", path.display());
        let said = json(folder, &[&["sample", "model", "--steps=2", "--sampler=ddpm", &raw], more].concat());
        let pictures = tensor_x(path);
        assert_eq!(said["digest"], tweedie_train::picture_digest(&pictures));
        pictures
    };
    // More pictures than go through the network at a time, so that the second batch has another size.
    let many = paint("many", &["--n=68", "--class=1", "--threads=2"]);
    let fewer = paint("fewer", &["--n=66", "--class=1", "--threads=1"]);
    assert_eq!((many.dims(), fewer.dims()), (&[68, 1, 8, 8][..], &[66, 1, 8, 8][..]));
    assert_eq!(many.as_slice()[..fewer.numel()], *fewer.as_slice());
    let different = |i: usize, j: usize| many.as_slice()[i * 64..][..64] != many.as_slice()[j * 64..][..64];
    assert!((1..68).all(|i| (0..i).all(|j| different(i, j))), "two pictures are the same");
    assert_ne!(paint("other", &["--n=1", "--class=1", "--seed=1"]).as_slice(), &many.as_slice()[..64]);
    // Only what was asked for is written.
    assert_eq!(files(out.path()), ["fewer", "many", "other"]);
    assert!(!folder.join("samples.png").exists());
}

#[test]
fn noise_from_a_file_is_where_painting_starts() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let at = |name: &str| out.path().join(name).display().to_string();
    let (a, b, c) = (at("a"), at("b"), at("c"));
    json(folder, &["sample", "model", "--n=3", "--steps=1", "--raw", &a]);
    let said = json(folder, &["sample", "model", "--noise", &a, "--steps=2", "--raw", &b]);
    assert_eq!(
        (&said["n"], &said["out"], &said["raw"]),
        (&3.into(), &serde_json::Value::Null, &b.as_str().into())
    );
    json(folder, &["sample", "model", "--noise", &a, "--steps=2", "--seed=9", "--raw", &c]);
    // DDIM draws nothing, so the seed does not matter.
    assert_eq!(tensor_x(b.into()).as_slice(), tensor_x(c.into()).as_slice());
}

#[test]
fn a_checkpoint_is_a_model_and_so_are_the_plain_weights() {
    let folder = workshop();
    let checkpoint =
        files(&folder.join("model")).into_iter().find(|name| name.ends_with(".safetensors")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let paint = |name: &str, model: &str, more: &[&str]| {
        let path = out.path().join(name);
        let raw = format!("--raw={}", path.display());
        json(folder, &[&["sample", model, "--n=1", "--steps=1", &raw], more].concat());
        tensor_x(path)
    };
    let of_run = paint("run", "model", &[]);
    // So are its bytes in memory, and the painting may own the model.
    let bytes = std::io::Cursor::new(std::fs::read(folder.join("model").join(&checkpoint)).unwrap());
    let model = Arc::new(Model::read(Path::new(&checkpoint), bytes, true).unwrap());
    let condition = Condition::of_classes(vec![0]);
    let sampling = SamplingConfig { steps: 1, ..model.sampling().unwrap() };
    let painting = model.sample_shared(&SampleRequest::new(1, condition, 0, sampling)).unwrap();
    drop(model);
    assert_eq!(painting.finish().unwrap().as_slice(), of_run.as_slice());
    assert_eq!(paint("file", &format!("model/{checkpoint}"), &[]).as_slice(), of_run.as_slice());
    assert_ne!(paint("plain", "model", &["--no-ema"]).as_slice(), of_run.as_slice());
}

#[test]
fn without_out_the_grid_is_samples_png() {
    let (folder, here) = (workshop(), tempfile::tempdir().unwrap());
    let model = folder.join("model").display().to_string();
    let said = tweedie(here.path(), &["sample", &model, "--n=1", "--steps=1"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(0), ""));
    assert!(said.stderr.contains("samples.png"), "{}", said.stderr);
    assert_eq!(files(here.path()), ["samples.png"]);
}

/// Every sampler by name: what it draws from the seed beside where it starts.
#[test]
fn every_sampler_paints() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let at = |name: &str| out.path().join(name).display().to_string();
    let (start, raw) = (at("start"), at("raw"));
    json(folder, &["sample", "model", "--n=2", "--steps=1", "--class=1", "--raw", &start]);
    let samplers = [
        ("ddpm", true),
        ("ddim", false),
        ("euler", false),
        ("heun", false),
        ("dpmpp-2m", false),
        ("dpmpp-2m-sde", true),
        ("unipc", false),
        ("pndm", false),
    ];
    let mut pictures: Vec<Vec<f32>> = Vec::new();
    for (name, draws) in samplers {
        let paint = |more: &[&str]| {
            let words = ["sample", "model", "--steps=4", "--noise", &start, "--raw", &raw, "--sampler", name];
            let said = json(folder, &[&words, more].concat());
            assert_eq!(said["sampler"], name);
            tensor_x(out.path().join("raw")).as_slice().to_vec()
        };
        let picture = paint(&[]);
        assert_eq!(paint(&["--seed=9"]) != picture, draws, "{name}");
        assert_ne!(paint(&["--spacing=leading"]), picture, "{name}");
        if name == "heun" {
            assert_ne!(paint(&["--churn=4"]), picture);
        }
        assert_ne!(paint(&["--guidance=3"]), paint(&["--guidance=3", "--guidance-rescale=0.7"]), "{name}");
        pictures.push(picture);
    }
    // Without churn, and with the same clip, Euler is DDIM but for rounding.
    let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(same(&pictures[1], &pictures[2]) && !same(&pictures[1], &pictures[3]));
}
