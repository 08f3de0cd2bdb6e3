//! A connection to another rank, as the engine reads and writes it.
//!
//! The engine's threads panic when a connection breaks. So they never see one break: a link that is lost says so to whoever
//! asks, ends the stream for its reader as an orderly peer would, and takes what is still written without sending it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant};
use timely_communication::allocator::zero_copy::stream::Stream;
use timely_communication::networking::MessageHeader;

/// The bytes of the engine's header, and where in it the length of what follows stands, big-endian.
pub(super) const HEADER: usize = 48;
const LENGTH: std::ops::Range<usize> = 32..40;
/// Of the bytes of a length, the largest that any rank's message has: no message is longer than 256 KiB.
const LARGEST: [u8; 8] = [0, 0, 0, 0, 0, 4, 0xff, 0xff];

/// What is known of a link.
#[derive(Debug)]
pub(super) struct LinkState {
    began: Instant,
    socket: TcpStream,
    /// Bytes that the system has taken.
    written: AtomicU64,
    /// When something came last, in milliseconds since `began`.
    heard: AtomicU64,
    /// Set before the reader sees the end that stands in for the rest of the stream.
    is_lost: AtomicBool,
    how: Mutex<Option<String>>,
    /// Whether the peer ended its stream in good order.
    has_ended: AtomicBool,
    /// Whoever waits for news.
    waker: Mutex<Option<Thread>>,
    /// At how many bytes written the system having taken them is news.
    awaited: AtomicU64,
}

impl LinkState {
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Wakes whoever waits for news once so many bytes are written.
    pub(super) fn wake_at(&self, written: u64) {
        self.awaited.store(written, Ordering::SeqCst);
        if self.written.load(Ordering::SeqCst) >= written {
            self.wake();
        }
    }

    /// How long nothing has come.
    pub(super) fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(heard)
    }

    /// Counts silence from now on.
    pub(super) fn forgive_silence(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Release);
    }

    /// How the link was lost, if it was.
    pub(super) fn lost(&self) -> Option<String> {
        let is_lost = self.is_lost.load(Ordering::Acquire);
        is_lost.then(|| self.how.lock().ok().and_then(|how| how.clone()).unwrap_or_default())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Ends both directions at once: whoever reads or writes comes back.
    pub(super) fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    pub(super) fn wake_on_news(&self, thread: Thread) {
        if let Ok(mut waker) = self.waker.lock() {
            *waker = Some(thread);
        }
    }

    fn lose(&self, how: String) {
        if let Ok(mut first) = self.how.lock() {
            first.get_or_insert(how);
        }
        self.is_lost.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Ok(Some(waker)) = self.waker.lock().as_deref() {
            waker.unpark();
        }
    }
}

/// One end of a connection.
pub(super) struct Link {
    socket: TcpStream,
    state: Arc<LinkState>,
    position: Position,
}

/// Where in the engine's sequence of headers and messages the stream is.
#[derive(Debug, Clone)]
enum Position {
    /// So many bytes of a header have come.
    Header([u8; HEADER], usize),
    /// So many bytes of a message are to come.
    Message(usize),
    /// The header that ends the stream has come.
    End,
}

impl Link {
    /// Takes a connection over.
    ///
    /// # Errors
    /// A connection that the system gives no second handle on.
    pub(super) fn over(socket: TcpStream) -> io::Result<Link> {
        let state = LinkState {
            began: Instant::now(),
            socket: socket.try_clone()?,
            written: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            how: Mutex::new(None),
            has_ended: AtomicBool::new(false),
            waker: Mutex::new(None),
            awaited: AtomicU64::new(u64::MAX),
        };
        Ok(Link { socket, state: Arc::new(state), position: Position::Header([0; HEADER], 0) })
    }

    pub(super) fn state(&self) -> Arc<LinkState> {
        Arc::clone(&self.state)
    }

    /// What stands in for bytes that will never come, until the stream is at its end.
    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let filled = self.position.missing().min(buffer.len());
        buffer[..filled].fill(0);
        self.position.advance(&buffer[..filled]);
        filled
    }
}

impl Position {
    /// Bytes of the header or message that are still to come.
    fn missing(&self) -> usize {
        match self {
            Position::Header(_, got) => HEADER - got,
            Position::Message(left) => *left,
            Position::End => 0,
        }
    }

    /// Whether the bytes may come next. Of the length of a message that no rank sends, zeros are left, as in the end of a stream:
    /// the engine keeps room for what it is told of.
    fn tames(&self, bytes: &mut [u8]) -> bool {
        let Position::Header(_, got) = self else { return true };
        let too_large = |(i, byte): (usize, &u8)| {
            let place = (got + i).checked_sub(LENGTH.start);
            place.and_then(|place| LARGEST.get(place)).is_some_and(|largest| byte > largest)
        };
        let first = bytes.iter().enumerate().position(too_large);
        if let Some(first) = first {
            bytes[first..].fill(0);
        }
        first.is_none()
    }

    fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self {
                Position::Header(header, got) => {
                    let taken = (HEADER - *got).min(bytes.len());
                    header[*got..*got + taken].copy_from_slice(&bytes[..taken]);
                    bytes = &bytes[taken..];
                    *got += taken;
                    if *got == HEADER {
                        let length = header[LENGTH].iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
                        *self = if length == 0 { Position::End } else { Position::Message(length) };
                    }
                }
                Position::Message(left) => {
                    let taken = (*left).min(bytes.len());
                    bytes = &bytes[taken..];
                    *left -= taken;
                    if *left == 0 {
                        *self = Position::Header([0; HEADER], 0);
                    }
                }
                // Whoever writes on after the end is no engine; its reader says so.
                Position::End => return,
            }
        }
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.state.is_lost.load(Ordering::Acquire) {
            return Ok(self.fill(buffer));
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        // A message is of no use before it is whole: its reader is not woken for its parts.
        let mut got = 0;
        let how = loop {
            let most = buffer.len().min(got + self.position.missing().max(1));
            match self.socket.read(&mut buffer[got..most]) {
                Ok(0) if matches!(self.position, Position::End) => {
                    self.state.has_ended.store(true, Ordering::Release);
                    self.state.wake();
                    return Ok(got);
                }
                Ok(0) => break "its connection was closed".to_string(),
                Ok(more) => {
                    let came = &mut buffer[got..got + more];
                    let is_one = self.position.tames(came);
                    self.position.advance(came);
                    got += more;
                    if !is_one {
                        break "it sent what no rank sends".to_string();
                    }
                    self.state.forgive_silence();
                    if got == buffer.len() || !matches!(self.position, Position::Message(_)) {
                        return Ok(got);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break crate::user_error::reason(&error),
            }
        };
        self.state.lose(how);
        Ok(got + self.fill(&mut buffer[got..]))
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.state.is_lost.load(Ordering::Acquire) {
            match self.socket.write(bytes) {
                Ok(written) => {
                    let so_far =
                        self.state.written.fetch_add(written as u64, Ordering::SeqCst) + written as u64;
                    if so_far >= self.state.awaited.load(Ordering::SeqCst) {
                        self.state.awaited.store(u64::MAX, Ordering::SeqCst);
                        self.state.wake();
                    }
                    return Ok(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => self.state.lose(crate::user_error::reason(&error)),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Link {
    fn try_clone(&self) -> io::Result<Link> {
        let socket = self.socket.try_clone()?;
        Ok(Link { socket, state: Arc::clone(&self.state), position: self.position.clone() })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // A connection that is gone is as good as closed.
        let _ = self.socket.shutdown(how);
        Ok(())
    }
}

/// The bytes that a message takes on the wire.
pub(super) fn bytes_on_wire(length: usize) -> u64 {
    let header = MessageHeader { channel: 0, source: 0, target_lower: 0, target_upper: 0, length, seqno: 0 };
    header.required_bytes() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Link::over(listener.accept().unwrap().0).unwrap(), other)
    }

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        MessageHeader { channel: 0, source: 1, target_lower: 0, target_upper: 1, length, seqno: 7 }
            .write_to(&mut bytes)
            .unwrap();
        bytes.resize(HEADER + length, 0xaa);
        bytes
    }

    #[test]
    fn the_header_is_as_long_as_the_engines() {
        assert_eq!(message(5).len() as u64, bytes_on_wire(5));
        assert_eq!(bytes_on_wire(0), HEADER as u64);
    }

    #[test]
    fn wherever_a_stream_breaks_its_reader_sees_an_orderly_end() {
        let whole = [message(100), message(1)].concat();
        for cut in 0..whole.len() {
            let (mut link, mut other) = pair();
            other.write_all(&whole[..cut]).unwrap();
            drop(other);
            let mut read = Vec::new();
            link.read_to_end(&mut read).unwrap();
            assert_eq!(read[..cut], whole[..cut]);
            // As the engine cuts it: messages, and at last a header of nothing.
            let mut rest = &read[..];
            while let Some(header) = MessageHeader::try_read(rest) {
                rest = &rest[header.required_bytes()..];
                assert!(header.target_upper <= 1 && header.length <= 100);
                if header.length == 0 {
                    break;
                }
            }
            assert!(rest.is_empty(), "cut at {cut}: {} bytes left", rest.len());
            assert_eq!(link.state().lost().as_deref(), Some("its connection was closed"));
            assert!(!link.state().has_ended());
        }
    }

    #[test]
    fn a_length_that_no_message_has_never_reaches_the_engine() {
        let largest = crate::cluster::messages::MOST + crate::cluster::messages::HEADER;
        for (length, is_one) in [(largest, true), (1 << 19, false), (1 << 40, false), (usize::MAX, false)] {
            // In one piece, and byte by byte.
            for step in [HEADER, 1] {
                let (mut link, mut other) = pair();
                other.write_all(&message(0)[..LENGTH.start]).unwrap();
                other.write_all(&(length as u64).to_be_bytes()).unwrap();
                other.write_all(&message(0)[LENGTH.end..HEADER]).unwrap();
                let mut header = [0xaa; HEADER];
                for part in header.chunks_mut(step) {
                    link.read_exact(part).unwrap();
                }
                let came = header[LENGTH].iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
                assert_eq!((came == length, link.state().lost().is_none()), (is_one, is_one), "{length}");
                assert!(came <= 1 << 19, "{came} of {length}");
            }
        }
    }

    #[test]
    fn an_orderly_end_is_no_loss() {
        let (mut link, mut other) = pair();
        other.write_all(&[message(3), message(0)].concat()).unwrap();
        drop(other);
        link.read_to_end(&mut Vec::new()).unwrap();
        assert!(link.state().has_ended() && link.state().lost().is_none());
    }

    #[test]
    fn what_is_written_to_a_lost_link_is_taken() {
        let (mut link, other) = pair();
        drop(other);
        for _ in 0..100 {
            link.write_all(&[0; 1 << 16]).unwrap();
        }
        assert!(link.state().lost().is_some());
    }
}
