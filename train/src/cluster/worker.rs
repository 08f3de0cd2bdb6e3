//! The thread of a rank that talks to the others, while the one that trains goes on.

use super::engine::Engine;
use super::error::ClusterError;
use super::messages::{Content, Header, Kind, MOST, Message};
use super::sum::{Bucket, Outgoing, Summing};
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};
use timely_bytes::arc::Bytes;
use tweedie_tensor::Tensor;

/// How often a rank says that it is alive, and looks whether the others do.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The most bytes handed to the engine for one rank that the system has not taken.
const WINDOW: u64 = 1 << 20;
/// How long the end waits for ranks that end too.
const ENDING: Duration = Duration::from_secs(5);
/// How long an error waits until it is sent.
const FAILING: Duration = Duration::from_millis(500);

/// What the training thread asks for.
pub(super) enum Command {
    /// To send bytes to all, and to answer with those of all.
    Gather(Vec<u8>),
    /// To send bytes to rank 0, where the answer is those of all.
    GatherOnFirst(Vec<u8>),
    /// To send rank 0's bytes to all, and to answer with them.
    Broadcast(Vec<u8>),
    /// To sum a bucket.
    Sum(Bucket),
    /// To end in good order, once all have come to this.
    End,
    /// To tell all that this rank stops with an error, and to end.
    Fail(String),
}

/// What the training thread is told.
pub(super) enum Answer {
    /// By rank; of a broadcast, rank 0's alone; none where they go to another rank.
    Bytes(Vec<Vec<u8>>),
    Sum(Vec<Tensor<f32>>),
    Error(ClusterError),
}

/// The thread's state.
pub(super) struct Worker {
    rank: usize,
    size: usize,
    engine: Box<dyn Engine>,
    commands: Receiver<Command>,
    answers: Sender<Answer>,
    sums: Sender<Answer>,
    /// How long a rank may be silent.
    limit: Duration,
    /// Collective operations on bytes, by number.
    parts: HashMap<u32, Parts>,
    next_parts: u32,
    summing: VecDeque<Summing>,
    next_sum: u32,
    /// Pieces of all sums so far.
    pieces: usize,
    /// Nodes of sums that are not begun here.
    early: Vec<(Header, Bytes)>,
    /// What is to be sent to each rank, in order.
    queues: Vec<VecDeque<Queued>>,
    /// The operation after which all end.
    last: Option<u32>,
    /// When each rank was first seen to have ended.
    ended: Vec<Option<Instant>>,
    said: Instant,
    looked: Instant,
    /// Bytes sent so far, for whoever asks.
    sent: Arc<AtomicU64>,
}

/// Something to be sent, made when there is room for it.
enum Queued {
    Part { of: u32, bytes: Arc<Vec<u8>>, at: usize },
    Sum { number: u32, out: Outgoing },
}

/// A collective operation on bytes.
#[derive(Default)]
struct Parts {
    /// By rank: how many bytes there are, once it is known, and those that have come.
    came: HashMap<usize, (usize, Vec<u8>)>,
    /// The ranks whose bytes are asked for, once this rank takes part.
    from: Option<Range<usize>>,
}

/// Whether the thread goes on.
type Flow = Result<(), End>;

enum End {
    /// As it was asked to.
    Orderly,
    /// With an error that all others are told of.
    Failed(String),
    Error(ClusterError),
    /// The training thread has gone without a word.
    Left,
}

impl Worker {
    pub(super) fn new(
        rank: usize,
        engine: Box<dyn Engine>,
        commands: Receiver<Command>,
        (answers, sums): (Sender<Answer>, Sender<Answer>),
        limit: Duration,
        size: usize,
        sent: Arc<AtomicU64>,
    ) -> Worker {
        let now = Instant::now();
        Worker {
            rank,
            size,
            engine,
            commands,
            answers,
            sums,
            limit,
            parts: HashMap::new(),
            next_parts: 0,
            summing: VecDeque::new(),
            next_sum: 0,
            pieces: 0,
            early: Vec::new(),
            queues: (0..size).map(|_| VecDeque::new()).collect(),
            last: None,
            ended: vec![None; size],
            said: now,
            looked: now,
            sent,
        }
    }

    /// Works until it is told to end, or has to.
    pub(super) fn run(mut self) {
        let end = loop {
            if let Err(end) = self.turn() {
                break end;
            }
        };
        match end {
            End::Orderly => {
                self.engine.end(ENDING);
                let _ = self.answers.send(Answer::Bytes(Vec::new()));
            }
            End::Failed(error) => {
                self.tell_all(Kind::Failed, self.rank, error.as_bytes());
                self.engine.end(FAILING);
            }
            End::Left => {
                self.tell_all(Kind::Failed, self.rank, b"it stopped without an error");
                self.engine.end(FAILING);
            }
            End::Error(error) => {
                // Others may see this rank end before they hear of the one that was the reason.
                match &error {
                    ClusterError::Lost { rank, how } => self.tell_all(Kind::Lost, *rank, how.as_bytes()),
                    ClusterError::Failed { rank, error } => {
                        self.tell_all(Kind::Failed, *rank, error.as_bytes())
                    }
                    ClusterError::Own(_) | ClusterError::Refused(_) => {}
                }
                let _ = self.answers.send(Answer::Error(error.clone()));
                let _ = self.sums.send(Answer::Error(error));
                self.engine.end(FAILING);
            }
        }
    }

    fn turn(&mut self) -> Flow {
        let mut came = Vec::new();
        self.engine.receive(&mut |message| came.push(message));
        // A rank that was lost before now may have left something that only looks like a message.
        let lost: Vec<bool> = (0..self.size).map(|rank| self.engine.lost(rank).is_some()).collect();
        let has_news = !came.is_empty();
        for message in came {
            match message.open() {
                Some((header, content)) if !lost.get(usize::from(header.from)).copied().unwrap_or(true) => {
                    self.take(header, content)?;
                }
                _ => {}
            }
        }
        self.look_for_losses()?;
        let has_orders = self.obey()?;
        self.answer();
        let has_sent = self.send();
        self.beat();
        self.sent.store(self.engine.sent(), Ordering::Relaxed);
        let all_are_here = self.last.is_some_and(|last| !self.parts.contains_key(&last));
        if all_are_here && self.queues.iter().all(VecDeque::is_empty) {
            return Err(End::Orderly);
        }
        if !has_news && !has_orders && !has_sent {
            for other in self.others().filter(|&other| !self.queues[other].is_empty()) {
                self.engine.wake_at(other, WINDOW / 2);
            }
            self.engine.wait(HEARTBEAT / 4);
        }
        Ok(())
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let rank = self.rank;
        (0..self.size).filter(move |other| *other != rank)
    }

    fn take(&mut self, header: Header, content: Bytes) -> Flow {
        let from = usize::from(header.from);
        let text = || String::from_utf8_lossy(&content).into_owned();
        match header.kind {
            Kind::Heartbeat => Ok(()),
            Kind::Failed => Err(End::Error(ClusterError::Failed { rank: header.of as usize, error: text() })),
            Kind::Lost => Err(End::Error(ClusterError::Lost { rank: header.of as usize, how: text() })),
            Kind::Part => {
                let parts = self.parts.entry(header.of).or_default();
                let (total, bytes) =
                    parts.came.entry(from).or_insert_with(|| (header.more as usize, Vec::new()));
                if *total != header.more as usize || bytes.len() as u64 != header.at {
                    return Err(disagree(from, "what ranks exchange"));
                }
                bytes.extend_from_slice(&content);
                Ok(())
            }
            Kind::Addend | Kind::Sum => match self.summing.iter().position(|sum| sum.number() == header.of) {
                Some(place) => self.take_piece(place, header, content),
                None => {
                    self.early.push((header, content));
                    Ok(())
                }
            },
        }
    }

    fn take_piece(&mut self, place: usize, header: Header, content: Bytes) -> Flow {
        let sum = &mut self.summing[place];
        let piece = header.at as usize;
        let taken = match header.kind {
            Kind::Addend => sum.add(piece, header.more as usize, content),
            _ => sum.set(piece, &content).map(|()| false),
        };
        let is_summed = taken.map_err(|()| disagree(usize::from(header.from), "the gradients' shapes"))?;
        if is_summed {
            let number = sum.number();
            for other in self.others() {
                self.queues[other].push_back(Queued::Sum { number, out: Outgoing::Sum { piece } });
            }
        }
        Ok(())
    }

    fn look_for_losses(&mut self) -> Flow {
        // After a pause of this very process, the others have not been silent: what they said has not been read.
        if self.looked.elapsed() > 2 * HEARTBEAT {
            self.engine.forgive_silence();
        }
        self.looked = Instant::now();
        for other in self.others() {
            let how = match self.engine.lost(other) {
                Some(how) => how,
                None if self.last.is_none() && self.has_ended(other) => {
                    "it ended before the others".to_string()
                }
                None if self.engine.silence(other) > self.limit => {
                    format!("nothing was heard of it for {} s", self.limit.as_secs())
                }
                None => continue,
            };
            return Err(End::Error(ClusterError::Lost { rank: other, how }));
        }
        Ok(())
    }

    /// Whether a rank has ended long enough ago that its last words have come.
    fn has_ended(&mut self, other: usize) -> bool {
        if !self.engine.has_ended(other) {
            return false;
        }
        let since = self.ended[other].get_or_insert_with(Instant::now);
        since.elapsed() > HEARTBEAT / 4
    }

    /// Does what the training thread has asked for; returns whether there was something.
    fn obey(&mut self) -> Result<bool, End> {
        let command = match self.commands.try_recv() {
            Ok(command) => command,
            Err(TryRecvError::Empty) => return Ok(false),
            Err(TryRecvError::Disconnected) => return Err(End::Left),
        };
        match command {
            Command::Gather(bytes) => self.exchange(bytes, 0..self.size, 0..self.size),
            Command::GatherOnFirst(bytes) => self.exchange(bytes, 0..self.size, 0..1),
            Command::Broadcast(bytes) => self.exchange(bytes, 0..1, 0..self.size),
            Command::Sum(bucket) => self.begin(bucket)?,
            // Nobody leaves before all have come here.
            Command::End => {
                self.last = Some(self.next_parts);
                self.exchange(Vec::new(), 0..self.size, 0..self.size);
            }
            Command::Fail(error) => return Err(End::Failed(error)),
        }
        Ok(true)
    }

    /// Begins to bring the bytes of the ranks `from` to the ranks `to`.
    fn exchange(&mut self, bytes: Vec<u8>, from: Range<usize>, to: Range<usize>) {
        let of = self.next_parts;
        self.next_parts += 1;
        let (sends, receives) = (from.contains(&self.rank), to.contains(&self.rank));
        let parts = self.parts.entry(of).or_default();
        if sends && receives {
            parts.came.insert(self.rank, (bytes.len(), bytes.clone()));
        }
        parts.from = Some(if receives { from } else { 0..0 });
        if sends {
            let bytes = Arc::new(bytes);
            for other in self.others().filter(|other| to.contains(other)) {
                self.queues[other].push_back(Queued::Part { of, bytes: Arc::clone(&bytes), at: 0 });
            }
        }
    }

    fn begin(&mut self, bucket: Bucket) -> Flow {
        let number = self.next_sum;
        self.next_sum += 1;
        let sum = Summing::begin(number, self.pieces, self.rank, self.size, bucket);
        self.pieces = self.pieces.wrapping_add(sum.pieces());
        // Ranks are served in turn, each rank beginning with the one after it, so that not all write to one.
        for step in 1..self.size {
            let other = (self.rank + step) % self.size;
            let out = sum.addends(other).map(|out| Queued::Sum { number, out });
            self.queues[other].extend(out);
        }
        self.summing.push_back(sum);
        let (now, later) =
            std::mem::take(&mut self.early).into_iter().partition(|(header, _)| header.of == number);
        self.early = later;
        let place = self.summing.len() - 1;
        let now: Vec<(Header, Bytes)> = now;
        now.into_iter().try_for_each(|(header, content)| self.take_piece(place, header, content))
    }

    /// Answers what is complete, in order.
    fn answer(&mut self) {
        let mut done: Vec<u32> =
            self.parts.iter().filter(|(_, parts)| parts.is_complete()).map(|(of, _)| *of).collect();
        done.sort_unstable();
        for of in done {
            if let Some(mut parts) = self.parts.remove(&of)
                && self.last != Some(of)
            {
                let from = parts.from.take().unwrap_or(0..0);
                let bytes =
                    from.map(|rank| parts.came.remove(&rank).map_or_else(Vec::new, |(_, bytes)| bytes));
                let _ = self.answers.send(Answer::Bytes(bytes.collect()));
            }
        }
        while self.summing.front().is_some_and(|sum| sum.is_done() && !self.is_queued(sum.number())) {
            if let Some(sum) = self.summing.pop_front() {
                let _ = self.sums.send(Answer::Sum(sum.into_tensors()));
            }
        }
    }

    fn is_queued(&self, of: u32) -> bool {
        let mut queued = self.queues.iter().flatten();
        queued.any(|queued| matches!(queued, Queued::Sum { number, .. } if *number == of))
    }

    /// Hands over what there is room for; returns whether that was anything.
    fn send(&mut self) -> bool {
        let mut has_sent = false;
        // One message to each rank in turn.
        loop {
            let mut has_room = false;
            for other in self.others() {
                if self.engine.outstanding(other) < WINDOW
                    && let Some(message) = self.next_for(other)
                {
                    self.engine.push(other, message);
                    (has_room, has_sent) = (true, true);
                }
            }
            if !has_room {
                return has_sent;
            }
        }
    }

    fn next_for(&mut self, other: usize) -> Option<Message> {
        let from = self.rank as u16;
        match self.queues[other].front_mut()? {
            Queued::Part { of, bytes, at } => {
                let end = (*at + MOST).min(bytes.len());
                let header =
                    Header { kind: Kind::Part, from, of: *of, at: *at as u64, more: bytes.len() as u64 };
                let message = Message::Out(header, Content::Bytes(bytes[*at..end].to_vec()));
                *at = end;
                if end == bytes.len() {
                    self.queues[other].pop_front();
                }
                Some(message)
            }
            Queued::Sum { number, out } => {
                let (number, out) = (*number, *out);
                self.queues[other].pop_front();
                let sum = self.summing.iter().find(|sum| sum.number() == number)?;
                let (kind, piece, first) = match out {
                    Outgoing::Addend { piece, first } => (Kind::Addend, piece, first),
                    Outgoing::Sum { piece } => (Kind::Sum, piece, 0),
                };
                let header = Header { kind, from, of: number, at: piece as u64, more: first as u64 };
                Some(Message::Out(header, sum.outgoing(out)))
            }
        }
    }

    fn beat(&mut self) {
        if self.said.elapsed() >= HEARTBEAT {
            self.said = Instant::now();
            self.tell_all(Kind::Heartbeat, 0, &[]);
        }
    }

    fn tell_all(&mut self, kind: Kind, of: usize, text: &[u8]) {
        let (from, of) = (self.rank as u16, of as u32);
        for other in self.others() {
            let text = text[..text.len().min(MOST)].to_vec();
            let header = Header { kind, from, of, at: 0, more: 0 };
            self.engine.push(other, Message::Out(header, Content::Bytes(text)));
        }
    }
}

impl Parts {
    fn is_complete(&self) -> bool {
        let has_all = |rank| self.came.get(&rank).is_some_and(|(total, bytes)| bytes.len() == *total);
        self.from.clone().is_some_and(|mut from| from.all(has_all))
    }
}

fn disagree(rank: usize, about: &str) -> End {
    let error = format!("it and rank {rank} disagree about {about}");
    End::Failed(error)
}
