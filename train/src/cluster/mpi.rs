//! The engine over MPI, for fabrics that TCP does not reach (MPI Forum 2021, "MPI: A Message-Passing Interface Standard 4.0").
//!
//! One message of ours is one of MPI's, which keeps the order between two ranks by itself. MPI wakes nobody: while nothing
//! comes, the thread looks again and again, ever more seldom. It also tells nobody of a rank that was killed: its launcher
//! ends the others, or their own limit of silence does.

use super::engine::Engine;
use super::error::{ClusterError, Result};
use super::messages::Message;
use ferrompi::{Communicator, PersistentRequest, Source, Tag, ThreadLevel};
use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};
use timely_bytes::arc::BytesMut;
use timely_communication::Bytesable;

/// A message of the worker's.
const MESSAGE: i32 = 1;
/// That the sender has ended in good order.
const END: i32 = 2;
/// For how long news is looked for without a pause: in the middle of a sum the next piece is never far.
const EAGER: Duration = Duration::from_micros(200);
/// Between two looks for news after that, at first and at last.
const PAUSES: [Duration; 2] = [Duration::from_micros(20), Duration::from_millis(1)];

/// The engine. It lives on the thread that it was started on, the only one that speaks to MPI.
pub(super) struct Mpi {
    world: Communicator,
    peers: Vec<Peer>,
    /// How long the next pause is.
    pause: Duration,
    /// What MPI refused.
    failed: Option<String>,
    sent: u64,
    // After the communicator and the requests, which need it.
    _mpi: ferrompi::Mpi,
}

struct Peer {
    /// Messages that MPI has not sent yet, the oldest first.
    sending: VecDeque<(PersistentRequest<u8>, u64)>,
    heard: Instant,
    has_ended: bool,
}

impl Mpi {
    /// Starts MPI on this thread, which the launcher has told that it is `rank` of `size`.
    ///
    /// # Errors
    /// MPI that cannot be started; one that was told another place, as that of another launcher is.
    pub(super) fn start(rank: usize, size: usize) -> Result<Mpi> {
        let refused = |what: String| {
            let remedy = "start the ranks with the launcher of the MPI that this program was built with";
            ClusterError::own(what, "--engine mpi", remedy)
        };
        let mpi = ferrompi::Mpi::init_thread(ThreadLevel::Funneled)
            .map_err(|error| refused(format!("MPI cannot be started ({error})")))?;
        let world = mpi.world();
        let (own, all) = (world.rank() as usize, world.size() as usize);
        if (own, all) != (rank, size) {
            let what = format!("MPI says rank {own} of {all}, the launcher rank {rank} of {size}");
            return Err(refused(what));
        }
        let peer = || Peer { sending: VecDeque::new(), heard: Instant::now(), has_ended: false };
        let peers = std::iter::repeat_with(peer).take(size).collect();
        Ok(Mpi { world, peers, pause: PAUSES[0], failed: None, sent: 0, _mpi: mpi })
    }

    fn send(&mut self, to: usize, tag: i32, bytes: Vec<u8>) {
        let length = bytes.len() as u64;
        let request = self.world.send_init(bytes, to as i32, tag);
        let started = request.and_then(|mut request| request.start().map(|()| request));
        if let (Some(request), Some(peer)) = (self.keep(started), self.peers.get_mut(to)) {
            peer.sending.push_back((request, length));
            self.sent += length;
        }
    }

    fn keep<T>(&mut self, returned: ferrompi::Result<T>) -> Option<T> {
        first_failure(&mut self.failed, returned)
    }

    /// Lets go of what has been sent; returns whether that was anything.
    fn settle(&mut self) -> bool {
        let mut has_sent = false;
        for peer in &mut self.peers {
            while let Some((request, _)) = peer.sending.front_mut() {
                // One that has failed is let go of too.
                if let Some(None) = first_failure(&mut self.failed, request.test()) {
                    break;
                }
                peer.sending.pop_front();
                has_sent = true;
            }
        }
        has_sent
    }

    /// Whether the others have ended, and have all that was sent.
    fn is_over(&self) -> bool {
        let own = self.world.rank() as usize;
        let mut others = self.peers.iter().enumerate().filter(|(rank, _)| *rank != own);
        others.all(|(_, peer)| peer.has_ended && peer.sending.is_empty())
    }
}

/// What MPI returned, unless it is an error: the first of these is kept.
fn first_failure<T>(failed: &mut Option<String>, returned: ferrompi::Result<T>) -> Option<T> {
    match returned {
        Ok(value) => Some(value),
        Err(error) => {
            failed.get_or_insert_with(|| format!("MPI failed: {error}"));
            None
        }
    }
}

impl Engine for Mpi {
    fn push(&mut self, to: usize, message: Message) {
        let mut bytes = Vec::with_capacity(message.length_in_bytes());
        message.into_bytes(&mut bytes);
        self.send(to, MESSAGE, bytes);
    }

    fn outstanding(&self, to: usize) -> u64 {
        self.peers.get(to).map_or(0, |peer| peer.sending.iter().map(|(_, length)| length).sum())
    }

    fn wake_at(&self, _: usize, _: u64) {
        // Whatever is waited for is looked for.
    }

    fn receive(&mut self, each: &mut dyn FnMut(Message)) {
        if self.settle() {
            self.pause = PAUSES[0];
        }
        loop {
            let found = self.world.improbe::<u8>(Source::Any, Tag::Any);
            let Some(Some((message, status))) = self.keep(found) else { return };
            let mut bytes = vec![0; status.count.unwrap_or(0)];
            let received = message.mrecv(&mut bytes);
            let Some(status) = self.keep(received) else { return };
            let Source::Rank(from) = status.source else { continue };
            self.pause = PAUSES[0];
            if let Some(peer) = self.peers.get_mut(from as usize) {
                peer.heard = Instant::now();
                match status.tag {
                    Tag::Value(END) => peer.has_ended = true,
                    _ => each(Message::from_bytes(BytesMut::from(bytes).freeze())),
                }
            }
        }
    }

    fn wait(&mut self, most: Duration) {
        let [first, longest] = PAUSES;
        let began = Instant::now();
        while self.pause == first && began.elapsed() < EAGER {
            let found = self.world.iprobe::<u8>(Source::Any, Tag::Any);
            let has_news = self.keep(found).is_none_or(|found| found.is_some());
            if has_news || self.settle() {
                return;
            }
            thread::yield_now();
        }
        // Whether the time is over or there is an order, the caller looks at everything again.
        thread::park_timeout(self.pause.min(most));
        self.pause = (2 * self.pause).min(longest);
    }

    fn lost(&self, _: usize) -> Option<String> {
        self.failed.clone()
    }

    fn has_ended(&self, rank: usize) -> bool {
        self.peers.get(rank).is_some_and(|peer| peer.has_ended)
    }

    fn silence(&self, rank: usize) -> Duration {
        self.peers.get(rank).map_or(Duration::ZERO, |peer| peer.heard.elapsed())
    }

    fn forgive_silence(&mut self) {
        self.peers.iter_mut().for_each(|peer| peer.heard = Instant::now());
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn end(mut self: Box<Self>, most: Duration) {
        let began = Instant::now();
        let own = self.world.rank() as usize;
        for other in (0..self.peers.len()).filter(|&other| other != own) {
            self.send(other, END, vec![0]);
        }
        while !self.is_over() && began.elapsed() < most {
            self.receive(&mut |_| {});
            thread::park_timeout(PAUSES[0]);
        }
        if !self.is_over() {
            // MPI's own end waits for all ranks; without those that are lost it would never come.
            std::mem::forget(self);
        }
    }
}
