//! Pictures in a terminal.

use tweedie::tensor::Tensor;

/// Grey pictures \[n, 1, h, w\] with numbers from −1 to 1, side by side; a character is two pixels, one above the other.
pub(crate) fn show(pictures: &Tensor) {
    let [n, _, height, width] = pictures.dims() else { return };
    for row in (0..height / 2).map(|row| 2 * row) {
        let mut line = String::new();
        for i in 0..*n {
            for column in 0..*width {
                let mean = (pictures[[i, 0, row, column]] + pictures[[i, 0, row + 1, column]]) / 2.0;
                line.push([' ', '░', '▒', '▓', '█'][((mean + 1.0) * 2.5).clamp(0.0, 4.0) as usize]);
            }
            line += "  ";
        }
        println!("{line}");
    }
}
