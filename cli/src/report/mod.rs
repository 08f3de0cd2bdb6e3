//! A run as one page that needs nothing but itself: its figures, its pictures, its curves, its configuration.

mod axis;
mod chart;
mod document;
mod drawing;
pub(crate) mod network;
mod page;
pub(crate) mod plot;
mod ranks;

pub(crate) use chart::{Chart, Mark, Series};
pub(crate) use document::Document;
pub(crate) use drawing::Drawing;

use crate::error::Result;
use crate::progress::duration;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tweedie_train::{Measured, Metrics, files::write_whole, read_metrics};

/// Seconds after which the page of a run that has not ended loads itself again.
const LOOK_AGAIN: u32 = 30;

/// What a report tells of.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The name of the run.
    pub(crate) name: String,
    /// The network's parameters.
    pub(crate) parameters: usize,
    /// Pictures to learn from.
    pub(crate) pictures: usize,
    /// Whether there is more to come, so that the page looks again now and then.
    pub(crate) goes_on: bool,
    /// The configuration: sections of keys.
    pub(crate) config: Value,
}

/// A grid of samples, as a PNG file, and the step that it was painted after.
#[derive(Debug)]
struct Grid {
    step: u64,
    png: Vec<u8>,
}

impl Report {
    /// Writes `report.html` of the run directory from its `metrics.jsonl` and `samples/`.
    ///
    /// # Errors
    /// A file of the run that cannot be read or written.
    pub(crate) fn write(&self, run: &Path) -> Result<()> {
        let metrics = read_metrics(&run.join("metrics.jsonl"))?;
        let html = self.render(&metrics, &grids(&run.join("samples")));
        Ok(write_whole(&run.join("report.html"), html.as_bytes())?)
    }

    fn render(&self, metrics: &[Metrics], grids: &[Grid]) -> String {
        let mut body = format!(
            "<h1>{}</h1>\n<p class=\"sub\">a training run of tweedie</p>\n",
            page::escape(&self.name)
        );
        body.push_str(&page::facts(&self.facts(metrics)));
        if let Some((latest, earlier)) = grids.split_last() {
            body.push_str("<h2>Pictures</h2>\n");
            body.push_str(&page::picture(&latest.png, &format!("after step {}", latest.step), "latest"));
            if !earlier.is_empty() {
                body.push_str("<div class=\"grids\">\n");
                for grid in earlier {
                    body.push_str(&page::picture(&grid.png, &format!("after step {}", grid.step), ""));
                }
                body.push_str("</div>\n");
            }
        }
        body.push_str("<h2>Curves</h2>\n<div class=\"charts\">\n");
        body.extend(curves(metrics).iter().map(Chart::html));
        body.push_str("</div>\n");
        body.push_str(&ranks::section(metrics));
        body.push_str("<h2>Configuration</h2>\n");
        body.push_str(&page::tables(&self.config));
        page::page(&format!("{} · tweedie", self.name), self.goes_on.then_some(LOOK_AGAIN), &body)
    }

    fn facts(&self, metrics: &[Metrics]) -> Vec<(String, &'static str)> {
        let mut facts = vec![
            (grouped(self.parameters as u64), "parameters"),
            (grouped(self.pictures as u64), "pictures to learn from"),
        ];
        if let Some(last) = metrics.last() {
            let Measured { loss, images_per_second, rss_mib } = last.measured;
            facts.extend([(grouped(last.step), "steps"), (format!("{loss:.4}"), "loss, lately")]);
            if let Some(validation) = metrics.iter().rev().find_map(|line| line.validation) {
                facts.push((format!("{validation:.4}"), "loss on pictures held out"));
            }
            facts.extend([
                (format!("{images_per_second:.0}"), "pictures a second, lately"),
                (duration(Duration::try_from_secs_f64(last.seconds).unwrap_or_default()), "of training"),
                (format!("{} MiB", grouped(rss_mib)), "of memory"),
            ]);
        }
        facts
    }
}

/// What the metrics show over the steps, and over t.
pub(crate) fn curves(metrics: &[Metrics]) -> Vec<Chart> {
    let over = |f: fn(&Metrics) -> f64| -> Vec<(f64, f64)> {
        metrics.iter().map(|line| (line.step as f64, f(line))).collect()
    };
    let validation: Vec<(f64, f64)> =
        metrics.iter().filter_map(|line| Some((line.step as f64, line.validation?))).collect();
    let mut loss = Chart::over_steps("loss", true, over(|line| line.measured.loss));
    if !validation.is_empty() {
        loss.series[1].name = Some("training".to_string());
        loss.series.push(Series {
            name: Some("held out".to_string()),
            points: validation,
            ..Series::default()
        });
    }
    vec![
        loss,
        Chart {
            title: "squared error over t",
            across: "t / T",
            log: true,
            series: by_decile(metrics),
            ..Chart::default()
        },
        Chart::over_steps("gradient norm", true, over(|line| line.grad_norm)),
        Chart::over_steps("learning rate", false, over(|line| line.learning_rate)),
        Chart::over_steps("pictures a second", false, over(|line| line.measured.images_per_second)),
        Chart::over_steps("memory, MiB", false, over(|line| line.measured.rss_mib as f64)),
    ]
}

/// The mean squared error in each tenth of t: in the first tenth of the run, in its middle, and in its last tenth; and on
/// pictures held out, where that was measured last.
fn by_decile(metrics: &[Metrics]) -> Vec<Series> {
    let tenth = metrics.len().div_ceil(10);
    let half = metrics.len() / 2;
    let parts = [
        ("first tenth of the run", 0..tenth),
        ("middle", half.saturating_sub(tenth / 2)..(half + tenth.div_ceil(2)).min(metrics.len())),
        ("last tenth", metrics.len() - tenth..metrics.len()),
    ];
    let mean = |lines: &[Metrics], decile: usize| {
        let values: Vec<f64> = lines.iter().filter_map(|line| line.loss_by_decile[decile]).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let series = |name: &str, at: &dyn Fn(usize) -> Option<f64>| {
        let points = (0..10).filter_map(|d| Some(((d as f64 + 0.5) / 10.0, at(d)?))).collect();
        Series { name: Some(name.to_string()), points, ..Series::default() }
    };
    let mut all =
        parts.map(|(name, lines)| series(name, &|decile| mean(&metrics[lines.clone()], decile))).to_vec();
    if let Some(held_out) = metrics.iter().rev().find_map(|line| line.validation_by_decile) {
        all.push(series("held out, at last", &|decile| held_out[decile]));
    }
    all
}

/// The grids of a run: the step that each was painted after, and its file; the oldest first.
pub(crate) fn grid_files(samples: &Path) -> Vec<(u64, PathBuf)> {
    let files = std::fs::read_dir(samples).into_iter().flatten().flatten();
    let step = |name: &str| name.strip_prefix("step-")?.strip_suffix(".png")?.parse().ok();
    let mut grids: Vec<_> =
        files.filter_map(|file| Some((step(file.file_name().to_str()?)?, file.path()))).collect();
    grids.sort();
    grids
}

/// The grids of a run, oldest first. One that cannot be read is left out: a report is worth having without it.
fn grids(samples: &Path) -> Vec<Grid> {
    let read = |(step, file)| Some(Grid { step, png: std::fs::read(file).ok()? });
    grid_files(samples).into_iter().filter_map(read).collect()
}

/// A whole number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{Pictures, grid_png};
    use tweedie_tensor::Tensor;
    use tweedie_train::RankMetrics;

    fn metrics(lines: u64) -> Vec<Metrics> {
        (1..=lines)
            .map(|i| Metrics {
                step: i * 10,
                measured: Measured {
                    loss: 0.03 + 1.0 / i as f64 + 0.01 * ((i * 37 % 11) as f64),
                    images_per_second: 200.0 + (i % 9) as f64,
                    rss_mib: 900,
                },
                data_wait: 0.0,
                loss_by_decile: std::array::from_fn(|d| {
                    (d as u64 != i % 10).then(|| 1.0 / (d + 1) as f64 / i as f64)
                }),
                grad_norm: 0.3 + (i * 13 % 7) as f64 / 10.0,
                learning_rate: 1e-3 * (1.0 - i as f64 / lines as f64),
                seconds: i as f64,
                skipped: None,
                ranks: None,
                validation: (i % 20 == 0).then(|| 0.05 + 1.2 / i as f64),
                validation_by_decile: (i % 20 == 0).then_some([Some(0.5); 10]),
            })
            .collect()
    }

    fn report() -> Report {
        let config = serde_json::json!({ "data": { "source": "glyphs", "flips": false }, "train": { "batch": 64, "steps": null } });
        Report { name: "runs/glyphs".into(), parameters: 1_234_567, pictures: 60_000, goes_on: false, config }
    }

    #[test]
    fn a_page_holds_its_pictures_and_names_nothing_outside_itself() -> Result<()> {
        let folder = tempfile::tempdir().map_err(|e| crate::error::Failure::unprintable(&e))?;
        let samples = folder.path().join("samples");
        let pictures =
            Pictures::from_tensor(&Tensor::from_fn([20, 1, 28, 28], |i| (i % 29) as f32 / 14.0 - 1.0))?;
        let png = grid_png(&pictures, 10)?;
        std::fs::create_dir(&samples)
            .and_then(|()| std::fs::write(samples.join("final.png"), b"not read"))
            .and_then(|()| std::fs::write(samples.join("step-000100.png"), &png))
            .and_then(|()| std::fs::write(samples.join("step-000200.png"), &png))
            .map_err(|e| crate::error::Failure::unprintable(&e))?;
        let html = report().render(&metrics(500), &grids(&samples));
        assert_eq!(html.matches("data:image/png;base64,").count(), 2);
        assert_eq!(html.matches("<svg").count(), 6);
        assert!(html.contains("1,234,567") && html.contains("after step 200"));
        assert!(html.contains("held out, at last") && html.contains("loss on pictures held out"));
        assert!(!html.contains("http") && !html.contains("NaN"));
        if let Some(kept) = std::env::var_os("TWEEDIE_KEEP_REPORT") {
            let _ = std::fs::write(kept, html);
        }
        Ok(())
    }

    #[test]
    fn figures_are_those_of_the_last_line() {
        let lines = metrics(500);
        let facts = report().facts(&lines);
        let last = lines[499].measured;
        for (number, what) in [
            (format!("{:.4}", last.loss), "loss, lately"),
            (format!("{:.0}", last.images_per_second), "pictures a second, lately"),
            ("900 MiB".to_string(), "of memory"),
        ] {
            assert!(facts.contains(&(number, what)), "{facts:?}");
        }
    }

    #[test]
    fn the_page_of_a_run_that_goes_on_looks_again_and_nothing_is_drawn_that_was_not_measured() {
        let mut lines = metrics(50);
        for line in &mut lines {
            (line.validation, line.validation_by_decile) = (None, None);
        }
        let ended = report().render(&lines, &[]);
        assert!(!ended.contains("held out") && !ended.contains("http-equiv"));
        let goes_on = Report { goes_on: true, ..report() }.render(&lines, &[]);
        assert!(goes_on.contains("<meta http-equiv=\"refresh\" content=\"30\">"));
    }

    #[test]
    fn ranks_add_a_section_and_change_nothing_else() {
        let mut lines = metrics(50);
        let alone = report().render(&lines, &[]);
        let ranks = RankMetrics { size: 4, waiting: 0.25, slowest: 1, sent_mib_per_step: 8.0 };
        lines.iter_mut().for_each(|line| line.ranks = Some(ranks));
        let together = report().render(&lines, &[]);
        let section = ranks::section(&lines);
        assert!(!section.is_empty() && together.contains(&section));
        assert_eq!(together.replace(&section, ""), alone);
    }

    #[test]
    fn a_run_without_metrics_has_a_report() {
        for lines in [0, 1, 2] {
            let html = report().render(&metrics(lines), &[]);
            assert!(!html.contains("NaN") && html.ends_with("</html>\n"));
        }
    }

    #[test]
    fn thousands() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
