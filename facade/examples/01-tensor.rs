//! Tensors: written out, combined, summed; memory that is shared until it is written; shapes that are checked; random
//! numbers without a state.

use std::error::Error;
use tweedie::prelude::*;
use tweedie::tensor::ops;

fn main() -> Result<(), Box<dyn Error>> {
    // A tensor is a shape, and its numbers row by row.
    let a = Tensor::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    println!("a, of shape {}:\n{a}\n", a.shape());

    // Arithmetic is number by number. Axes are aligned at the end; those of length 1, or missing, stretch.
    let row = Tensor::from([10.0f32, 20.0, 30.0]);
    let sum = 2.0 * &a + &row;
    println!("2 a + {row}:\n{sum}\n");
    assert_eq!(sum.as_slice(), [12.0, 24.0, 36.0, 18.0, 30.0, 42.0]);

    // A product of matrices. Methods that can refuse their operands return a Result; operators panic instead.
    let gram = a.matmul(&a.t()?)?;
    println!("a aᵀ:\n{gram}\n");
    assert_eq!(gram.as_slice(), [14.0, 32.0, 32.0, 77.0]);
    let error = a.matmul(&a).unwrap_err();
    println!("a a is refused: {error}\n");

    // softmax in the words of its formula, and as the kernel that networks run.
    let exp = a.exp();
    let by_hand = &exp / &exp.sum_axis(1)?.reshape([2, 1])?;
    let kernel = ops::softmax(a.clone())?;
    println!("softmax of each row:\n{by_hand:.4}\n");
    assert!((by_hand - kernel).abs().sum() < 1e-6);

    // A clone shares the memory. Whoever writes takes a copy first, unless it is the only owner.
    let mut b = a.clone();
    assert!(!b.is_unique());
    b[[0, 0]] = 100.0;
    assert!(a.is_unique() && b.is_unique());
    println!("b, written, is {}; a still is {}\n", b[[0, 0]], a[[0, 0]]);
    assert_eq!(a[[0, 0]], 1.0);

    // A draw is a function of (seed, purpose, step, sample). Samples 2 and 3 of four are what samples 2 and 3 alone are, so
    // that nothing depends on how a batch is cut, or on which thread draws.
    let purpose = Purpose::new(128); // numbers from 128 on are a program's own
    let all: Tensor = random::normal([4, 250_000], 7, purpose, 0, 0);
    let last_two: Tensor = random::normal([2, 250_000], 7, purpose, 0, 2);
    assert_eq!(all.narrow(0, 2, 2)?.as_slice(), last_two.as_slice());
    println!("a million normals: mean {:+.4}, variance {:.4}", all.mean(), all.square().mean());
    assert!(all.mean().abs() < 5e-3 && (all.square().mean() - 1.0).abs() < 5e-3);
    Ok(())
}
