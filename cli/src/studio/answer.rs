//! What the page is answered: JSON, lines of JSON as they come about, or what is wrong in words.

use crate::error::{Failure, Result};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tweedie_train::UserError;

/// Streams at once, over all pages.
const STREAMS: usize = 48;
/// Of them, how many compute at once: each holds the activations of a pass.
const COMPUTING: usize = 2;
/// Short questions that are computed at once; others wait, and go if nobody waits for them any more.
const SHORT: usize = 2;
/// Lines that may wait for their reader.
const WAITING: usize = 4;

/// The answer to a request.
pub(super) type Answer = std::result::Result<Response, Refusal>;

/// A request that is not answered as it wished: what is wrong, where, and what to do.
pub(super) struct Refusal {
    status: StatusCode,
    error: UserError,
}

impl Refusal {
    /// A refusal with this status.
    pub(super) fn new(status: StatusCode, what: &str, place: &str, remedy: &str) -> Refusal {
        Refusal { status, error: UserError::new(what, place, remedy) }
    }
}

impl<E> From<E> for Refusal
where
    Failure: From<E>,
{
    fn from(error: E) -> Refusal {
        Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, error: user_error(Failure::from(error)) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Line::Error(Wrong::new(&self.error));
        let mut response = json(&body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response());
        *response.status_mut() = self.status;
        response
    }
}

/// What a failure says to a person.
fn user_error(failure: Failure) -> UserError {
    match failure {
        Failure::User(error) | Failure::Lost(error) | Failure::Refused(error) => error,
        other => UserError::new(other.to_string(), "studio", "ask again"),
    }
}

/// An error in JSON.
#[derive(Serialize)]
struct Wrong {
    what: String,
    place: String,
    remedy: String,
}

impl Wrong {
    fn new(error: &UserError) -> Wrong {
        Wrong { what: error.what.clone(), place: error.place.clone(), remedy: error.remedy.clone() }
    }
}

/// Lines of a stream that are the same for all.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The last: what is wrong.
    Error(Wrong),
    /// Others compute; this one begins when they have ended.
    Waiting(bool),
}

/// The body of a request.
///
/// # Errors
/// A body that is not what is asked for here.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> std::result::Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            &format!("the request cannot be read ({error})"),
            "studio",
            "load the page again",
        )
    })
}

/// An answer in JSON.
///
/// # Errors
/// A value that has no form in JSON.
pub(super) fn json(value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), "studio", "please report it")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Runs `work` on the threads that compute.
pub(super) fn on_the_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// The refusal where the program itself is at fault; the panic hook has said where.
fn fault() -> Refusal {
    let what = "a fault of tweedie itself, which the terminal tells of";
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, what, "studio", "please report it")
}

/// The places of those who are answered in lines.
#[derive(Clone)]
pub(super) struct Places {
    streams: Arc<Semaphore>,
    computing: Arc<Semaphore>,
    short: Arc<Semaphore>,
}

impl Places {
    /// All of them free.
    pub(super) fn new() -> Places {
        let places = |n| Arc::new(Semaphore::new(n));
        Places { streams: places(STREAMS), computing: places(COMPUTING), short: places(SHORT) }
    }

    /// The answer of `work`, a short computation, on the threads that compute.
    ///
    /// # Errors
    /// What it refuses.
    pub(super) async fn computed<R: Serialize + Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R> + Send + 'static,
    ) -> Answer {
        self.answered(|| on_the_pool(work)).await
    }

    /// The answer of `work`, a short computation, on a thread of its own, where nobody else's operations are run.
    ///
    /// # Errors
    /// What it refuses.
    pub(super) async fn answered<R: Serialize + Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R> + Send + 'static,
    ) -> Answer {
        let _place = Arc::clone(&self.short).acquire_owned().await.map_err(|_| fault())?;
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => json(&result?),
            Err(_) => Err(fault()),
        }
    }

    /// The lines that `work` writes, on a thread of its own; it waits for a place among those that compute.
    ///
    /// # Errors
    /// Too many streams at once.
    pub(super) fn compute(&self, work: impl FnOnce(&Lines) -> Result<()> + Send + 'static) -> Answer {
        let computing = Arc::clone(&self.computing);
        self.follow(move |lines| {
            let mut place = Arc::clone(&computing).try_acquire_owned();
            if place.is_err() {
                lines.send(&Line::Waiting(true))?;
            }
            while place.is_err() {
                lines.pause(std::time::Duration::from_millis(50))?;
                place = Arc::clone(&computing).try_acquire_owned();
            }
            work(lines)
        })
    }

    /// The lines that `work` writes, on a thread of its own.
    ///
    /// # Errors
    /// Too many streams at once.
    pub(super) fn follow(&self, work: impl FnOnce(&Lines) -> Result<()> + Send + 'static) -> Answer {
        let full = || {
            let what = "too many pages ask for something at once";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, what, "studio", "close some of them")
        };
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| full())?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new().name("studio".to_string()).spawn(move || {
            let _place = place;
            let lines = Lines { sender };
            // The panic hook has told the terminal.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&lines)));
            let error = match done {
                Ok(Ok(()) | Err(Failure::Unread)) => return,
                Ok(Err(failure)) => user_error(failure),
                Err(_) => fault().error,
            };
            let _ = lines.send(&Line::Error(Wrong::new(&error)));
        });
        thread.map_err(|_| full())?;
        let body = Body::from_stream(ReceiverStream::new(receiver));
        Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
    }
}

/// Where the lines of a stream go.
pub(super) struct Lines {
    sender: mpsc::Sender<std::result::Result<Bytes, Infallible>>,
}

impl Lines {
    /// Writes a line, and waits for its reader where several wait already.
    ///
    /// # Errors
    /// [`Failure::Unread`] when nobody reads any more.
    pub(super) fn send(&self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|error| {
            Failure::user(format!("a result has no form in JSON ({error})"), "studio", "please report it")
        })?;
        text.push(b'\n');
        self.sender.blocking_send(Ok(text.into())).map_err(|_| Failure::Unread)
    }

    /// Rests for so long.
    ///
    /// # Errors
    /// [`Failure::Unread`] when nobody reads any more.
    pub(super) fn pause(&self, time: std::time::Duration) -> Result<()> {
        std::thread::sleep(time);
        self.check()
    }

    /// Whether anybody reads.
    ///
    /// # Errors
    /// [`Failure::Unread`] when nobody does.
    pub(super) fn check(&self) -> Result<()> {
        match self.sender.is_closed() {
            true => Err(Failure::Unread),
            false => Ok(()),
        }
    }
}
