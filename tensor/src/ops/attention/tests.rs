use super::*;
use crate::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};

/// [b, d, e, s, r]; the last needs several blocks of queries.
const CASES: [[usize; 5]; 6] = [
    [1, 1, 1, 1, 1],
    [3, 4, 4, 5, 7],
    [2, 5, 3, 33, 17],
    [0, 2, 2, 2, 2],
    [5, 8, 8, 1, 64],
    [1, 2, 3, 40, 4099],
];

fn operands([b, d, e, s, r]: [usize; 5]) -> [Tensor<f64>; 3] {
    [values([b, d, s], 1), values([b, d, r], 2), values([b, e, r], 3)]
}

fn oracle([b, d, e, s, r]: [usize; 5], [q, k, v]: [&Tensor<f64>; 3], scale: f64) -> Vec<f64> {
    let mut out = vec![0.0; b * e * s];
    let (q, k, v) = (q.as_slice(), k.as_slice(), v.as_slice());
    for item in 0..b {
        for i in 0..s {
            let score = |j: usize| -> f64 {
                (0..d).map(|c| q[(item * d + c) * s + i] * k[(item * d + c) * r + j]).sum::<f64>() * scale
            };
            let weights: Vec<f64> = (0..r).map(|j| score(j).exp()).collect();
            let total: f64 = weights.iter().sum();
            for c in 0..e {
                let sum: f64 = (0..r).map(|j| weights[j] * v[(item * e + c) * r + j]).sum();
                out[(item * e + c) * s + i] = sum / total;
            }
        }
    }
    out
}

#[test]
fn each_position_sees_the_weighted_mean_of_the_values() {
    for sizes in CASES {
        let [q, k, v] = operands(sizes);
        let expected = oracle(sizes, [&q, &k, &v], 0.7);
        let (out, lse) = attention(&q, &k, &v, 0.7).unwrap();
        assert_eq!(lse.dims(), [sizes[0], sizes[3]]);
        assert_close(out.as_slice(), &expected, 1e-12);
        let (out, _) = attention(&q.cast::<f32>(), &k.cast(), &v.cast(), 0.7).unwrap();
        assert_close(out.as_slice(), &expected, 1e-5);
    }
}

#[test]
fn gradients_of_queries_keys_and_values() {
    for sizes in &CASES[..5] {
        let [q, k, v] = operands(*sizes);
        let f = |q: &Tensor<f64>, k: &Tensor<f64>, v: &Tensor<f64>| attention(q, k, v, 0.7).unwrap();
        let (out, lse) = f(&q, &k, &v);
        let dout = values::<f64>(*out.shape(), 4);
        let (dq, dk, dv) = attention_backward(&q, &k, &v, &out, &lse, 0.7, &dout).unwrap();
        assert_gradient(&q, &dout, &dq, |q| f(q, &k, &v).0);
        assert_gradient(&k, &dout, &dk, |k| f(&q, k, &v).0);
        assert_gradient(&v, &dout, &dv, |v| f(&q, &k, v).0);
    }
}

#[test]
fn gradients_add_up_over_blocks_of_queries() {
    // Queries do not see one another: the gradients of keys and values are sums over halves of the queries.
    let sizes @ [b, d, e, s, r] = [1, 3, 2, 48, 4099];
    let [q, k, v] = operands(sizes);
    let dout = values::<f64>([b, e, s], 4);
    let of = |q: &Tensor<f64>, dout: &Tensor<f64>| {
        let (out, lse) = attention(q, &k, &v, 0.5).unwrap();
        attention_backward(q, &k, &v, &out, &lse, 0.5, dout).unwrap()
    };
    let half = |x: &Tensor<f64>, i: usize| crate::ops::narrow(x, 2, i * 8, 8).unwrap();
    let (dq, dk, dv) = of(&q, &dout);
    let (mut dk_sum, mut dv_sum) = (Tensor::zeros([b, d, r]), Tensor::zeros([b, e, r]));
    for i in 0..6 {
        let (dq_part, dk_part, dv_part) = of(&half(&q, i), &half(&dout, i));
        assert_close(half(&dq, i).as_slice(), dq_part.as_slice(), 1e-12);
        crate::ops::add_assign(&mut dk_sum, &dk_part).unwrap();
        crate::ops::add_assign(&mut dv_sum, &dv_part).unwrap();
    }
    assert_close(dk.as_slice(), dk_sum.as_slice(), 1e-12);
    assert_close(dv.as_slice(), dv_sum.as_slice(), 1e-12);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let [q, k, v] = operands([5, 8, 8, 33, 37]).map(|x| x.cast::<f32>());
    let dout = values::<f32>([5, 8, 33], 4);
    assert_same_on_all_thread_counts(|| {
        let (out, lse) = attention(&q, &k, &v, 0.3).unwrap();
        let (dq, dk, dv) = attention_backward(&q, &k, &v, &out, &lse, 0.3, &dout).unwrap();
        [out, lse, dq, dk, dv].map(|x| x.as_slice().to_vec())
    });
}

/// Queries, keys and values of tokens, \[n · heads, d, s\] each, from \[n, s, 3 · heads · d\].
fn channels_first(qkv: &Tensor<f64>, heads: usize) -> [Tensor<f64>; 3] {
    let &[n, s, width] = qkv.dims() else { panic!("three axes") };
    let d = width / (3 * heads);
    let all = qkv.reshape([n, s, 3, heads, d]).unwrap();
    [0, 1, 2].map(|part| {
        let part = crate::ops::narrow(&all, 2, part, 1).unwrap().reshape([n, s, heads, d]).unwrap();
        crate::ops::permute(&part, &[0, 2, 3, 1]).unwrap().reshape([n * heads, d, s]).unwrap()
    })
}

#[test]
fn tokens_attend_as_channels_do() {
    for [n, s, heads, d] in [[1, 1, 1, 1], [2, 5, 3, 4], [3, 33, 2, 17], [1, 300, 1, 3], [0, 2, 2, 2]] {
        let qkv = values::<f64>([n, s, 3 * heads * d], 1);
        let [q, k, v] = channels_first(&qkv, heads);
        let (expected, expected_lse) = attention(&q, &k, &v, 0.6).unwrap();
        let expected = expected.reshape([n, heads, d, s]).unwrap();
        let expected = crate::ops::permute(&expected, &[0, 3, 1, 2]).unwrap();
        let (out, lse) = token_attention(&qkv, heads, 0.6).unwrap();
        assert_eq!((out.dims(), lse.dims()), (&[n, s, heads * d][..], &[n, heads, s][..]));
        assert_close(out.as_slice(), expected.as_slice(), 1e-12);
        assert_close(lse.as_slice(), expected_lse.as_slice(), 1e-12);
        let (single, _) = token_attention(&qkv.cast::<f32>(), heads, 0.6).unwrap();
        assert_close(single.as_slice(), expected.as_slice(), 1e-5);
        if n * s < 200 {
            let dout = values::<f64>(*out.shape(), 4);
            let dqkv = token_attention_backward(&qkv, &out, &lse, heads, 0.6, &dout).unwrap();
            assert_gradient(&qkv, &dout, &dqkv, |qkv| token_attention(qkv, heads, 0.6).unwrap().0);
        }
    }
    let qkv = values::<f32>([2, 3, 12], 1);
    let message = token_attention(&qkv, 5, 1.0).unwrap_err().to_string();
    assert!(message.starts_with("token_attention: heads = 5"), "{message}");
    assert!(token_attention(&Tensor::<f32>::zeros([2, 0, 12]), 2, 1.0).is_err());
}

#[test]
fn bits_of_tokens_do_not_depend_on_threads() {
    let (qkv, dout) = (values::<f32>([3, 37, 3 * 16], 1), values::<f32>([3, 37, 16], 4));
    assert_same_on_all_thread_counts(|| {
        let (out, lse) = token_attention(&qkv, 2, 0.3).unwrap();
        let dqkv = token_attention_backward(&qkv, &out, &lse, 2, 0.3, &dout).unwrap();
        [out, lse, dqkv].map(|x| x.as_slice().to_vec())
    });
}

#[test]
fn operands_that_do_not_fit_are_named() {
    let x = |dims: [usize; 3]| Tensor::<f32>::zeros(dims);
    assert!(attention(&x([2, 3, 4]), &x([2, 4, 4]), &x([2, 3, 4]), 1.0).is_err());
    assert!(attention(&x([2, 3, 4]), &x([2, 3, 4]), &x([2, 3, 5]), 1.0).is_err());
    let message = attention(&x([2, 3, 4]), &x([2, 3, 0]), &x([2, 3, 0]), 1.0).unwrap_err().to_string();
    assert_eq!(message, "attention: shape [2, 3, 0] has no channels or no positions");
}
