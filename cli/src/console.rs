//! Where words go: results to stdout as JSON when asked for, everything else to stderr.

use crate::error::{Failure, Result};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// How the program talks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// One JSON value on stdout at the end.
    pub(crate) json: bool,
    /// Nothing on stderr but errors.
    pub(crate) quiet: bool,
}

impl Console {
    /// A line for a person, on stderr.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        if !self.quiet {
            // A reader who has gone away is no reason to stop the work.
            let _ = writeln!(std::io::stderr(), "{}", line.as_ref());
        }
    }

    /// A line of a result for a person, on stdout; nothing under `--json`.
    ///
    /// # Errors
    /// A place that cannot be written to.
    pub(crate) fn print(self, line: impl AsRef<str>) -> Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(std::io::stdout(), "{}", line.as_ref()).map_err(|error| {
            Failure::user(format!("cannot write, standard output: {error}: give it a place with room"))
        })
    }

    /// The result, as one line of JSON on stdout, where `--json` asks for it.
    pub(crate) fn result(self, result: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string(result)
        {
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// Whether a person watches a terminal, so that a line can be drawn over.
    pub(crate) fn is_live(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }
}
