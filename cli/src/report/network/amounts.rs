//! Amounts of a layer as people write them.

use tweedie_nn::trace::TracedLayer;
use tweedie_train::plan::readable_bytes;

/// A shape with its axes joined.
pub(crate) fn shape(dims: &[usize]) -> String {
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}

/// A number in three digits, in thousands, millions or more.
pub(crate) fn numbers(count: u64) -> String {
    const UNITS: [&str; 7] = ["", " k", " M", " G", " T", " P", " E"];
    let mut unit = 0;
    let mut number = count as f64;
    // What rounds to a thousand is one of the next unit.
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let digits = match number {
        _ if unit == 0 => 0,
        small if small < 9.995 => 2,
        small if small < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.digits$}{}", UNITS[unit])
}

/// Multiplications and additions; a dash for none.
pub(crate) fn flops(count: u64) -> String {
    if count == 0 { "–".to_string() } else { numbers(count) }
}

/// Bytes; a dash for none.
pub(crate) fn kept(bytes: u64) -> String {
    if bytes == 0 { "–".to_string() } else { readable_bytes(bytes) }
}

/// The kind of a layer, with the window of a convolution.
pub(crate) fn of_kind(layer: &TracedLayer) -> String {
    let window = layer.tensors.iter().find_map(|tensor| match tensor.shape[..] {
        [_, _, height, width] => Some(format!(" {height}×{width}")),
        _ => None,
    });
    format!("{}{}", layer.kind, window.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let counts = [0, 7, 999, 1000, 9_994, 9_996, 99_960, 999_499, 999_500, 35_746_307, 2_470_000_000];
        let expected =
            ["0", "7", "999", "1.00 k", "9.99 k", "10.0 k", "100 k", "999 k", "1.00 M", "35.7 M", "2.47 G"];
        assert_eq!(counts.map(numbers), expected);
        assert_eq!(
            (shape(&[3, 32, 32]), flops(0), kept(2048)),
            ("3×32×32".into(), "–".into(), "2.0 KiB".into())
        );
    }
}
