//! How far a long piece of work is: a live bar on a terminal, a line now and then elsewhere.

use crate::console::{Console, plain};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Between two plain lines.
const INTERVAL: Duration = Duration::from_secs(10);
/// The bar counts in thousandths of the work.
const WHOLE: u64 = 1000;
/// Between two drawings of a bar whose work says nothing: it follows the terminal's width.
const TICK: Duration = Duration::from_millis(500);
/// From this many columns on a terminal is wide, and has the longer bar.
const WIDE: usize = 100;
/// The length of the bar on a wide and on another terminal.
const BARS: [usize; 2] = [24, 10];
/// What a terminal that does not tell its width is taken for.
const USUAL_WIDTH: usize = 80;

/// A text in several lengths, the longest first. A terminal shows the longest that fits.
type Forms = Vec<String>;

/// A bar, or lines, or nothing.
pub(crate) struct Progress {
    console: Console,
    bar: Option<ProgressBar>,
    forms: Arc<Mutex<Forms>>,
    last_line: Instant,
}

impl Progress {
    /// Begins at nothing done.
    pub(crate) fn new(console: Console) -> Progress {
        let forms = Arc::new(Mutex::new(Forms::new()));
        let bar = console.is_live().then(|| {
            let bar = ProgressBar::with_draw_target(Some(WHOLE), ProgressDrawTarget::stderr_with_hz(10));
            let drawn_forms = Arc::clone(&forms);
            let draw = move |state: &ProgressState, to: &mut dyn Write| {
                let forms = drawn_forms.lock().map(|forms| forms.clone()).unwrap_or_default();
                let share = state.pos() as f64 / WHOLE as f64;
                // Writing into a string does not fail. The last column stays free: some terminals break the line there.
                let _ = to.write_str(&fitted(share, &forms, width().saturating_sub(1)));
            };
            // The template is a constant; were it wrong, the default bar would do.
            if let Ok(style) = ProgressStyle::with_template("{line}") {
                bar.set_style(style.with_key("line", draw));
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Progress { console, bar, forms, last_line: Instant::now() }
    }

    /// Shows that `share` of the work (0 to 1) is done. `text` is called only when its text is shown.
    pub(crate) fn update(&mut self, share: f64, text: impl FnOnce() -> String) {
        self.update_forms(share, || vec![text()]);
    }

    /// [`Progress::update`] with a text in several lengths, the longest first.
    pub(crate) fn update_forms(&mut self, share: f64, forms: impl FnOnce() -> Vec<String>) {
        if let Some(bar) = &self.bar {
            if let Ok(mut drawn_forms) = self.forms.lock() {
                *drawn_forms = forms();
            }
            bar.set_position((share.clamp(0.0, 1.0) * WHOLE as f64) as u64);
        } else if !self.console.quiet && self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            let text = forms().into_iter().next().unwrap_or_default();
            self.console.say(format!("{:3.0}%  {text}", 100.0 * share.clamp(0.0, 1.0)));
        }
    }

    /// Shows what is being done while nothing can be counted: in the bar, or if `always`, as a line where there is no bar.
    pub(crate) fn busy(&self, text: &str, always: bool) {
        match &self.bar {
            Some(bar) => {
                if let Ok(mut drawn_forms) = self.forms.lock() {
                    *drawn_forms = vec![text.to_string()];
                }
                bar.tick();
            }
            None if always => self.console.say(text),
            None => {}
        }
    }

    /// A line that stays, above the bar.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        match &self.bar {
            Some(bar) => bar.println(plain(line.as_ref())),
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

/// The terminal's width now.
fn width() -> usize {
    ::console::Term::stderr().size_checked().map_or(USUAL_WIDTH, |(_, columns)| usize::from(columns))
}

/// A bar, the percentage and the longest text for which there is room in `width` columns. The bar goes before the shortest
/// text does; only where that does not fit alone is it cut.
fn fitted(share: f64, forms: &[String], width: usize) -> String {
    let percent = format!("{:>3.0}%  ", 100.0 * share);
    let bar = bar(share, BARS[usize::from(width < WIDE)]) + " ";
    let rooms = [bar + &percent, percent].map(|head| (width.saturating_sub(head.chars().count()), head));
    let fits = |(room, head): &(usize, String)| {
        let form = forms.iter().find(|form| form.chars().count() <= *room)?;
        Some(format!("{head}{form}"))
    };
    rooms.iter().find_map(fits).unwrap_or_else(|| {
        let whole = rooms[1].1.clone() + forms.last().map_or("", String::as_str);
        let cut = whole.chars().count() > width;
        let kept = if cut { width.saturating_sub(1) } else { width };
        whole.chars().take(kept).chain((cut && width > 0).then_some('…')).collect()
    })
}

/// A bar of `length` columns.
pub(crate) fn bar(share: f64, length: usize) -> String {
    let filled = ((share.clamp(0.0, 1.0) * length as f64) as usize).min(length);
    let tip = usize::from(filled < length && filled > 0);
    "━".repeat(filled - tip) + &"╸".repeat(tip) + &"─".repeat(length - filled)
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
        let text = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!(text(0.4), "0s");
        assert_eq!(text(59.6), "1m 00s");
        assert_eq!(text(185.0), "3m 05s");
        assert_eq!(text(7260.0), "2h 01m");
    }

    #[test]
    fn a_line_never_leaves_the_terminal_and_is_not_cut_where_a_shorter_one_fits() {
        let forms: Vec<String> = [60, 40, 12].map(|length| "x".repeat(length)).to_vec();
        for width in 0..120 {
            let line = fitted(0.5, &forms, width);
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert_eq!(line.contains('…'), (1..18).contains(&width), "{width}: {line}");
        }
        let length = |width| fitted(0.5, &forms, width).matches('x').count();
        assert_eq!([17, 18, 29, 56, 57, 76, 77].map(length), [10, 12, 12, 12, 40, 40, 60]);
        assert!(fitted(0.5, &forms, 100).starts_with("━━━━━━━━━━━╸────────────  50%  x"));
        assert_eq!(bar(1.0, 3), "━━━");
    }
}
