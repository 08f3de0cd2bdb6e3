//! A network from inside: its layers, its tape, and what a layer makes of a picture.

use super::model::{drawable, is_of_points};
use super::paint::pixels;
use super::shelf::Shelf;
use super::shown::shown;
use crate::error::{Failure, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tweedie_autograd::{GraphNode, NodeOrigin, SavedTensor, Tape};
use tweedie_diffusion::{Condition, SamplerKind};
use tweedie_nn::trace::Trace;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::config::SamplingConfig;
use tweedie_train::plan::check_pictures;
use tweedie_train::{Model, SampleRequest};

/// Channels of a layer that are drawn at most.
const CHANNELS: usize = 36;
/// Steps in which the picture is painted that layers are shown at work on.
const STEPS: usize = 20;
/// Places along a side whose attention is drawn.
const PLACES: usize = 3;

/// The layers of a network, and its tape.
#[derive(Serialize)]
pub(super) struct Inside {
    timesteps: usize,
    trace: Trace,
    tape: Vec<Node>,
}

/// A node of the tape.
#[derive(Serialize)]
struct Node {
    /// The operation; none for what comes from outside.
    op: Option<&'static str>,
    parameter: Option<String>,
    shape: Vec<usize>,
    operands: Vec<Option<usize>>,
    flops: f64,
    saved: Vec<Saved>,
}

/// A tensor that an operation has saved.
#[derive(Serialize)]
struct Saved {
    shape: Vec<usize>,
    bytes: usize,
    /// The same for tensors that share their memory.
    identity: usize,
    /// Whether it is a weight of the model, which takes no memory of the tape's.
    is_weight: bool,
}

impl Saved {
    fn new(saved: &SavedTensor, weights: &HashSet<usize>) -> Saved {
        let &SavedTensor { shape, bytes, identity } = saved;
        Saved { shape: shape.dims().to_vec(), bytes, identity, is_weight: weights.contains(&identity) }
    }
}

/// The network of a model from inside.
///
/// # Errors
/// What is no model, or none that can be drawn.
pub(super) fn inside(shelf: &Shelf, name: &str) -> Result<Inside> {
    let model = of_pictures(shelf, name)?;
    check_pictures(model.network_config(), 1, 1, 0, "pictures")?;
    let [c, h, w] = model.shape();
    let (noise, clocks) = model.noised(&Tensor::zeros([1, c, h, w]), model.num_timesteps()? - 1, 0)?;
    let tape = Tape::new();
    model.record(&tape, &noise, &clocks, &shown(&model, "", "", 1)?)?;
    let weights: HashSet<usize> = model.params().values().iter().map(Tensor::identity).collect();
    let node = |node: GraphNode| {
        let shape = node.shape.dims().to_vec();
        let outside =
            Node { op: None, parameter: None, shape, operands: Vec::new(), flops: 0.0, saved: Vec::new() };
        match node.origin {
            NodeOrigin::Leaf => outside,
            NodeOrigin::Parameter(id) => {
                Node { parameter: model.params().names().get(id.0).cloned(), ..outside }
            }
            NodeOrigin::Operation(operation) => Node {
                op: Some(operation.name),
                operands: operation.operands,
                flops: operation.flops,
                saved: operation.saved.iter().map(|saved| Saved::new(saved, &weights)).collect(),
                ..outside
            },
        }
    };
    Ok(Inside {
        timesteps: model.num_timesteps()?,
        trace: model.network_config().trace(model.shape())?,
        tape: tape.graph().into_iter().map(node).collect(),
    })
}

/// Which layer, and of which picture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    name: String,
    layer: usize,
    /// Counted from 1.
    t: usize,
    seed: u64,
    class: String,
}

/// What a layer makes of a picture: bytes in base64.
#[derive(Serialize)]
pub(super) struct Seen {
    picture: String,
    noisy: String,
    /// Some of the layer's channels, each from its least value (black) to its largest.
    maps: String,
    channels: usize,
    sides: [usize; 2],
    /// For places in three rows of three, where each looks.
    attention: Option<String>,
    attention_sides: [usize; 2],
}

/// The picture that was painted last, for whoever looks at one layer after another.
#[derive(Default)]
pub(super) struct LastPicture(Mutex<Option<Painted>>);

struct Painted {
    model: Weak<Model>,
    seed: u64,
    class: String,
    picture: Tensor<f32>,
}

/// Runs the network on a painted picture that is noised to time t.
///
/// # Errors
/// A layer or time that does not exist; what is no model.
pub(super) fn seen(shelf: &Shelf, last: &LastPicture, request: &Request) -> Result<Seen> {
    let model = of_pictures(shelf, &request.name)?;
    check_pictures(model.network_config(), 1, 1, 0, "pictures")?;
    let times = model.num_timesteps()?;
    if !(1..=times).contains(&request.t) {
        return Err(Failure::user(
            format!("{} is outside the schedule", request.t),
            "t",
            format!("give 1 to {times}"),
        ));
    }
    let trace = model.network_config().trace(model.shape())?;
    let Some(layer) = trace.layers.get(request.layer) else {
        return Err(Failure::user("no such layer", request.layer.to_string(), "choose another"));
    };
    let condition = shown(&model, &request.class, "", 1)?;
    let x_0 = last.painted(&model, request, &condition)?;
    let (x_t, clocks) = model.noised(&x_0, request.t - 1, request.seed)?;
    let tape = Tape::keeping_values();
    model.record(&tape, &x_t, &clocks, &condition)?;
    let (values, graph) = (tape.values(), tape.graph());
    let value = &values[layer.node];
    let (channels, sides) = planes(value, model.shape());
    let shown = channels.min(CHANNELS);
    let area = sides[0] * sides[1];
    let attention = match &graph[layer.node].origin {
        NodeOrigin::Operation(operation) if operation.name == "attention" => {
            let of =
                |operand: usize| operation.operands.get(operand).copied().flatten().map(|node| &values[node]);
            match (of(0), of(1)) {
                (Some(q), Some(k)) => attention(q, k, model.shape())?,
                _ => None,
            }
        }
        _ => None,
    };
    Ok(Seen {
        picture: pixels(&x_0)?,
        noisy: pixels(&x_t)?,
        maps: stretched(&value.as_slice()[..shown * area], area),
        channels: shown,
        sides,
        attention_sides: attention.as_ref().map_or([1, 1], |(_, sides)| *sides),
        attention: attention.map(|(maps, _)| maps),
    })
}

/// The model of this name, if it is one of pictures.
fn of_pictures(shelf: &Shelf, name: &str) -> Result<Arc<Model>> {
    let model = drawable(shelf, name, true)?;
    match is_of_points(&model)? {
        true => Err(Failure::user("a model of points of the plane", name, "look at it by inspect plane")),
        false => Ok(model),
    }
}

impl LastPicture {
    /// The picture of a request, painted if it is another than the last.
    fn painted(&self, model: &Arc<Model>, request: &Request, condition: &Condition) -> Result<Tensor<f32>> {
        // The shelf opens a model anew when its files have changed, so that its identity says which weights it has.
        let of = Arc::downgrade(model);
        if let Some(last) = &*self.lock()
            && last.model.ptr_eq(&of)
            && (last.seed, &last.class) == (request.seed, &request.class)
        {
            return Ok(last.picture.clone());
        }
        let own = model.sampling_by(Some(SamplerKind::Ddim))?;
        let sampling = SamplingConfig { steps: STEPS, guidance: 1.0, ..own };
        let asked = SampleRequest::new(1, condition.clone(), request.seed, sampling);
        // Not under the lock: a thread that computes takes up other work while it waits, which may ask for the same lock.
        let picture = model.sample(&asked)?.finish()?;
        let Request { seed, class, .. } = request;
        let last = Painted { model: of, seed: *seed, class: class.clone(), picture: picture.clone() };
        *self.lock() = Some(last);
        Ok(picture)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Painted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many planes a value is, and their sides: those of the picture at some scale where it has channels and places, a plane of
/// one row elsewhere.
fn planes(value: &Tensor<f32>, [_, height, width]: [usize; 3]) -> (usize, [usize; 2]) {
    match *value.dims() {
        [_, channels, h, w] => (channels, [h, w]),
        [heads, channels, places] => match sides(places, height, width) {
            Some(sides) => (heads * channels, sides),
            None => (heads * channels, [1, places]),
        },
        _ => (1, [1, value.numel().max(1)]),
    }
}

/// The sides of so many places, in the proportion of the picture's.
fn sides(places: usize, height: usize, width: usize) -> Option<[usize; 2]> {
    let h = ((places * height) as f64 / width as f64).sqrt().round() as usize;
    (h > 0 && places.is_multiple_of(h) && h * width == places / h * height).then(|| [h, places / h])
}

/// Planes of so many numbers as bytes in base64, each from its least value to its largest.
fn stretched(values: &[f32], area: usize) -> String {
    let each = |plane: &[f32]| {
        let least = plane.iter().copied().fold(f32::INFINITY, f32::min);
        let span = (plane.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least).max(f32::MIN_POSITIVE);
        plane.iter().map(|x| ((x - least) / span * 255.0).round() as u8).collect::<Vec<_>>()
    };
    STANDARD.encode(values.chunks(area).flat_map(each).collect::<Vec<_>>())
}

/// Where nine places look, softmax(qᵀ k / √d) over the places of the keys, the mean over heads; with the sides of that plane. Keys
/// that are no places of a picture (words) have none.
fn attention(
    q: &Tensor<f32>,
    k: &Tensor<f32>,
    [_, height, width]: [usize; 3],
) -> Result<Option<(String, [usize; 2])>> {
    let (&[heads, d, from], &[_, _, to]) = (q.dims(), k.dims()) else { return Ok(None) };
    let (Some([h, w]), Some(seen)) = (sides(from, height, width), sides(to, height, width)) else {
        return Ok(None);
    };
    let at = |side: usize, i: usize| (2 * i + 1) * side / (2 * PLACES);
    const ASKED: usize = PLACES * PLACES;
    // The queries of these places alone: all of them at once would be a matrix of places by places.
    let asked = Tensor::from_fn([heads, d, ASKED], |i| {
        let place = at(h, i % ASKED / PLACES) * w + at(w, i % PLACES);
        q.as_slice()[i / ASKED * from + place]
    });
    let products = ops::matmul(&asked, true, k, false)?;
    let shares = ops::softmax(ops::scale(products, 1.0 / (d as f64).sqrt()))?;
    let mut maps = vec![0.0; ASKED * to];
    for of_head in shares.as_slice().chunks(ASKED * to) {
        maps.iter_mut().zip(of_head).for_each(|(sum, share)| *sum += share / heads as f32);
    }
    Ok(Some((stretched(&maps, to), seen)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_rows_and_columns_of_the_picture() {
        assert_eq!(sides(49, 28, 28), Some([7, 7]));
        assert_eq!(sides(32, 16, 32), Some([4, 8]));
        assert_eq!([sides(50, 28, 28), sides(0, 28, 28), sides(5, 28, 28)], [None; 3]);
    }

    /// A query that matches one key alone looks there.
    #[test]
    fn attention_is_drawn_where_it_looks() {
        let places = 9;
        let one_hot = |i: usize| if i / places == i % places { 20.0 } else { 0.0 };
        let q = Tensor::from_fn([1, places, places], one_hot);
        let (maps, sides) = attention(&q, &q, [1, 9, 9]).unwrap().unwrap();
        let bytes = STANDARD.decode(maps).unwrap();
        assert_eq!(sides, [3, 3]);
        for (i, map) in bytes.chunks(places).enumerate() {
            assert!(
                map.iter().enumerate().all(|(j, &byte)| byte == if i == j { 255 } else { 0 }),
                "{i} {map:?}"
            );
        }
    }
}
