//! Work on pictures over the ranks of a job, with the results in the order of one process.

mod travels;

pub(crate) use travels::{Travels, take};

use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use std::collections::VecDeque;
use tweedie_train::cluster::{Collective, Team};

/// The results of work that the ranks of `team` do in [turn](tweedie_train::cluster::Turn), of all ranks and in the order of
/// the parts, on rank 0; the others' come to their end without any. `work` are the parts of this rank: each item is a small
/// piece of work, and the last of a part has the part's result. After each piece the ranks meet: results are kept no longer
/// than until those before them are there, and a rank that was interrupted ends all.
///
/// One rank alone meets nobody, and has its results as they come.
pub(crate) fn spread<'a, T: Travels, W: Iterator<Item = Result<Option<T>>>>(
    team: &'a mut Team,
    interrupt: &'a Interrupt,
    work: W,
) -> impl Iterator<Item = Result<T>> + use<'a, T, W> {
    let came = (0..team.size()).map(|_| VecDeque::new()).collect();
    Spread { team, interrupt, work: Some(work), came, due: 0, is_over: false }
}

struct Spread<'a, W, T> {
    team: &'a mut Team,
    interrupt: &'a Interrupt,
    /// None at its end.
    work: Option<W>,
    /// On rank 0 the results of each rank that are not due.
    came: Vec<VecDeque<T>>,
    /// The number of the part whose result is the next.
    due: usize,
    /// Whether all ranks have come to the end of their work.
    is_over: bool,
}

/// What a rank says of itself after a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// That it goes on.
    Works,
    /// That a part is done; its result goes to rank 0.
    Result,
    /// That nothing is left to do.
    HasEnded,
    /// That it was interrupted, and what became of the work.
    Stops,
}

impl Said {
    fn of(byte: u8) -> Option<Said> {
        [Said::Works, Said::Result, Said::HasEnded, Said::Stops].into_iter().find(|said| *said as u8 == byte)
    }
}

impl<W: Iterator<Item = Result<Option<T>>>, T: Travels> Spread<'_, W, T> {
    fn advance(&mut self) -> Result<Option<T>> {
        if self.came.len() == 1 {
            let mut work = self.work.iter_mut().flatten();
            return work.find_map(Result::transpose).transpose();
        }
        loop {
            let rank = self.due % self.came.len();
            if let Some(result) = self.came[rank].pop_front() {
                self.due += 1;
                return Ok(Some(result));
            }
            if self.is_over {
                return Ok(None);
            }
            self.meet()?;
        }
    }

    /// Does a piece of this rank's work, and hears of the others'.
    fn meet(&mut self) -> Result<()> {
        let own = match self.work.as_mut().map(Iterator::next) {
            Some(Some(piece)) => piece.map(Some),
            _ if self.interrupt.asked() => Err(Failure::Interrupted("stopped before the end".to_string())),
            _ => Ok(None),
        };
        let is_first = self.team.rank() == 0;
        let (said, content) = match own {
            Ok(Some(None)) => (Said::Works, Vec::new()),
            Ok(Some(Some(result))) if is_first => {
                self.came[0].push_back(result);
                (Said::Result, Vec::new())
            }
            Ok(Some(Some(result))) => {
                let mut bytes = Vec::new();
                result.pack(&mut bytes);
                (Said::Result, bytes)
            }
            Ok(None) => {
                self.work = None;
                (Said::HasEnded, Vec::new())
            }
            Err(Failure::Interrupted(what)) => (Said::Stops, what.into_bytes()),
            Err(failure) => return Err(failure),
        };
        // What a rank says is for all; a result is for rank 0.
        let text = if said == Said::Stops { &content[..] } else { &[] };
        let all = self.team.gather([&[said as u8], text].concat()).map_err(tweedie_train::Error::from)?;
        self.is_over = true;
        let mut send_results = Vec::new();
        for (rank, message) in all.iter().enumerate() {
            let (said, text) = message.split_first().ok_or_else(unreadable)?;
            let said = Said::of(*said).ok_or_else(unreadable)?;
            match said {
                Said::Stops => return Err(Failure::Interrupted(String::from_utf8_lossy(text).into())),
                Said::Result if rank > 0 => send_results.push(rank),
                Said::Works | Said::Result | Said::HasEnded => {}
            }
            self.is_over &= said == Said::HasEnded;
        }
        if send_results.is_empty() {
            return Ok(());
        }
        let results = self.team.gather_on_first(content).map_err(tweedie_train::Error::from)?;
        for rank in send_results.into_iter().filter(|_| is_first) {
            let mut content = results.get(rank).map_or(&[][..], Vec::as_slice);
            self.came[rank].push_back(T::unpack(&mut content).ok_or_else(unreadable)?);
        }
        Ok(())
    }
}

impl<W: Iterator<Item = Result<Option<T>>>, T: Travels> Iterator for Spread<'_, W, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.advance().transpose()
    }
}

fn unreadable() -> Failure {
    Failure::user("what a rank has sent cannot be read", "the ranks", "please report it with the command")
}

#[cfg(test)]
mod tests;
