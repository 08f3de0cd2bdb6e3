//! What carries messages between ranks.

use super::messages::Message;
use std::time::Duration;

/// A transport that keeps the order of the messages from one rank to another. It lives on one thread.
pub(super) trait Engine {
    /// Hands over a message for another rank. Never waits.
    fn push(&mut self, to: usize, message: Message);

    /// Bytes handed over for a rank that the system has not taken yet.
    fn outstanding(&self, to: usize) -> u64;

    /// Ends a wait once no more than so many bytes for a rank are outstanding.
    fn wake_at(&self, to: usize, outstanding: u64);

    /// The messages that have come since, by rank.
    fn receive(&mut self, each: &mut dyn FnMut(Message));

    /// Waits for news, for `most` at the longest; comes back when the thread is unparked.
    fn wait(&mut self, most: Duration);

    /// How a rank was lost, if it was: what came of it last is not to be trusted.
    fn lost(&self, rank: usize) -> Option<String>;

    /// Whether a rank has ended in good order.
    fn has_ended(&self, rank: usize) -> bool;

    /// How long nothing has come from a rank.
    fn silence(&self, rank: usize) -> Duration;

    /// Counts the silence of all ranks from now on.
    fn forgive_silence(&mut self);

    /// Bytes sent so far.
    fn sent(&self) -> u64;

    /// Ends in good order: what was handed over is sent, and the ranks that are alive are waited for, for `most` at the longest.
    fn end(self: Box<Self>, most: Duration);
}
