//! A line chart as SVG, coloured by the style of the page or drawing that it stands in.

use super::axis::{Axis, label};
use super::page::{COLOURS, escape};
use std::fmt::Write;

pub(super) const WIDTH: f64 = 520.0;
pub(super) const HEIGHT: f64 = 220.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;
/// A curve is drawn through no more points than this; what lies between is averaged.
const POINTS: usize = 400;
/// The width of a bar, where the next one stands at 1.
const BAR: f64 = 0.7;

/// One curve.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    /// Its name in the legend; without one it is drawn faintly, as the ground of another.
    pub(crate) name: Option<String>,
    /// The number of its colour, if it shares one and is not in the legend.
    pub(crate) colour: Option<usize>,
    pub(crate) mark: Mark,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How the points of a curve are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mark {
    /// As a line through them.
    #[default]
    Line,
    /// As dots.
    Dots,
    /// As bars from 0 up, over whole numbers.
    Bars,
}

/// A chart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    /// What the horizontal axis counts.
    pub(crate) across: &'static str,
    /// Whether the horizontal axis is logarithmic.
    pub(crate) log_across: bool,
    /// Whether the vertical axis is logarithmic.
    pub(crate) log: bool,
    pub(crate) series: Vec<Series>,
}

impl Chart {
    /// What was measured over the steps of a run, and behind the curve, faintly, every value of it.
    pub(super) fn over_steps(title: &'static str, log: bool, points: Vec<(f64, f64)>) -> Chart {
        let named = Series { name: Some(title.to_string()), points: smooth(&points), ..Series::default() };
        let faint = Series { points, ..Series::default() };
        Chart { title, across: "step", log, series: vec![faint, named], ..Chart::default() }
    }

    /// The chart as a `<figure>`.
    pub(super) fn html(&self) -> String {
        let mut out = format!("<figure class=\"chart\"><figcaption>{}", escape(self.title));
        for (class, name) in self.key() {
            // Writing into a string does not fail, here and below.
            let _ = write!(out, "<span class=\"key {class}\">{}</span>", escape(name));
        }
        out.push_str("</figcaption>");
        match self.drawing() {
            Some(drawing) => {
                let _ = write!(
                    out,
                    "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{drawing}</svg>",
                    escape(self.title)
                );
            }
            None => out.push_str("<p class=\"none\">nothing measured yet</p>"),
        }
        out.push_str("</figure>\n");
        out
    }

    /// What the legend explains, where there is more than one curve: class and name.
    pub(super) fn key(&self) -> Vec<(String, &str)> {
        let named = || self.series.iter().filter_map(|series| series.name.as_deref());
        match named().nth(1) {
            Some(_) => named().enumerate().map(|(i, name)| (class(i), name)).collect(),
            None => Vec::new(),
        }
    }

    /// The inside of the chart's `<svg>`, [`WIDTH`] by [`HEIGHT`]; `None` where nothing has a place.
    pub(super) fn drawing(&self) -> Option<String> {
        let points = || self.series.iter().flat_map(|series| series.points.iter());
        let x_values = points().map(|p| p.0);
        let has_bars = self.series.iter().any(|series| series.mark == Mark::Bars);
        let x_axis = match (self.log_across, has_bars) {
            (true, _) => Axis::log(x_values)?,
            (false, true) => Axis::counted(x_values)?,
            (false, false) => Axis::span(x_values)?,
        };
        let y_values = points().map(|p| p.1);
        let y_axis = if self.log { Axis::log(y_values)? } else { Axis::linear(y_values)? };
        let x_at = |v: f64| x_axis.place(v).map(|p| LEFT + p * (WIDTH - LEFT - RIGHT));
        let y_at = |v: f64| y_axis.place(v).map(|p| HEIGHT - BOTTOM - p * (HEIGHT - TOP - BOTTOM));

        let mut out = String::new();
        for tick in y_axis.ticks(5) {
            let Some(y) = y_at(tick) else { continue };
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 3.5,
                label(tick)
            );
        }
        for tick in x_axis.ticks(5) {
            let Some(x) = x_at(tick) else { continue };
            let y = HEIGHT - BOTTOM + 15.0;
            let _ = write!(
                out,
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
                label(tick)
            );
        }
        let _ = write!(
            out,
            "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            HEIGHT - 4.0,
            escape(self.across)
        );
        let mut number = 0;
        for series in &self.series {
            let class = match (&series.name, series.colour) {
                (None, Some(colour)) => class(colour),
                (None, None) => "faint".to_string(),
                (Some(_), _) => {
                    number += 1;
                    class(number - 1)
                }
            };
            if series.mark == Mark::Bars {
                for &(x, y) in &series.points {
                    let (Some(left), Some(right)) = (x_at(x - BAR / 2.0), x_at(x + BAR / 2.0)) else {
                        continue;
                    };
                    let (Some(top), Some(bottom)) = (y_at(y), y_at(0.0)) else { continue };
                    let _ = write!(
                        out,
                        "<rect class=\"dot {class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                        right - left,
                        bottom - top
                    );
                }
                continue;
            }
            let places: Vec<(f64, f64)> =
                thin(&series.points).into_iter().filter_map(|(x, y)| Some((x_at(x)?, y_at(y)?))).collect();
            if series.mark == Mark::Dots || places.len() == 1 {
                let radius = if places.len() == 1 { 3.0 } else { 2.2 };
                for (x, y) in places {
                    let _ = write!(
                        out,
                        "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
                    );
                }
                continue;
            }
            let path: String = places.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
            let _ = write!(out, "<polyline class=\"{class}\" points=\"{}\"/>", path.trim_end());
        }
        Some(out)
    }
}

/// The style's class of the curve of this number: colours begin again where they are used up.
fn class(number: usize) -> String {
    format!("s{}", number % COLOURS.len())
}

/// At most [`POINTS`] points, each the mean of its neighbourhood.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> =
        points.iter().copied().filter(|p| p.0.is_finite() && p.1.is_finite()).collect();
    let each = finite.len().div_ceil(POINTS).max(1);
    finite
        .chunks(each)
        .map(|c| {
            (
                c.iter().map(|p| p.0).sum::<f64>() / c.len() as f64,
                c.iter().map(|p| p.1).sum::<f64>() / c.len() as f64,
            )
        })
        .collect()
}

/// The curve with each point replaced by the mean over a fiftieth of the curve around it.
fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let reach = points.len() / 100;
    let mean = |i: usize| {
        let around = &points[i.saturating_sub(reach)..(i + reach + 1).min(points.len())];
        around.iter().map(|p| p.1).sum::<f64>() / around.len() as f64
    };
    (0..points.len()).map(|i| (points[i].0, mean(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>, log: bool) -> String {
        Chart {
            title: "loss < 1",
            across: "step",
            log,
            series: vec![Series { name: Some("a".into()), points, ..Series::default() }],
            ..Chart::default()
        }
        .html()
    }

    #[test]
    fn a_chart_has_a_line_of_few_points() {
        let html = chart((0..10_000).map(|i| (f64::from(i), 1.0 / f64::from(i + 1))).collect(), true);
        let line = html.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        assert_eq!(line.split(' ').count(), POINTS);
        assert!(html.contains("loss &lt; 1") && !html.contains("NaN"));
    }

    #[test]
    fn one_point_is_a_dot_and_none_is_said() {
        assert!(chart(vec![(1.0, 2.0)], false).contains("<circle"));
        assert!(chart(vec![], false).contains("nothing measured yet"));
        assert!(chart(vec![(1.0, f64::NAN)], true).contains("nothing measured yet"));
    }

    #[test]
    fn bars_stand_on_zero_and_beside_one_another() {
        let points = vec![(0.0, 30.0), (1.0, 70.0), (2.0, 0.0)];
        let bars = Series { mark: Mark::Bars, points, ..Series::default() };
        let html = Chart { title: "shares", series: vec![bars], ..Chart::default() }.html();
        let numbers = |name: &str| -> Vec<f64> {
            let parts =
                html.split("<rect ").skip(1).filter_map(|bar| bar.split(&format!(" {name}=\"")).nth(1));
            parts.filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
        };
        let (x, y, width, height) = (numbers("x"), numbers("y"), numbers("width"), numbers("height"));
        assert!(x[0] > LEFT && x[0] + width[0] < x[1] && x[1] + width[1] < x[2], "{html}");
        assert!(x[2] + width[2] < WIDTH - RIGHT && height[2] == 0.0, "{html}");
        assert!(
            y.iter().zip(&height).all(|(y, height)| (y + height - HEIGHT + BOTTOM).abs() < 0.2),
            "{html}"
        );
        assert!((height[1] / height[0] - 7.0 / 3.0).abs() < 0.01, "{html}");
    }

    #[test]
    fn smoothing_keeps_a_straight_line_straight() {
        let line: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 2.0)).collect();
        assert_eq!(smooth(&line), line);
    }
}
