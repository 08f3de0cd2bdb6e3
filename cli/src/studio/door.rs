//! Where the page is served: an address of this machine alone, and so many connections at once.

use crate::error::{Failure, Result};
use axum::serve::Listener;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once; more wait until one ends.
const CONNECTIONS: usize = 512;
/// How long accepting rests when the system has no room for a connection.
const REST: Duration = Duration::from_millis(100);

/// A listener with so many connections at once.
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
    free: Arc<Semaphore>,
}

/// Listens at `port`; where none is asked for, at `usual`, or any other if that is taken.
///
/// # Errors
/// An address that others can reach, or that is not this machine's, or is taken.
pub(super) async fn open(host: IpAddr, port: Option<u16>, usual: u16) -> Result<Door> {
    if !host.is_loopback() {
        return Err(Failure::user(
            format!("{host} can be reached by others, and whoever reaches the studio may use this machine"),
            "--host",
            "leave it out; from another machine, forward the port: ssh -L 4173:127.0.0.1:4173 HOST",
        ));
    }
    let listener = match port {
        Some(port) => TcpListener::bind((host, port)).await,
        None => match TcpListener::bind((host, usual)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => TcpListener::bind((host, 0)).await,
            listener => listener,
        },
    };
    let refused = |error: std::io::Error| {
        let port = port.unwrap_or(usual);
        let (what, remedy) = match error.kind() {
            ErrorKind::AddrInUse => {
                (format!("port {port} is in use"), "give another, or 0 for any that is free")
            }
            ErrorKind::PermissionDenied => {
                (format!("port {port} is not for everybody"), "give one above 1023")
            }
            _ => (format!("cannot listen at {host} port {port} ({error})"), "give another --host or --port"),
        };
        Failure::user(what, "--port", remedy)
    };
    let listener = listener.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Door { listener, address, free: Arc::new(Semaphore::new(CONNECTIONS)) })
}

impl Door {
    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.free).acquire_owned().await else {
                // The semaphore is never closed.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, from)) => return (Connection { stream, _place: place }, from),
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection, which holds its place until it ends.
pub(super) struct Connection {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, to)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
