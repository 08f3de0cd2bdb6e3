use super::Step;
use crate::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;
use tweedie_autograd::{Pass, Timed, profile};

/// All runs of one operation, with operands of the same shapes, in one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// Its name.
    pub op: &'static str,
    /// `forward` or `backward`.
    pub pass: &'static str,
    /// The shapes of its operands.
    pub operands: String,
    /// How often it ran.
    pub calls: usize,
    /// How long all of them took, in milliseconds, the least of several steps.
    pub ms: f64,
    /// Billions of multiplications and additions a second, counted as the definitions have them; 0 where nothing is counted.
    pub gflops: f64,
    /// MiB that it must at least read and write: operands and result, each once; on the way back their gradients as well.
    pub mib: f64,
}

/// The operations of a training step, the longest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operations {
    /// Each operation of the forward and the backward pass.
    pub operations: Vec<Operation>,
    /// The optimizer's part, in milliseconds.
    pub optimizer_ms: f64,
    /// What is left of the step: the tape, freeing memory, and what the parts take longer than their least.
    pub elsewhere_ms: f64,
    /// The whole step, the least of several.
    pub step_ms: f64,
}

/// What runs belong together.
type Key = (&'static str, Pass, String);

impl Step {
    /// The time of `runs` training steps by operation, after one step that does not count.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn by_operation(&mut self, runs: usize) -> Result<Operations> {
        self.train()?;
        let mut least: BTreeMap<Key, Sum> = BTreeMap::new();
        let (mut optimizer_ms, mut step_ms) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..runs {
            let start = Instant::now();
            let (gradients, timed) = profile(|| self.gradients());
            let (_, gradients) = gradients?;
            let before = Instant::now();
            self.update(&gradients)?;
            optimizer_ms = optimizer_ms.min(1e3 * before.elapsed().as_secs_f64());
            step_ms = step_ms.min(1e3 * start.elapsed().as_secs_f64());
            for (key, sum) in together(timed) {
                let known = least.entry(key).or_insert(sum);
                known.seconds = known.seconds.min(sum.seconds);
            }
        }
        let mut operations: Vec<Operation> = least.into_iter().map(Operation::of).collect();
        operations.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        let named: f64 = operations.iter().map(|operation| operation.ms).sum();
        let elsewhere_ms = (step_ms - named - optimizer_ms).max(0.0);
        Ok(Operations { operations, optimizer_ms, elsewhere_ms, step_ms })
    }
}

/// Runs of one step.
#[derive(Clone, Copy, Default)]
struct Sum {
    calls: usize,
    seconds: f64,
    flops: f64,
    numbers: usize,
}

impl Operation {
    fn of(((op, pass, operands), sum): (Key, Sum)) -> Operation {
        Operation {
            op,
            pass: if pass == Pass::Forward { "forward" } else { "backward" },
            operands,
            calls: sum.calls,
            ms: 1e3 * sum.seconds,
            gflops: sum.flops / 1e9 / sum.seconds.max(f64::MIN_POSITIVE),
            mib: (sum.numbers * size_of::<f32>()) as f64 / 1_048_576.0,
        }
    }
}

/// The runs of one step, those of the same operation on the same shapes together.
fn together(timed: Vec<Timed>) -> BTreeMap<Key, Sum> {
    let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
    for run in timed {
        let shapes: Vec<String> = run.operands.iter().map(ToString::to_string).collect();
        let sum = sums.entry((run.op, run.pass, shapes.join(" "))).or_default();
        sum.calls += 1;
        sum.seconds += run.seconds;
        sum.flops += run.flops;
        sum.numbers += run.numbers;
    }
    sums
}
