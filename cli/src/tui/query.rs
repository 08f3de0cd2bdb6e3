//! What the terminal says it can do.

use super::kitty;

/// Protocols for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Characters and colours: every terminal.
    HalfBlocks,
    Sixel,
    Kitty,
}

/// Overrides what the terminal says.
const VARIABLE: &str = "TWEEDIE_GRAPHICS";

/// The best protocol that the terminal announces. Its keys must come one by one, and nobody else read them.
pub(super) fn protocol() -> Protocol {
    match std::env::var(VARIABLE).as_deref() {
        Ok("kitty") => Protocol::Kitty,
        Ok("sixel") => Protocol::Sixel,
        Ok(_) => Protocol::HalfBlocks,
        Err(_) => announced(&ask()),
    }
}

/// The best protocol in what the terminal answered. Attribute 4 of the primary device attributes, `CSI ? 62 ; 4 c`, is sixels.
fn announced(answer: &str) -> Protocol {
    if answer.contains(kitty::ANSWER) {
        return Protocol::Kitty;
    }
    let attributes = answer.split("\x1b[?").skip(1).find_map(|rest| rest.split_once('c'));
    match attributes {
        Some((list, _)) if list.split(';').any(|attribute| attribute == "4") => Protocol::Sixel,
        _ => Protocol::HalfBlocks,
    }
}

/// Asks; the answer ends with the device attributes, which every terminal has.
#[cfg(unix)]
fn ask() -> String {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    /// How long an answer is waited for.
    const PATIENCE: Duration = Duration::from_millis(400);
    let Ok(mut terminal) = std::fs::File::options().read(true).write(true).open("/dev/tty") else {
        return String::new();
    };
    let asked = terminal.write_all(format!("{}\x1b[c", kitty::QUESTION).as_bytes());
    if asked.is_err() {
        return String::new();
    }
    let (began, mut answer) = (Instant::now(), Vec::new());
    while let Some(left) = PATIENCE.checked_sub(began.elapsed()) {
        let limit = Timespec { tv_sec: 0, tv_nsec: left.as_nanos() as _ };
        let mut watched = [PollFd::new(&terminal, PollFlags::IN)];
        if !poll(&mut watched, Some(&limit)).is_ok_and(|ready| ready > 0) {
            break;
        }
        let mut byte = [0];
        match terminal.read(&mut byte) {
            Ok(1) => answer.push(byte[0]),
            _ => break,
        }
        if byte == *b"c" && answer.windows(3).any(|part| part == b"\x1b[?") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[cfg(not(unix))]
fn ask() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_announce_what_they_can_do() {
        for (answer, expected) in [
            ("", Protocol::HalfBlocks),
            ("\x1b[?1;2c", Protocol::HalfBlocks),
            ("\x1b[?64;1;2;14;22c", Protocol::HalfBlocks),
            ("\x1b[?62;4;22c", Protocol::Sixel),
            ("\x1b_Gi=31;OK\x1b\\\x1b[?62;c", Protocol::Kitty),
            ("\x1b_Gi=31;EINVAL\x1b\\\x1b[?62;4c", Protocol::Sixel),
        ] {
            assert_eq!(announced(answer), expected, "{answer:?}");
        }
    }
}
