//! Where an attention looks.

use super::planes::{Planes, sides};
use serde::Serialize;
use tweedie_autograd::RecordedOperation;
use tweedie_nn::network::Backbone;
use tweedie_tensor::ops::KeepDim;
use tweedie_tensor::{Result, Tensor, ops};
use tweedie_train::Model;

/// Places along a side whose attention is drawn.
const PLACES: usize = 3;

/// Maps of a picture's places, each the mean over heads.
#[derive(Serialize)]
#[serde(tag = "of", content = "maps", rename_all = "snake_case")]
pub(super) enum Looks {
    /// For each of nine places, in three rows of three: where it looks.
    Places(Planes),
    /// For each word of the caption: the places that look for it.
    Words(Planes),
}

/// Where an operation looks that has these `operands`, while the caption has so many words. None if it is no attention of a
/// picture's places.
///
/// # Errors
/// None.
pub(super) fn looks(
    model: &Model,
    operation: &RecordedOperation,
    operands: &[&Tensor<f32>],
    words: usize,
) -> Result<Option<Looks>> {
    let [q, k] = match (operation.name, operands, &model.network_config().backbone) {
        ("attention", &[q, k, _], _) => [q.clone(), k.clone()],
        ("token_attention", &[qkv], Backbone::Transformer(config)) => of_tokens(qkv, config.num_heads)?,
        // Other networks attend so from word to word.
        _ => return Ok(None),
    };
    let [_, height, width] = model.shape();
    let Some(sides) = sides(q.dims()[2], height, width) else { return Ok(None) };
    if q.dims() == k.dims() {
        let maps = shares(&nine(&q, sides), &k)?;
        return Ok(Some(Looks::Places(Planes::new(maps.as_slice(), sides))));
    }
    let words = words.min(k.dims()[2]);
    if words == 0 {
        return Ok(None);
    }
    let by_word = ops::transpose_last(&shares(&q, &k)?)?;
    Ok(Some(Looks::Words(Planes::new(&by_word.as_slice()[..words * q.dims()[2]], sides))))
}

/// Queries and keys \[heads, d, s\] of one sample's tokens \[1, s, 3 · heads · d\], each of which has the queries of all heads, then their
/// keys, then their values.
fn of_tokens(qkv: &Tensor<f32>, heads: usize) -> Result<[Tensor<f32>; 2]> {
    let d = qkv.dims()[2] / (3 * heads);
    let parts = ops::permute(&qkv.reshape([qkv.dims()[1], 3, heads, d])?, &[1, 2, 3, 0])?;
    let part = |i| ops::narrow(&parts, 0, i, 1)?.reshape([heads, d, qkv.dims()[1]]);
    Ok([part(0)?, part(1)?])
}

/// The queries of nine places alone: all of them at once would be a matrix of places by places.
fn nine(q: &Tensor<f32>, [h, w]: [usize; 2]) -> Tensor<f32> {
    let at = |side: usize, i: usize| (2 * i + 1) * side / (2 * PLACES);
    const ASKED: usize = PLACES * PLACES;
    Tensor::from_fn([q.dims()[0], q.dims()[1], ASKED], |i| {
        let place = at(h, i % ASKED / PLACES) * w + at(w, i % PLACES);
        q.as_slice()[i / ASKED * h * w + place]
    })
}

/// softmax(qᵀ k / √d) over the places of the keys, the mean over heads: \[places of queries, places of keys\].
fn shares(q: &Tensor<f32>, k: &Tensor<f32>) -> Result<Tensor<f32>> {
    let products = ops::scale(ops::matmul(q, true, k, false)?, 1.0 / (q.dims()[1] as f64).sqrt());
    ops::mean_axis(&ops::softmax(products)?, 0, KeepDim::No)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_diffusion::purpose;
    use tweedie_tensor::random;

    /// A query that matches one key alone looks there.
    #[test]
    fn nine_places_look_where_their_keys_are() {
        let places = 9;
        let one_hot = |i: usize| if i / places == i % places { 20.0 } else { 0.0 };
        let q = Tensor::from_fn([1, places, places], one_hot);
        let maps = shares(&nine(&q, [3, 3]), &q).unwrap();
        for (i, map) in maps.as_slice().chunks(places).enumerate() {
            for (j, &share) in map.iter().enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((share - expected).abs() < 1e-6, "{i} {j}: {share}");
            }
        }
    }

    /// Against softmax(q kᵀ / √d) by its definition, number by number.
    #[test]
    fn tokens_look_by_the_queries_and_keys_in_them() {
        let (tokens, heads, d) = (5, 3, 4);
        let width = heads * d;
        let qkv = random::normal::<f32>([1, tokens, 3 * width], 0, purpose::START, 0, 0);
        let number = |token: usize, part: usize, head: usize, i: usize| {
            f64::from(qkv.as_slice()[token * 3 * width + part * width + head * d + i])
        };
        let weight = |head: usize, from: usize, to: usize| {
            let product: f64 = (0..d).map(|i| number(from, 0, head, i) * number(to, 1, head, i)).sum();
            (product / (d as f64).sqrt()).exp()
        };
        let [q, k] = of_tokens(&qkv, heads).unwrap();
        let found = shares(&q, &k).unwrap();
        assert_eq!(found.dims(), [tokens, tokens]);
        for (at, &share) in found.as_slice().iter().enumerate() {
            let (from, to) = (at / tokens, at % tokens);
            let of_head = |head: usize| {
                weight(head, from, to) / (0..tokens).map(|other| weight(head, from, other)).sum::<f64>()
            };
            let expected = (0..heads).map(of_head).sum::<f64>() / heads as f64;
            assert!((f64::from(share) - expected).abs() < 1e-6, "{from} {to}: {share} is not {expected}");
        }
    }
}
