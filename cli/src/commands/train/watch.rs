//! What the user sees of a run while it trains: a bar, pictures, a report.

use crate::console::Console;
use crate::counted::{counted, counted_as};
use crate::error::Result;
use crate::interrupt::Interrupt;
use crate::output;
use crate::pictures::{Pictures, grid_png};
use crate::progress::{Progress, duration};
use crate::report::{Report, grouped};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tweedie_tensor::Tensor;
use tweedie_train::{Config, Control, Event, Observer, Progress as Done, RankMetrics, Task};

/// Between two reports, where neither pictures nor a checkpoint ask for one.
const REPORT_EVERY: Duration = Duration::from_secs(20);

/// Watches a run, and stops it when the user asks.
pub(super) struct Watch {
    progress: Progress,
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
    /// How long the run has trained, in words.
    pub(super) trained_for: Option<String>,
}

impl Watch {
    /// Watches the run in `out`.
    pub(super) fn new(console: Console, interrupt: Interrupt, out: &Path, config: &Config) -> Watch {
        let report = Report {
            name: out.display().to_string(),
            parameters: 0,
            pictures: 0,
            goes_on: true,
            config: as_json(config),
        };
        Watch {
            progress: Progress::new(console),
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

    /// Takes the bar away; writes the last pictures and the report.
    pub(super) fn finish(mut self) -> Watch {
        self.progress.finish();
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
        let png = grid_png(&Pictures::from_tensor(pictures)?, columns)?;
        output::write(&self.grid(step), &png)?;
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
            self.progress.say(format!("{failure}"));
        }
    }

    fn step(&mut self, now: &Done) {
        self.trained_for = Some(duration(now.elapsed));
        self.share = now.share;
        self.progress.update_forms(now.share, || forms(now));
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
                self.progress.busy(text, always && before != Some(task));
            }
            Event::Started { config, parameters, pictures, shape, held_out, notes, resumed_at } => {
                let what = describe(pictures, shape, config.data.classes.len());
                self.progress.say(format!(
                    "{}: {what}; a network of {} parameters; into {}",
                    config.data.source,
                    grouped(parameters as u64),
                    self.out.display()
                ));
                if let Some((looked_at, of)) = held_out {
                    let of = grouped(of as u64);
                    self.progress.say(format!("validation on {looked_at} of {of} pictures held out"));
                }
                notes.iter().for_each(|note| self.progress.say(format!("note: {note}")));
                if let Some(step) = resumed_at {
                    self.progress.say(format!("continuing after step {}", grouped(step)));
                }
                self.report = Report { parameters, pictures, config: as_json(config), ..self.report.clone() };
                self.config = Some(config.clone());
            }
            Event::Note(line) => self.progress.say(format!("note: {line}")),
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

/// How far a run is, in lines of less and less room. The memory and the time left stay the longest.
fn forms(now: &Done) -> Vec<String> {
    let (step, loss) = (grouped(now.step), format!("{:.4}", now.measured.loss));
    let pace = match now.measured.images_per_second {
        slow if slow < 10.0 => format!("{slow:.1}"),
        fast => format!("{fast:.0}"),
    };
    let (memory, left) = (grouped(now.measured.rss_mib), duration(now.remaining));
    let total =
        |between: &str| now.total.map_or(String::new(), |total| format!("{between}{}", grouped(total)));
    let (of, slash) = (total(" of "), total("/"));
    let [ranks, fewer_words, wait] = now.ranks.as_ref().map(waiting).unwrap_or_default();
    vec![
        format!("step {step}{of}, loss {loss}, {pace} pictures/s{ranks}, {memory} MiB, {left} left"),
        format!("{step}{slash}, loss {loss}, {pace} pictures/s{ranks}, {memory} MiB, {left} left"),
        format!("{step}{slash}, loss {loss}, {pace}/s{fewer_words}, {memory} MiB, {left}"),
        format!("{step}{slash}, loss {loss}, {pace}/s{wait}, {memory} MiB, {left}"),
        format!("{step}{slash}, loss {loss}, {pace}/s, {memory} MiB, {left}"),
        format!("{step}, loss {loss}, {pace}/s, {memory} MiB, {left}"),
        format!("{loss}, {pace}/s, {memory} MiB, {left}"),
        format!("{loss}, {memory} MiB, {left}"),
        format!("{loss}, {left}"),
        left,
    ]
}

/// How several ranks go together, in three lengths, each to stand after something else.
fn waiting(ranks: &RankMetrics) -> [String; 3] {
    let RankMetrics { size, slowest, .. } = ranks;
    let wait = format!("{:.0} %", 100.0 * ranks.waiting);
    [
        format!(", {size} ranks, {wait} waiting for rank {slowest}"),
        format!(", {size} ranks, {wait} for rank {slowest}"),
        format!(", {wait} waiting"),
    ]
}

/// Sections of keys; a configuration is plain data, and has this form.
fn as_json(config: &Config) -> serde_json::Value {
    serde_json::to_value(config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_train::Measured;

    /// A late line of a long run.
    fn late(ranks: Option<RankMetrics>) -> Vec<String> {
        let forms = forms(&Done {
            step: 123_456,
            total: Some(1_234_567),
            share: 0.1,
            measured: Measured { loss: 0.0712, images_per_second: 1234.5, rss_mib: 12_345 },
            ranks,
            grad_norm: 1.0,
            learning_rate: 1e-3,
            elapsed: Duration::from_secs(3600),
            remaining: Duration::from_secs(36_000),
        });
        assert!(forms.windows(2).all(|pair| pair[0].chars().count() >= pair[1].chars().count()), "{forms:?}");
        forms
    }

    /// The longest for which there is room in so many columns beside a short bar and the percentage.
    fn within(forms: &[String], columns: usize) -> &str {
        forms.iter().find(|form| form.chars().count() <= columns - 1 - 17).map_or("", String::as_str)
    }

    #[test]
    fn a_late_line_of_a_long_run_has_its_memory_in_eighty_columns() {
        let forms = late(None);
        assert_eq!(within(&forms, 80), "123,456/1,234,567, loss 0.0712, 1234/s, 12,345 MiB, 10h 00m");
        let whole = "step 123,456 of 1,234,567, loss 0.0712, 1234 pictures/s, 12,345 MiB, 10h 00m left";
        assert_eq!(forms[0], whole);
    }

    #[test]
    fn a_line_of_several_ranks_says_who_waits_for_whom_where_there_is_room() {
        let ranks = RankMetrics { size: 4, waiting: 0.123, slowest: 2, sent_mib_per_step: 1.0 };
        let forms = late(Some(ranks));
        let whole = "step 123,456 of 1,234,567, loss 0.0712, 1234 pictures/s, 4 ranks, 12 % waiting for rank 2, \
                     12,345 MiB, 10h 00m left";
        assert_eq!(forms[0], whole);
        let shorter = "123,456/1,234,567, loss 0.0712, 1234/s, 12 % waiting, 12,345 MiB, 10h 00m";
        assert_eq!(within(&forms, 95), shorter);
        assert_eq!(within(&forms, 80), within(&late(None), 80));
    }

    #[test]
    fn shapes_are_written_as_they_are() {
        assert_eq!(describe(60_000, [1, 28, 28], 10), "60,000 pictures of 1 x 28 x 28, 10 classes");
        assert_eq!(describe(1, [3, 8, 16], 1), "1 picture of 3 x 8 x 16, 1 class");
    }
}
