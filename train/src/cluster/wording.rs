//! Ranks in a sentence.

/// The most numbers that are named.
const MOST: usize = 8;

/// `rank 2 has`, `ranks 2, 5 have`; of many, the first ones.
pub(crate) fn named_with(ranks: &[usize], has: &str, have: &str) -> String {
    let mut numbers: Vec<String> = ranks.iter().take(MOST).map(ToString::to_string).collect();
    if ranks.len() > MOST {
        numbers.push(format!("and {} more", ranks.len() - MOST));
    }
    match ranks {
        [one] => format!("rank {one} {has}"),
        _ => format!("ranks {} {have}", numbers.join(", ")),
    }
}
