//! Ctrl-C, and the signals by which a system asks a program to end or to save.

use crate::console::Console;
use crate::screen;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The status of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// What the user, or the system, has asked the program to do.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<Asked>);

#[derive(Debug)]
struct Asked {
    console: Console,
    /// What is said to the first signal that asks to stop.
    saying: &'static str,
    /// Whether there is work that a signal should not end at once.
    has_begun: AtomicBool,
    stop: AtomicBool,
    save: AtomicBool,
    paint: AtomicBool,
    /// Whether somebody else shows what was asked for.
    muted: AtomicBool,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// To stop; whoever says it twice does not want to wait.
    Stop,
    /// To stop; the system says it again and again.
    StopSoon,
    /// To save, and go on.
    Save,
}

impl Interrupt {
    /// Listens from now on. The first signal asks to stop when it suits, `saying` what that means; the second ends
    /// the process.
    pub(crate) fn listen(console: Console, saying: &'static str) -> Interrupt {
        let interrupt = Interrupt::new(console, saying);
        interrupt.begin();
        interrupt.handle(false);
        interrupt
    }

    /// Listens for those, too, that ask for a checkpoint. Until [`Interrupt::begin`], a signal to stop ends the process.
    pub(crate) fn listen_from_the_start(console: Console, saying: &'static str) -> Interrupt {
        let interrupt = Interrupt::new(console, saying);
        interrupt.handle(true);
        interrupt
    }

    fn new(console: Console, saying: &'static str) -> Interrupt {
        let no = || AtomicBool::new(false);
        Interrupt(Arc::new(Asked {
            console,
            saying,
            has_begun: no(),
            stop: no(),
            save: no(),
            paint: no(),
            muted: no(),
        }))
    }

    /// One that no signal reaches.
    #[cfg(test)]
    pub(crate) fn of_test(is_asked: bool) -> Interrupt {
        let interrupt = Interrupt::new(Console { json: false, quiet: true }, "stopping");
        interrupt.0.stop.store(is_asked, Ordering::SeqCst);
        interrupt
    }

    /// From now on there is something to lose.
    pub(crate) fn begin(&self) {
        self.0.has_begun.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub(crate) fn asked(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    /// Whether a checkpoint has been asked for since the last call.
    pub(crate) fn takes_wish_to_save(&self) -> bool {
        self.0.save.swap(false, Ordering::SeqCst)
    }

    /// Whether pictures have been asked for since the last call.
    pub(crate) fn takes_wish_to_paint(&self) -> bool {
        self.0.paint.swap(false, Ordering::SeqCst)
    }

    /// Asks to stop, as a signal does: twice, to stop at once.
    pub(crate) fn ask_to_stop(&self) {
        self.take(Wish::Stop);
    }

    /// Asks for a checkpoint.
    pub(crate) fn ask_to_save(&self) {
        self.take(Wish::Save);
    }

    /// Asks for pictures.
    pub(crate) fn ask_to_paint(&self) {
        self.0.paint.store(true, Ordering::SeqCst);
    }

    /// From now on, nothing is said to what is asked for.
    pub(crate) fn mute(&self) {
        self.0.muted.store(true, Ordering::SeqCst);
    }

    fn say(&self, line: impl AsRef<str>) {
        if !self.0.muted.load(Ordering::SeqCst) {
            self.0.console.say(line);
        }
    }

    /// Does what a signal asks for.
    fn take(&self, wish: Wish) {
        let Asked { saying, has_begun, stop, save, .. } = &*self.0;
        match wish {
            Wish::Save => {
                if !save.swap(true, Ordering::SeqCst) {
                    self.say("saving a checkpoint after this step, as a signal asks for");
                }
            }
            Wish::Stop | Wish::StopSoon if !has_begun.load(Ordering::SeqCst) => exit(),
            Wish::Stop | Wish::StopSoon => {
                if !stop.swap(true, Ordering::SeqCst) {
                    self.say(format!("\n{saying} (again to stop at once)"));
                } else if wish == Wish::Stop {
                    exit();
                }
            }
        }
    }

    /// Handles the signals of Unix in a thread. SIGXCPU comes every second once the time is used up, and SIGHUP beside
    /// SIGTERM from some: neither ends a process that is ending.
    #[cfg(unix)]
    fn handle(&self, with_saving: bool) {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXCPU};
        use signal_hook::iterator::Signals;
        let mut asked_for = vec![SIGINT, SIGTERM, SIGXCPU];
        // Under `nohup`, the end of the terminal is not to be the program's.
        if !is_ignored(SIGHUP) {
            asked_for.push(SIGHUP);
        }
        if with_saving {
            asked_for.push(SIGUSR1);
        }
        // Where no handler can be set, signals keep their ordinary meaning.
        let Ok(mut signals) = Signals::new(asked_for) else { return };
        let interrupt = self.clone();
        let _ = std::thread::Builder::new().name("signals".to_string()).spawn(move || {
            for signal in signals.forever() {
                interrupt.take(match signal {
                    SIGUSR1 => Wish::Save,
                    SIGXCPU | SIGHUP => Wish::StopSoon,
                    _ => Wish::Stop,
                });
            }
        });
    }

    #[cfg(not(unix))]
    fn handle(&self, _: bool) {
        let interrupt = self.clone();
        // Where no handler can be set, signals keep their ordinary meaning.
        let _ = ctrlc::set_handler(move || interrupt.take(Wish::Stop));
    }
}

/// Asks another process of this program to end, as soon as it has saved. `None` where the system has no such signal; else whether
/// the process could be asked.
pub(crate) fn ask_to_end(process: u32) -> Option<std::io::Result<bool>> {
    #[cfg(unix)]
    {
        use std::process::{Command, Stdio};
        // The system's own tool, as sending a signal is not in the standard library.
        let asked = Command::new("kill").args(["-TERM", &process.to_string()]).stderr(Stdio::null()).status();
        Some(asked.map(|status| status.success()))
    }
    #[cfg(not(unix))]
    {
        let _ = process;
        None
    }
}

/// Ends the process, and leaves the terminal as it was.
fn exit() -> ! {
    screen::give_back();
    std::process::exit(INTERRUPTED)
}

/// Whether the process was started with this signal ignored, where the system tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_ask_once_and_what_comes_again_and_again_ends_nothing() {
        let interrupt = Interrupt::new(Console { json: false, quiet: true }, "stopping");
        interrupt.begin();
        interrupt.take(Wish::Save);
        interrupt.take(Wish::Save);
        assert!(interrupt.takes_wish_to_save() && !interrupt.takes_wish_to_save() && !interrupt.asked());
        interrupt.take(Wish::Stop);
        for _ in 0..10 {
            interrupt.take(Wish::StopSoon);
        }
        assert!(interrupt.asked());
    }
}
