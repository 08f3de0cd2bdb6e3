//! `tweedie studio`: a page on this machine to watch, paint, and look inside.
//!
//! The page's files are part of the program. Whatever it asks for is a POST with a JSON body, answered by JSON, or by lines of
//! JSON as they come about. Work runs on threads of its own, step by step on the pool that computes, so that several pages
//! take turns; it ends when nobody reads it. Training runs in processes of this same program.

mod answer;
mod door;
mod drown;
mod faults;
mod formulas;
mod guard;
mod identities;
mod inside;
mod model;
mod page;
mod paint;
mod plane;
mod routes;
mod runs;
mod schedule;
mod shelf;
mod shown;
mod state;

use crate::args::StudioArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use shelf::Shelf;
use state::Studio;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The port of the page where none is asked for.
const PORT: u16 = 4173;
/// How often the program looks whether it is to end.
const LOOK: Duration = Duration::from_millis(250);

/// Serves the page until Ctrl-C.
///
/// # Errors
/// A place that does not exist; an address that is not this machine's own, or is taken.
pub(crate) fn studio(args: &StudioArgs, seed: u64, console: Console) -> Result<()> {
    let shelf =
        Shelf::new(args.place.clone().unwrap_or_else(|| PathBuf::from("runs")), args.place.is_some())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(8).build();
    let cannot = |what: &str, error: &std::io::Error| {
        Failure::user(format!("cannot {what} ({error})"), "studio", "close other programs")
    };
    let runtime = runtime.map_err(|error| cannot("start", &error))?;
    let served = runtime.block_on(async {
        let listener = door::open(args.host, args.port, PORT).await?;
        let address = listener.address();
        // Whoever starts the program waits for this line, so that it is a result.
        console.print(format!("http://{address}/"))?;
        console.say("the studio is open; Ctrl-C closes it");
        let interrupt = Interrupt::listen(console, "closing the studio");
        let studio = Arc::new(Studio::new(shelf, seed));
        let served = axum::serve(listener, routes::all(Arc::clone(&studio), own_names(address)));
        tokio::select! {
            biased;
            () = asked_to_end(&interrupt) => {}
            served = async { served.await } => served.map_err(|error| cannot("serve the page", &error))?,
        }
        studio.runs.end_all(console);
        Ok(())
    });
    // What is still computed is for nobody.
    runtime.shutdown_background();
    served
}

async fn asked_to_end(interrupt: &Interrupt) {
    while !interrupt.asked() {
        tokio::time::sleep(LOOK).await;
    }
}

/// The names under which a browser on this machine asks for the page.
fn own_names(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut names = vec![address.to_string()];
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        names.push(format!("{name}:{port}"));
        // Browsers leave out the port that is usual.
        names.extend((port == 80).then(|| name.to_string()));
    }
    names
}
