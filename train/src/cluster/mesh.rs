//! How the ranks of a job find one another: rank 0 listens, the others register, and each pair gets a connection. Nothing
//! listens once the mesh stands.

use super::error::{ClusterError, Result};
use super::handshake::{self, Hello, PROTOCOL, Stranger, Verdict};
use super::secret::Secret;
use super::wording::named_with;
use crate::user_error::reason;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Pauses between attempts.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a connection to a rank that listens may take.
const REACHING: Duration = Duration::from_secs(5);
/// The most connections that are looked at at once.
const VISITORS: usize = 1024;

/// What a rank needs to know to find the others.
#[derive(Debug, Clone)]
pub(super) struct Meeting {
    pub(super) rank: usize,
    pub(super) size: usize,
    /// How many ranks will do, where not all have come in time.
    pub(super) enough: usize,
    /// Where rank 0 listens: `host:port`.
    pub(super) master: String,
    pub(super) secret: Secret,
    /// How long ranks may take to come.
    pub(super) patience: Duration,
    /// How long a connection may be dead.
    pub(super) limit: Duration,
    /// The program's version, as it tells the others.
    pub(super) version: String,
}

/// Connections to all other ranks.
#[derive(Debug)]
pub(super) struct Mesh {
    pub(super) rank: usize,
    pub(super) sockets: Vec<Option<TcpStream>>,
}

impl Meeting {
    /// Meets the others.
    ///
    /// # Errors
    /// A place to listen that cannot be had, a rank 0 that is not there, ranks that do not fit together.
    pub(super) fn hold(&self) -> Result<Mesh> {
        let addresses = self.addresses()?;
        match self.rank {
            0 => self.receive(&addresses),
            _ => self.join(&addresses),
        }
    }

    fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let (tell, told) = channel();
        let master = self.master.clone();
        // The system asks for as long as it likes.
        let asked = thread::Builder::new().name("resolver".to_string()).spawn(move || {
            // Whoever waits no longer does not listen.
            let _ = tell.send(master.to_socket_addrs().map(|found| found.collect::<Vec<_>>()));
        });
        let why = match asked.map(|_| told.recv_timeout(self.patience)) {
            Ok(Ok(Ok(addresses))) if !addresses.is_empty() => return Ok(addresses),
            Ok(Ok(Ok(_))) => "it has no address".to_string(),
            Ok(Ok(Err(error))) | Err(error) => reason(&error),
            Ok(Err(_)) => format!("nobody has answered in {} s", self.patience.as_secs()),
        };
        Err(ClusterError::own(
            format!("the host of rank 0 is not known ({why})"),
            format!("--master {}", self.master),
            "give a name that resolves here, or an address, as 10.0.0.1:29400",
        ))
    }

    fn hello(&self, listens: Option<String>) -> Hello {
        let Meeting { rank, size, version, .. } = self.clone();
        Hello { protocol: PROTOCOL, version, rank, size, listens }
    }

    /// Rank 0's part: hears all others, checks them, and tells each where the others are.
    fn receive(&self, addresses: &[SocketAddr]) -> Result<Mesh> {
        let listener = TcpListener::bind(addresses).map_err(|error| {
            ClusterError::own(
                format!("cannot listen ({})", reason(&error)),
                format!("--master {}", self.master),
                "give an address of this machine, and a port that is free",
            )
        })?;
        let began = Instant::now();
        let (introduce, introduced) = channel();
        let mut here: BTreeMap<usize, (Hello, TcpStream)> = BTreeMap::new();
        let mut others: Vec<(Hello, TcpStream)> = Vec::new();
        let mut wrong_secrets = 0;
        let refusal = accept_until(&listener, &self.secret, &introduce, || {
            while let Ok(visitor) = introduced.try_recv() {
                match visitor {
                    Visitor::Rank(hello, stream) => {
                        // One that was started anew takes the place of the one that is gone.
                        here.retain(|_, (_, stream)| !is_gone(stream));
                        if let Some(refusal) = self.fault(&hello, &here) {
                            others.push((hello, stream));
                            return Some(Some(refusal));
                        }
                        here.insert(hello.rank, (hello, stream));
                    }
                    Visitor::WrongSecret => wrong_secrets += 1,
                }
            }
            let all = here.len() + 1 == self.size;
            let late = began.elapsed() > self.patience;
            (all || late).then_some(None)
        })
        .map_err(|error| {
            ClusterError::own(reason(&error), format!("--master {}", self.master), "try again")
        })?;
        drop(listener);
        here.retain(|_, (_, stream)| !is_gone(stream));
        let refusal = refusal.or_else(|| self.missing(&here, wrong_secrets));
        if let Some((what, remedy)) = refusal {
            let verdict = Verdict::Refused { what: what.clone(), remedy: remedy.clone() };
            for (_, stream) in here
                .values_mut()
                .map(|(hello, stream)| (hello, stream))
                .chain(others.iter_mut().map(|(hello, stream)| (hello, stream)))
            {
                // A rank that is gone need not hear it.
                let _ = handshake::say(stream, &verdict);
            }
            return Err(ClusterError::Own(crate::UserError::new(what, "the cluster run", remedy)));
        }
        // Those that came are numbered anew, where some are missing.
        let size = here.len() + 1;
        let addresses: Vec<Option<String>> =
            std::iter::once(None).chain(here.values().map(|(hello, _)| hello.listens.clone())).collect();
        let mut sockets = vec![None];
        for (i, (_, (hello, mut stream))) in here.into_iter().enumerate() {
            let verdict = Verdict::Welcome { rank: i + 1, size, addresses: addresses.clone() };
            let lost = |error: io::Error| ClusterError::Lost { rank: hello.rank, how: reason(&error) };
            handshake::say(&mut stream, &verdict).map_err(lost)?;
            self.keep(&stream).map_err(lost)?;
            sockets.push(Some(stream));
        }
        Ok(Mesh { rank: 0, sockets })
    }

    /// What is wrong with a rank that introduces itself, and what to do about it.
    fn fault(&self, hello: &Hello, here: &BTreeMap<usize, (Hello, TcpStream)>) -> Option<(String, String)> {
        let Hello { protocol, version, rank, size, .. } = hello;
        if (*protocol, version) != (PROTOCOL, &self.version) {
            let what = match *version == self.version {
                true => format!("rank {rank} speaks protocol {protocol}, rank 0 protocol {PROTOCOL}"),
                false => format!("rank {rank} is tweedie {version}, rank 0 is {}", self.version),
            };
            return Some((what, "run the same program everywhere".to_string()));
        }
        if *size != self.size {
            let what = format!("rank {rank} is one of {size}, rank 0 one of {}", self.size);
            return Some((what, "give all the same --world-size, or the same --elastic".to_string()));
        }
        if *rank >= self.size {
            let what = format!("there is a rank {rank} of {size}");
            return Some((what, format!("number the ranks from 0 to {}", self.size - 1)));
        }
        if *rank == 0 || here.contains_key(rank) {
            let what = format!("there are two ranks {rank}");
            return Some((what, "give each rank a number of its own".to_string()));
        }
        None
    }

    fn missing(
        &self,
        here: &BTreeMap<usize, (Hello, TcpStream)>,
        wrong_secrets: usize,
    ) -> Option<(String, String)> {
        if here.len() + 1 >= self.enough {
            return None;
        }
        let missing: Vec<usize> = (1..self.size).filter(|rank| !here.contains_key(rank)).collect();
        let ranks = named_with(&missing, "has", "have");
        let strangers = match wrong_secrets {
            0 => String::new(),
            1 => "; one that knocked has another secret".to_string(),
            n => format!("; {n} that knocked have another secret"),
        };
        let enough = match self.enough == self.size {
            true => String::new(),
            false => format!(", and {} of {} must", self.enough, self.size),
        };
        let what = format!("{ranks} not come in {} s{enough}{strangers}", self.patience.as_secs());
        Some((
            what,
            "start every rank, with this --master and the same secret, or give a longer --join-timeout"
                .to_string(),
        ))
    }

    /// The part of the others: to register, and to connect with every rank below, and to hear every rank above.
    fn join(&self, addresses: &[SocketAddr]) -> Result<Mesh> {
        let began = Instant::now();
        let mut to_zero = self.reach_zero(addresses, began)?;
        let broken = |error: io::Error| ClusterError::Lost { rank: 0, how: reason(&error) };
        let own = to_zero.local_addr().map_err(broken)?.ip();
        let listener = TcpListener::bind((own, 0)).map_err(|error| {
            ClusterError::own(
                format!("cannot listen ({})", reason(&error)),
                own.to_string(),
                "check the system's limits",
            )
        })?;
        let listens = listener.local_addr().map_err(broken)?.to_string();
        handshake::say(&mut to_zero, &self.hello(Some(listens))).map_err(broken)?;
        // Rank 0 waits for the others as long; what it then says takes a moment.
        let patience = self.patience + Duration::from_secs(5);
        let verdict = handshake::hear(&mut to_zero, patience).map_err(broken)?;
        let (rank, size, addresses) = match verdict {
            Verdict::Welcome { rank, size, addresses } => (rank, size, addresses),
            Verdict::Refused { what, remedy } => {
                return Err(ClusterError::Refused(crate::UserError::new(what, "the cluster run", remedy)));
            }
        };
        if !(1..size).contains(&rank) || size > self.size || addresses.len() != size {
            return Err(broken(io::Error::other("it gave this rank a place that there is not")));
        }
        self.keep(&to_zero).map_err(broken)?;
        let mut sockets: Vec<Option<TcpStream>> = (0..size).map(|_| None).collect();
        sockets[0] = Some(to_zero);
        let me = Meeting { rank, size, ..self.clone() };
        for (other, address) in addresses.iter().enumerate().take(rank).skip(1) {
            let lost = |error: io::Error| ClusterError::Lost { rank: other, how: reason(&error) };
            let address = address.as_deref().unwrap_or_default();
            let address =
                address.parse().map_err(|_| lost(io::Error::other("rank 0 does not say where it is")))?;
            let mut stream = TcpStream::connect_timeout(&address, REACHING).map_err(lost)?;
            handshake::knock(&mut stream, &self.secret).map_err(|stranger| lost(stranger.into_io()))?;
            handshake::say(&mut stream, &me.hello(None)).map_err(lost)?;
            self.keep(&stream).map_err(lost)?;
            sockets[other] = Some(stream);
        }
        self.hear_higher(&listener, rank, &mut sockets)?;
        Ok(Mesh { rank, sockets })
    }

    fn hear_higher(
        &self,
        listener: &TcpListener,
        rank: usize,
        sockets: &mut [Option<TcpStream>],
    ) -> Result<()> {
        let began = Instant::now();
        let (introduce, introduced) = channel();
        let late = accept_until(listener, &self.secret, &introduce, || {
            while let Ok(visitor) = introduced.try_recv() {
                if let Visitor::Rank(hello, stream) = visitor
                    && hello.rank > rank
                    && self.keep(&stream).is_ok()
                    && let Some(place @ None) = sockets.get_mut(hello.rank)
                {
                    *place = Some(stream);
                }
            }
            let missing = (rank + 1..sockets.len()).find(|&other| sockets[other].is_none());
            match missing {
                None => Some(None),
                Some(other) => (began.elapsed() > self.patience).then_some(Some(other)),
            }
        });
        match late {
            Ok(None) => Ok(()),
            Ok(Some(other)) => Err(ClusterError::Lost { rank: other, how: "it did not connect".to_string() }),
            Err(error) => Err(ClusterError::own(reason(&error), "the cluster run", "try again")),
        }
    }

    /// A connection to rank 0, which may start later.
    fn reach_zero(&self, addresses: &[SocketAddr], began: Instant) -> Result<TcpStream> {
        loop {
            let knocked = addresses
                .iter()
                .map(|address| {
                    let mut stream = TcpStream::connect_timeout(address, REACHING)?;
                    handshake::knock(&mut stream, &self.secret)?;
                    Ok(stream)
                })
                .reduce(|first, next| first.or(next));
            let why = match knocked {
                Some(Ok(stream)) => return Ok(stream),
                // Rank 0 tells nobody that a secret is wrong; that it closes the connection says so. Another program may listen
                // there, too.
                Some(Err(Stranger::Secret)) => {
                    return Err(ClusterError::own(
                        format!("rank {} and whoever listens there have different secrets", self.rank),
                        format!("--master {}", self.master),
                        "give all ranks the same TWEEDIE_SECRET, or the same file of it",
                    ));
                }
                Some(Err(Stranger::Io(error))) => reason(&error),
                None => "it has no address".to_string(),
            };
            if began.elapsed() > self.patience {
                return Err(ClusterError::own(
                    format!(
                        "rank {} cannot reach rank 0 in {} s ({why})",
                        self.rank,
                        self.patience.as_secs()
                    ),
                    format!("--master {}", self.master),
                    "start rank 0 there, and see that the port is open between the machines",
                ));
            }
            thread::sleep(5 * PAUSE);
        }
    }

    /// Sets up a connection for the life of the run.
    fn keep(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        stream.set_nodelay(true)?;
        keep_alive(stream, self.limit)
    }
}

/// Has the system ask now and then whether the other end is still there, and give up after `limit`.
#[cfg(not(target_family = "wasm"))]
fn keep_alive(stream: &TcpStream, limit: Duration) -> io::Result<()> {
    use socket2::{SockRef, TcpKeepalive};
    let socket = SockRef::from(stream);
    let alive = TcpKeepalive::new().with_time(Duration::from_secs(10)).with_interval(Duration::from_secs(5));
    socket.set_tcp_keepalive(&alive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(limit))?;
    let _ = limit;
    Ok(())
}

/// A web page has no connections, so there is none to ask about.
#[cfg(target_family = "wasm")]
fn keep_alive(_: &TcpStream, _: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the other end of a connection on which nothing is due is closed.
fn is_gone(stream: &TcpStream) -> bool {
    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let restored = stream.set_nonblocking(false);
    let is_silent = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    restored.is_err() || !looked.as_ref().is_err_and(is_silent)
}

impl Stranger {
    fn into_io(self) -> io::Error {
        match self {
            Stranger::Io(error) => error,
            Stranger::Secret => io::Error::other("it has another secret"),
        }
    }
}

/// Who has knocked.
enum Visitor {
    Rank(Hello, TcpStream),
    WrongSecret,
}

/// Accepts connections, and looks at each on a thread of its own, until `done` says what came of it. A stranger holds up
/// nobody.
fn accept_until<T>(
    listener: &TcpListener,
    secret: &Secret,
    introduce: &Sender<Visitor>,
    mut done: impl FnMut() -> Option<T>,
) -> io::Result<T> {
    listener.set_nonblocking(true)?;
    let mut visits: Vec<thread::JoinHandle<()>> = Vec::new();
    loop {
        if let Some(done) = done() {
            return Ok(done);
        }
        visits.retain(|visit| !visit.is_finished());
        match listener.accept() {
            Ok((stream, _)) if visits.len() < VISITORS => {
                let (secret, introduce) = (secret.clone(), introduce.clone());
                let visit = thread::Builder::new().name("visitor".to_string()).spawn(move || {
                    // Whoever is let in is waited for no longer; whoever is not, is forgotten.
                    let _ = introduce_visitor(stream, &secret, &introduce);
                });
                visits.extend(visit);
            }
            Ok(_) => {}
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn introduce_visitor(mut stream: TcpStream, secret: &Secret, introduce: &Sender<Visitor>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let visitor = match handshake::answer(&mut stream, secret) {
        Ok(()) => Visitor::Rank(handshake::hear_hello(&mut stream)?, stream),
        Err(Stranger::Secret) => Visitor::WrongSecret,
        Err(Stranger::Io(error)) => return Err(error),
    };
    introduce.send(visitor).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_of_another_version_is_told_so() {
        let place = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let meeting = |rank: usize, version: &str| Meeting {
            rank,
            size: 2,
            enough: 2,
            master: place.clone(),
            secret: Secret::new(b"of the test"),
            patience: Duration::from_secs(10),
            limit: Duration::from_secs(5),
            version: version.to_string(),
        };
        let other = meeting(1, "0.0.9");
        let other = thread::spawn(move || other.hold().unwrap_err().to_string());
        let own = meeting(0, "0.1.0").hold().unwrap_err().to_string();
        for text in [own, other.join().unwrap()] {
            assert!(text.starts_with("rank 1 is tweedie 0.0.9, rank 0 is 0.1.0, "), "{text}");
        }
    }
}
