//! One frame, opened layer by layer down to a segment or to what can be opened no further.

use std::slice::IterMut;

use super::fragments::Fragments;
use super::ip::{self, Datagram, Network};
use super::path::{Opened, Path};
use super::tunnel::{self, Inner, TunnelKind};
use super::{Decoded, Fault, Kind, Segment, link, tcp, udp};
use crate::capture::Frame;
use crate::model::Moment;

/// A frame being opened.
pub(super) struct Opening<'a, 'f> {
    fragments: &'f mut Fragments,
    /// Room for the datagrams that the frame completes: a fragment may be in a tunnel in a fragment.
    wholes: IterMut<'a, Vec<u8>>,
    at: Moment,
    path: Path,
    /// The innermost UDP datagram that was taken for a tunnel's, and the way to it.
    presumed: Option<(Kind, Path)>,
}

/// What is in a datagram that is more than a name.
enum Content<'a> {
    Segment(Segment<'a>),
    Datagram(super::Datagram<'a>),
    Tunnel(Inner<'a>),
}

impl<'a, 'f> Opening<'a, 'f> {
    pub(super) fn new(fragments: &'f mut Fragments, wholes: &'a mut [Vec<u8>], at: Moment) -> Self {
        Self { fragments, wholes: wholes.iter_mut(), at, path: Path::new(), presumed: None }
    }

    /// Opens the frame.
    pub(super) fn frame(&mut self, frame: &Frame<'a>) -> Decoded<'a> {
        let mut network = link::network(frame, &mut self.path);
        loop {
            // What is as plain inside as most frames are outside is read in one piece too, see `Decoder::decode`.
            let plain = network.ok().and_then(|network| ip::plain(&network));
            if let Some(segment) = plain.and_then(|datagram| tcp::plain(self.at, &datagram)) {
                return Decoded::Segment(segment);
            }
            match network.and_then(|network| self.content(&network)) {
                Ok(Content::Segment(segment)) => return Decoded::Segment(segment),
                Ok(Content::Datagram(datagram)) => return Decoded::Datagram(datagram),
                Ok(Content::Tunnel(inner)) => network = link::inner(&inner, &mut self.path),
                Err(kind) => return Decoded::Other(self.otherwise(kind)),
            }
        }
    }

    /// The tunnels that were opened on the way.
    pub(super) fn tunnels(&self) -> Opened {
        self.path.opened()
    }

    /// The number of the virtual network that the innermost packet was in.
    pub(super) fn network(&self) -> Option<u32> {
        let tunnel = self.path.tunnel?;
        let virtual_network =
            matches!(tunnel.kind, TunnelKind::Vxlan | TunnelKind::Geneve | TunnelKind::Gre);
        virtual_network.then_some(tunnel.id)
    }

    fn content(&mut self, network: &Network<'a>) -> Result<Content<'a>, Kind> {
        let datagram = ip::read(network, &mut self.path).map_err(Kind::Malformed)?;
        let datagram = self.whole(datagram)?;
        if datagram.protocol == ip::TCP {
            let segment = tcp::segment(self.at, &datagram).map_err(Kind::Malformed)?;
            return Ok(Content::Segment(segment));
        }
        let before = self.path;
        let closed = closed(&datagram);
        let Some(inner) = tunnel::open(&datagram, &mut self.path) else {
            return udp::datagram(self.at, &datagram).map(Content::Datagram).ok_or(closed);
        };
        if datagram.protocol == ip::UDP {
            self.presumed = Some((closed, before));
        }
        self.path.step().map_err(Kind::Malformed)?;
        Ok(Content::Tunnel(inner))
    }

    /// The datagram that a fragment completes; a datagram that is whole as it is.
    fn whole(&mut self, datagram: Datagram<'a>) -> Result<Datagram<'a>, Kind> {
        let Some(fragment) = datagram.fragment else { return Ok(datagram) };
        let whole = self.wholes.next().ok_or(Kind::Malformed(Fault::Depth))?;
        let protocol = self
            .fragments
            .insert(self.at, &datagram, fragment, whole)
            .map_err(Kind::Malformed)?
            .ok_or(Kind::Fragment)?;
        let whole = Datagram { protocol, payload: whole, missing: 0, fragment: None, ..datagram };
        ip::without_extensions(whole, &mut self.path).map_err(Kind::Malformed)
    }

    /// What the frame is when it could be opened no further. A port is a presumption: when it leads to something
    /// malformed, the datagram was just UDP.
    fn otherwise(&mut self, kind: Kind) -> Kind {
        match (kind, self.presumed) {
            (Kind::Malformed(_), Some((udp, before))) => {
                self.path = before;
                udp
            }
            _ => kind,
        }
    }
}

/// What a datagram is that is no tunnel's.
fn closed(datagram: &Datagram<'_>) -> Kind {
    match datagram.protocol {
        ip::UDP => Kind::Udp { port: tunnel::destination(datagram.payload) },
        ip::ICMP | ip::ICMPV6 => Kind::Icmp,
        other => Kind::OtherIp(other),
    }
}
