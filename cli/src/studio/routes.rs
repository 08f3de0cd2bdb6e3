//! What can be asked for, and who answers.

use super::answer::{Answer, json, read};
use super::state::Studio;
use super::{drown, guard, identities, inside, model, page, paint, runs, schedule};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use serde::Deserialize;
use std::sync::Arc;

/// The largest request: a picture and a mask, in base64.
const LARGEST: usize = 4 << 20;

type Shared = State<Arc<Studio>>;

/// Everything, for a program that browsers know under these `names`.
pub(super) fn all(studio: Arc<Studio>, names: Vec<String>) -> Router {
    let names: Arc<[String]> = names.into();
    Router::new()
        .route("/", get(page::index))
        .route("/{name}", get(page::file))
        .route("/ask/shelf", post(shelf))
        .route("/ask/model", post(model))
        .route("/ask/paint", post(paint))
        .route("/ask/schedule", post(schedule))
        .route("/ask/drown", post(drown))
        .route("/ask/inside", post(inside))
        .route("/ask/activations", post(activations))
        .route("/ask/verify", post(verify))
        .route("/ask/run/follow", post(follow))
        .route("/ask/run/grid", post(grid))
        .route("/ask/run/begin", post(begin))
        .route("/ask/run/stop", post(stop))
        .route("/ask/run/resume", post(resume))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn_with_state(names, guard::guard))
        .with_state(studio)
}

/// A run or model by its name on the shelf.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

async fn shelf(State(studio): Shared) -> Answer {
    let listed = tokio::task::spawn_blocking(move || studio.shelf.listed()).await;
    json(&listed.unwrap_or_default())
}

async fn model(State(studio): Shared, body: Bytes) -> Answer {
    let Named { name } = read(&body)?;
    let places = studio.places.clone();
    places.computed(move || model::described(&studio.shelf, &name)).await
}

async fn paint(State(studio): Shared, body: Bytes) -> Answer {
    let request = read(&body)?;
    let places = studio.places.clone();
    places.compute(move |lines| paint::paint(&studio.shelf, &request, lines))
}

async fn schedule(State(studio): Shared, body: Bytes) -> Answer {
    let request = read(&body)?;
    studio.places.computed(move || schedule::explored(&request)).await
}

async fn drown(State(studio): Shared, body: Bytes) -> Answer {
    let request = read(&body)?;
    let seed = studio.seed;
    studio.places.computed(move || drown::drowned(&request, seed)).await
}

async fn inside(State(studio): Shared, body: Bytes) -> Answer {
    let Named { name } = read(&body)?;
    let places = studio.places.clone();
    // The work of an operation is counted by thread: on the pool, another request's could be counted with it.
    places.answered(move || inside::inside(&studio.shelf, &name)).await
}

async fn activations(State(studio): Shared, body: Bytes) -> Answer {
    let request = read(&body)?;
    let places = studio.places.clone();
    places.computed(move || inside::seen(&studio.shelf, &studio.last_picture, &request)).await
}

async fn verify(State(studio): Shared, body: Bytes) -> Answer {
    let request = read(&body)?;
    studio.places.computed(move || identities::held(&request)).await
}

async fn follow(State(studio): Shared, body: Bytes) -> Answer {
    let Named { name } = read(&body)?;
    let places = studio.places.clone();
    places.follow(move |lines| runs::follow(&studio.shelf, &studio.runs, &name, lines))
}

async fn grid(State(studio): Shared, body: Bytes) -> Answer {
    let request = read(&body)?;
    let places = studio.places.clone();
    places.answered(move || runs::grid(&studio.shelf, &request)).await
}

async fn begin(State(studio): Shared, body: Bytes) -> Answer {
    json(&studio.runs.begin(&studio.shelf, &read(&body)?)?)
}

async fn stop(State(studio): Shared, body: Bytes) -> Answer {
    let Named { name } = read(&body)?;
    studio.runs.stop(&studio.shelf, &name)?;
    json(&true)
}

async fn resume(State(studio): Shared, body: Bytes) -> Answer {
    json(&studio.runs.resume(&studio.shelf, &read(&body)?)?)
}
