//! Small valid files of every kind that the program reads, each in a folder with what is read beside it.

use super::target::{Form, Target};
use crate::run::{copy, tweedie, write_x};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tweedie_tensor::Tensor;
use tweedie_train::Config;
use tweedie_train::data::{DataOptions, Split, open};
use tweedie_train::measure::features::ClassifierTraining;

/// Folders of targets, below one that is removed at the end.
pub(super) struct Targets {
    root: TempDir,
    pub(super) all: Vec<Target>,
}

impl Targets {
    pub(super) fn new() -> Targets {
        let mut targets = Targets { root: tempfile::tempdir().unwrap(), all: Vec::new() };
        targets.data_sets();
        targets.pictures();
        targets.runs();
        targets.configurations();
        targets.diffusers();
        targets.judges();
        targets
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.root.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn add(&mut self, folder: &Path, file: &str, form: Form, commands: &[&str]) {
        let commands = commands.iter().map(|command| format!("{command} --json")).collect();
        self.all.push(Target { folder: folder.to_path_buf(), file: file.to_string(), form, commands });
    }

    fn data_sets(&mut self) {
        for (case, split, names) in [
            ("kaggle-mnist", "test", ["t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"]),
            ("qmnist", "train", ["qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int"]),
            (
                "emnist-letters",
                "train",
                ["emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz"],
            ),
        ] {
            let folder = self.folder(case);
            let data = folder.join("data");
            fs::create_dir(&data).unwrap();
            let command = format!("inspect data data --split {split}");
            for name in names {
                fs::copy(fixture("cases").join(case).join(name), data.join(name)).unwrap();
                self.add(&folder, &format!("data/{name}"), Form::Bytes, &[&command]);
            }
        }
        let folder = self.folder("cifar");
        let (ten, hundred) = (self.folder("cifar/10"), self.folder("cifar/100"));
        fs::write(ten.join("data_batch_1.bin"), [3; 4 * 3073]).unwrap();
        fs::write(ten.join("batches.meta.txt"), "plane\ncar\nbird\ncat\n").unwrap();
        let of_100 = fs::read(fixture("cases/cifar-100-binary/train.bin")).unwrap();
        fs::write(hundred.join("train.bin"), &of_100[..4 * 3074]).unwrap();
        for names in ["fine_label_names.txt", "coarse_label_names.txt"] {
            fs::copy(fixture("cases/cifar-100-binary").join(names), hundred.join(names)).unwrap();
        }
        let (fine, coarse) = ("inspect data 100", "inspect data 100 --set data.coarse=true");
        self.add(&folder, "10/data_batch_1.bin", Form::Bytes, &["inspect data 10"]);
        self.add(&folder, "10/batches.meta.txt", Form::Text, &["inspect data 10"]);
        self.add(&folder, "100/train.bin", Form::Bytes, &[fine, coarse]);
        self.add(&folder, "100/fine_label_names.txt", Form::Text, &[fine]);
        self.add(&folder, "100/coarse_label_names.txt", Form::Text, &[coarse]);
    }

    /// One of each format and each way that its pixels are kept.
    fn pictures(&mut self) {
        let files = fs::read_dir(fixture("pictures")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files
            .filter(|path| !path.ends_with("torchvision.json") && !path.ends_with("floats-7000.tiff"))
            .collect();
        let made = self.folder("made");
        let picture = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([20 * x as u8, 30 * y as u8, 7]));
        for name in ["a.qoi", "a.tga", "a.ppm", "a.bmp"] {
            picture.save(made.join(name)).unwrap();
            files.push(made.join(name));
        }
        files.sort();
        for (number, path) in files.iter().enumerate() {
            let folder = self.folder(&format!("picture-{number}"));
            let file = format!("data/{}", path.file_name().unwrap().to_string_lossy());
            fs::create_dir(folder.join("data")).unwrap();
            fs::copy(path, folder.join(&file)).unwrap();
            let form = match path.extension().and_then(|ending| ending.to_str()) {
                Some("png") => Form::Png,
                Some("pgm") => Form::Text,
                _ => Form::Bytes,
            };
            self.add(
                &folder,
                &file,
                form,
                &[
                    "inspect data data",
                    &format!("inspect spectrum --image {file}"),
                    "inspect data data --image-size 8",
                ],
            );
        }
    }

    /// What is in a run directory; what is read beside it.
    fn runs(&mut self) {
        let folder = self.folder("run");
        copy(&fixture("cases/folders-0-11"), &folder.join("pictures"));
        let mut train = "train --data pictures --out run --steps 2 --batch 2 --image-size 8"
            .split(' ')
            .collect::<Vec<_>>();
        train.extend([
            "--set=model.block_out_channels=[4]",
            "--set=model.down_block_types=[\"DownBlock2D\"]",
            "--set=model.up_block_types=[\"UpBlock2D\"]",
            "--set=model.layers_per_block=1",
            "--set=model.add_attention=false",
            "--set=model.norm_num_groups=2",
            "--set=model.attn_norm_num_groups=2",
            "--set=model.attention_head_dim=4",
            "--set=train.grids=0",
            "--set=train.log_every=1",
            "--set=data.hold_out=0.2",
        ]);
        let said = tweedie(&folder, &train);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        fs::remove_file(folder.join("run/report.html")).unwrap();
        write_x(folder.join("x.safetensors"), &Tensor::full([1, 3, 8, 8], 0.5));
        image::GrayImage::from_fn(8, 8, |x, _| image::Luma([30 * x as u8]))
            .save(folder.join("mask.png"))
            .unwrap();
        let sample = "sample run --noise x.safetensors --steps 1 --out out.png";
        let resume = "train --out run --resume --steps 2";
        let newest = "run/checkpoints/step-00000002.safetensors";
        self.add(&folder, newest, Form::Checkpoint, &[sample, resume, "inspect run run"]);
        let predict = "predict run --noise x.safetensors --timesteps 5 --class 1";
        self.add(&folder, "x.safetensors", Form::Weights, &[sample, predict]);
        for file in
            ["config.toml", "metrics.jsonl", "run.lock", "fingerprint/index.tsv", "fingerprint/digests.tsv"]
        {
            self.add(&folder, &format!("run/{file}"), Form::Text, &[resume]);
        }
        let inpaint = "edit inpaint run --image pictures/0/0.png --mask mask.png --n 1 --steps 1 --resamplings 1 --jump 1 --resize --out out.png";
        self.add(&folder, "mask.png", Form::Png, &[inpaint]);
    }

    /// What `--config` reads; `plan` only counts what is asked for.
    fn configurations(&mut self) {
        let presets =
            ["digits", "pictures", "transformer", "captions"].map(|name| Config::preset(name).unwrap());
        for (number, mut config) in presets.into_iter().enumerate() {
            config.train.steps = Some(9);
            let folder = self.folder(&format!("config-{number}"));
            let file = format!("{number}.toml");
            fs::write(folder.join(&file), config.to_toml().unwrap()).unwrap();
            self.add(&folder, &file, Form::Text, &[&format!("plan --no-measure --config {file}")]);
        }
    }

    /// Folders of diffusers. The noise is of the size that the network was made for: another one is not painted.
    fn diffusers(&mut self) {
        let (index, network) = ("model_index.json", "unet/config.json");
        let (scheduler, weights) =
            ("scheduler/scheduler_config.json", "unet/diffusion_pytorch_model.safetensors");
        for (model, files) in [
            ("ddpm", &[index, network, scheduler, weights][..]),
            ("class", &[network, scheduler]),
            ("cases/learned-range", &[network, scheduler]),
            ("cases/sch-flow", &[scheduler]),
            ("cases/unipc-karras-own-end", &[scheduler]),
            ("cases/euler-t50", &[scheduler]),
            (
                "cases/hub-sharded",
                &[
                    "unet/diffusion_pytorch_model.safetensors.index.json",
                    "unet/diffusion_pytorch_model-00001-of-00012.safetensors",
                ],
            ),
        ] {
            let name = model.rsplit('/').next().unwrap();
            let folder = self.folder(&format!("diffusers-{name}"));
            let place = folder.join(name);
            for part in ["unet", "scheduler"] {
                copy(&fixture(model).join(part), &place.join(part));
            }
            fs::copy(fixture(model).join(index), place.join(index)).unwrap();
            let config = fs::read(place.join(network)).unwrap();
            let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
            let size = |key: &str| config[key].as_u64().unwrap() as usize;
            let (channels, side) = (size("in_channels"), size("sample_size"));
            write_x(folder.join("x.safetensors"), &Tensor::full([1, channels, side, side], 0.5));
            let class = if name == "class" { " --class 1" } else { "" };
            // One that no sampler here is for is still predicted with.
            let paint = match name {
                "sch-flow" => format!("predict {name} --noise x.safetensors --timesteps 5"),
                _ => format!("sample {name} --noise x.safetensors --steps 1 --out out.png{class}"),
            };
            for file in files {
                let form = if file.ends_with(".json") { Form::Text } else { Form::Weights };
                self.add(&folder, &format!("{name}/{file}"), form, &[&paint]);
            }
        }
    }

    /// Networks that pictures are compared by.
    fn judges(&mut self) {
        let folder = self.folder("judges");
        let pictures = folder.join("pictures");
        // All of them twice: there must be more than there are features.
        for class in ["one", "other"] {
            copy(&fixture("cases/folders-0-11"), &pictures.join(class));
        }
        for file in ["flat.json", "flat.safetensors"] {
            fs::copy(fixture("features").join(file), folder.join(file)).unwrap();
        }
        let source = open(pictures.to_str().unwrap(), Split::Train, &DataOptions::default()).unwrap();
        let training = ClassifierTraining {
            widths: vec![8],
            steps: 1,
            batch: 4,
            ..ClassifierTraining::for_shape(source.shape())
        };
        let trained = training.run(Arc::clone(&source), &*source).unwrap().finish().unwrap();
        trained.save(&folder.join("classifier.safetensors")).unwrap();
        let compare = "eval frechet pictures --data pictures --split train";
        let by_features = format!("{compare} --features flat.safetensors --description flat.json");
        self.add(&folder, "flat.json", Form::Text, &[&by_features]);
        self.add(&folder, "flat.safetensors", Form::Weights, &[&by_features]);
        let by_classifier = format!("{compare} --classifier classifier.safetensors");
        self.add(&folder, "classifier.safetensors", Form::Weights, &[&by_classifier]);
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}
