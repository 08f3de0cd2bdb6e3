use super::Sinusoid;
use tweedie_tensor::{Element, Error, Tensor, ops};

/// The fixed embedding of the positions of a grid, row by row: \[`rows`·`columns`, `width`\], `width` a multiple of 4.
///
/// The first half of an embedding is of the column, the second of the row; a coordinate p is embedded as sin ω_i p, then
/// cos ω_i p, with ω_i = 10000^(−i / (`width`/4)) (Vaswani et al. 2017, section 3.5, once for each axis).
///
/// # Errors
/// None for lengths that fit into memory.
pub fn positions<T: Element>(rows: usize, columns: usize, width: usize) -> Result<Tensor<T>, Error> {
    let axis = Sinusoid {
        width: width / 2,
        flip_sin_to_cos: false,
        downscale_freq_shift: 0.0,
        max_period: 10_000.0,
    };
    let places = 0..rows * columns;
    let column: Vec<f64> = places.clone().map(|place| (place % columns) as f64).collect();
    let row: Vec<f64> = places.map(|place| (place / columns) as f64).collect();
    ops::concat(&[&axis.embed(&column), &axis.embed(&row)], 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_sines_and_cosines_of_column_and_row() {
        let got = positions::<f64>(3, 5, 8).unwrap();
        assert_eq!(got.dims(), [15, 8]);
        for (place, got) in got.as_slice().chunks(8).enumerate() {
            let (column, row) = ((place % 5) as f64, (place / 5) as f64);
            let slow = 0.01; // 10000^(−1/2)
            let expected = [
                column.sin(),
                (slow * column).sin(),
                column.cos(),
                (slow * column).cos(),
                row.sin(),
                (slow * row).sin(),
                row.cos(),
                (slow * row).cos(),
            ];
            for (got, expected) in got.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-12, "{got} is not {expected} at {place}");
            }
        }
    }
}
