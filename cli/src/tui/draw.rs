//! A run as it stands on the screen.

use super::halfblocks::{self, Depth};
use super::plot::losses;
use super::state::State;
use crate::console::plain;
use crate::progress::{bar, duration};
use crate::report::grouped;
use crate::sparkline::{Scale, sparkline};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};
use tweedie_train::Metrics;

/// From this many columns on there is room for pictures beside the curves.
const WIDE: u16 = 64;
/// From this many rows on there is room for more than the plainest figures.
const HIGH: u16 = 16;

const KEYS: [(&str, &str); 5] = [
    ("q", "stop: finish this step, save, paint the last grid, end"),
    ("s", "save a checkpoint after this step, and go on"),
    ("g", "paint a grid after this step, and go on"),
    ("?", "this help, and away with it"),
    ("Ctrl-C", "as q; twice: end at once, without saving"),
];

/// Draws the run; returns the place that is left free for pictures, if there are any and they are not painted with characters, for
/// which `depth` has the colours.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, help: bool, depth: Option<Depth>) -> Option<Rect> {
    let area = frame.area();
    let high = area.height >= HIGH;
    let figures = if high && area.width < 80 { 4 } else { 2 };
    let most = if area.height >= 30 {
        6
    } else if high {
        4
    } else {
        1
    };
    let newest = newest_rows(state, usize::from(area.width), most);
    let lines = newest.len().max(if high { 2 } else { 1 }) as u16;
    let [title, progress, body, figures_area, said, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(figures),
        Constraint::Length(lines),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_title(frame, title, state);
    draw_progress(frame, progress, state);
    let place = draw_body(frame, body, state, depth);
    draw_figures(frame, figures_area, state);
    let newest: Vec<Line<'_>> = newest.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(newest).style(Style::new().fg(Color::DarkGray)), said);
    draw_keys(frame, keys, state);
    if help {
        draw_help(frame, area, state);
    }
    place
}

/// The newest lines that were said, in rows of `width` columns, `most` of them at most; what is older goes first.
fn newest_rows(state: &State, width: usize, most: usize) -> Vec<String> {
    let said = state.newest(most).iter();
    let mut rows: Vec<String> = said.flat_map(|line| wrapped(&plain(line), width)).collect();
    rows.drain(..rows.len().saturating_sub(most));
    rows
}

/// A line in rows of `width` columns, broken between words; a word that is longer than a row is broken where the row ends.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut rows, mut row, mut length) = (Vec::new(), String::new(), 0);
    for word in line.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() <= width {
            row.push(' ');
            length += 1;
        } else if length > 0 {
            rows.push(std::mem::take(&mut row));
            length = 0;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            rows.push(std::mem::replace(&mut word, rest).into_iter().collect());
        }
        length += word.len();
        row.extend(word);
    }
    rows.push(row);
    rows
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let now = match (&state.busy, state.stopping) {
        (_, true) => Span::styled("stopping after this step", Style::new().fg(Color::Yellow)),
        (Some(busy), _) => Span::styled(busy.clone(), Style::new().fg(Color::Cyan)),
        (None, false) => Span::raw("training"),
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let line = Line::from(vec![
        Span::styled("tweedie ", bold),
        Span::raw(plain(&state.name).into_owned()),
        Span::raw("  "),
        now,
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_progress(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let total = state.total.map_or(String::new(), |total| format!(" of {}", grouped(total)));
    let forms = [
        format!(
            "{:.0}%  step {}{total}, loss {:.4}, {} left",
            100.0 * state.share,
            grouped(state.step),
            state.loss,
            duration(state.remaining)
        ),
        format!(
            "{:.0}%  {}, {:.4}, {}",
            100.0 * state.share,
            grouped(state.step),
            state.loss,
            duration(state.remaining)
        ),
    ];
    let width = usize::from(area.width);
    let fits = |form: &&String| form.chars().count() + 12 <= width;
    let text = forms.iter().find(fits).unwrap_or(&forms[1]);
    let length = width.saturating_sub(text.chars().count() + 1).min(40);
    let line = Line::from(vec![
        Span::styled(bar(state.share, length), Style::new().fg(Color::Green)),
        Span::raw(format!(" {text}")),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// The curves, and beside or below them the newest pictures.
fn draw_body(frame: &mut Frame<'_>, area: Rect, state: &State, depth: Option<Depth>) -> Option<Rect> {
    let Some(grid) = state.grid.as_deref().filter(|_| area.width >= WIDE && area.height >= 5) else {
        losses(frame, area, &state.metrics);
        return None;
    };
    // As wide as the pictures at this height, between a quarter and a half of the screen.
    let height = usize::from(area.height.saturating_sub(2));
    let (fitted, _) = grid.fitted(usize::from(area.width), 2 * height);
    let columns = (fitted as u16 + 2).clamp(area.width / 4, area.width / 2);
    let [curves, pictures] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(columns)]).areas(area);
    losses(frame, curves, &state.metrics);
    let block = Block::bordered()
        .border_style(Style::new().fg(Color::DarkGray))
        .title(format!(" after step {} ", grouped(grid.step)));
    let inner = block.inner(pictures);
    frame.render_widget(block, pictures);
    match depth {
        Some(depth) => {
            halfblocks::paint(grid, inner, depth, frame.buffer_mut());
            None
        }
        None => Some(inner),
    }
}

/// Pace, memory, gradient and learning rate, each with its curve.
fn draw_figures(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let of = |f: fn(&Metrics) -> f64| state.metrics.iter().map(f).collect::<Vec<f64>>();
    let pace = match state.images_per_second {
        slow if slow < 10.0 => format!("{slow:.1}"),
        fast => format!("{fast:.0}"),
    };
    let figures = [
        ("pictures/s", pace, sparks(of(|line| line.measured.images_per_second), Scale::Linear)),
        ("MiB", grouped(state.rss_mib), sparks(of(|line| line.measured.rss_mib as f64), Scale::Linear)),
        ("gradient", format!("{:.3}", state.grad_norm), sparks(of(|line| line.grad_norm), Scale::Log)),
        (
            "rate",
            format!("{:.2e}", state.learning_rate),
            sparks(of(|line| line.learning_rate), Scale::Linear),
        ),
    ];
    let two_columns = area.width >= 80;
    let shown = if two_columns { 4 } else { usize::from(area.height).min(4) };
    let columns = if two_columns { 2 } else { 1 };
    let width = area.width / columns;
    for (i, (name, value, sparks)) in figures.iter().take(shown).enumerate() {
        let (row, column) = ((i / usize::from(columns)) as u16, (i % usize::from(columns)) as u16);
        if row >= area.height {
            break;
        }
        let place = Rect::new(area.x + column * width, area.y + row, width, 1);
        let room = usize::from(width).saturating_sub(24);
        let line = Line::from(vec![
            Span::styled(format!("{name:<10} "), Style::new().fg(Color::DarkGray)),
            Span::raw(format!("{value:>10} ")),
            Span::styled(sparks(room), Style::new().fg(Color::Blue)),
        ]);
        frame.render_widget(Paragraph::new(line), place);
    }
}

/// A curve of the values, of whatever length.
fn sparks(values: Vec<f64>, scale: Scale) -> impl Fn(usize) -> String {
    move |columns| sparkline(&values, columns, scale)
}

fn draw_keys(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let paints = if state.paints { "  g grid" } else { "" };
    let text = format!("q stop after saving  s save{paints}  ? help");
    let line = Line::from(Span::styled(text, Style::new().add_modifier(Modifier::REVERSED)));
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_help(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let keys = KEYS.iter().filter(|(key, _)| *key != "g" || state.paints);
    let mut lines: Vec<Line<'_>> = keys.map(|(key, what)| Line::from(format!("{key:>6}  {what}"))).collect();
    lines.push(Line::from(""));
    lines.push(Line::from(format!("trained for {} so far", duration(state.elapsed))));
    let width = area.width.min(66);
    let height = area.height.min(lines.len() as u16 + 2);
    let place = Rect::new((area.width - width) / 2, area.height.saturating_sub(height) / 2, width, height);
    frame.render_widget(Clear, place);
    let block = Block::bordered().title(" keys ");
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), place);
}

#[cfg(test)]
mod tests {
    use super::super::state::Grid;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use std::sync::Arc;
    use std::time::Duration;
    use tweedie_train::Measured;

    fn metrics(lines: u64) -> Vec<Metrics> {
        (1..=lines)
            .map(|i| Metrics {
                step: i * 10,
                measured: Measured { loss: 1.0 / i as f64, images_per_second: 400.0, rss_mib: 900 },
                data_wait: 0.0,
                loss_by_decile: [None; 10],
                grad_norm: 0.3,
                learning_rate: 1e-3,
                seconds: i as f64,
                skipped: None,
                ranks: None,
                validation: (i % 5 == 0).then_some(1.1 / i as f64),
                validation_by_decile: None,
            })
            .collect()
    }

    fn state() -> State {
        let rgb = vec![[200, 30, 30]; 90 * 40];
        State {
            name: "runs/glyphs".into(),
            step: 1230,
            total: Some(5000),
            share: 0.246,
            loss: 0.0712,
            images_per_second: 412.0,
            rss_mib: 1_812,
            grad_norm: 0.5,
            learning_rate: 1e-3,
            elapsed: Duration::from_secs(60),
            remaining: Duration::from_secs(123),
            metrics: metrics(123),
            said: vec!["first".into(), "second \u{1b}[2J".into()],
            grid: Some(Arc::new(Grid { step: 1000, width: 90, height: 40, rgb, png: Vec::new() })),
            paints: true,
            ..State::default()
        }
    }

    fn shown(state: &State, [width, height]: [u16; 2], help: bool) -> (String, Option<Rect>) {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
        let mut place = None;
        let depth = Some(Depth::Indexed).filter(|_| !state.name.is_empty());
        let Ok(_) = terminal.draw(|frame| place = draw(frame, state, help, depth));
        (terminal.backend().to_string(), place)
    }

    #[test]
    fn all_that_matters_is_there_at_every_size() {
        for size in [[80, 24], [120, 40], [200, 60], [64, 16]] {
            let (text, place) = shown(&state(), size, false);
            for part in [
                "runs/glyphs",
                "1,230 of 5,000",
                "0.0712",
                "2m 03s",
                "412",
                "1,812",
                "q stop",
                "after step 1,000",
                "▀",
            ] {
                assert!(text.contains(part), "{part} at {size:?}:\n{text}");
            }
            assert!(text.contains("second \\u{1b}[2J") && !text.contains('\u{1b}') && place.is_none());
        }
        let (small, _) = shown(&state(), [40, 12], false);
        for part in ["runs/glyphs", "1,230", "0.0712", "2m 03s", "412", "1,812", "q stop"] {
            assert!(small.contains(part), "{part}:\n{small}");
        }
        assert!(!small.contains('▀'));
    }

    #[test]
    fn a_long_line_is_shown_whole_and_the_newest_line_always() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 3), [""]);
        let long = "batches of 16: there are fewer pictures than 64 in the folder, so that each step sees all of them";
        let state = State { said: vec!["older".into(), long.into(), "newest".into()], ..state() };
        let (text, _) = shown(&state, [80, 24], false);
        let joined = text.replace(['\n', '"', ' '], "");
        assert!(joined.contains(&long.replace(' ', "")) && text.contains("newest"), "{text}");
    }

    #[test]
    fn no_size_and_no_state_is_too_small() {
        for width in (1..90).step_by(4) {
            for height in 1..30 {
                for help in [false, true] {
                    shown(&state(), [width, height], help);
                    shown(&State::default(), [width, height], help);
                }
            }
        }
    }

    #[test]
    fn pictures_by_a_protocol_have_their_place_left_free() {
        let state = State { name: String::new(), ..state() };
        let (text, place) = shown(&state, [120, 40], false);
        assert!(!text.contains('▀') && place.is_some_and(|place| place.width > 20 && place.height > 10));
    }

    #[test]
    fn the_help_says_every_key_that_does_something() {
        let (text, _) = shown(&state(), [80, 24], true);
        assert!(KEYS.iter().all(|(key, _)| text.contains(key)) && text.contains("trained for 1m 00s"));
        let (without, _) = shown(&State { paints: false, ..state() }, [80, 24], true);
        assert!(!without.contains("paint a grid"));
    }
}
