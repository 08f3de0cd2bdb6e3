use std::fmt::{self, Write};
use std::io;
use std::path::Path;

/// An error as a person is told of it, `WHAT, WHERE: WHAT TO DO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// What is wrong.
    pub what: String,
    /// Where: the file, option, key or quantity.
    pub place: String,
    /// What to do about it.
    pub remedy: String,
}

impl UserError {
    /// What is wrong, where, and what to do about it: each on one line, in which nothing steers a terminal, whatever the
    /// files and arguments hold that it quotes.
    pub fn new(what: impl Into<String>, place: impl Into<String>, remedy: impl Into<String>) -> UserError {
        let line = |text: String| match text.contains(char::is_control) {
            true => Line(&text).to_string(),
            false => text,
        };
        UserError { what: line(what.into()), place: line(place.into()), remedy: line(remedy.into()) }
    }

    /// A file or folder with which the system did not do what was asked: `action`, as "read".
    pub fn io(action: &str, path: &Path, source: &io::Error) -> UserError {
        let remedy = match action {
            "read" => "check that it is there and that you may read it",
            _ => "check that there is room and that you may write there",
        };
        UserError::new(format!("cannot {action} ({})", reason(source)), path.display().to_string(), remedy)
    }

    /// An error that only a fault of the program can lead to.
    fn fault(error: impl fmt::Display) -> UserError {
        UserError::new(error.to_string(), "a fault of tweedie itself", "please report it with the command")
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UserError { what, place, remedy } = self;
        write!(f, "{}, {}: {}", Line(what), Line(place), Line(remedy))
    }
}

/// Text of files and arguments on one line, in which nothing steers a terminal.
struct Line<'a>(&'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\n' | '\r' | '\t' => f.write_char(' '),
            c if c.is_control() => write!(f, "{}", c.escape_default()),
            c => f.write_char(c),
        })
    }
}

impl std::error::Error for UserError {}

/// What the system says, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

impl From<&tweedie_tensor::Error> for UserError {
    fn from(error: &tweedie_tensor::Error) -> UserError {
        UserError::fault(error)
    }
}

impl From<&tweedie_autograd::Error> for UserError {
    fn from(error: &tweedie_autograd::Error) -> UserError {
        UserError::fault(error)
    }
}

impl From<&tweedie_nn::Error> for UserError {
    fn from(error: &tweedie_nn::Error) -> UserError {
        use tweedie_nn::Error;
        match error {
            Error::Config { key, value, why } => {
                UserError::new(format!("{key} = {value}"), "the network", why)
            }
            Error::Input { network, what, why } => UserError::new(what, *network, why),
            Error::File { path, why } => UserError::new(
                why,
                path.display().to_string(),
                "give a file that is whole, and of the kind that is asked for",
            ),
            Error::Weights { path, .. } => {
                let text = error.to_string();
                let place = path.display().to_string();
                let what = text.strip_prefix(&format!("{place}: ")).unwrap_or(&text);
                UserError::new(what, place, "give weights of this network")
            }
            Error::State { what, name, why } => {
                UserError::new(format!("{name}: {why}"), *what, "give a checkpoint of this network")
            }
            Error::Diverged { step } => UserError::new(
                "the loss or its gradient is not finite",
                format!("step {step}"),
                "lower the learning rate, or clip the gradients",
            ),
            Error::Autograd(error) => error.into(),
        }
    }
}

impl From<&tweedie_diffusion::Error> for UserError {
    fn from(error: &tweedie_diffusion::Error) -> UserError {
        use tweedie_diffusion::Error;
        match error {
            Error::Beta { t, beta } => UserError::new(
                format!("beta = {beta} is outside (0, 1)"),
                format!("the schedule at index {t}"),
                "give betas above 0 and below 1",
            ),
            Error::Parameter { what, name, value, why } => {
                UserError::new(format!("{name} = {value}"), *what, why)
            }
            Error::Unsupported { key, value, supported } => {
                UserError::new(format!("{value:?} is not supported"), *key, format!("it can be {supported}"))
            }
            Error::Undetermined { from, to, t, signal, noise } => UserError::new(
                format!("a prediction of {from} does not determine {to}"),
                format!("t = {t} (signal {signal}, noise {noise})"),
                "predict something else, or take a schedule that ends short of pure noise",
            ),
            Error::NotFinite { kind, t, sample } => UserError::new(
                format!("the model's prediction of {kind} is not finite"),
                format!("t = {t}, sample {sample} of the batch"),
                "take other weights, or paint from less noise",
            ),
            Error::Denoiser(error) => {
                UserError::new(error.to_string(), "the denoiser", "look at what it is made of")
            }
            Error::Tensor(error) => error.into(),
            other => UserError::fault(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_hold_makes_no_second_line_and_steers_no_terminal() {
        let error = UserError::new("key `a\nb`", "\u{1b}[2J.png", "rename\tit");
        assert_eq!(error.to_string(), "key `a b`, \\u{1b}[2J.png: rename it");
        assert_eq!((&*error.what, &*error.place), ("key `a b`", "\\u{1b}[2J.png"));
    }

    #[test]
    fn every_error_says_what_where_and_what_to_do() {
        let system = io::Error::from_raw_os_error(2);
        assert_eq!(
            UserError::io("read", Path::new("a.png"), &system).to_string(),
            "cannot read (no such file or directory), a.png: check that it is there and that you may read it"
        );
        let schedule = tweedie_diffusion::Schedule::cosine(0).unwrap_err();
        let text = UserError::from(&schedule).to_string();
        assert!(text.contains(", ") && text.contains(": "), "{text}");
        let lost = tweedie_tensor::Tensor::<f32>::from_slice([2], &[1.0]).unwrap_err();
        assert_eq!(UserError::from(&lost).remedy, "please report it with the command");
    }
}
