//! One picture over two logarithmic axes, as an SVG file of its own.

use super::axis::{Axis, label};
use std::fmt::{Display, Write};

pub(crate) const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 64.0;
pub(crate) const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 46.0;

const STYLE: &str = "text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-size: 15px; fill: #1f2328 } \
    .grid { stroke: #e3e5e8 } polyline { fill: none }";

/// What is written around a plot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    /// What the values across are, and those upwards.
    pub(crate) axes: [&'a str; 2],
    /// Style for what will stand in the frame.
    pub(crate) style: &'a str,
}

/// The frame, its ticks, and what is drawn into it.
#[derive(Debug)]
pub(crate) struct Plot {
    across: Axis,
    up: Axis,
    svg: String,
}

impl Plot {
    /// A frame wide and high enough for the values above 0.
    pub(crate) fn new(
        frame: Frame<'_>,
        across: impl Iterator<Item = f64>,
        up: impl Iterator<Item = f64>,
    ) -> Plot {
        let Frame { title, axes: [name_across, name_up], style } = frame;
        let [across, up] = [Axis::log(across), Axis::log(up)].map(|axis| axis.unwrap_or(Axis::DECADE));
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\">\n<style>{STYLE} {style}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>\n"
        );
        let mut plot = Plot { across, up, svg };
        let end = WIDTH - RIGHT;
        for tick in plot.up.ticks(6) {
            let y = plot.y(tick);
            plot.draw(format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 7.0,
                y + 4.0,
                label(tick)
            ));
        }
        for tick in plot.across.ticks(6) {
            plot.draw(format_args!(
                "<text text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                plot.x(tick),
                HEIGHT - BOTTOM + 17.0,
                label(tick)
            ));
        }
        plot.draw(format_args!(
            "<text text-anchor=\"end\" x=\"{end}\" y=\"{:.1}\">{name_across}</text>\
             <text x=\"{LEFT}\" y=\"{:.1}\">{name_up}</text>",
            HEIGHT - 10.0,
            TOP - 12.0
        ));
        plot
    }

    /// Where a value across stands; at an edge where it is beyond the axis.
    pub(crate) fn x(&self, value: f64) -> f64 {
        LEFT + self.across.place(value).unwrap_or(0.0).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// Where a value upwards stands; at an edge where it is beyond the axis.
    pub(crate) fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.up.place(value).unwrap_or(0.0).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    /// Adds an element.
    pub(crate) fn draw(&mut self, element: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.svg, "{element}");
    }

    /// Adds a line through places.
    pub(crate) fn line(&mut self, class: &str, places: impl IntoIterator<Item = (f64, f64)>) {
        let points: Vec<String> = places.into_iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.draw(format_args!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" ")));
    }

    /// The file.
    pub(crate) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}
