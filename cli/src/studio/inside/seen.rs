//! What an operation makes of a picture at a time t, or of every place of the plane, and where it looks.

use super::super::model::{drawable, is_of_points};
use super::super::paint::pixels;
use super::super::shelf::Shelf;
use super::super::shown::shown;
use super::attention::{Looks, looks};
use super::last_picture::LastPicture;
use super::planes::{ALL_CELLS, Looked, Planes, every_cell};
use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use tweedie_autograd::{NodeOrigin, Tape};
use tweedie_nn::network::Backbone;
use tweedie_tensor::Tensor;
use tweedie_train::plan::check_pictures;

/// Which operation, and of which picture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Request {
    name: String,
    /// The place of the operation on the tape.
    node: usize,
    /// Counted from 1.
    t: usize,
    seed: u64,
    class: String,
    #[serde(default)]
    caption: String,
}

/// What it makes.
#[derive(Serialize)]
pub(in super::super) struct Seen {
    /// The picture, and the same at that time, as the page draws them; none where the layer is shown at work on the plane.
    pictures: Option<[String; 2]>,
    /// Some of the layer's channels.
    channels: Planes,
    looks: Option<Looks>,
}

/// Runs the network on a painted picture that is noised to time t, or on points all over the plane.
///
/// # Errors
/// A node or time that does not exist; what is no model.
pub(in super::super) fn seen(shelf: &Shelf, last: &LastPicture, request: &Request) -> Result<Seen> {
    let model = drawable(shelf, &request.name, true)?;
    let times = model.num_timesteps()?;
    if !(1..=times).contains(&request.t) {
        return Err(Failure::user(
            format!("{} is outside the schedule", request.t),
            "t",
            format!("give 1 to {times}"),
        ));
    }
    let is_of_points = is_of_points(&model)?;
    let n = if is_of_points { ALL_CELLS } else { 1 };
    check_pictures(model.network_config(), n, n, 0, "pictures")?;
    let condition = shown(&model, &request.class, &request.caption, 1)?;
    let [c, height, width] = model.shape();
    let (x_t, clocks, pictures, looked) = if is_of_points {
        let (_, clocks) = model.noised(&Tensor::zeros([1, c, height, width]), request.t - 1, 0)?;
        (every_cell(), clocks, None, Looked::Plane)
    } else {
        let x_0 = last.painted(&model, request.seed, &condition)?;
        let (x_t, clocks) = model.noised(&x_0, request.t - 1, request.seed)?;
        let pictures = [pixels(&x_0)?, pixels(&x_t)?];
        let in_tokens = matches!(model.network_config().backbone, Backbone::Transformer(_));
        (x_t, clocks, Some(pictures), Looked::Picture { height, width, in_tokens })
    };
    let tape = Tape::keeping_values();
    model.record(&tape, &x_t, &clocks, &condition)?;
    let (values, graph) = (tape.values(), tape.graph());
    let Some(NodeOrigin::Operation(operation)) = graph.get(request.node).map(|node| &node.origin) else {
        return Err(Failure::user("no such operation", request.node.to_string(), "choose another"));
    };
    let operands: Vec<_> = operation.operands.iter().flatten().map(|&node| &values[node]).collect();
    let words = condition.captions.iter().flatten().map(Vec::len).max().unwrap_or(0);
    Ok(Seen {
        pictures,
        channels: Planes::of_result(&values[request.node], operation.name, looked)?,
        looks: looks(&model, operation, &operands, words)?,
    })
}
