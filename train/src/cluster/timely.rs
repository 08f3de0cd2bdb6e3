//! The engine over TCP: `timely_communication`, the transport under Timely Dataflow (Murray et al. 2013, "Naiad").

use super::engine::Engine;
use super::link::{Link, LinkState, bytes_on_wire};
use super::messages::Message;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use timely_communication::allocator::ProcessBuilder;
use timely_communication::allocator::zero_copy::allocator::TcpBuilder;
use timely_communication::allocator::zero_copy::initialize::{
    CommsGuard, initialize_networking_from_sockets,
};
use timely_communication::{Allocator, Bytesable, Hooks, Pull, Push};

/// A mesh of connections whose threads run, before it is on the thread that it serves.
pub(super) struct TimelyBuilder {
    rank: usize,
    builder: TcpBuilder,
    guard: CommsGuard,
    links: Vec<Option<Arc<LinkState>>>,
}

/// The engine.
pub(super) struct Timely {
    rank: usize,
    pushers: Vec<Box<dyn Push<Message>>>,
    puller: Box<dyn Pull<Message>>,
    allocator: Allocator,
    guard: CommsGuard,
    links: Vec<Option<Arc<LinkState>>>,
    /// Bytes handed over, by rank.
    pushed: Vec<u64>,
}

impl TimelyBuilder {
    /// Starts the threads of a mesh: a connection to each rank but this one.
    ///
    /// # Errors
    /// Threads or handles that the system does not give.
    pub(super) fn start(rank: usize, mesh: Vec<Option<TcpStream>>) -> io::Result<TimelyBuilder> {
        let links: Vec<Option<Link>> =
            mesh.into_iter().map(|socket| socket.map(Link::over).transpose()).collect::<io::Result<_>>()?;
        let states = links.iter().map(|link| link.as_ref().map(Link::state)).collect();
        let hooks = Hooks::default();
        let process = ProcessBuilder::new_typed_vector(1, hooks.refill.clone(), None);
        let (mut builders, guard) = initialize_networking_from_sockets(process, links, rank, 1, hooks)?;
        let builder = builders.pop().ok_or(io::ErrorKind::Other)?;
        Ok(TimelyBuilder { rank, builder, guard, links: states })
    }

    /// The engine on this thread.
    pub(super) fn build(self) -> Timely {
        let TimelyBuilder { rank, builder, guard, links } = self;
        for link in links.iter().flatten() {
            link.wake_on_news(thread::current());
        }
        let mut allocator = Allocator::Tcp(builder.build());
        let (pushers, puller) = allocator.allocate(0);
        let pushed = vec![0; links.len()];
        Timely { rank, pushers, puller, allocator, guard, links, pushed }
    }
}

impl Timely {
    fn link(&self, rank: usize) -> Option<&LinkState> {
        self.links.get(rank)?.as_deref()
    }
}

impl Engine for Timely {
    fn push(&mut self, to: usize, message: Message) {
        debug_assert!(to != self.rank, "no rank writes to itself");
        self.pushed[to] += bytes_on_wire(message.length_in_bytes());
        self.pushers[to].send(message);
    }

    fn outstanding(&self, to: usize) -> u64 {
        let written = self.link(to).map_or(0, LinkState::written);
        self.pushed[to].saturating_sub(written)
    }

    fn wake_at(&self, to: usize, outstanding: u64) {
        if let Some(link) = self.link(to) {
            link.wake_at(self.pushed[to].saturating_sub(outstanding));
        }
    }

    fn receive(&mut self, each: &mut dyn FnMut(Message)) {
        self.allocator.receive();
        self.allocator.events().borrow_mut().clear();
        while let Some(message) = self.puller.recv() {
            each(message);
        }
    }

    fn wait(&mut self, most: Duration) {
        self.allocator.await_events(Some(most));
    }

    fn lost(&self, rank: usize) -> Option<String> {
        self.link(rank)?.lost()
    }

    fn has_ended(&self, rank: usize) -> bool {
        self.link(rank).is_some_and(LinkState::has_ended)
    }

    fn silence(&self, rank: usize) -> Duration {
        self.link(rank).map_or(Duration::ZERO, LinkState::silence)
    }

    fn forgive_silence(&mut self) {
        self.links.iter().flatten().for_each(|link| link.forgive_silence());
    }

    fn sent(&self) -> u64 {
        self.links.iter().flatten().map(|link| link.written()).sum()
    }

    fn end(self: Box<Self>, most: Duration) {
        let Timely { pushers, puller, allocator, guard, links, .. } = *self;
        // In this order everything that was handed over is sent; the guard waits for the peers' ends.
        drop((pushers, puller));
        drop(allocator);
        let ending = thread::spawn(move || drop(guard));
        let began = Instant::now();
        while !ending.is_finished() && began.elapsed() < most {
            thread::sleep(Duration::from_millis(2));
        }
        // A peer that hangs is not waited for: its connection comes to its end here.
        links.iter().flatten().for_each(|link| link.cut());
        let _ = ending.join();
    }
}
