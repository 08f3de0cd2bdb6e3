//! A rank's share in a team, which several owners may hold.

use super::collective::{Alone, Collective};
use super::error::{ClusterError, Result};
use super::sum::Bucket;
use crate::UserError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tweedie_tensor::Tensor;

/// The ranks that train together, as one of them sees them. A clone is the same rank.
#[derive(Clone)]
pub struct Team {
    rank: usize,
    size: usize,
    shared: Arc<Mutex<Box<dyn Collective>>>,
}

impl Team {
    /// The team of a rank.
    pub fn of(collective: Box<dyn Collective>) -> Team {
        let (rank, size) = (collective.rank(), collective.size());
        Team { rank, size, shared: Arc::new(Mutex::new(collective)) }
    }

    /// What all ranks refuse, each having found it by itself. Nobody leaves before all have.
    pub(crate) fn refuse(&mut self, error: UserError) -> ClusterError {
        // A rank that is lost meanwhile changes nothing of it.
        let _ = self.end();
        ClusterError::Refused(error)
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Collective>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Team {
    /// One rank, which has nobody to ask.
    fn default() -> Team {
        Team::of(Box::new(Alone::default()))
    }
}

impl Collective for Team {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        self.lock().gather(bytes)
    }

    fn gather_on_first(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        self.lock().gather_on_first(bytes)
    }

    fn broadcast(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        self.lock().broadcast(bytes)
    }

    fn begin_sum(&mut self, bucket: Bucket) -> Result<()> {
        self.lock().begin_sum(bucket)
    }

    fn finish_sum(&mut self) -> Result<Vec<Tensor<f32>>> {
        self.lock().finish_sum()
    }

    fn take_wait(&mut self) -> Duration {
        self.lock().take_wait()
    }

    fn traffic(&mut self) -> u64 {
        self.lock().traffic()
    }

    fn end(&mut self) -> Result<()> {
        self.lock().end()
    }

    fn fail(&mut self, error: &str) {
        self.lock().fail(error);
    }
}
