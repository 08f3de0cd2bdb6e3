//! What the user sees of a run while it trains: a line or a screen, pictures, a report.

mod display;
mod forms;
mod lines;

use crate::console::Console;
use crate::counted::{counted, counted_as};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pictures::{Layout, Pictures, grid_png};
use crate::report::{Report, grouped};
use crate::tui::Grid;
use display::Display;
use lines::Lines;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tweedie_tensor::Tensor;
use tweedie_train::{Config, Control, Event, Observer, Progress as Done, Task};

/// Between two reports, where neither pictures nor a checkpoint ask for one.
const REPORT_EVERY: Duration = Duration::from_secs(20);

/// Watches a run, and stops it when the user asks.
pub(super) struct Watch {
    display: Display,
    /// The lines of the run's metrics.
    lines: Lines,
    interrupt: Interrupt,
    out: PathBuf,
    report: Report,
    reported: Instant,
    /// The share of the run that is done.
    share: f64,
    /// The newest grid of samples.
    latest: Option<Vec<u8>>,
    /// What is being done that is no step, once it has been said.
    said: Option<Task>,
    /// The configuration with what follows from the data, once the run has begun.
    pub(super) config: Option<Config>,
    /// How long the run has trained, once this session has taken a step.
    pub(super) trained_for: Option<Duration>,
}

impl Watch {
    /// Watches the run in `out`, on the whole terminal if `tui`.
    pub(super) fn new(
        console: Console,
        interrupt: Interrupt,
        out: &Path,
        config: &Config,
        tui: bool,
    ) -> Watch {
        let report = Report {
            name: out.display().to_string(),
            parameters: 0,
            pictures: 0,
            goes_on: true,
            config: as_json(config),
        };
        Watch {
            display: Display::new(console, &interrupt, &report.name, tui),
            lines: Lines::of(&out.join("metrics.jsonl")),
            interrupt,
            out: out.to_path_buf(),
            report,
            reported: Instant::now(),
            share: 0.0,
            latest: None,
            said: None,
            config: None,
            trained_for: None,
        }
    }

    /// Takes the bar or the screen away; writes the last pictures and the report.
    pub(super) fn finish(mut self) -> Watch {
        self.display.finish();
        if let Some(png) = &self.latest {
            self.note(output::write(&self.samples().join("final.png"), png));
        }
        self.report.goes_on = false;
        if self.config.is_some() {
            self.write_report();
        }
        self
    }

    fn samples(&self) -> PathBuf {
        self.out.join("samples")
    }

    fn grid(&self, step: u64) -> PathBuf {
        self.samples().join(format!("step-{step:06}.png"))
    }

    fn paint(&mut self, step: u64, pictures: &Tensor<f32>, columns: usize) -> Result<()> {
        let pictures = Pictures::from_tensor(pictures)?;
        let png = grid_png(&pictures, columns)?;
        output::write(&self.grid(step), &png)?;
        self.display.painted(|| {
            let layout = Layout { columns, scale: 1, gutter: 1 };
            Grid::new(step, &layout.draw(&pictures), png.clone())
        });
        self.latest = Some(png);
        Ok(())
    }

    fn write_report(&mut self) {
        self.note(self.report.write(&self.out));
        self.reported = Instant::now();
    }

    /// A picture or a report that cannot be written is reported, and no reason to lose the run.
    fn note(&self, result: Result<()>) {
        if let Err(failure) = result {
            self.display.say(format!("{failure}"));
        }
    }

    fn step(&mut self, now: &Done) {
        self.trained_for = Some(now.elapsed);
        self.share = now.share;
        let new = self.lines.read();
        self.display.step(now, self.lines.all(), new);
        if self.reported.elapsed() >= REPORT_EVERY {
            self.write_report();
        }
    }
}

impl Observer for Watch {
    fn observe(&mut self, event: Event<'_>) -> Control {
        let before = self.said.take();
        match event {
            Event::Busy(task) => {
                self.said = Some(task);
                let (text, always) = match task {
                    Task::MeasuringPace => ("measuring this machine's pace", false),
                    Task::Validating => ("looking at pictures held out", false),
                    Task::Saving => ("saving", self.share >= 1.0),
                    Task::Painting => ("painting a grid", false),
                    Task::PaintingLast => ("painting the last grid", true),
                };
                self.display.busy(text, always && before != Some(task));
            }
            Event::Started { config, parameters, pictures, shape, held_out, notes, resumed_at } => {
                let what = describe(pictures, shape, config.data.classes.len());
                self.display.say(format!(
                    "{}: {what}; a network of {} parameters; into {}",
                    config.data.source,
                    grouped(parameters as u64),
                    self.out.display()
                ));
                if let Some((looked_at, of)) = held_out {
                    let of = grouped(of as u64);
                    self.display.say(format!("validation on {looked_at} of {of} pictures held out"));
                }
                notes.iter().for_each(|note| self.display.say(format!("note: {note}")));
                if let Some(step) = resumed_at {
                    self.display.say(format!("continuing after step {}", grouped(step)));
                }
                self.report = Report { parameters, pictures, config: as_json(config), ..self.report.clone() };
                self.config = Some(config.clone());
            }
            Event::Note(line) => self.display.say(format!("note: {line}")),
            Event::Step(now) => self.step(&now),
            Event::Sampled { step, pictures, columns } => {
                let painted = self.paint(step, pictures, columns);
                self.note(painted);
                self.write_report();
            }
            Event::Saved { .. } => self.write_report(),
        }
        match self.interrupt.asked() {
            true => Control::Stop,
            false if self.interrupt.takes_wish_to_save() => Control::Save,
            false if self.interrupt.takes_wish_to_paint() => Control::Paint,
            false => Control::Continue,
        }
    }

    fn has_grid(&self, step: u64, is_last: bool) -> bool {
        let grid = std::fs::read(self.grid(step));
        let is_the_last =
            || std::fs::read(self.samples().join("final.png")).ok() == grid.as_ref().ok().cloned();
        grid.is_ok() && (!is_last || is_the_last())
    }
}

/// The shape that a data set was brought to.
fn describe(pictures: usize, [channels, height, width]: [usize; 3], classes: usize) -> String {
    let classes = match classes {
        0 => String::new(),
        n => format!(", {}", counted_as(n, "class", "classes")),
    };
    format!("{} of {channels} x {height} x {width}{classes}", counted(pictures, "picture"))
}

/// Sections of keys; a configuration is plain data, and has this form.
fn as_json(config: &Config) -> serde_json::Value {
    serde_json::to_value(config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_written_as_they_are() {
        assert_eq!(describe(60_000, [1, 28, 28], 10), "60,000 pictures of 1 x 28 x 28, 10 classes");
        assert_eq!(describe(1, [3, 8, 16], 1), "1 picture of 3 x 8 x 16, 1 class");
    }
}
