//! Where words go: results to stdout, as lines or as JSON, everything else to stderr.

use crate::error::{Failure, Result};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{IsTerminal, Write};

/// What the program prints, and where.
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
            let _ = writeln!(std::io::stderr(), "{}", plain(line.as_ref()));
        }
    }

    /// A line of a result for a person, on stdout; where `--json` asks for numbers there, on stderr.
    ///
    /// # Errors
    /// When it cannot be written, as on a full device.
    pub(crate) fn print(self, line: impl AsRef<str>) -> Result<()> {
        if self.json {
            self.say(line);
            return Ok(());
        }
        to_stdout(&plain(line.as_ref()))
    }

    /// The result, as one line of JSON on stdout, where `--json` asks for it.
    ///
    /// # Errors
    /// When it cannot be written, as on a full device.
    pub(crate) fn result(self, result: &impl Serialize) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let text = serde_json::to_string(result).map_err(|error| {
            Failure::user(format!("the result has no form in JSON ({error})"), "--json", "leave it out")
        })?;
        to_stdout(&text)
    }

    /// Whether a person watches a terminal, so that a line can be drawn over.
    pub(crate) fn is_live(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }
}

/// The text with nothing in it that steers a terminal: files may hold anything in the names that are quoted from them.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(steers) {
        return text.into();
    }
    let each = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(each).collect::<String>().into()
}

fn to_stdout(line: &str) -> Result<()> {
    write_text(&format!("{line}\n"))
}

/// Writes text to stdout at once, so that an error is met here and not when the program ends.
///
/// # Errors
/// When it cannot be written, as on a full device.
pub(crate) fn write_text(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::unprintable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_quoted_steers_the_terminal() {
        assert_eq!(plain("a\tb\n\u{1b}[2J\r\u{9b}"), "a\tb\n\\u{1b}[2J\\r\\u{9b}");
        assert!(matches!(plain("3 × 16 × 16\n"), Cow::Borrowed(_)));
    }
}
