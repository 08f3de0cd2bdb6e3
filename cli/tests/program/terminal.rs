#![cfg(unix)]
//! A run on a terminal: a pseudo-terminal, with the program as its session.

use crate::run::{Said, program, train_tiny, tweedie};
use crate::signals::wait_for;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const ENDLESS: [&str; 5] = [
    "--steps=100000000",
    "--out=run",
    "--checkpoint-every=100000000",
    "--set=train.grids=0",
    "--set=train.validate_every=50",
];
/// What takes the screen, and what gives it back.
const TAKEN: &str = "\x1b[?1049h";
const GIVEN_BACK: &str = "\x1b[?1049l";

/// A program on a terminal of its own.
struct Session {
    child: Child,
    keyboard: File,
    terminal: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Session {
    /// Runs the program in `folder` on a terminal of so many columns and rows; stdout goes to a pipe.
    fn begin(folder: &Path, arguments: &[&str], [columns, rows]: [u16; 2]) -> Session {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(name).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let inner = program(folder, arguments);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(inner.get_program()).args(inner.get_args());
        command.current_dir(folder).env("TERM", "xterm-256color").env_remove("COLORTERM");
        let end = || Stdio::from(terminal.try_clone().unwrap());
        let child = command.stdin(end()).stderr(end()).stdout(Stdio::piped()).spawn().unwrap();
        let keyboard = File::from(master);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut output, shared) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut piece) {
                shared.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Session { child, keyboard, terminal, screen, reader }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    fn press(&mut self, key: &str) {
        self.keyboard.write_all(key.as_bytes()).unwrap();
    }

    fn wait_for(&self, text: &str) {
        wait_for(|| self.shown().contains(text));
    }

    /// The status of the end, and stdout; the terminal is as it was, and lines are edited by it.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
        let Session { terminal, screen, reader, .. } = self;
        // With its last other end closed, what the terminal was told ends, once all of it has been read.
        drop(terminal);
        reader.join().unwrap();
        let shown = String::from_utf8_lossy(&screen.lock().unwrap()).into_owned();
        (status.code().or(status.signal().map(|signal| 128 + signal)), stdout, shown)
    }
}

/// After the last time that the screen was taken, it was given back.
fn was_given_back(shown: &str) -> bool {
    let (taken, back) = (shown.rfind(TAKEN), shown.rfind(GIVEN_BACK));
    taken.is_some() && taken < back
}

#[test]
fn a_screen_shows_the_run_and_keys_save_paint_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = train_tiny(&[&ENDLESS[..], &["--tui", "--json"]].concat());
    let mut session = Session::begin(folder.path(), &arguments, [100, 30]);
    let run = folder.path().join("run");
    let count = |name: &str| fs::read_dir(run.join(name)).map_or(0, Iterator::count);
    session.wait_for("q stop after saving");
    session.wait_for("pictures/s");
    session.wait_for("g grid");
    session.press("s");
    wait_for(|| count("checkpoints") == 1);
    session.press("g");
    wait_for(|| count("samples") == 1);
    session.wait_for("▀");
    session.press("?");
    // Only what changes is drawn: words, not the spaces between them.
    session.wait_for("Ctrl-C");
    session.press("q");
    let (status, stdout, shown) = session.end();
    assert_eq!((status, stdout.matches("weights_digest").count()), (Some(130), 1), "{stdout}");
    assert!(was_given_back(&shown), "{shown}");
    // What stays on the terminal.
    let after = shown.rsplit(GIVEN_BACK).next().unwrap();
    assert!(after.contains("glyphs: 60,000 pictures") && after.contains("saved after step "), "{after}");
}

#[test]
fn a_screen_is_given_back_to_signals_and_to_those_who_do_not_want_to_wait() {
    for (signals, status) in [(&["-TERM"][..], 130), (&["-INT", "-INT"], 130)] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = train_tiny(&[&ENDLESS[..], &["--tui"]].concat());
        let session = Session::begin(folder.path(), &arguments, [80, 24]);
        session.wait_for("q stop after saving");
        session.wait_for("pictures/s");
        wait_for(|| fs::metadata(folder.path().join("run/metrics.jsonl")).is_ok_and(|file| file.len() > 0));
        // The program is the only child of `setsid --wait`, or `setsid` itself has become it.
        let id = session.child.id().to_string();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let program = children.split_whitespace().next().unwrap_or(&id).to_string();
        for signal in signals {
            assert!(Command::new("kill").args([signal, &program[..]]).status().unwrap().success());
        }
        let (ended, _, shown) = session.end();
        assert_eq!(ended, Some(status), "{shown}");
        assert!(was_given_back(&shown), "{shown}");
    }
}

#[test]
fn a_line_on_a_terminal_has_a_curve_and_none_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::begin(folder.path(), &train_tiny(&ENDLESS), [120, 30]);
    wait_for(|| session.shown().contains(['▁', '█']));
    session.press("\x03");
    let (status, _, shown) = session.end();
    assert_eq!(status, Some(130), "{shown}");
    assert!(shown.contains(" pictures/s, ") && !shown.contains(TAKEN), "{shown}");
}

#[test]
fn without_a_terminal_there_are_lines_and_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let Said { status, stderr, .. } =
        tweedie(folder.path(), &train_tiny(&["--steps=3", "--out=run", "--tui"]));
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(stderr.matches("note: --tui: stderr is no terminal: lines instead\n").count(), 1, "{stderr}");
    assert!(!stderr.contains('\x1b') && !stderr.contains('▁'), "{stderr}");
    let said = tweedie(folder.path(), &train_tiny(&["--steps=3", "--out=quiet", "--tui", "--quiet"]));
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.starts_with("error: ") && said.stderr.contains("--tui --quiet"), "{}", said.stderr);
    assert!(!folder.path().join("quiet").exists());
}
