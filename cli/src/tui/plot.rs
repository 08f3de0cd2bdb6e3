//! The losses of a run as a chart.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};
use tweedie_train::Metrics;

/// Points of a curve that are drawn; what lies between is averaged.
const POINTS: usize = 240;

/// Draws training and validation loss over the steps, by their logarithms.
pub(super) fn losses(frame: &mut Frame<'_>, area: Rect, metrics: &[Metrics]) {
    let logs = |of: &dyn Fn(&Metrics) -> Option<f64>| -> Vec<(f64, f64)> {
        let points = metrics.iter().filter_map(|line| Some((line.step as f64, of(line)?)));
        thinned(points.filter(|(_, loss)| *loss > 0.0).map(|(step, loss)| (step, loss.log10())).collect())
    };
    let training = logs(&|line| Some(line.measured.loss));
    let held_out = logs(&|line| line.validation);
    let title = if held_out.is_empty() { " loss " } else { " loss: training (blue), held out (orange) " };
    let block = Block::bordered().border_style(Style::new().fg(Color::DarkGray)).title(title);
    let all = || training.iter().chain(&held_out);
    let (Some(left), Some(right)) =
        (all().map(|p| p.0).reduce(f64::min), all().map(|p| p.0).reduce(f64::max))
    else {
        return frame
            .render_widget(Paragraph::new("the first line of metrics is to come").block(block), area);
    };
    let (low, high) = (
        all().map(|p| p.1).fold(f64::INFINITY, f64::min),
        all().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max),
    );
    // A flat curve is seen to be flat: at least a fifth of a power of ten.
    let spare = (0.2 - (high - low)).max(0.0) / 2.0;
    let (low, high) = (low - spare, high + spare);
    let right = if right > left { right } else { left + 1.0 };
    let curve = |points, colour| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(colour))
            .data(points)
    };
    let rows = usize::from(area.height).saturating_sub(4);
    let levels = if rows >= 8 { 4 } else { 2 };
    let labels = (0..=levels).map(|i| {
        let level = 10f64.powf(low + (high - low) * f64::from(i) / f64::from(levels));
        Line::from(if level < 0.001 { format!("{level:.0e}") } else { format!("{level:.3}") })
    });
    let soft = Style::new().fg(Color::DarkGray);
    let across = [left, (left + right) / 2.0, right].map(|step| Line::from(format!("{step:.0}")));
    let chart = Chart::new(vec![curve(&training, Color::Blue), curve(&held_out, Color::Rgb(217, 119, 6))])
        .block(block)
        .x_axis(Axis::default().style(soft).bounds([left, right]).labels(across))
        .y_axis(Axis::default().style(soft).bounds([low, high]).labels(labels));
    frame.render_widget(chart, area);
}

/// At most so many points, each the mean of its share.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points;
    }
    let share = |i: usize| &points[i * points.len() / POINTS..(i + 1) * points.len() / POINTS];
    let mean = |part: &[(f64, f64)]| {
        let count = part.len() as f64;
        let sum = part.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / count, sum.1 / count)
    };
    (0..POINTS).map(|i| mean(share(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_mean() {
        let points: Vec<(f64, f64)> = (0..2400).map(|i| (f64::from(i), f64::from(i % 10))).collect();
        let thin = thinned(points);
        assert_eq!((thin.len(), thin[0], thin[239]), (240, (4.5, 4.5), (2394.5, 4.5)));
    }
}
