//! Ctrl-C, and the signals by which a system asks a program to end.

use crate::console::Console;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the user, or the system, has asked the program to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. The first signal asks to stop when it suits, `saying` what that means; the second ends
    /// the process.
    pub(crate) fn listen(console: Console, saying: &'static str) -> Interrupt {
        let asked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked);
        // Where no handler can be set, signals keep their ordinary meaning.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            console.say(format!("\n{saying} (again to stop at once)"));
        });
        Interrupt(asked)
    }

    /// Whether to stop.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
