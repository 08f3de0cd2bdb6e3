//! A run that is stopped, killed or asked to save leaves the record of one left alone.

use serde_json::Value;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use tweedie_autograd::Var;
use tweedie_nn::layers::Linear;
use tweedie_nn::{Builder, Ctx, Inputs, Layer, UNetConfig};
use tweedie_train::config::OnDivergence;
use tweedie_train::data::{Memory, Source};
use tweedie_train::{Begin, Config, Control, Event, Observer, Result, Summary, Training};

const STEPS: u64 = 13;

fn source() -> Arc<dyn Source> {
    let bytes = (0..40).flat_map(|i| (0..64).map(move |j| ((i * 31 + j * 7) % 256) as u8)).collect();
    let classes = vec!["even".to_string(), "odd".to_string()];
    Arc::new(Memory::new([1, 8, 8], bytes, (0..40).map(|i| i % 2).collect(), classes))
}

fn config() -> Config {
    let mut config = Config::default();
    (config.train.steps, config.train.batch, config.train.grids) = (Some(STEPS), 4, 3);
    (config.train.log_every, config.train.checkpoint_every) = (3, 5);
    (config.train.validate_every, config.data.hold_out) = (Some(4), 0.2);
    config.model = UNetConfig::plain(&[16, 32]).into();
    config
}

/// What is done at an event.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Attack {
    None,
    StopAfter(u64),
    KillAfter(u64),
    KillAfterSaving(u64),
    /// While the nth piece of work is done that is no step.
    StopWhileBusy(usize),
    SaveAlways,
}

/// Attacks a run, and keeps the names of its grids as files are kept.
struct Attacker<'a> {
    attack: Attack,
    busy: usize,
    grids: &'a RefCell<Vec<u64>>,
    painted: &'a RefCell<usize>,
}

impl Observer for Attacker<'_> {
    fn observe(&mut self, event: Event<'_>) -> Control {
        let is_now = match (event, self.attack) {
            (Event::Step(now), Attack::StopAfter(step)) => now.step == step,
            (Event::Step(now), Attack::KillAfter(step)) if now.step == step => panic!("killed"),
            (Event::Saved { step, .. }, Attack::KillAfterSaving(at)) if step == at => panic!("killed"),
            (Event::Busy(_), Attack::StopWhileBusy(nth)) => {
                self.busy += 1;
                self.busy == nth
            }
            (Event::Sampled { step, .. }, _) => {
                *self.painted.borrow_mut() += 1;
                if !self.grids.borrow().contains(&step) {
                    self.grids.borrow_mut().push(step);
                }
                false
            }
            (Event::Step(_), Attack::SaveAlways) => return Control::Save,
            _ => false,
        };
        if is_now { Control::Stop } else { Control::Continue }
    }

    fn has_grid(&self, step: u64, _: bool) -> bool {
        self.grids.borrow().contains(&step)
    }
}

/// The lines of a run's metrics without what depends on clocks.
fn lines(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for key in ["images_per_second", "data_wait", "rss_mib", "seconds"] {
            line.as_object_mut().unwrap().remove(key).unwrap();
        }
        line
    };
    text.lines().map(timeless).collect()
}

/// What a run leaves: its lines, its grids, its loss and weights; and how many grids were painted for it.
type Record = (Vec<Value>, Vec<u64>, f64, String);

fn attacked(attack: Attack, first: impl Fn(&mut Config)) -> (Record, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (grids, painted) = (RefCell::new(Vec::new()), RefCell::new(0));
    let session = |begin, attack, change: &dyn Fn(&mut Config)| -> Result<Summary> {
        let mut config = config();
        change(&mut config);
        let mut attacker = Attacker { attack, busy: 0, grids: &grids, painted: &painted };
        let training = Training::new(config).source(source()).out(folder.path()).begin(begin);
        Ok(training.run(&mut attacker)?.summary)
    };
    let new = Begin::New(Default::default());
    let ended = catch_unwind(AssertUnwindSafe(|| session(new, attack, &first).unwrap()));
    let has_checkpoint = std::fs::read_dir(folder.path().join("checkpoints")).unwrap().count() > 0;
    let end = match ended {
        Ok(summary) if summary.steps == STEPS && !summary.interrupted => summary,
        _ => session(if has_checkpoint { Begin::Resumed } else { new }, Attack::None, &|_| ()).unwrap(),
    };
    let record = (lines(folder.path()), grids.into_inner(), end.loss, end.weights_digest);
    (record, painted.into_inner())
}

#[test]
fn a_disturbed_run_leaves_the_record_of_one_left_alone() {
    let (alone, painted) = attacked(Attack::None, |_| ());
    assert_eq!(alone.1, [5, 9, 13]);
    assert_eq!((alone.0.len(), painted), (5, 3));
    let attacks = (1..=STEPS)
        .flat_map(|step| [Attack::StopAfter(step), Attack::KillAfter(step)])
        .chain([5, 10, 13].map(Attack::KillAfterSaving))
        .chain([1, 7, 12, 18, 25, 40, 60, 90].map(Attack::StopWhileBusy))
        .chain([Attack::SaveAlways]);
    for attack in attacks {
        let (record, again) = attacked(attack, |_| ());
        assert_eq!(record, alone, "{attack:?}");
        assert!(
            again <= painted + usize::from(matches!(attack, Attack::KillAfter(_))),
            "{attack:?}: {again}"
        );
    }
}

#[test]
fn a_run_that_was_to_end_earlier_leaves_the_lines_of_one_that_was_not() {
    let (alone, _) = attacked(Attack::None, |_| ());
    for steps in [1, 3, 4, 5, 8, 12] {
        let (record, _) = attacked(Attack::None, |config| config.train.steps = Some(steps));
        assert_eq!((&record.0, &record.3), (&alone.0, &alone.3), "{steps}");
        assert_eq!(record.2, alone.2);
    }
}

/// A linear map whose output is not finite for some times of the first picture.
fn fragile(_: &Config, builder: &Builder) -> Result<impl tweedie_train::Trainable + use<>> {
    let layer = Linear::new(builder, 64, 64);
    Ok(move |ctx: &Ctx, x: Var, inputs: Inputs<'_>| {
        let n = x.dims()[0];
        let breaks = inputs.timesteps[0] % 3.0 == 0.0;
        let y = layer.forward(ctx, x.reshape([n, 64])?)?.reshape([n, 1, 8, 8])?;
        if breaks { y.scale(f64::NAN) } else { Ok(y) }
    })
}

#[test]
fn steps_that_are_left_out_are_left_out_again_after_a_stop() {
    let run = |folder: &Path, steps, begin| {
        let mut config = config();
        (config.train.steps, config.train.on_divergence) = (Some(steps), OnDivergence::Skip);
        (config.data.hold_out, config.train.validate_every) = (0.0, Some(0));
        let training = Training::new(config).source(source()).out(folder).begin(begin);
        training.run_with(fragile, &mut ()).unwrap().summary
    };
    let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let new = Begin::New(Default::default());
    let alone = run(whole.path(), STEPS, new);
    let skipped: u64 = lines(whole.path()).iter().filter_map(|line| line["skipped"].as_u64()).sum();
    assert!((1..STEPS).contains(&skipped), "{skipped}");
    for steps in [2, 5, 7, 11, STEPS] {
        run(parts.path(), steps, if steps == 2 { new } else { Begin::Resumed });
    }
    assert_eq!(lines(parts.path()), lines(whole.path()));
    assert_eq!(run(parts.path(), STEPS, Begin::Resumed).weights_digest, alone.weights_digest);
}
