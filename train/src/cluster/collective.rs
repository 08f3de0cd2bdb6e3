//! What ranks do together, as the training thread sees it.

use super::engine::Engine;
use super::error::{ClusterError, Result};
use super::sum::Bucket;
use super::tree::leaves_of;
use super::worker::{Answer, Command, Worker};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tweedie_tensor::Tensor;

/// The operations that all ranks of a run take part in, each in the same order as the others.
pub trait Collective: Send {
    /// This rank's number, from 0 on.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// The bytes of every rank, by rank.
    ///
    /// # Errors
    /// A rank that is lost or has failed.
    fn gather(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>>;

    /// The bytes of every rank, by rank, on rank 0; on the others nothing.
    ///
    /// # Errors
    /// As [`Collective::gather`].
    fn gather_on_first(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>>;

    /// Rank 0's bytes; those of other ranks are not looked at.
    ///
    /// # Errors
    /// As [`Collective::gather`].
    fn broadcast(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>>;

    /// Begins to sum a bucket over all ranks, in the canonical tree of the shards.
    ///
    /// # Errors
    /// As [`Collective::gather`].
    fn begin_sum(&mut self, bucket: Bucket) -> Result<()>;

    /// The tensors of the sum that was begun first of those that are not finished.
    ///
    /// # Errors
    /// As [`Collective::gather`]; no sum that was begun.
    fn finish_sum(&mut self) -> Result<Vec<Tensor<f32>>>;

    /// The shards of this rank, of `shards` that a batch has.
    fn leaves(&self, shards: usize) -> Range<usize> {
        leaves_of(self.rank(), self.size(), shards)
    }

    /// How long this rank has waited for the others since this was asked last.
    fn take_wait(&mut self) -> Duration;

    /// Bytes that this rank has sent so far.
    fn traffic(&mut self) -> u64;

    /// Ends together with all others.
    ///
    /// # Errors
    /// As [`Collective::gather`].
    fn end(&mut self) -> Result<()>;

    /// Tells the others that this rank stops with an error.
    fn fail(&mut self, error: &str);
}

/// One rank, which has nobody to ask.
#[derive(Debug, Default)]
pub(super) struct Alone {
    sums: VecDeque<Vec<Tensor<f32>>>,
}

impl Collective for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn gather(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        Ok(vec![bytes])
    }

    fn gather_on_first(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        Ok(vec![bytes])
    }

    fn broadcast(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(bytes)
    }

    fn begin_sum(&mut self, bucket: Bucket) -> Result<()> {
        // The only rank has all leaves, and so their sum.
        self.sums.push_back(bucket.nodes.into_iter().next().map_or_else(Vec::new, |(_, tensors)| tensors));
        Ok(())
    }

    fn finish_sum(&mut self) -> Result<Vec<Tensor<f32>>> {
        self.sums.pop_front().ok_or_else(no_sum)
    }

    fn take_wait(&mut self) -> Duration {
        Duration::ZERO
    }

    fn traffic(&mut self) -> u64 {
        0
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    fn fail(&mut self, _: &str) {}
}

/// A rank among others, served by a thread of its own.
pub(super) struct Member {
    rank: usize,
    size: usize,
    commands: Option<Sender<Command>>,
    answers: Receiver<Answer>,
    sums: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
    waited: Duration,
    sent: Arc<AtomicU64>,
}

impl Member {
    /// Starts the thread. The engine is built on it.
    ///
    /// # Errors
    /// A thread that the system does not give.
    pub(super) fn start(
        rank: usize,
        size: usize,
        limit: Duration,
        build: impl FnOnce() -> Result<Box<dyn Engine>> + Send + 'static,
    ) -> std::io::Result<Member> {
        let (commands, orders) = channel();
        let (to_answers, answers) = channel();
        let (to_sums, sums) = channel();
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let thread = std::thread::Builder::new().name("ranks".to_string()).spawn(move || {
            match build() {
                Ok(engine) => {
                    Worker::new(rank, engine, orders, (to_answers, to_sums), limit, size, counted).run();
                }
                // Whoever asks for something is told.
                Err(error) => drop(to_answers.send(Answer::Error(error))),
            }
        })?;
        let commands = Some(commands);
        Ok(Member { rank, size, commands, answers, sums, thread: Some(thread), waited: Duration::ZERO, sent })
    }

    fn order(&mut self, command: Command) -> Result<()> {
        let sent = self.commands.as_ref().is_some_and(|commands| commands.send(command).is_ok());
        if let (true, Some(thread)) = (sent, &self.thread) {
            thread.thread().unpark();
            return Ok(());
        }
        // Why the thread is gone is the last that it said.
        match self.answers.try_iter().last() {
            Some(Answer::Error(error)) => Err(error),
            _ => Err(gone()),
        }
    }

    fn wait(&mut self, of_sums: bool) -> Result<Answer> {
        let began = Instant::now();
        let answer = if of_sums { self.sums.recv() } else { self.answers.recv() };
        self.waited += began.elapsed();
        match answer {
            Ok(Answer::Error(error)) => Err(error),
            Ok(answer) => Ok(answer),
            Err(_) => Err(gone()),
        }
    }
}

impl Collective for Member {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        self.exchange(Command::Gather(bytes))
    }

    fn gather_on_first(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        self.exchange(Command::GatherOnFirst(bytes))
    }

    fn broadcast(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.exchange(Command::Broadcast(bytes))?.into_iter().next().unwrap_or_default())
    }

    fn begin_sum(&mut self, bucket: Bucket) -> Result<()> {
        self.order(Command::Sum(bucket))
    }

    fn finish_sum(&mut self) -> Result<Vec<Tensor<f32>>> {
        match self.wait(true)? {
            Answer::Sum(tensors) => Ok(tensors),
            _ => Err(no_sum()),
        }
    }

    fn take_wait(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }

    fn traffic(&mut self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn end(&mut self) -> Result<()> {
        self.order(Command::End)?;
        self.wait(false)?;
        self.join();
        Ok(())
    }

    fn fail(&mut self, error: &str) {
        let _ = self.order(Command::Fail(error.to_string()));
        self.join();
    }
}

impl Member {
    fn exchange(&mut self, command: Command) -> Result<Vec<Vec<u8>>> {
        self.order(command)?;
        match self.wait(false)? {
            Answer::Bytes(bytes) => Ok(bytes),
            _ => Err(gone()),
        }
    }

    fn join(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A thread that panicked has been reported.
            let _ = thread.join();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.join();
    }
}

fn no_sum() -> ClusterError {
    ClusterError::own("no sum was begun", "a fault of tweedie itself", "please report it with the command")
}

fn gone() -> ClusterError {
    ClusterError::own(
        "the thread that talks to the other ranks has ended",
        "a fault of tweedie itself",
        "please report it with the command",
    )
}
