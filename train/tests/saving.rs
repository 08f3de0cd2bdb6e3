//! Saving where the place for it goes away or fills up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tweedie_autograd::Var;
use tweedie_nn::layers::Linear;
use tweedie_nn::{Builder, Ctx, Inputs, Layer};
use tweedie_train::data::Memory;
use tweedie_train::{Begin, Config, Control, Error, Event, Observer, Trained, Training};

/// Trains a network of one layer for `steps` steps in `out`, with a checkpoint after each.
fn run(
    out: &Path,
    steps: u64,
    begin: Begin,
    observer: &mut dyn Observer,
) -> Result<Trained<impl Sized>, Error> {
    let source = Memory::new([1, 4, 4], (0..=255).collect(), vec![0; 16], vec!["ramp".into()]);
    let mut config = Config::default();
    (config.train.steps, config.train.batch) = (Some(steps), 8);
    (config.train.checkpoint_every, config.train.keep) = (1, 2);
    let one_layer = |_: &Config, builder: &Builder| {
        let layer = Linear::new(builder, 16, 16);
        Ok(move |ctx: &Ctx, x: Var, _: Inputs<'_>| {
            let n = x.dims()[0];
            let pixels = x.reshape([n, 16])?;
            layer.forward(ctx, pixels)?.reshape([n, 1, 4, 4])
        })
    };
    Training::new(config).source(Arc::new(source)).out(out).begin(begin).run_with(one_layer, observer)
}

fn new() -> Begin {
    Begin::New(tweedie_train::Adjustable::default())
}

/// Notes what the run says, and does something after a step.
struct After<F: FnMut(u64)> {
    notes: Vec<String>,
    act: F,
}

impl<F: FnMut(u64)> Observer for After<F> {
    fn observe(&mut self, event: Event<'_>) -> Control {
        match event {
            Event::Note(note) => self.notes.push(note.to_string()),
            Event::Step(now) => (self.act)(now.step),
            _ => {}
        }
        Control::Continue
    }
}

fn checkpoints(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("checkpoints")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    (folder, out)
}

#[test]
fn a_directory_that_is_removed_is_made_again() {
    let (_folder, out) = place();
    let mut removing = After {
        notes: Vec::new(),
        act: |step| {
            if step == 2 {
                fs::remove_dir_all(&out).unwrap();
            }
        },
    };
    let summary = run(&out, 4, new(), &mut removing).unwrap().summary;
    assert_eq!(summary.steps, 4);
    assert!(
        out.join("config.toml").exists() && checkpoints(&out).contains(&"step-00000004.safetensors".into())
    );
    let (_folder, alone) = place();
    assert_eq!(run(&alone, 4, new(), &mut ()).unwrap().summary.weights_digest, summary.weights_digest);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_noted_and_the_next_one_makes_up_for_it() {
    let (_folder, out) = place();
    let (folder, moved) = (out.join("checkpoints"), out.join("moved"));
    let mut blocking = After {
        notes: Vec::new(),
        act: |step| match step {
            // A file stands where the folder should be.
            2 => {
                fs::rename(&folder, &moved).unwrap();
                fs::write(&folder, "").unwrap();
            }
            3 => {
                fs::remove_file(&folder).unwrap();
                fs::rename(&moved, &folder).unwrap();
            }
            _ => {}
        },
    };
    run(&out, 4, new(), &mut blocking).unwrap();
    assert_eq!(blocking.notes.len(), 1, "{:?}", blocking.notes);
    assert!(blocking.notes[0].starts_with("no checkpoint after step 2"), "{:?}", blocking.notes);
    assert!(checkpoints(&out).contains(&"step-00000004.safetensors".to_string()));
}

#[test]
fn a_run_whose_last_checkpoint_cannot_be_written_fails() {
    let (_folder, out) = place();
    let folder = out.join("checkpoints");
    let mut blocking = After {
        notes: Vec::new(),
        act: |step| {
            if step == 3 {
                fs::remove_dir_all(&folder).unwrap();
                fs::write(&folder, "").unwrap();
            }
        },
    };
    let error = run(&out, 4, new(), &mut blocking).err().unwrap().to_string();
    assert!(error.contains("checkpoints") && !error.contains('\n'), "{error}");
    assert_eq!(blocking.notes.len(), 1);
}

#[test]
fn the_best_checkpoint_stays_beside_the_newest() {
    let (_folder, out) = place();
    run(&out, 6, new(), &mut ()).unwrap();
    let there = checkpoints(&out);
    assert!(there.ends_with(&["step-00000005.safetensors".into(), "step-00000006.safetensors".into()]));
    let best = tweedie_train::inspect_run(&out).unwrap().best.unwrap();
    assert!(there.contains(&format!("step-{best:08}.safetensors")) && there.len() <= 3, "{there:?}");
    run(&out, 7, Begin::Resumed, &mut ()).unwrap();
    assert!(checkpoints(&out).contains(&"step-00000007.safetensors".to_string()));
}
