//! What a person sees of a run while it goes: a bar, pictures, a report.

use crate::console::Console;
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pictures::{Pictures, grid_png};
use crate::progress::{Progress, duration};
use crate::report::{Report, grouped};
use std::path::{Path, PathBuf};
use tweedie_tensor::Tensor;
use tweedie_train::{Config, Control, Event, Observer};

/// Watches a run, and stops it when the user asks.
pub(super) struct Watch {
    console: Console,
    progress: Progress,
    interrupt: Interrupt,
    out: PathBuf,
    report: Report,
    /// The newest grid of samples.
    latest: Option<Vec<u8>>,
    /// The configuration with what follows from the data, once the run has begun.
    pub(super) config: Option<Config>,
    /// How long the run has trained, as people say it.
    pub(super) trained_for: Option<String>,
}

impl Watch {
    /// Watches the run in `out`.
    pub(super) fn new(console: Console, interrupt: Interrupt, out: &Path, config: &Config) -> Watch {
        let name = out.display().to_string();
        let report = Report { name, parameters: 0, pictures: 0, config: as_json(config) };
        let (progress, out) = (Progress::new(console), out.to_path_buf());
        Watch { console, progress, interrupt, out, report, latest: None, config: None, trained_for: None }
    }

    /// Takes the bar away; writes the last pictures and the report.
    pub(super) fn finish(self) -> Watch {
        self.progress.finish();
        if let Some(png) = &self.latest {
            self.note(output::write(&self.out.join("samples").join("final.png"), png));
        }
        if self.config.is_some() {
            self.note(self.report.write(&self.out));
        }
        self
    }

    fn paint(&mut self, step: u64, pictures: &Tensor<f32>, columns: usize) -> Result<()> {
        let png = grid_png(&Pictures::from_tensor(pictures)?, columns)?;
        output::write(&self.out.join("samples").join(format!("step-{step:06}.png")), &png)?;
        self.latest = Some(png);
        Ok(())
    }

    /// A picture or a report that cannot be written is said, and no reason to lose the run.
    fn note(&self, result: Result<()>) {
        if let Err(failure) = result {
            self.progress.say(format!("{failure}"));
        }
    }
}

impl Observer for Watch {
    fn observe(&mut self, event: Event<'_>) -> tweedie_train::Result<Control> {
        match event {
            Event::Started { config, parameters, pictures, notes, resumed_at } => {
                notes.iter().for_each(|note| self.console.say(format!("note: {note}")));
                let classes = config.data.classes.len();
                self.console.say(format!(
                    "{}: {} pictures{}; a network of {} parameters; into {}",
                    config.data.source,
                    grouped(pictures as u64),
                    if classes > 1 { format!(" of {classes} classes") } else { String::new() },
                    grouped(parameters as u64),
                    self.out.display()
                ));
                if let Some(step) = resumed_at {
                    self.console.say(format!("going on after step {}", grouped(step)));
                }
                self.report = Report {
                    name: self.out.display().to_string(),
                    parameters,
                    pictures,
                    config: as_json(config),
                };
                self.config = Some(config.clone());
            }
            Event::Step(now) => {
                self.trained_for = Some(duration(now.elapsed));
                self.progress.update(now.share, || {
                    let total = now.total.map_or(String::new(), |total| format!(" of {}", grouped(total)));
                    format!(
                        "step {}{total}, loss {:.4}, {:.0} pictures/s, {} left",
                        grouped(now.step),
                        now.loss,
                        now.images_per_second,
                        duration(now.remaining)
                    )
                });
            }
            Event::Sampled { step, pictures, columns } => {
                let painted = self.paint(step, pictures, columns);
                self.note(painted);
            }
            Event::Saved { .. } => self.note(self.report.write(&self.out)),
        }
        Ok(if self.interrupt.asked() { Control::Stop } else { Control::Continue })
    }
}

/// Sections of keys; a configuration is plain data, and has this form.
fn as_json(config: &Config) -> serde_json::Value {
    serde_json::to_value(config).unwrap_or_default()
}
