//! What ends the program before its work is done, and how it says so.

use crate::speaker;
use std::fmt;
use std::io::ErrorKind;
use std::panic;
use std::path::Path;
use tweedie_tensor::OutOfMemory;
use tweedie_train::{UserError, reason};

/// The status of a process that has lost another rank: to be started again, as BSD's `EX_TEMPFAIL` asks.
pub(crate) const LOST: u8 = 75;

/// The result of everything the program does.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why the program stops.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something the user can mend.
    User(UserError),
    /// Ctrl-C, after what was worth keeping has been saved.
    Interrupted(String),
    /// A rank of a cluster run was lost.
    Lost(UserError),
    /// What rank 0 says for all ranks.
    Refused(UserError),
    /// Processes that were started ended with this status, and have said why.
    Ended(u8),
    /// The reader of the results has closed the pipe: there is nobody to say anything to.
    Unread,
}

impl Failure {
    /// Something the user can mend: what is wrong, where, and what to do about it.
    pub(crate) fn user(
        what: impl Into<String>,
        place: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Failure {
        Failure::User(UserError::new(what, place, remedy))
    }

    /// A file or folder that cannot be written.
    pub(crate) fn unwritable(path: &Path, option: &str, error: &std::io::Error) -> Failure {
        Failure::user(
            format!("cannot write ({})", reason(error)),
            format!("{option} {}", path.display()),
            "choose a place that exists and that you may write to",
        )
    }

    /// A result that cannot be written to stdout. Whoever closed the pipe has seen enough, as `head` has after ten lines.
    pub(crate) fn unprintable(error: &std::io::Error) -> Failure {
        if error.kind() == ErrorKind::BrokenPipe {
            return Failure::Unread;
        }
        Failure::user(
            format!("the result cannot be written ({})", reason(error)),
            "stdout",
            "write it to a place that has room",
        )
    }

    /// Whether there is anything to say, and nobody else says it.
    pub(crate) fn is_said(&self) -> bool {
        match self {
            Failure::User(_) | Failure::Lost(_) => true,
            Failure::Refused(_) | Failure::Interrupted(_) => speaker::speaks(),
            Failure::Ended(_) | Failure::Unread => false,
        }
    }

    /// The status that the process ends with.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::User(_) | Failure::Refused(_) => 1,
            Failure::Lost(_) => LOST,
            Failure::Ended(status) => *status,
            Failure::Interrupted(_) => 130,
            // As a program ends that SIGPIPE has ended.
            Failure::Unread => 141,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::User(error) | Failure::Lost(error) | Failure::Refused(error) => {
                write!(f, "error: {}", one_line(&error.to_string()))
            }
            Failure::Interrupted(message) => write!(f, "interrupted: {}", one_line(message)),
            Failure::Ended(status) => write!(f, "ended with status {status}"),
            Failure::Unread => write!(f, "the pipe was closed before the result was read"),
        }
    }
}

impl From<tweedie_tensor::Error> for Failure {
    fn from(error: tweedie_tensor::Error) -> Failure {
        Failure::User((&error).into())
    }
}

impl From<tweedie_nn::Error> for Failure {
    fn from(error: tweedie_nn::Error) -> Failure {
        Failure::User((&error).into())
    }
}

impl From<tweedie_diffusion::Error> for Failure {
    fn from(error: tweedie_diffusion::Error) -> Failure {
        Failure::User((&error).into())
    }
}

impl From<tweedie_train::data::DataError> for Failure {
    fn from(error: tweedie_train::data::DataError) -> Failure {
        Failure::User(error.user_error())
    }
}

impl From<tweedie_train::Error> for Failure {
    fn from(error: tweedie_train::Error) -> Failure {
        use tweedie_train::Error;
        use tweedie_train::cluster::ClusterError;
        match &error {
            Error::Cluster(ClusterError::Lost { .. }) => Failure::Lost(error.user_error()),
            // All ranks come to it at once.
            Error::Cluster(ClusterError::Refused(_) | ClusterError::Failed { .. }) | Error::Diverged(_) => {
                Failure::Refused(error.user_error())
            }
            _ => Failure::User(error.user_error()),
        }
    }
}

/// The most characters of a line that names what is wrong.
const LONGEST: usize = 1000;

/// The text on one line, however many the parser or the system that wrote it took; of a very long one, as a list of
/// thousands of values, both ends.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = line.chars().count();
    if length <= LONGEST {
        return line;
    }
    let half = LONGEST / 2;
    let start = line.chars().take(half);
    start.chain(" … ".chars()).chain(line.chars().skip(length - half)).collect()
}

/// Has a fault of the program itself say so in one line, without a backtrace; and a tensor that there is no memory for.
pub(crate) fn report_faults_in_one_line() {
    panic::set_hook(Box::new(|fault| {
        crate::screen::give_back();
        let payload = fault.payload();
        if let Some(full) = payload.downcast_ref::<OutOfMemory>() {
            // Other threads may come to the same end, and would say it again; nothing that is left to do could be done.
            eprintln!("error: {full}");
            std::process::exit(1);
        }
        let text = payload.downcast_ref::<&str>().copied();
        let what =
            text.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason was given");
        let place = fault.location().map_or_else(|| "an unknown place".to_string(), ToString::to_string);
        eprintln!(
            "error: a fault of tweedie itself, {place}: {}: please report it with the command",
            one_line(what)
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line() {
        let failure = Failure::user("TOML parse error at line 1\n  |\n1 | a = \n", "a.toml", "correct it");
        assert_eq!(failure.to_string(), "error: TOML parse error at line 1 | 1 | a = , a.toml: correct it");
        assert_eq!(failure.status(), 1);
    }

    #[test]
    fn a_long_line_keeps_what_is_wrong_and_what_to_do() {
        let text =
            Failure::user(format!("{} is no list", "64, ".repeat(100_000)), "here", "correct it").to_string();
        assert!(text.chars().count() < 1100 && text.starts_with("error: 64, "), "{}", text.len());
        assert!(text.ends_with("is no list, here: correct it"));
    }

    #[test]
    fn an_unwritable_file_is_named_with_the_reason() {
        let error = std::io::Error::from_raw_os_error(13);
        let text = Failure::unwritable(Path::new("/locked/x.png"), "--out", &error).to_string();
        assert!(text.starts_with("error: cannot write (permission denied), --out /locked/x.png: "), "{text}");
    }
}
