//! Syslog in datagrams (RFC 5426): sent once, and whether they come is not known.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};

use super::address::Authority;
use super::receiver::{Failure, Transport};
use super::syslog::Origin;
use crate::model::limits;
use crate::store::Spooled;

/// A receiver of datagrams. Its sockets are made while the process still may.
pub struct SyslogDatagrams {
    authority: Authority,
    known: Vec<SocketAddr>,
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    origin: Origin,
}

impl SyslogDatagrams {
    /// A receiver at a place.
    ///
    /// # Errors
    /// The system gives no socket of either family.
    pub fn new(authority: Authority, origin: Origin) -> io::Result<Self> {
        let (v4, v6) = (UdpSocket::bind("0.0.0.0:0"), UdpSocket::bind("[::]:0"));
        if let (Err(error), Err(_)) = (&v4, &v6) {
            return Err(io::Error::new(error.kind(), error.to_string()));
        }
        let mut new = Self { authority, known: Vec::new(), v4: v4.ok(), v6: v6.ok(), origin };
        let _may_come_later = new.resolve();
        Ok(new)
    }

    fn resolve(&mut self) -> io::Result<()> {
        let Authority { host, port } = &self.authority;
        match (host.as_str(), *port).to_socket_addrs() {
            Ok(found) => self.known = found.collect(),
            Err(error) if self.known.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    fn send(&mut self, batch: &[Spooled]) -> io::Result<()> {
        self.resolve()?;
        let nowhere = || io::Error::new(io::ErrorKind::NotFound, "it has no address to send to");
        let socket_for = |address: &SocketAddr| if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let mut pairs = self.known.iter().filter_map(|to| Some((to, socket_for(to).as_ref()?)));
        let (address, socket) = pairs.next().ok_or_else(nowhere)?;
        // Connected, a socket is told when nobody listens there.
        socket.connect(address)?;
        for event in batch {
            let message = self.origin.message(event, limits::DATAGRAM_MESSAGE_BYTES);
            socket.send(message.as_bytes())?;
        }
        Ok(())
    }
}

impl Transport for SyslogDatagrams {
    fn deliver(&mut self, batch: &[Spooled]) -> Result<(), Failure> {
        self.send(batch).map_err(|error| Failure::of(error.to_string()))
    }

    fn port(&self) -> u16 {
        self.authority.port
    }
}
