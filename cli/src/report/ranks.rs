//! What a report tells of the ranks of a run, where there are several.

use super::chart::{Chart, Mark, Series};
use super::page;
use std::collections::BTreeMap;
use tweedie_train::{Metrics, RankMetrics};

/// The section of the page; nothing for a run of one process.
pub(super) fn section(metrics: &[Metrics]) -> String {
    let lines: Vec<(&Metrics, RankMetrics)> =
        metrics.iter().filter_map(|line| Some((line, line.ranks?))).collect();
    let Some((_, last)) = lines.last() else { return String::new() };
    let facts = page::facts(&[
        (last.size.to_string(), "ranks, lately"),
        (format!("{:.0} %", 100.0 * last.waiting), "of the time waiting for one another, lately"),
        (format!("{:.1} MiB", last.sent_mib_per_step), "sent in a step by rank 0, lately"),
    ]);
    let charts: String = charts(&lines).iter().map(Chart::html).collect();
    format!("<h2>Ranks</h2>\n{facts}<div class=\"charts\" style=\"margin-top: .8rem\">\n{charts}</div>\n")
}

fn charts(lines: &[(&Metrics, RankMetrics)]) -> [Chart; 4] {
    let over_steps = |title, f: &dyn Fn(&Metrics, &RankMetrics) -> f64| {
        let points = lines.iter().map(|(line, ranks)| (line.step as f64, f(line, ranks))).collect();
        Chart::over_steps(title, false, points)
    };
    [
        over_steps("waiting for one another, % of the time", &|_, ranks| 100.0 * ranks.waiting),
        // Of each, so that ranks that come and go move no point of it as long as they are worth their place.
        over_steps("pictures a second, of each rank", &|line, ranks| {
            line.measured.images_per_second / ranks.size.max(1) as f64
        }),
        over_steps("sent in a step by rank 0, MiB", &|_, ranks| ranks.sent_mib_per_step),
        Chart {
            title: "the slowest rank, % of the time",
            across: "rank",
            series: vec![Series {
                mark: Mark::Bars,
                colour: Some(0),
                points: slowest(lines),
                ..Series::default()
            }],
            ..Chart::default()
        },
    ]
}

/// How often each rank was the slowest, in per cent of the lines.
fn slowest(lines: &[(&Metrics, RankMetrics)]) -> Vec<(f64, f64)> {
    let mut times = BTreeMap::new();
    for (_, ranks) in lines {
        // The axis goes from the first rank to the last, whether they ever were or not.
        times.entry(0).or_insert(0);
        times.entry(ranks.size.saturating_sub(1)).or_insert(0);
        *times.entry(ranks.slowest).or_insert(0) += 1;
    }
    let share = |times: usize| 100.0 * times as f64 / lines.len().max(1) as f64;
    times.into_iter().map(|(rank, times)| (rank as f64, share(times))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_train::Measured;

    /// So many lines of four ranks, the second half of three.
    fn metrics(lines: u64) -> Vec<Metrics> {
        let line = |i: u64| Metrics {
            step: 10 * i,
            measured: Measured { loss: 0.1, images_per_second: 400.0, rss_mib: 900 },
            data_wait: 0.0,
            loss_by_decile: [None; 10],
            grad_norm: 1.0,
            learning_rate: 1e-3,
            seconds: i as f64,
            skipped: None,
            ranks: Some(RankMetrics {
                size: if 2 * i <= lines { 4 } else { 3 },
                waiting: 0.1 + 0.01 * (i * 7 % 5) as f64,
                slowest: if i.is_multiple_of(4) { 0 } else { 2 },
                sent_mib_per_step: 12.34,
            }),
            validation: None,
            validation_by_decile: None,
        };
        (1..=lines).map(line).collect()
    }

    #[test]
    fn a_run_of_several_ranks_has_a_section_of_them_and_one_process_none() {
        let mut lines = metrics(40);
        let html = section(&lines);
        for fact in ["<b>3</b><span>ranks, lately", "<b>10 %</b><span>of the time waiting", "<b>12.3 MiB</b>"]
        {
            assert!(html.contains(fact), "{fact}: {html}");
        }
        assert_eq!((html.matches("<svg").count(), html.matches("<rect").count()), (4, 3), "{html}");
        assert!(!html.contains("NaN") && !html.contains("nothing measured"), "{html}");
        // A session that one process took, and one of a single line.
        lines[20..].iter_mut().for_each(|line| line.ranks = None);
        assert!(section(&lines).contains("<b>4</b><span>ranks, lately"));
        assert!(!section(&metrics(1)).contains("NaN"));
        lines.iter_mut().for_each(|line| line.ranks = None);
        assert_eq!((section(&lines), section(&[])), (String::new(), String::new()));
    }

    #[test]
    fn each_rank_has_its_share_of_the_lines() {
        let lines = metrics(40);
        let lines: Vec<(&Metrics, RankMetrics)> =
            lines.iter().filter_map(|line| Some((line, line.ranks?))).collect();
        assert_eq!(slowest(&lines), [(0.0, 25.0), (2.0, 75.0), (3.0, 0.0)]);
        let [waiting, pace, ..] = charts(&lines);
        let last = |chart: &Chart| chart.series[0].points.last().copied();
        assert_eq!(last(&pace).map(|(step, pace)| (step, pace.round())), Some((400.0, 133.0)));
        assert!(last(&waiting).is_some_and(|(_, share)| (share - 10.0).abs() < 1e-9));
    }
}
