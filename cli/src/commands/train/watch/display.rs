//! Where a run is shown: on one line, on the whole terminal, or in plain lines.

use super::forms::{LossCurves, forms, live_forms, loss_curves};
use crate::console::Console;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::tui::{Grid, State, Tui};
use std::io::IsTerminal;
use std::sync::Arc;
use tweedie_train::{Metrics, Progress as Done};

/// A line, or a screen.
pub(super) enum Display {
    /// A bar on a terminal, else plain lines.
    Line(Progress, Console, LossCurves),
    Screen(Tui, Console),
}

impl Display {
    /// The screen if `tui` asks for it and there is a terminal to draw on; else a line, and a note of why.
    pub(super) fn new(console: Console, interrupt: &Interrupt, name: &str, tui: bool) -> Display {
        if tui {
            match start(name, interrupt) {
                Ok(tui) => return Display::Screen(tui, console),
                Err(why) => console.say(format!("note: --tui: {why}: lines instead")),
            }
        }
        Display::Line(Progress::new(console), console, LossCurves::default())
    }

    /// Shows that a step is done. `lines` are those of the metrics, and `new` whether there are some that were not shown.
    pub(super) fn step(&mut self, now: &Done, lines: &[Metrics], new: bool) {
        match self {
            Display::Line(progress, console, curves) => {
                if new && console.is_live() {
                    let losses: Vec<f64> = lines.iter().map(|line| line.measured.loss).collect();
                    *curves = loss_curves(&losses);
                }
                progress.update_forms(now.share, || match console.is_live() {
                    true => live_forms(now, curves),
                    false => forms(now),
                });
            }
            Display::Screen(tui, _) => tui.update(|state| {
                state.busy = None;
                (state.step, state.total, state.share) = (now.step, now.total, now.share);
                state.loss = now.measured.loss;
                state.images_per_second = now.measured.images_per_second;
                state.rss_mib = now.measured.rss_mib;
                (state.grad_norm, state.learning_rate) = (now.grad_norm, now.learning_rate);
                (state.elapsed, state.remaining) = (now.elapsed, now.remaining);
                state.paints = now.ranks.is_none();
                if new {
                    // A run that went back has fewer lines than before.
                    let known = state.metrics.len();
                    match lines.get(..known) == Some(&state.metrics[..]) {
                        true => state.metrics.extend_from_slice(&lines[known..]),
                        false => state.metrics = lines.to_vec(),
                    }
                }
            }),
        }
    }

    /// Shows what is being done while nothing can be counted: if `always`, in plain lines, too.
    pub(super) fn busy(&self, text: &str, always: bool) {
        match self {
            Display::Line(progress, ..) => progress.busy(text, always),
            Display::Screen(tui, _) => tui.update(|state| state.busy = Some(text.to_string())),
        }
    }

    /// A line that stays.
    pub(super) fn say(&self, line: impl AsRef<str>) {
        match self {
            Display::Line(progress, ..) => progress.say(line),
            Display::Screen(tui, _) => tui.update(|state| state.said.push(line.as_ref().to_string())),
        }
    }

    /// Shows pictures, where they can be shown.
    pub(super) fn painted(&self, grid: impl FnOnce() -> Grid) {
        if let Display::Screen(tui, _) = self {
            let grid = Arc::new(grid());
            tui.update(|state| state.grid = Some(grid));
        }
    }

    /// Takes the bar or the screen away. What was said on a screen is said again where it stays.
    pub(super) fn finish(&mut self) {
        match self {
            Display::Line(progress, ..) => progress.finish(),
            Display::Screen(tui, console) => {
                let console = *console;
                tui.finish().iter().for_each(|line| console.say(line));
            }
        }
    }
}

/// The screen, or why there is none.
fn start(name: &str, interrupt: &Interrupt) -> Result<Tui, String> {
    if !std::io::stderr().is_terminal() {
        return Err("stderr is no terminal".to_string());
    }
    if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        return Err("the terminal (TERM=dumb) cannot be drawn on".to_string());
    }
    let state = State { name: name.to_string(), paints: true, ..State::default() };
    Tui::start(state, interrupt.clone()).map_err(|error| format!("the terminal cannot be drawn on ({error})"))
}
