use super::*;
use proptest::prelude::*;

fn wave(shape: &[usize], phase: f64) -> Tensor<f64> {
    Tensor::from_fn(Shape::new(shape).unwrap(), |i| libm::sin(i as f64 * 1.7 + phase))
}

/// Sums in the order of the definition.
fn oracle(a: &Tensor<f64>, at: bool, b: &Tensor<f64>, bt: bool, [batch, m, n, k]: [usize; 4]) -> Vec<f64> {
    let (a_each, b_each) = (a.numel() > m * k, b.numel() > k * n);
    let mut out = Vec::new();
    for s in 0..batch {
        let a = &a.as_slice()[if a_each { s * m * k } else { 0 }..];
        let b = &b.as_slice()[if b_each { s * k * n } else { 0 }..];
        for i in 0..m {
            for j in 0..n {
                let a = |p: usize| if at { a[p * m + i] } else { a[i * k + p] };
                let b = |p: usize| if bt { b[j * k + p] } else { b[p * n + j] };
                out.push((0..k).map(|p| a(p) * b(p)).sum());
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn batched_transposed_and_shared(
        batch in 1usize..5, m in 1usize..30, n in 1usize..60, k in 0usize..40,
        at: bool, bt: bool, shared in 0u8..3, add: bool,
    ) {
        let shape = |rows: usize, cols: usize, transposed: bool, shared: bool| {
            let [rows, cols] = if transposed { [cols, rows] } else { [rows, cols] };
            if shared { vec![rows, cols] } else { vec![1, batch, rows, cols] }
        };
        let a = wave(&shape(m, k, at, shared == 1), 0.3);
        let b = wave(&shape(k, n, bt, shared == 2), 1.1);
        let expected = oracle(&a, at, &b, bt, [batch, m, n, k]);
        let (how, start) = if add { (Accumulate::Add, 0.5) } else { (Accumulate::Overwrite, f64::NAN) };
        let mut out = Tensor::<f64>::full([1, batch, m, n], start);
        matmul_into(&a, at, &b, bt, &mut out, how).unwrap();
        let mut out32 = Tensor::<f32>::full([1, batch, m, n], start as f32);
        matmul_into(&a.cast(), at, &b.cast(), bt, &mut out32, how).unwrap();
        let start = if add { start } else { 0.0 };
        for ((x, x32), e) in out.as_slice().iter().zip(out32.as_slice()).zip(expected) {
            prop_assert!((x - start - e).abs() < 1e-12 && (f64::from(*x32) - start - e).abs() < 1e-5);
        }
    }
}

#[test]
fn products_of_any_size_agree_with_f64() {
    // One product shared by the threads, and a batch shared by them.
    for (batch, m, n, k) in [(1, 300, 200, 70), (40, 33, 50, 20)] {
        let (a, b) = (wave(&[batch, m, k], 0.1), wave(&[batch, k, n], 0.2));
        let exact = matmul(&a, false, &b, false).unwrap();
        let ours = matmul::<f32>(&a.cast(), false, &b.cast(), false).unwrap();
        for (x, y) in exact.as_slice().iter().zip(ours.as_slice()) {
            assert!((x - f64::from(*y)).abs() < 1e-5);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let t = |shape: &[usize]| Tensor::<f32>::zeros(Shape::new(shape).unwrap());
    let error = |a: &[usize], b: &[usize]| matmul(&t(a), false, &t(b), false).unwrap_err().to_string();
    assert_eq!(
        error(&[2, 3], &[4, 5]),
        "matmul: shapes [2, 3] and [4, 5] do not fit: the inner axes must be equal"
    );
    assert!(error(&[2, 2, 3], &[3, 3, 5]).contains("batches"));
    assert!(error(&[3], &[3, 5]).contains("two axes"));
    let mut out = t(&[2, 2]);
    assert!(matmul_into(&t(&[2, 3]), false, &t(&[3, 5]), false, &mut out, Accumulate::Add).is_err());
    assert_eq!(matmul(&t(&[2, 0]), false, &t(&[0, 3]), false).unwrap().as_slice(), [0.0; 6]);
    assert_eq!(matmul(&t(&[0, 2]), false, &t(&[2, 3]), false).unwrap().dims(), [0, 3]);
}
