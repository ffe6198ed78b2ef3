//! One connection to a receiver, within a time that nothing prolongs: a receiver that sends a byte now and then hangs, too.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::address::Authority;
use super::tls::TlsClient;

/// How long one address may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Milliseconds after which bytes that the other host has not acknowledged end the connection.
const UNACKNOWLEDGED: u32 = 8000;

/// A receiver's place, and how it is spoken to there.
#[derive(Debug)]
pub(super) struct Peer {
    authority: Authority,
    tls: Option<(TlsClient, ServerName<'static>)>,
    /// Where it was when that could be found out last.
    known: Vec<SocketAddr>,
}

/// A connection.
pub(super) enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

/// A socket on which every operation ends at a time.
pub(super) struct Timed {
    socket: TcpStream,
    until: Instant,
}

impl Peer {
    /// A receiver at a place; in TLS, where that is given. Finds out where it is, if that can be found out now.
    pub(super) fn new(authority: Authority, tls: Option<TlsClient>) -> io::Result<Self> {
        let invalid = |_| io::Error::new(io::ErrorKind::InvalidInput, "no name for a certificate");
        let named = |tls| {
            Ok::<_, io::Error>((
                tls,
                ServerName::try_from(authority.host.clone()).map_err(invalid)?,
            ))
        };
        let tls = tls.map(named).transpose()?;
        let mut peer = Self { authority, tls, known: Vec::new() };
        let _may_come_later = peer.resolve();
        Ok(peer)
    }

    /// The port that is connected to.
    pub(super) fn port(&self) -> u16 {
        self.authority.port
    }

    /// Connects, and lets nothing on the connection take longer than until then.
    pub(super) fn connect(&mut self, until: Instant) -> Result<Stream, String> {
        self.resolve()?;
        let mut last = String::new();
        for address in &self.known {
            let left = until.saturating_duration_since(Instant::now()).min(ANSWER);
            if left.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(address, left) {
                Ok(socket) => return self.begin(socket, until).map_err(|error| error.to_string()),
                Err(error) => last = format!("{address}: {error}"),
            }
        }
        Err(if last.is_empty() { "no address answers in time".to_owned() } else { last })
    }

    fn begin(&self, socket: TcpStream, until: Instant) -> io::Result<Stream> {
        socket.set_nodelay(true)?;
        // A host that is gone answers nothing; without this, bytes to it are taken for sent for a quarter of an hour.
        let _as_well_as_can_be = setsockopt(&socket, sockopt::TcpUserTimeout, &UNACKNOWLEDGED);
        let timed = Timed { socket, until };
        let Some((config, name)) = &self.tls else { return Ok(Stream::Plain(timed)) };
        let connection = ClientConnection::new(Arc::clone(config), name.clone());
        let mut stream = StreamOwned::new(connection.map_err(io::Error::other)?, timed);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn resolve(&mut self) -> Result<(), String> {
        let Authority { host, port } = &self.authority;
        match (host.as_str(), *port).to_socket_addrs() {
            Ok(found) => self.known = found.collect(),
            Err(error) if self.known.is_empty() => {
                return Err(format!("where {host} is cannot be found out: {error}"));
            }
            Err(_) => {}
        }
        Ok(())
    }
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(timed) => &timed.socket,
            Self::Tls(stream) => &stream.sock.socket,
        }
    }

    /// Whether the other side has ended already.
    pub(super) fn has_ended(&self) -> bool {
        let socket = self.socket();
        let peeked = socket.set_nonblocking(true).and_then(|()| socket.peek(&mut [0]));
        let _blocks_again = socket.set_nonblocking(false);
        match peeked {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Says that nothing more comes, and goes on listening.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            while stream.conn.wants_write() {
                stream.conn.write_tls(&mut stream.sock)?;
            }
        }
        self.socket().shutdown(Shutdown::Write)
    }
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(too_late()) } else { Ok(left) }
    }
}

fn too_late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time")
}

fn in_time<T>(result: io::Result<T>) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(too_late()),
        other => other,
    }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        in_time(self.socket.read(bytes))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        in_time(self.socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = match self {
            Self::Plain(timed) => timed.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        };
        match read {
            // Many close without saying so within TLS; what they were to take, they have read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
