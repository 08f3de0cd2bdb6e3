//! What two ranks say before either trusts the other.
//!
//! Whoever connects proves the job's secret first: it sends a nonce, gets a nonce, sends its proof; only then does the
//! listener prove itself. A stranger gets 32 random bytes and no more.

use super::secret::{Nonce, Proof, Secret, nonce};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What every connection begins with.
const MAGIC: [u8; 8] = *b"tweedie\n";
/// The most bytes of one thing that is said.
const LONGEST: u32 = 1 << 20;
/// How long one thing may take to be said.
const PATIENCE: Duration = Duration::from_secs(5);

/// What ranks of other versions must not understand otherwise.
pub(super) const PROTOCOL: u32 = 1;

/// How a rank introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) protocol: u32,
    /// The program's version.
    pub(super) version: String,
    pub(super) rank: usize,
    pub(super) size: usize,
    /// Where it listens for ranks of higher numbers.
    pub(super) listens: Option<String>,
}

/// What rank 0 answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// All are here.
    Welcome {
        /// The number that the rank has from now on.
        rank: usize,
        size: usize,
        /// Where each rank listens; rank 0 does not.
        addresses: Vec<Option<String>>,
    },
    /// They do not fit together.
    Refused { what: String, remedy: String },
}

/// Why a connection is none to a rank of this job.
#[derive(Debug)]
pub(super) enum Stranger {
    /// It broke, or said nothing in time.
    Io(io::Error),
    /// It has another secret, or is no rank at all.
    Secret,
}

impl From<io::Error> for Stranger {
    fn from(error: io::Error) -> Stranger {
        Stranger::Io(error)
    }
}

/// Proves the secret to whoever listens, and has it prove it.
///
/// # Errors
/// [`Stranger`].
pub(super) fn knock(stream: &mut TcpStream, secret: &Secret) -> Result<(), Stranger> {
    set_patience(stream)?;
    let client = nonce()?;
    stream.write_all(&MAGIC)?;
    stream.write_all(&client)?;
    let mut server: Nonce = [0; 32];
    stream.read_exact(&mut server)?;
    stream.write_all(&secret.prove("client", &client, &server))?;
    let mut proof: Proof = [0; 32];
    stream.read_exact(&mut proof).map_err(|error| match error.kind() {
        // The listener says nothing to whoever fails.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Stranger::Secret,
        _ => Stranger::Io(error),
    })?;
    match secret.accepts(&proof, "server", &client, &server) {
        true => Ok(()),
        false => Err(Stranger::Secret),
    }
}

/// The other side of [`knock`].
///
/// # Errors
/// [`Stranger`].
pub(super) fn answer(stream: &mut TcpStream, secret: &Secret) -> Result<(), Stranger> {
    set_patience(stream)?;
    let mut magic = [0; MAGIC.len()];
    stream.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(Stranger::Secret);
    }
    let mut client: Nonce = [0; 32];
    stream.read_exact(&mut client)?;
    let server = nonce()?;
    stream.write_all(&server)?;
    let mut proof: Proof = [0; 32];
    stream.read_exact(&mut proof)?;
    if !secret.accepts(&proof, "client", &client, &server) {
        return Err(Stranger::Secret);
    }
    stream.write_all(&secret.prove("server", &client, &server))?;
    Ok(())
}

/// Says one thing.
///
/// # Errors
/// Those of the connection.
pub(super) fn say(stream: &mut TcpStream, what: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(what)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_le_bytes()[..], &text].concat())
}

/// Hears one thing, which is said within `patience`.
///
/// # Errors
/// Those of the connection; what is not understood.
pub(super) fn hear<T: DeserializeOwned>(stream: &mut TcpStream, patience: Duration) -> io::Result<T> {
    stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length as usize];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn set_patience(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// Hears what is said right after the proof.
pub(super) fn hear_hello(stream: &mut TcpStream) -> io::Result<Hello> {
    hear(stream, PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    fn meet(client: &'static [u8], server: &'static [u8]) -> (Result<(), Stranger>, Result<(), Stranger>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let knocking =
            thread::spawn(move || knock(&mut TcpStream::connect(address).unwrap(), &Secret::new(client)));
        let answered = answer(&mut listener.accept().unwrap().0, &Secret::new(server));
        (knocking.join().unwrap(), answered)
    }

    #[test]
    fn who_has_the_secret_is_let_in() {
        assert!(matches!(meet(b"a", b"a"), (Ok(()), Ok(()))));
        assert!(matches!(meet(b"a", b"b"), (Err(Stranger::Secret), Err(Stranger::Secret))));
    }

    #[test]
    fn a_stranger_gets_a_nonce_at_most() {
        for words in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            &[MAGIC, [0; 8], [0; 8], [0; 8], [0; 8], [7; 8], [7; 8], [7; 8], [7; 8]].concat(),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut stranger = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            stranger.write_all(words).unwrap();
            let mut heard = Vec::new();
            {
                let mut accepted = listener.accept().unwrap().0;
                assert!(answer(&mut accepted, &Secret::new(b"a")).is_err());
            }
            // Unread words may reset the connection.
            let _ = stranger.read_to_end(&mut heard);
            assert!(heard.len() <= 32, "{}", heard.len());
        }
    }

    #[test]
    fn what_is_too_long_is_not_heard() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut talker = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        talker.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(hear_hello(&mut listener.accept().unwrap().0).is_err());
    }
}
