//! How far a long piece of work is: a live bar on a terminal, a line now and then elsewhere.

use crate::console::Console;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Between two plain lines.
const INTERVAL: Duration = Duration::from_secs(10);
/// The bar counts in thousandths of the work.
const WHOLE: u64 = 1000;

/// A bar, or lines, or nothing.
pub(crate) struct Progress {
    console: Console,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Begins at nothing done.
    pub(crate) fn new(console: Console) -> Progress {
        let bar = console.is_live().then(|| {
            let bar = ProgressBar::with_draw_target(Some(WHOLE), ProgressDrawTarget::stderr_with_hz(10));
            // The template is a constant; were it wrong, the default bar would do.
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3}%  {wide_msg}") {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar
        });
        Progress { console, bar, last_line: Instant::now() }
    }

    /// Says that `share` of the work (0 to 1) is done. `text` is asked for only when it is shown.
    pub(crate) fn update(&mut self, share: f64, text: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text());
            bar.set_position((share.clamp(0.0, 1.0) * WHOLE as f64) as u64);
        } else if !self.console.quiet && self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            self.console.say(format!("{:3.0}%  {}", 100.0 * share.clamp(0.0, 1.0), text()));
        }
    }

    /// A line that stays, above the bar.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => self.console.say(line),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A time as people say it, in seconds, or in its two largest units.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s:02}s"),
        (h, m, _) => format!("{h}h {m:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let said = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!(said(0.4), "0s");
        assert_eq!(said(59.6), "1m 00s");
        assert_eq!(said(185.0), "3m 05s");
        assert_eq!(said(7260.0), "2h 01m");
    }
}
