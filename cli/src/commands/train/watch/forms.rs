//! How far a run is, on one line.

use crate::progress::duration;
use crate::report::grouped;
use crate::sparkline::{Scale, sparkline};
use tweedie_train::{Progress as Done, RankMetrics};

/// Columns of the curve of the loss, where there is much room and where there is little.
const CURVES: [usize; 2] = [16, 8];

/// How far a run is, in lines of less and less room. The memory and the time left stay the longest.
pub(super) fn forms(now: &Done) -> Vec<String> {
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

/// The curve of the losses in two lengths, the longer first; nothing before there is a curve.
pub(super) type LossCurves = [String; 2];

/// The curve of the losses so far.
pub(super) fn loss_curves(losses: &[f64]) -> LossCurves {
    CURVES
        .map(|columns| if losses.len() < 2 { String::new() } else { sparkline(losses, columns, Scale::Log) })
}

/// The same for a terminal, with the curve of the losses where there is room for it beside everything else.
pub(super) fn live_forms(now: &Done, curves: &LossCurves) -> Vec<String> {
    let plain = forms(now);
    let loss = format!("{:.4}", now.measured.loss);
    let with = |form: &String, curve: &str| form.replacen(&loss, &format!("{loss} {curve}"), 1);
    // Words go before the curve does, figures after it.
    let figures = plain.iter().filter(|form| form.contains('/')).take(5);
    let mut all: Vec<String> = match curves[0].is_empty() {
        true => Vec::new(),
        false => figures.flat_map(|form| curves.iter().map(move |curve| with(form, curve))).collect(),
    };
    all.extend(plain);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
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
    fn a_terminal_has_the_curve_of_the_loss_where_there_is_room() {
        let now = Done {
            step: 1234,
            total: Some(5000),
            share: 0.25,
            measured: Measured { loss: 0.0712, images_per_second: 412.0, rss_mib: 812 },
            ranks: None,
            grad_norm: 1.0,
            learning_rate: 1e-3,
            elapsed: Duration::from_secs(60),
            remaining: Duration::from_secs(123),
        };
        let falling: Vec<f64> = (0..8).map(|i| 2f64.powi(-i)).collect();
        let forms = live_forms(&now, &loss_curves(&falling));
        assert_eq!(within(&forms, 80), "1,234/5,000, loss 0.0712 █▇▆▅▄▃▂▁, 412/s, 812 MiB, 2m 03s");
        let wide = "step 1,234 of 5,000, loss 0.0712 █▇▆▅▄▃▂▁, 412 pictures/s, 812 MiB, 2m 03s left";
        assert_eq!(within(&forms, 120), wide);
        assert_eq!(within(&forms, 60), "1,234, loss 0.0712, 412/s, 812 MiB, 2m 03s");
        assert!(!live_forms(&now, &loss_curves(&falling[..1])).iter().any(|form| form.contains('▅')));
    }
}
