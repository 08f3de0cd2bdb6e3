//! The routes of the networks' own layers, and of the corners between them.

use super::*;
use Direction::{Forward, GradInput, GradWeight};

fn geometry(
    channels: [usize; 2],
    plane: [usize; 2],
    taps: [usize; 2],
    stride: usize,
    [top, bottom, left, right]: [usize; 4],
) -> Geometry {
    let padded = [plane[0] + top + bottom, plane[1] + left + right];
    Geometry {
        samples: 2,
        channels_in: channels[0],
        channels_out: channels[1],
        plane,
        places: [0, 1].map(|axis| (padded[axis] - taps[axis]) / stride + 1),
        taps,
        stride,
        before: [top, left],
    }
}

/// What the route is called in the tables below.
fn name(g: &Geometry, direction: Direction) -> &'static str {
    match Route::of(g, direction) {
        Route::Winograd => "Winograd",
        Route::FewChannels(_, ConvolveMethod::FromFew) => "from few",
        Route::FewChannels(_, ConvolveMethod::ToFew) => "to few",
        Route::FewChannels(_, ConvolveMethod::ToFewWinograd) => "to few, Winograd",
        Route::FewChannelsWeights { method: GradWeightMethod::Direct, few_in: true, .. } => "few in",
        Route::FewChannelsWeights { method: GradWeightMethod::Direct, few_in: false, .. } => "few out",
        Route::FewChannelsWeights { method: GradWeightMethod::Winograd, few_in: true, .. } => {
            "few in, Winograd"
        }
        Route::FewChannelsWeights { method: GradWeightMethod::Winograd, few_in: false, .. } => {
            "few out, Winograd"
        }
        Route::Product => "product",
        Route::ProductTransposed => "transposed",
    }
}

fn names(g: &Geometry) -> [&'static str; 3] {
    [Forward, GradInput, GradWeight].map(|direction| name(g, direction))
}

#[test]
fn the_layers_of_networks() {
    // [channels in, channels out], size, window, stride: forward, gradient of the input, gradient of the weights.
    let table = [
        // First and last layers.
        ([1, 32], 28, 3, 1, ["from few", "to few", "few in"]),
        ([32, 1], 28, 3, 1, ["to few", "from few", "few out"]),
        ([3, 64], 32, 3, 1, ["from few", "to few, Winograd", "few in, Winograd"]),
        ([128, 3], 32, 3, 1, ["to few, Winograd", "from few", "few out, Winograd"]),
        ([3, 64], 64, 3, 1, ["from few", "to few", "product"]),
        ([64, 3], 64, 3, 1, ["to few", "from few", "transposed"]),
        // Blocks, from 4 × 4 on.
        ([32, 32], 28, 3, 1, ["Winograd"; 3]),
        ([64, 64], 14, 3, 1, ["Winograd"; 3]),
        ([128, 64], 7, 3, 1, ["Winograd"; 3]),
        ([512, 256], 8, 3, 1, ["Winograd"; 3]),
        ([256, 256], 4, 3, 1, ["Winograd"; 3]),
        // Downsampling.
        ([64, 64], 28, 3, 2, ["Winograd"; 3]),
        ([128, 128], 32, 3, 2, ["Winograd"; 3]),
        // Skips and attention's projections.
        ([96, 64], 14, 1, 1, ["product", "product", "transposed"]),
        ([64, 96], 14, 1, 1, ["product", "product", "product"]),
        ([64, 64], 14, 1, 1, ["product", "product", "product"]),
        ([256, 128], 32, 1, 1, ["product", "product", "transposed"]),
        // Patches of a transformer.
        ([1, 64], 28, 4, 4, ["product"; 3]),
        ([3, 192], 32, 2, 2, ["product"; 3]),
    ];
    for (channels, size, window, stride, expected) in table {
        let before = if stride == window { 0 } else { window / 2 };
        let g = geometry(channels, [size; 2], [window; 2], stride, [before; 4]);
        assert_eq!(names(&g), expected, "{channels:?}, {size}, window {window}, stride {stride}");
    }
}

#[test]
fn the_corners_between_routes() {
    let table: [(&str, Geometry, [&str; 3]); 18] = [
        (
            "four channels are few",
            geometry([4, 40], [14; 2], [3; 2], 1, [1; 4]),
            ["from few", "to few, Winograd", "product"],
        ),
        ("five are not", geometry([5, 40], [14; 2], [3; 2], 1, [1; 4]), ["product"; 3]),
        (
            "few on both sides",
            geometry([3, 3], [32; 2], [3; 2], 1, [1; 4]),
            ["to few, Winograd", "to few, Winograd", "few in, Winograd"],
        ),
        ("one on both sides", geometry([1, 1], [32; 2], [3; 2], 1, [1; 4]), ["to few", "to few", "few in"]),
        ("64 places", geometry([1, 32], [8; 2], [3; 2], 1, [1; 4]), ["from few", "to few", "few in"]),
        ("49 places", geometry([1, 32], [7; 2], [3; 2], 1, [1; 4]), ["product"; 3]),
        (
            "fours of lines far beyond nine",
            geometry([3, 32], [9; 2], [3; 2], 1, [1; 4]),
            ["from few", "to few", "product"],
        ),
        (
            "fours of lines hardly beyond ten",
            geometry([3, 32], [10; 2], [3; 2], 1, [1; 4]),
            ["from few", "to few, Winograd", "product"],
        ),
        (
            "lines that lose their ends",
            geometry([32, 1], [14; 2], [3; 2], 1, [0; 4]),
            ["product", "from few", "few out"],
        ),
        (
            "padding beyond the window",
            geometry([1, 32], [14; 2], [1; 2], 1, [1; 4]),
            ["from few", "product", "few in"],
        ),
        ("a window 17 wide", geometry([1, 32], [32; 2], [1, 17], 1, [0, 0, 8, 8]), ["product"; 3]),
        (
            "15 channels are too few for Winograd",
            geometry([16, 15], [14; 2], [3; 2], 1, [1; 4]),
            ["product", "product", "transposed"],
        ),
        (
            "a window of five",
            geometry([48, 40], [14; 2], [5; 2], 1, [2; 4]),
            ["product", "product", "transposed"],
        ),
        (
            "a window of five that shrinks the picture",
            geometry([48, 40], [14; 2], [5; 2], 1, [0; 4]),
            ["product"; 3],
        ),
        (
            "padding as diffusers' downsampling has it",
            geometry([32, 32], [32; 2], [3; 2], 2, [0, 1, 0, 1]),
            ["Winograd"; 3],
        ),
        ("paddings odd and even", geometry([32, 32], [32; 2], [3; 2], 2, [0, 1, 1, 0]), ["product"; 3]),
        ("stride 3", geometry([48, 32], [28; 2], [3; 2], 3, [1; 4]), ["product"; 3]),
        ("few channels with stride 2", geometry([3, 48], [32; 2], [3; 2], 2, [1; 4]), ["product"; 3]),
    ];
    for (corner, g, expected) in table {
        assert_eq!(names(&g), expected, "{corner}: {g:?}");
    }
}

#[test]
fn no_route_depends_on_the_number_of_samples() {
    for channels in [[1, 32], [32, 1], [32, 32], [48, 8], [3, 64]] {
        for (size, stride) in [(4, 1), (14, 1), (28, 1), (28, 2)] {
            let mut g = geometry(channels, [size; 2], [3; 2], stride, [1; 4]);
            let of_two = names(&g);
            for samples in [1, 3, 500] {
                g.samples = samples;
                assert_eq!(names(&g), of_two, "{channels:?}, {size}, stride {stride}");
            }
        }
    }
}
