//! A run on the whole terminal: its curves, its newest pictures, what it says, and keys.
//!
//! A thread of its own draws and reads keys, so that both go on while a step takes its time. It shares with the run what is
//! shown; the run is asked to save or to stop as a signal would ask it.

mod draw;
mod graphics;
mod halfblocks;
mod kitty;
mod plot;
mod query;
mod sixel;
mod state;

pub(crate) use state::{Grid, State};

use crate::interrupt::Interrupt;
use crate::screen::Screen;
use draw::draw;
use graphics::Graphics;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long keys are waited for between two drawings.
const FRAME: Duration = Duration::from_millis(150);

/// The screen of a run.
#[derive(Debug)]
pub(crate) struct Tui {
    shared: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tui {
    /// Takes the terminal on stderr, and shows `state` on it. Keys ask `interrupt`.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub(crate) fn start(state: State, interrupt: Interrupt) -> io::Result<Tui> {
        let screen = Screen::take()?;
        let graphics = Graphics::of_terminal();
        let terminal = Terminal::new(CrosstermBackend::new(io::stderr()))?;
        interrupt.mute();
        let (shared, ended) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let show = Show {
            shared: Arc::clone(&shared),
            ended: Arc::clone(&ended),
            interrupt,
            graphics,
            _screen: screen,
        };
        let thread = std::thread::Builder::new().name("screen".into()).spawn(move || show.run(terminal))?;
        Ok(Tui { shared, ended, thread: Some(thread) })
    }

    /// Changes what is shown.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) {
        // A thread that drew and failed has left what is shown as it was.
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Gives the terminal back; returns the lines that were said, to be printed where they stay.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A fault of it has been reported.
            let _ = thread.join();
        }
        let mut lines = Vec::new();
        self.update(|state| lines = std::mem::take(&mut state.said));
        lines
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The thread that draws.
struct Show {
    shared: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
    interrupt: Interrupt,
    graphics: Graphics,
    /// Given back when the thread ends.
    _screen: Screen,
}

impl Show {
    fn run(mut self, mut terminal: Terminal<CrosstermBackend<io::Stderr>>) {
        let mut help = false;
        while !self.ended.load(Ordering::SeqCst) {
            let drawn = self.draw(&mut terminal, help);
            // A terminal that is gone is no reason to end a run; it is given back, and nothing more is drawn.
            if drawn.is_err() {
                return;
            }
            match event::poll(FRAME).and_then(|there| if there { event::read().map(Some) } else { Ok(None) })
            {
                Ok(Some(Event::Key(key))) if key.kind != KeyEventKind::Release => help = self.key(key, help),
                Ok(Some(Event::Resize(..))) => self.graphics.forget(),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn draw(&mut self, terminal: &mut Terminal<CrosstermBackend<io::Stderr>>, help: bool) -> io::Result<()> {
        let (mut picture, mut grid) = (None, None);
        terminal.draw(|frame| {
            // No longer than this: what is drawn is then sent to the terminal, which may be slow, and training would wait for it.
            let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.stopping = self.interrupt.asked();
            picture = draw(frame, &state, help, self.graphics.paints_cells());
            grid.clone_from(&state.grid);
        })?;
        let place = picture.filter(|_| !help);
        self.graphics.show(&mut io::stderr(), grid.as_deref(), place)
    }

    /// Does what a key asks for; returns whether the help is shown from now on.
    fn key(&mut self, key: KeyEvent, help: bool) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            // As the signal does: once to stop after saving, twice to stop at once.
            KeyCode::Char('c') if control => self.interrupt.ask_to_stop(),
            KeyCode::Char('q') if !self.interrupt.asked() => self.interrupt.ask_to_stop(),
            KeyCode::Char('s') => self.interrupt.ask_to_save(),
            KeyCode::Char('g') => self.interrupt.ask_to_paint(),
            KeyCode::Char('?' | 'h') => return !help,
            KeyCode::Esc => return false,
            _ => {}
        }
        help
    }
}
